//! What is sent: checked against closed schemas of the parts of each API that we use.

use super::*;
use crate::config::OutputForm;
use crate::models::anthropic_messages::AnthropicMessages;
use crate::models::gemini::Gemini;
use crate::models::http_model::{Asked, AskedActions};
use crate::models::ollama::Ollama;
use crate::models::openai_chat::OpenaiChat;
use crate::models::openai_responses::OpenaiResponses;
use openexec_engine::action::{ActionKind, ActionSchema};
use openexec_engine::model::{ActionResult, ActionStatus};
use proptest::prelude::*;

fn schemas() -> Vec<ActionSchema> {
    let schema = |kind, arguments| ActionSchema { kind, description: "what it does".into(), arguments };
    let object = json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": false});
    vec![schema(ActionKind::Search, object.clone()), schema(ActionKind::Finish, object)]
}

/// A conversation with every kind of message.
fn conversation(opaque: Vec<Value>) -> ModelRequest {
    let tool_call = |id: &str, arguments: &str| ToolCall {
        id: id.into(),
        name: "search".into(),
        arguments: arguments.into(),
    };
    let reply = |text: &str, tool_calls, opaque| Message::Model {
        reply: ModelReply {
            text: text.into(),
            tool_calls,
            stop: StopReason::ToolUse,
            usage: Usage::default(),
            opaque,
        },
    };
    let result = |id: &str, status, text: &str| ActionResult { id: id.into(), status, text: text.into() };
    let mut request = request();
    request.messages.extend([
        reply("I look", vec![tool_call("a", "{\"text\":\"x\"}"), tool_call("b", "{\"te")], opaque),
        Message::Results {
            results: vec![
                result("a", ActionStatus::Done, "found"),
                result("b", ActionStatus::Refused, "no JSON"),
            ],
        },
        reply("", Vec::new(), Vec::new()),
        Message::User { text: "answer with actions".into() },
        reply("", vec![tool_call("c", "{}")], Vec::new()),
        Message::User { text: "that was no action".into() },
    ]);
    request
}

/// A server of the user's own.
pub(super) const SERVER: &str = "http://localhost:1";

pub(super) fn asked<'a>(
    server: &'a reqwest::Url,
    request: &'a ModelRequest,
    actions: AskedActions,
) -> Asked<'a> {
    Asked { model: "the-model", server, output_tokens_max: 77, num_ctx: Some(9000), request, actions }
}

pub(super) fn body_of(api: Api, asked: &Asked<'_>) -> Value {
    match api {
        Api::Anthropic => AnthropicMessages::body(asked),
        Api::Openai => OpenaiChat::body(asked),
        Api::Responses => OpenaiResponses::body(asked),
        Api::Gemini => Gemini::body(asked),
        Api::Ollama => Ollama::body(asked),
    }
}

/// The body of a request with tools.
fn body(api: Api, request: &ModelRequest) -> Value {
    body_of(api, &asked(&SERVER.parse().unwrap(), request, AskedActions::Tools(schemas())))
}

fn check(schema: &Value, body: &Value) {
    let validator = jsonschema::draft202012::new(schema).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(body).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}\n{body:#}");
}

fn closed(properties: Value, required: Value) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn anthropic_schema() -> Value {
    let text = json!({"type": "string", "minLength": 1});
    let cache = closed(json!({"type": {"const": "ephemeral"}}), json!(["type"]));
    let block = |kind: &str, mut properties: Value, required: Value| {
        properties["type"] = json!({"const": kind});
        closed(properties, required)
    };
    let text_block = block("text", json!({"text": text, "cache_control": cache}), json!(["type", "text"]));
    let id = json!({"type": "string", "pattern": "^[a-zA-Z0-9_-]+$"});
    let user = json!({"anyOf": [
        text_block,
        block("tool_result", json!({"tool_use_id": id, "content": {"type": "string"}, "is_error": {"type": "boolean"}, "cache_control": cache}), json!(["type", "tool_use_id"])),
    ]});
    let assistant = json!({"anyOf": [
        text_block,
        block("tool_use", json!({"id": id, "name": id, "input": {"type": "object"}}), json!(["type", "id", "name", "input"])),
        block("thinking", json!({"thinking": {"type": "string"}, "signature": {"type": "string"}}), json!(["type", "thinking", "signature"])),
        block("redacted_thinking", json!({"data": {"type": "string"}}), json!(["type", "data"])),
    ]});
    let message = |role: &str, block: Value| {
        closed(
            json!({"role": {"const": role}, "content": {"type": "array", "minItems": 1, "items": block}}),
            json!(["role", "content"]),
        )
    };
    closed(
        json!({
            "model": text,
            "max_tokens": {"type": "integer", "minimum": 1},
            "stream": {"const": true},
            "system": {"type": "array", "items": text_block},
            "tools": {"type": "array", "items": closed(json!({"name": id, "description": text, "input_schema": {"type": "object", "required": ["type"]}, "strict": {"const": true}}), json!(["name", "input_schema"]))},
            "tool_choice": closed(json!({"type": {"enum": ["any", "auto"]}}), json!(["type"])),
            "output_config": closed(json!({"format": closed(json!({"type": {"const": "json_schema"}, "schema": {"type": "object"}}), json!(["type", "schema"]))}), json!(["format"])),
            "messages": {"type": "array", "minItems": 1, "items": {"anyOf": [message("user", user), message("assistant", assistant)]}},
        }),
        json!(["model", "max_tokens", "stream", "messages"]),
    )
}

fn openai_schema() -> Value {
    let text = json!({"type": "string"});
    let id = json!({"type": "string", "pattern": "^[a-zA-Z0-9_-]+$"});
    let message = |role: &str, mut properties: Value, required: Value| {
        properties["role"] = json!({"const": role});
        closed(properties, required)
    };
    let call = closed(
        json!({"id": id, "type": {"const": "function"}, "function": closed(json!({"name": id, "arguments": text}), json!(["name", "arguments"]))}),
        json!(["id", "type", "function"]),
    );
    let function = closed(
        json!({"name": id, "description": text, "parameters": {"type": "object"}, "strict": {"const": true}}),
        json!(["name"]),
    );
    let format = closed(
        json!({"type": {"const": "json_schema"}, "json_schema": closed(json!({"name": id, "strict": {"type": "boolean"}, "schema": {"type": "object"}}), json!(["name", "schema"]))}),
        json!(["type", "json_schema"]),
    );
    closed(
        json!({
            "model": text,
            "messages": {"type": "array", "minItems": 1, "items": {"anyOf": [
                message("system", json!({"content": text}), json!(["role", "content"])),
                message("user", json!({"content": text}), json!(["role", "content"])),
                message("tool", json!({"content": text, "tool_call_id": id}), json!(["role", "content", "tool_call_id"])),
                message("assistant", json!({"content": text}), json!(["role", "content"])),
                message("assistant", json!({"content": {"type": ["string", "null"]}, "tool_calls": {"type": "array", "minItems": 1, "items": call}}), json!(["role", "tool_calls"])),
            ]}},
            "max_tokens": {"type": "integer"},
            "max_completion_tokens": {"type": "integer"},
            "stream": {"const": true},
            "stream_options": closed(json!({"include_usage": {"const": true}}), json!(["include_usage"])),
            "tools": {"type": "array", "items": closed(json!({"type": {"const": "function"}, "function": function}), json!(["type", "function"]))},
            "tool_choice": {"const": "required"},
            "response_format": format,
            "prompt_cache_key": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        }),
        json!(["model", "messages", "stream", "stream_options"]),
    )
}

#[test]
fn anthropic_bodies_hold_what_the_api_takes_and_nothing_else() {
    let thinking = vec![
        json!({"type": "thinking", "thinking": "hm", "signature": "s"}),
        json!({"type": "redacted_thinking", "data": "d"}),
    ];
    for opaque in [Vec::new(), thinking] {
        let thinks = !opaque.is_empty();
        let body = body(Api::Anthropic, &conversation(opaque.clone()));
        check(&anthropic_schema(), &body);
        assert_eq!(body["max_tokens"], 77);
        assert_eq!(body["system"][0]["cache_control"]["type"], "ephemeral");
        assert_eq!(body["tools"][0]["name"], "search");
        // A model that thinks rejects being forced.
        assert_eq!(body["tool_choice"]["type"], if thinks { "auto" } else { "any" });
        let first = body["messages"][1]["content"].as_array().unwrap();
        assert_eq!(first[..opaque.len()], opaque, "thinking goes first, unchanged");
    }
    insta::assert_json_snapshot!("anthropic_messages", body(Api::Anthropic, &conversation(Vec::new())));
}

#[test]
fn openai_bodies_hold_what_the_api_takes_and_nothing_else() {
    for (server, limit) in [
        (SERVER, "max_tokens"),
        ("https://api.openai.com", "max_completion_tokens"),
        ("https://r.openai.azure.com", "max_completion_tokens"),
        ("https://openai.com.example.com", "max_tokens"),
    ] {
        let (server, request) = (server.parse().unwrap(), conversation(Vec::new()));
        let body = body_of(Api::Openai, &asked(&server, &request, AskedActions::Tools(schemas())));
        check(&openai_schema(), &body);
        assert_eq!(body[limit], 77);
    }
    insta::assert_json_snapshot!("openai_chat", body(Api::Openai, &conversation(Vec::new())));
}

#[test]
fn without_actions_no_tool_is_demanded() {
    for api in APIS {
        let body = body_of(api, &asked(&SERVER.parse().unwrap(), &request(), AskedActions::None));
        for field in
            ["tools", "tool_choice", "toolConfig", "response_format", "format", "text", "output_config"]
        {
            assert!(body.get(field).is_none(), "{api:?}: {field}");
        }
        assert!(body["generationConfig"].get("responseJsonSchema").is_none());
        match api {
            Api::Anthropic => check(&anthropic_schema(), &body),
            Api::Openai => check(&openai_schema(), &body),
            Api::Responses | Api::Gemini | Api::Ollama => {}
        }
    }
}

#[tokio::test]
async fn headers_and_paths() {
    for api in APIS {
        let version = if api == Api::Ollama { "/api" } else { "/v1" };
        for suffix in ["", "/", version, &format!("{version}/")] {
            let peer = Peer::start([peer::stream(api.hello())]).await;
            let model = api.model(&format!("{}{suffix}", peer.url), PATIENT);
            call(&*model, &request()).await.outcome.unwrap();
            let seen = peer.seen().remove(0);
            let header = |name: &str| seen.headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!(header("content-type"), Some("application/json"));
            match api {
                Api::Anthropic => {
                    assert_eq!(seen.path, "/v1/messages");
                    assert_eq!(header("x-api-key"), Some(KEY));
                    assert_eq!(header("anthropic-version"), Some("2023-06-01"));
                    assert_eq!(header("authorization"), None);
                    check(&anthropic_schema(), &seen.body);
                }
                Api::Openai => {
                    assert_eq!(seen.path, "/v1/chat/completions");
                    assert_eq!(header("authorization"), Some(&*format!("Bearer {KEY}")));
                    assert_eq!(header("x-api-key"), None);
                    assert_eq!(seen.body["max_tokens"], 1000);
                    check(&openai_schema(), &seen.body);
                }
                Api::Responses => {
                    assert_eq!(seen.path, "/v1/responses");
                    assert_eq!(header("authorization"), Some(&*format!("Bearer {KEY}")));
                    assert_eq!(seen.body["store"], false);
                }
                Api::Gemini => {
                    let version = if suffix.starts_with("/v1") { "v1" } else { "v1beta" };
                    assert_eq!(seen.path, format!("/{version}/models/the-model:streamGenerateContent"));
                    assert_eq!(seen.query.as_deref(), Some("alt=sse"));
                    assert_eq!(header("x-goog-api-key"), Some(KEY));
                    assert_eq!(header("authorization"), None);
                }
                Api::Ollama => {
                    assert_eq!(seen.path, "/api/chat");
                    assert_eq!(header("accept"), Some("application/x-ndjson"));
                    assert_eq!(header("authorization"), Some(&*format!("Bearer {KEY}")));
                }
            }
        }
    }
}

/// What a model may have written as a call, fit for the wire or not.
fn any_call() -> impl Strategy<Value = ToolCall> {
    (
        prop_oneof!["[a-c]", "call_1_[1-3]", ".{0,3}"],
        prop_oneof![Just("search".to_owned()), Just("finish".to_owned()), ".{0,4}"],
        prop_oneof![Just("{}".to_owned()), Just("{\"text\":\"x\"}".to_owned()), ".{0,6}"],
    )
        .prop_map(|(id, name, arguments)| ToolCall { id: id.as_str().into(), name, arguments })
}

/// Provider blocks: of the three adapters that keep any, and of none.
fn any_opaque() -> impl Strategy<Value = Vec<Value>> {
    let reasoning = json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e"});
    let block = prop_oneof![
        (any::<bool>(), 0..4_usize).prop_map(move |(text_before, calls_before)| {
            json!({"text_before": text_before, "calls_before": calls_before, "item": reasoning})
        }),
        (0..4_usize, 0..4_usize).prop_map(
            |(begin, end)| json!({"part": "text", "begin": begin, "end": end, "signature": "cw=="})
        ),
        (0..4_usize).prop_map(|index| json!({"part": "call", "index": index, "signature": "cw=="})),
        Just(json!({"part": "thought", "text": "hm", "signature": "cw=="})),
        Just(json!({"thinking": "hm"})),
        Just(json!({"invented": 1})),
    ];
    prop::collection::vec(block, 0..4)
}

fn any_message() -> impl Strategy<Value = Message> {
    let reply = ("[ a\u{f6}]{0,4}", prop::collection::vec(any_call(), 0..4), any_opaque());
    let status = prop_oneof![Just(ActionStatus::Done), Just(ActionStatus::Refused)];
    let result = ("[a-d]", status, ".{0,5}").prop_map(|(id, status, text)| ActionResult {
        id: id.as_str().into(),
        status,
        text,
    });
    prop_oneof![
        "[ a-z]{0,4}".prop_map(|text| Message::User { text }),
        reply.prop_map(|(text, tool_calls, opaque)| Message::Model {
            reply: ModelReply {
                text,
                tool_calls,
                stop: StopReason::ToolUse,
                usage: Usage::default(),
                opaque
            }
        }),
        prop::collection::vec(result, 0..4).prop_map(|results| Message::Results { results }),
    ]
}

/// Conversations as they come, and as they should not.
fn any_conversation() -> impl Strategy<Value = ModelRequest> {
    prop::collection::vec(any_message(), 0..7).prop_map(|messages| {
        let mut request = request();
        request.messages.extend(messages);
        request
    })
}

fn texts<'a>(items: &'a [Value], kind: &str, field: &str) -> Vec<&'a str> {
    let of_kind = items.iter().filter(|item| item["type"] == kind);
    of_kind.map(|item| item[field].as_str().unwrap()).collect()
}

fn check_responses(body: &Value) {
    let items = body["input"].as_array().unwrap();
    let mut at = 0;
    while at < items.len() {
        // Calls and the reasoning between them, then their answers, then anything else.
        let rest = &items[at..];
        let of_reply = |it: &Value| it["type"] == "function_call" || it["type"] == "reasoning";
        let reply = rest.iter().take_while(|it| of_reply(it)).count();
        let answers = rest[reply..].iter().take_while(|it| it["type"] == "function_call_output").count();
        let calls = texts(&rest[..reply], "function_call", "call_id");
        let mut answered = texts(&rest[reply..reply + answers], "function_call_output", "call_id");
        let mut called = calls.clone();
        called.sort_unstable();
        answered.sort_unstable();
        assert_eq!(called, answered, "{body:#}");
        let first = &rest[(reply + answers).min(rest.len() - 1)];
        if reply + answers == 0 {
            assert!(
                first["content"].is_string()
                    && ["user", "assistant"].contains(&first["role"].as_str().unwrap())
            );
        }
        at += (reply + answers).max(1);
    }
    for call in items.iter().filter(|it| it["type"] == "function_call") {
        let arguments: Value = serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap();
        assert!(arguments.is_object());
    }
}

fn check_gemini(body: &Value) {
    let contents = body["contents"].as_array().unwrap();
    let named = |content: &Value, part: &str| {
        let parts = content["parts"].as_array().unwrap().iter().filter_map(|it| it.get(part));
        let mut named: Vec<(String, String)> =
            parts.map(|it| (it["id"].to_string(), it["name"].to_string())).collect();
        named.sort();
        named
    };
    assert_eq!(contents[0]["role"], "user");
    for (content, next) in contents.iter().zip(contents.iter().skip(1).map(Some).chain([None])) {
        let parts = content["parts"].as_array().unwrap();
        assert!(!parts.is_empty());
        let calls = named(content, "functionCall");
        if content["role"] == "model"
            && !calls.is_empty()
            && let Some(next) = next
        {
            assert_eq!(calls, named(next, "functionResponse"), "{body:#}");
        }
        for part in parts.iter().filter(|part| part.get("thoughtSignature").is_none()) {
            assert!(part.get("text").is_none_or(|text| !text.as_str().unwrap().trim().is_empty()));
        }
    }
}

fn check_ollama(body: &Value) {
    let messages = body["messages"].as_array().unwrap();
    for (message, at) in messages.iter().zip(1..) {
        let Some(calls) = message.get("tool_calls") else { continue };
        let mut called: Vec<String> =
            calls.as_array().unwrap().iter().map(|call| call["function"]["name"].to_string()).collect();
        let answers = messages[at..].iter().take_while(|it| it["role"] == "tool");
        let mut answered: Vec<String> = answers.map(|it| it["tool_name"].to_string()).collect();
        called.sort();
        answered.sort();
        if at < messages.len() {
            assert_eq!(called, answered, "{body:#}");
        }
        assert!(calls.as_array().unwrap().iter().all(|call| call["function"]["arguments"].is_object()));
    }
}

/// An answer to the last reply, so that every call has one.
fn answered(mut request: ModelRequest) -> ModelRequest {
    request.messages.push(Message::User { text: "on".into() });
    request
}

proptest! {
    #[test]
    fn whatever_was_said_each_call_is_answered_once_and_at_once(request in any_conversation()) {
        let request = answered(request);
        check(&anthropic_schema(), &body(Api::Anthropic, &without_opaque(&request)));
        check(&openai_schema(), &body(Api::Openai, &request));
        check_responses(&body(Api::Responses, &request));
        check_gemini(&body(Api::Gemini, &request));
        check_ollama(&body(Api::Ollama, &request));
    }
}

/// Anthropic's blocks are returned as they are: those of other providers would not be taken.
fn without_opaque(request: &ModelRequest) -> ModelRequest {
    let mut request = request.clone();
    for message in &mut request.messages {
        if let Message::Model { reply } = message {
            reply.opaque.clear();
        }
    }
    request
}

#[test]
fn reasoning_goes_back_unchanged_to_its_place() {
    let item = |id: &str| json!({"type": "reasoning", "id": id, "summary": [], "encrypted_content": "e"});
    let reasoning = |text_before: bool, calls_before: u32, id: &str| json!({"text_before": text_before, "calls_before": calls_before, "item": item(id)});
    let opaque = vec![
        reasoning(false, 0, "before"),
        reasoning(true, 0, "after the text"),
        reasoning(true, 1, "between"),
        json!({"thinking": "of another provider"}),
    ];
    let body = body(Api::Responses, &conversation(opaque));
    let input = body["input"].as_array().unwrap();
    assert_eq!(
        [&input[1], &input[3], &input[5]],
        [&item("before"), &item("after the text"), &item("between")]
    );
    assert_eq!(input[2], json!({"role": "assistant", "content": "I look"}));
    assert_eq!((&input[4]["call_id"], &input[6]["call_id"]), (&json!("a"), &json!("b")));
    insta::assert_json_snapshot!("openai_responses", body);
}

#[test]
fn signatures_go_back_with_their_parts() {
    let opaque = vec![
        json!({"part": "thought", "text": "hm", "signature": "dA=="}),
        json!({"part": "text", "begin": 2, "end": 6, "signature": "cw=="}),
        json!({"part": "call", "index": 1, "signature": "Yw=="}),
        json!({"thinking": "of another provider"}),
    ];
    let body = body(Api::Gemini, &conversation(opaque));
    let parts = body["contents"][1]["parts"].as_array().unwrap();
    assert_eq!(parts[0], json!({"text": "hm", "thought": true, "thoughtSignature": "dA=="}));
    assert_eq!(parts[1], json!({"text": "I "}));
    assert_eq!(parts[2], json!({"text": "look", "thoughtSignature": "cw=="}));
    assert!(parts[3].get("thoughtSignature").is_none());
    assert_eq!(parts[4]["thoughtSignature"], "Yw==");
    insta::assert_json_snapshot!("gemini", body);
}

#[test]
fn thinking_goes_back_to_ollama() {
    let body = body(Api::Ollama, &conversation(vec![json!({"thinking": "hm"})]));
    assert_eq!(body["messages"][2]["thinking"], "hm");
    assert_eq!(body["options"], json!({"num_predict": 77, "num_ctx": 9000}));
    insta::assert_json_snapshot!("ollama", body);
}

/// A request for documents of two actions, as the engine makes it.
fn for_documents() -> ModelRequest {
    let mut request = request();
    request.actions = vec![ActionKind::ReadFile, ActionKind::Finish];
    let document = json!({"actions": [{"id": "a1", "kind": "read_file", "path": "a.rs"}]}).to_string();
    let reply = ModelReply {
        text: document,
        tool_calls: Vec::new(),
        stop: StopReason::End,
        usage: Usage::default(),
        opaque: Vec::new(),
    };
    request.messages.extend([
        Message::Model { reply },
        Message::User { text: "action `a1` done: the text of the file".into() },
    ]);
    request
}

#[test]
fn a_document_is_asked_for_by_its_schema_and_in_words() {
    let request = for_documents();
    for api in APIS {
        for server in [SERVER, "https://api.openai.com", "https://api.anthropic.com"] {
            let actions = AskedActions::of(&request, OutputForm::JsonSchema);
            let body = body_of(api, &asked(&server.parse().unwrap(), &request, actions));
            for field in ["tools", "tool_choice", "toolConfig"] {
                assert!(body.get(field).is_none(), "{api:?}: {field}");
            }
            let schema = match api {
                Api::Anthropic => &body["output_config"]["format"]["schema"],
                Api::Openai => &body["response_format"]["json_schema"]["schema"],
                Api::Responses => &body["text"]["format"]["schema"],
                Api::Gemini => &body["generationConfig"]["responseJsonSchema"],
                Api::Ollama => &body["format"],
            };
            let validator = jsonschema::draft202012::new(schema).unwrap();
            let document = |kind: &str| json!({"actions": [{"id": "a", "kind": kind, "summary": "s"}]});
            assert!(validator.is_valid(&document("finish")), "{api:?}: {schema:#}");
            assert!(!validator.is_valid(&document("search")), "{api:?}: {schema:#}");
            match api {
                Api::Anthropic => check(&anthropic_schema(), &body),
                Api::Openai => {
                    check(&openai_schema(), &body);
                    assert_eq!(body["response_format"]["json_schema"]["strict"], true);
                }
                Api::Responses => {
                    let format = &body["text"]["format"];
                    assert_eq!(
                        (&format["type"], &format["name"], &format["strict"]),
                        (&json!("json_schema"), &json!("actions"), &json!(true))
                    );
                }
                Api::Gemini => assert_eq!(body["generationConfig"]["responseMimeType"], "application/json"),
                Api::Ollama => {}
            }
            let said = body.to_string();
            assert!(said.contains("exactly one JSON document") && said.contains("- read_file: "), "{api:?}");
            // What was answered so far goes back as text, and so do the results.
            assert!(
                said.contains(r#"\"kind\":\"read_file\""#) && said.contains("done: the text of the file")
            );
        }
    }
}

#[test]
fn only_servers_that_know_it_are_sent_what_is_strict() {
    let mut request = request();
    request.actions = vec![ActionKind::ReadFile, ActionKind::CreateFile];
    let tools = |api: Api, model: &str, server: &str| {
        let actions = AskedActions::of(&request, OutputForm::ToolCalls);
        let server = server.parse().unwrap();
        let body = body_of(api, &Asked { model, ..asked(&server, &request, actions) });
        body["tools"].as_array().unwrap().clone()
    };
    let strict = |tool: &Value| tool.get("strict").or(tool["function"].get("strict")).cloned();
    let yes = Some(json!(true));
    for (api, model, server, wanted) in [
        (Api::Anthropic, "claude-sonnet-4-5", "https://api.anthropic.com", yes.clone()),
        (Api::Anthropic, "claude-3-5-haiku-latest", "https://api.anthropic.com", None),
        (Api::Anthropic, "claude-sonnet-4-20250514", "https://api.anthropic.com", None),
        (Api::Anthropic, "claude-sonnet-4-5", SERVER, None),
        (Api::Openai, "gpt-5", "https://api.openai.com", yes.clone()),
        (Api::Openai, "d", "https://r.openai.azure.com", yes.clone()),
        (Api::Openai, "gpt-5", SERVER, None),
        // Its types demand the field of everybody.
        (Api::Responses, "gpt-5", SERVER, yes),
        (Api::Ollama, "qwen3", SERVER, None),
    ] {
        for tool in tools(api, model, server) {
            assert_eq!(strict(&tool), wanted, "{api:?} {model} {server}");
        }
    }
}

#[test]
fn only_models_that_reason_are_asked_for_it() {
    let (server, request) = (SERVER.parse().unwrap(), request());
    for (model, is_asked) in [
        ("gpt-5", true),
        ("o4-mini", true),
        ("invented-yesterday", true),
        ("gpt-4.1", false),
        ("ft:gpt-4o:me", false),
        ("gpt-5-chat-latest", false),
    ] {
        let asked = Asked { model, ..asked(&server, &request, AskedActions::None) };
        assert_eq!(body_of(Api::Responses, &asked).get("include").is_some(), is_asked, "{model}");
    }
}
