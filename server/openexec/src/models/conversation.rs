//! A conversation as the wire APIs demand it: each tool call is answered by exactly one
//! result, directly after the reply that made it, and ids are unique within a reply.
//!
//! It must not leave out anything that was said.

use openexec_engine::model::{ActionResult, ActionStatus, Message, ModelReply};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One side's turn.
#[derive(Debug, PartialEq)]
pub(super) enum Turn<'a> {
    /// From the runtime: results first, then text.
    Runtime { results: Vec<CallResult<'a>>, texts: Vec<String> },
    /// From the model.
    Model { reply: &'a ModelReply, calls: Vec<Call> },
}

/// A tool call as it goes over the wire.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub id: String,
    pub name: String,
    /// Always an object: servers parse the history's arguments and reject everything else.
    pub arguments: Map<String, Value>,
}

/// The result of a tool call.
#[derive(Debug, PartialEq)]
pub(super) struct CallResult<'a> {
    pub id: String,
    /// The call's name; some APIs find the call by it.
    pub name: String,
    pub text: &'a str,
    pub status: ActionStatus,
}

/// What an assistant's turn says where it must hold something and holds nothing.
pub(super) const EMPTY_REPLY: &str = "(no answer)";

/// What the runtime's turn says where it must hold something and holds nothing.
pub(super) const EMPTY_MESSAGE: &str = "(no text)";

/// What a call is told that the runtime has not answered: the text that follows says why.
const UNANSWERED: &str = "this call was not carried out; the message below says why";

/// A call that waits for its result: its id on the wire and as the model wrote it.
struct Pending<'a> {
    wire_id: String,
    name: String,
    id: &'a str,
}

/// Orders the messages into turns.
pub(super) fn turns(messages: &[Message]) -> Vec<Turn<'_>> {
    let mut turns: Vec<Turn<'_>> = Vec::new();
    let mut pending: Vec<Pending<'_>> = Vec::new();
    for message in messages {
        match message {
            Message::Model { reply } => {
                settle(&mut turns, &mut pending);
                let calls = calls(reply, turns.len());
                pending = calls
                    .iter()
                    .zip(&reply.tool_calls)
                    .map(|(call, written)| Pending {
                        wire_id: call.id.clone(),
                        name: call.name.clone(),
                        id: written.id.as_str(),
                    })
                    .collect();
                turns.push(Turn::Model { reply, calls });
            }
            Message::User { text } => {
                settle(&mut turns, &mut pending);
                say(&mut turns, None, Some(text.clone()));
            }
            Message::Results { results } => {
                for result in results {
                    answer(&mut turns, &mut pending, result);
                }
                settle(&mut turns, &mut pending);
            }
        }
    }
    turns
}

/// Adds to the runtime's turn that is open at the end, or begins one.
fn say<'a>(turns: &mut Vec<Turn<'a>>, result: Option<CallResult<'a>>, text: Option<String>) {
    match turns.last_mut() {
        Some(Turn::Runtime { results, texts }) => {
            results.extend(result);
            texts.extend(text);
        }
        Some(Turn::Model { .. }) | None => turns
            .push(Turn::Runtime { results: result.into_iter().collect(), texts: text.into_iter().collect() }),
    }
}

/// Answers what is still unanswered, so that no call is left open.
fn settle<'a>(turns: &mut Vec<Turn<'a>>, pending: &mut Vec<Pending<'a>>) {
    for call in pending.drain(..) {
        let (id, name) = (call.wire_id, call.name);
        let refusal = CallResult { id, name, text: UNANSWERED, status: ActionStatus::Refused };
        say(turns, Some(refusal), None);
    }
}

fn answer<'a>(turns: &mut Vec<Turn<'a>>, pending: &mut Vec<Pending<'a>>, result: &'a ActionResult) {
    match pending.iter().position(|call| call.id == result.id.as_str()) {
        Some(at) => {
            let Pending { wire_id: id, name, .. } = pending.remove(at);
            say(turns, Some(CallResult { id, name, text: &result.text, status: result.status }), None);
        }
        // An answer to nothing would be rejected by the server; as text it is not lost.
        None => say(turns, None, Some(format!("result of `{}`: {}", result.id, result.text))),
    }
}

fn calls(reply: &ModelReply, turn: usize) -> Vec<Call> {
    let mut taken = BTreeSet::new();
    reply
        .tool_calls
        .iter()
        .zip(1..)
        .map(|(call, number)| {
            let id = call.id.as_str();
            let usable = is_wire_name(id, 128) && taken.insert(id);
            let id = if usable { id.to_owned() } else { format!("call_{turn}_{number}") };
            let name =
                if is_wire_name(&call.name, 64) { call.name.clone() } else { "unknown_tool".to_owned() };
            Call { id, name, arguments: arguments(&call.arguments) }
        })
        .collect()
}

/// The id of a call that came without one. It depends on the turn and the call's place in it
/// (from 1) alone, so that a resumed run finds the same.
pub(super) fn made_id(turn: u32, number: usize) -> String {
    format!("call_{turn}_{number}")
}

/// A text with something to see in it: APIs reject others.
pub(super) fn visible(text: &str) -> Option<&str> {
    (!text.trim().is_empty()).then_some(text)
}

/// All APIs take `^[a-zA-Z0-9_-]+$` for ids and names.
fn is_wire_name(text: &str, bytes_max: usize) -> bool {
    !text.is_empty()
        && text.len() <= bytes_max
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn arguments(written: &str) -> Map<String, Value> {
    match serde_json::from_str(written) {
        Ok(Value::Object(arguments)) => arguments,
        _ => Map::from_iter([("unparsed_arguments".to_owned(), json!(written))]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openexec_engine::model::{StopReason, ToolCall, Usage};

    fn reply(calls: &[(&str, &str, &str)]) -> Message {
        let tool_calls = calls
            .iter()
            .map(|(id, name, arguments)| ToolCall {
                id: (*id).into(),
                name: (*name).into(),
                arguments: (*arguments).into(),
            })
            .collect();
        let (stop, usage) = (StopReason::ToolUse, Usage::default());
        Message::Model {
            reply: ModelReply { text: String::new(), tool_calls, stop, usage, opaque: Vec::new() },
        }
    }

    fn results(results: &[(&str, &str)]) -> Message {
        let results = results
            .iter()
            .map(|(id, text)| ActionResult {
                id: (*id).into(),
                status: ActionStatus::Done,
                text: (*text).into(),
            })
            .collect();
        Message::Results { results }
    }

    fn user(text: &str) -> Message {
        Message::User { text: text.into() }
    }

    /// `R(id=text, …|text, …)` for the runtime, `M(id:name, …)` for the model.
    fn shape(messages: &[Message]) -> String {
        let turn = |turn: &Turn<'_>| match turn {
            Turn::Runtime { results, texts } => {
                let results: Vec<_> =
                    results.iter().map(|it| format!("{}:{}={}", it.id, it.name, it.text)).collect();
                format!("R({}|{})", results.join(","), texts.join(","))
            }
            Turn::Model { calls, .. } => {
                let calls: Vec<_> = calls.iter().map(|it| format!("{}:{}", it.id, it.name)).collect();
                format!("M({})", calls.join(","))
            }
        };
        turns(messages).iter().map(turn).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_call_is_answered_once_and_at_once() {
        let call = reply(&[("a", "search", "{}"), ("b", "finish", "{}")]);
        let cases = [
            (
                vec![user("go"), call.clone(), results(&[("a", "1"), ("b", "2")])],
                "R(|go) M(a:search,b:finish) R(a:search=1,b:finish=2|)".to_owned(),
            ),
            (
                vec![user("go"), call.clone(), results(&[("b", "2")]), user("on")],
                format!("R(|go) M(a:search,b:finish) R(b:finish=2,a:search={UNANSWERED}|on)"),
            ),
            (
                vec![user("go"), call.clone(), user("no")],
                format!("R(|go) M(a:search,b:finish) R(a:search={UNANSWERED},b:finish={UNANSWERED}|no)"),
            ),
            (vec![user("go"), reply(&[]), user("no")], "R(|go) M() R(|no)".to_owned()),
            (
                vec![user("go"), call, results(&[("x", "9"), ("a", "1"), ("b", "2")])],
                "R(|go) M(a:search,b:finish) R(a:search=1,b:finish=2|result of `x`: 9)".to_owned(),
            ),
            (vec![user("go"), user("on")], "R(|go,on)".to_owned()),
        ];
        for (messages, wanted) in cases {
            assert_eq!(shape(&messages), wanted);
        }
    }

    #[test]
    fn ids_and_names_that_no_server_takes_are_replaced_consistently() {
        let messages = [
            user("go"),
            reply(&[("", "search", "{}"), ("a", "no such tool!", "{}"), ("a", "", "{}")]),
            results(&[("", "0"), ("a", "1"), ("a", "2")]),
        ];
        assert_eq!(
            shape(&messages),
            "R(|go) M(call_1_1:search,a:unknown_tool,call_1_3:unknown_tool) R(call_1_1:search=0,a:unknown_tool=1,call_1_3:unknown_tool=2|)"
        );
    }

    #[test]
    fn arguments_are_an_object_and_lose_nothing() {
        assert_eq!(arguments(r#"{"b":1,"a":[2]}"#), *json!({"b": 1, "a": [2]}).as_object().unwrap());
        for broken in ["", "[1]", "{\"path\": \"src/li"] {
            assert_eq!(arguments(broken), *json!({"unparsed_arguments": broken}).as_object().unwrap());
        }
    }
}
