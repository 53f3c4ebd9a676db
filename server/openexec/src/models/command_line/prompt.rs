//! A conversation as one prompt.
//!
//! INVARIANT: nothing in a prompt is a command to a tool, or the mention of a file. Tools take
//! `@path` for a file that they are to attach, wherever it stands, and `/word` or `!word` at the
//! beginning of a line for a command: a file of the repository could make them send any other.
//! So the conversation is one line of JSON in which the sign `@` is escaped.

use openexec_engine::model::{ActionStatus, Message};
use serde_json::{Value, json};

const BEGINNING: &str = "The conversation so far is the JSON list in the next line: `runtime` is whom you \
     work for, `you` are your own earlier answers. Answer its last message.";

pub(super) fn render(messages: &[Message]) -> String {
    let turns: Value = messages.iter().map(turn).collect();
    format!("{BEGINNING}\n{}\n", turns.to_string().replace('@', "\\u0040"))
}

fn turn(message: &Message) -> Value {
    match message {
        Message::User { text } => json!({"from": "runtime", "text": text}),
        Message::Model { reply } if reply.tool_calls.is_empty() => json!({"from": "you", "text": reply.text}),
        Message::Model { reply } => {
            let call = |call: &openexec_engine::model::ToolCall| json!({"id": call.id, "kind": call.name, "arguments": call.arguments});
            let calls: Value = reply.tool_calls.iter().map(call).collect();
            json!({"from": "you", "text": reply.text, "actions": calls})
        }
        Message::Results { results } => {
            let result = |result: &openexec_engine::model::ActionResult| {
                let status = match result.status {
                    ActionStatus::Done => "done",
                    ActionStatus::Refused => "refused",
                };
                json!({"id": result.id, "status": status, "text": result.text})
            };
            let results: Value = results.iter().map(result).collect();
            json!({"from": "runtime", "results": results})
        }
    }
}
