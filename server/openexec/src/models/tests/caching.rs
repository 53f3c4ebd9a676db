//! What a provider has read once it can read from its cache: each request begins, byte by byte,
//! with the one of the turn before.

use super::bodies::{SERVER, asked, body_of};
use super::*;
use crate::config::OutputForm;
use crate::models::http_model::AskedActions;
use openexec_engine::action::ActionKind;
use openexec_engine::model::{ActionResult, ActionStatus};

const OWN: [&str; 3] = [SERVER, "https://api.openai.com", "https://api.anthropic.com"];

/// The requests of a conversation of several turns.
fn requests(output: OutputForm) -> Vec<ModelRequest> {
    let mut request = request();
    request.actions = vec![ActionKind::ReadFile, ActionKind::Search, ActionKind::Finish];
    let mut requests = vec![request.clone()];
    for turn in 2..6 {
        let calls = (0..30).map(|number| ToolCall {
            id: format!("call_{turn}_{number}").as_str().into(),
            name: "read_file".into(),
            arguments: json!({"path": format!("{number}.rs")}).to_string(),
        });
        let results = (0..30).map(|number| ActionResult {
            id: format!("call_{turn}_{number}").as_str().into(),
            status: ActionStatus::Done,
            text: format!("the text of {number}"),
        });
        let (tool_calls, text, answer) = match output {
            OutputForm::ToolCalls => {
                (calls.collect(), "I look", Message::Results { results: results.collect() })
            }
            OutputForm::JsonSchema => {
                (Vec::new(), "{\"actions\": []}", Message::User { text: format!("nothing in {turn}") })
            }
        };
        let (stop, usage) = (StopReason::ToolUse, Usage::default());
        request.messages.push(Message::Model {
            reply: ModelReply { text: text.into(), tool_calls, stop, usage, opaque: Vec::new() },
        });
        request.messages.push(answer);
        request.turn = turn;
        requests.push(request.clone());
    }
    requests
}

fn bodies(api: Api, server: &str, output: OutputForm) -> Vec<Value> {
    let server = server.parse().unwrap();
    let body =
        |request: &ModelRequest| body_of(api, &asked(&server, request, AskedActions::of(request, output)));
    requests(output).iter().map(body).collect()
}

/// Anthropic's marks say what is cached and are no part of it.
fn without_marks(mut value: Value) -> Value {
    match &mut value {
        Value::Object(object) => {
            object.shift_remove("cache_control");
            object.values_mut().for_each(|inner| *inner = without_marks(inner.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| *inner = without_marks(inner.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    value
}

#[test]
fn each_turn_begins_with_the_bytes_of_the_one_before() {
    for api in APIS {
        for (server, output) in
            OWN.iter().flat_map(|it| [(it, OutputForm::ToolCalls), (it, OutputForm::JsonSchema)])
        {
            let texts: Vec<String> =
                bodies(api, server, output).into_iter().map(|it| without_marks(it).to_string()).collect();
            for (earlier, later) in texts.iter().zip(&texts[1..]) {
                // The end of the list of messages, and of the body.
                let conversation = earlier.strip_suffix("]}").unwrap();
                assert!(later.starts_with(conversation), "{api:?} {server}\n{earlier}\n{later}");
                assert!(later.len() > earlier.len());
            }
        }
    }
}

/// The places of the marks, in the order in which the API reads.
fn marks(body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (field, list) in [("tools", &body["tools"]), ("system", &body["system"])] {
        let marked = list.as_array().into_iter().flatten().filter(|it| it.get("cache_control").is_some());
        found.extend(marked.map(|_| field.to_owned()));
    }
    for (number, message) in body["messages"].as_array().unwrap().iter().enumerate() {
        let content = message["content"].as_array().unwrap();
        for (at, block) in content.iter().enumerate() {
            if block.get("cache_control").is_some() {
                assert_eq!(at + 1, content.len(), "only the end of a turn is marked");
                found.push(number.to_string());
            }
        }
    }
    found
}

#[test]
fn anthropic_finds_its_last_mark_again() {
    for output in [OutputForm::ToolCalls, OutputForm::JsonSchema] {
        let marked: Vec<Vec<String>> = bodies(Api::Anthropic, OWN[2], output).iter().map(marks).collect();
        assert_eq!(marked[0], ["system", "0"]);
        assert_eq!(marked[1], ["system", "0", "2"]);
        assert_eq!(marked[4], ["system", "6", "8"]);
        for (earlier, later) in marked.iter().zip(&marked[1..]) {
            assert!(later.contains(earlier.last().unwrap()), "what was written last is read next");
            assert!(later.len() <= 4, "the API takes no more marks");
        }
    }
}

#[test]
fn openai_is_told_which_requests_belong_together_and_nothing_else_is() {
    for api in [Api::Openai, Api::Responses] {
        let keys: Vec<Value> = bodies(api, OWN[1], OutputForm::ToolCalls)
            .iter()
            .map(|body| body["prompt_cache_key"].clone())
            .collect();
        let key = keys[0].as_str().unwrap();
        assert!(key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
        assert!(keys.iter().all(|it| it == key));
        let mut other = request();
        other.messages = vec![Message::User { text: "another task".into() }];
        let body = body_of(api, &asked(&OWN[1].parse().unwrap(), &other, AskedActions::None));
        assert_ne!(body["prompt_cache_key"], key);
    }
    for (api, server) in APIS.iter().flat_map(|api| [(api, OWN[0]), (api, OWN[2])]) {
        assert!(bodies(*api, server, OutputForm::ToolCalls)[0].get("prompt_cache_key").is_none());
    }
}
