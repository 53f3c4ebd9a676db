//! Conversations as they come, and as they should not: any texts, calls of any shape, answers
//! that are missing, out of order or to nothing, and what each provider wants back unread.

use super::client::request;
use crate::wire::Wire;
use openexec_engine::action::ActionKind;
use openexec_engine::model::{
    ActionResult, ActionStatus, Message, ModelReply, ModelRequest, StopReason, ToolCall, Usage,
};
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};

/// Texts on which encoders, parsers and templates have stumbled.
const ODD_TEXTS: [&str; 16] = [
    "",
    " ",
    "\n\r\n\t",
    "\0",
    "\u{1b}[31mred",
    "\u{feff}after a mark",
    "\u{202e}backwards",
    "\u{2028}\u{2029}\u{85}",
    "e\u{301} and \u{e9}",
    "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{fffe}\u{ffff}\u{10ffff}",
    "\\u0000 \\ud800 \\",
    "\"quoted\" {\"actions\": []}",
    "data: [DONE]\n\n",
    "<tool_call>{\"name\": \"finish\"}</tool_call><|im_end|>",
    "{{ template }} ${shell} %s",
];

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(ODD_TEXTS.as_slice()).prop_map(str::to_owned),
        2 => "[ -~\n]{0,40}",
        2 => any::<String>(),
    ]
}

fn any_tools() -> impl Strategy<Value = Vec<ActionKind>> {
    prop_oneof![
        2 => subsequence(ActionKind::ALL.to_vec(), 0..=ActionKind::ALL.len()),
        1 => Just(ActionKind::ALL.to_vec()),
        1 => Just(Vec::new()),
    ]
}

/// What a model may have written as a call, fit for the wire or not.
fn any_call() -> impl Strategy<Value = ToolCall> {
    let id =
        prop_oneof![3 => "[a-d]", 2 => "toolu_[0-9A-Za-z]{24}", 1 => "call_[1-3]_[1-3]", 1 => any_text()];
    let name = prop_oneof![
        3 => prop::sample::select(ActionKind::ALL.as_slice()).prop_map(|kind| kind.name().to_owned()),
        1 => any_text(),
    ];
    let arguments = prop_oneof![
        2 => any_text().prop_map(|text| json!({ "path": "src/lib.rs", "text": text }).to_string()),
        1 => Just("{}".to_owned()),
        1 => Just("{\"path\": \"src/li".to_owned()),
        1 => Just("[1, null, 1e400]".to_owned()),
        1 => Just(r#"{"deep": {"list": [[], {}, 0.1, -0, 18446744073709551615]}}"#.to_owned()),
        1 => any_text(),
    ];
    (id, name, arguments).prop_map(|(id, name, arguments)| ToolCall {
        id: id.as_str().into(),
        name,
        arguments,
    })
}

/// What a provider sent to be returned unread, as its adapter keeps it.
fn any_opaque(wire: Wire) -> BoxedStrategy<Vec<Value>> {
    let signature = || prop_oneof![Just("c2lnbmVk".to_owned()), Just("cw==".to_owned())];
    let block = match wire {
        Wire::OpenaiChat => return Just(Vec::new()).boxed(),
        Wire::AnthropicMessages => prop_oneof![
            (any_text(), signature()).prop_map(
                |(text, signature)| json!({ "type": "thinking", "thinking": text, "signature": signature })
            ),
            signature().prop_map(|data| json!({ "type": "redacted_thinking", "data": data })),
        ]
        .boxed(),
        Wire::OpenaiResponses => (any::<bool>(), 0..4_usize, signature(), any_text())
            .prop_map(|(text_before, calls_before, encrypted, summary)| {
                let summary = json!([{ "type": "summary_text", "text": summary }]);
                let item = json!({
                    "type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": encrypted,
                });
                json!({ "text_before": text_before, "calls_before": calls_before, "item": item })
            })
            .boxed(),
        Wire::Gemini => prop_oneof![
            (0..9_usize, 0..9_usize, signature()).prop_map(|(begin, end, signature)| {
                json!({ "part": "text", "begin": begin, "end": end, "signature": signature })
            }),
            (0..4_usize, signature()).prop_map(
                |(index, signature)| json!({ "part": "call", "index": index, "signature": signature })
            ),
            (any_text(), signature()).prop_map(
                |(text, signature)| json!({ "part": "thought", "text": text, "signature": signature })
            ),
        ]
        .boxed(),
        Wire::Ollama => any_text().prop_map(|text| json!({ "thinking": text })).boxed(),
    };
    prop::collection::vec(block, 0..3).boxed()
}

fn any_reply(wire: Wire) -> impl Strategy<Value = Message> {
    (any_text(), prop::collection::vec(any_call(), 0..4), any_opaque(wire)).prop_map(
        |(text, tool_calls, opaque)| {
            let stop = if tool_calls.is_empty() { StopReason::End } else { StopReason::ToolUse };
            let reply = ModelReply { text, tool_calls, stop, usage: Usage::default(), opaque };
            Message::Model { reply }
        },
    )
}

fn any_results() -> impl Strategy<Value = Message> {
    let status = prop_oneof![Just(ActionStatus::Done), Just(ActionStatus::Refused)];
    let result = ("[a-e]", status, any_text()).prop_map(|(id, status, text)| ActionResult {
        id: id.as_str().into(),
        status,
        text,
    });
    prop::collection::vec(result, 0..4).prop_map(|results| Message::Results { results })
}

/// A reply, and an answer to each of its calls, as the runtime gives them.
fn any_answered_reply(wire: Wire) -> impl Strategy<Value = Vec<Message>> {
    (any_reply(wire), any_text()).prop_map(|(reply, text)| {
        let calls = match &reply {
            Message::Model { reply } => reply.tool_calls.clone(),
            Message::User { .. } | Message::Results { .. } => Vec::new(),
        };
        let answer =
            |call: ToolCall| ActionResult { id: call.id, status: ActionStatus::Done, text: text.clone() };
        vec![reply, Message::Results { results: calls.into_iter().map(answer).collect() }]
    })
}

/// A request with any toolset and any conversation, of which only the beginning is given: a
/// word of the user's.
pub fn any_request(wire: Wire) -> impl Strategy<Value = ModelRequest> {
    let messages = prop_oneof![
        3 => any_answered_reply(wire),
        1 => any_reply(wire).prop_map(|reply| vec![reply]),
        1 => any_results().prop_map(|results| vec![results]),
        1 => any_text().prop_map(|text| vec![Message::User { text }]),
    ];
    let conversation = (any_text(), prop::collection::vec(messages, 0..5));
    (any_tools(), any_text(), conversation, 1..1_000_000_u32).prop_map(
        |(actions, system, (first, messages), output_tokens_max)| {
            let mut request = request(&actions);
            request.system = system;
            request.messages = vec![Message::User { text: first }];
            request.messages.extend(messages.into_iter().flatten());
            request.output_tokens_max = output_tokens_max;
            request
        },
    )
}
