//! What Google's own package sends for the same conversation is what we send.

use super::client::{KEY, PATIENT, call, connect, entry, request};
use super::peer::{sdk_python, told};
use super::recorder::{Received, Recorder};
use super::requests::Way;
use crate::wire::Wire;
use openexec::config::OutputForm;
use openexec_engine::action::{ActionKind, schemas_for};
use openexec_engine::model::{
    ActionResult, ActionStatus, Message, ModelReply, ModelRequest, StopReason, ToolCall, Usage,
};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Stdio;

const TOOLS: [ActionKind; 3] = [ActionKind::ReadFile, ActionKind::Search, ActionKind::Finish];

/// Generated conversations, for each form of output, that the package repeats.
const CASES: usize = 48;

/// What the package sends when it is told this.
async fn said_by_the_package(mut what: Value) -> Vec<Received> {
    let recorder = Recorder::start().await;
    what["base_url"] = json!(recorder.url);
    what["key"] = json!(KEY);
    what["model"] = json!("the-model");
    let mut command = sdk_python();
    command.arg(told("gemini_sdk.py")).env("NO_PROXY", "127.0.0.1");
    let output = tokio::task::spawn_blocking(move || {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(what.to_string().as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    });
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut received = recorder.take();
    received.iter_mut().for_each(|received| rename_schemas(&mut received.body));
    received
}

/// The one field that the package writes with the field's original name. The JSON of protocol
/// buffers knows each field by that name and by the one that our adapter and all other fields use.
fn rename_schemas(body: &mut Value) {
    let functions = body.pointer_mut("/tools/0/functionDeclarations").and_then(Value::as_array_mut);
    for function in functions.into_iter().flatten().filter_map(Value::as_object_mut) {
        let schema = function.shift_remove("parameters_json_schema").expect("as the package writes it");
        function.insert("parametersJsonSchema".into(), schema);
    }
}

/// Where two documents differ, and how.
fn differences(at: &str, ours: &Value, theirs: &Value) -> Vec<String> {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let mut names: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
            names.sort_unstable();
            names.dedup();
            let part =
                |of: &serde_json::Map<String, Value>, name: &str| of.get(name).cloned().unwrap_or_default();
            let differ =
                |name: &String| differences(&format!("{at}/{name}"), &part(ours, name), &part(theirs, name));
            names.into_iter().flat_map(differ).collect()
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            let pairs = ours.iter().zip(theirs).enumerate();
            pairs
                .flat_map(|(index, (ours, theirs))| differences(&format!("{at}/{index}"), ours, theirs))
                .collect()
        }
        _ if ours == theirs => Vec::new(),
        _ => vec![format!("{at}: we say {ours}, they {theirs}")],
    }
}

/// The same conversation in our terms, and in plain words for the script.
fn conversation() -> (ModelRequest, Value) {
    let tool_call = |id: &str, name: &str, arguments: Value| ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.to_string(),
    };
    let reply = |text: &str, tool_calls: Vec<ToolCall>| Message::Model {
        reply: ModelReply {
            text: text.into(),
            tool_calls,
            stop: StopReason::ToolUse,
            usage: Usage::default(),
            opaque: Vec::new(),
        },
    };
    let result = |id: &str, status, text: &str| ActionResult { id: id.into(), status, text: text.into() };
    let (read, search) = (json!({ "path": "src/lib.rs" }), json!({ "text": "na\u{ef}ve \u{1f980}" }));
    let mut request = request(&TOOLS);
    request.messages.extend([
        reply(
            "I look.",
            vec![tool_call("a", "read_file", read.clone()), tool_call("b", "search", search.clone())],
        ),
        Message::Results {
            results: vec![
                result("a", ActionStatus::Done, "pub fn answer()"),
                result("b", ActionStatus::Refused, "nothing is found"),
            ],
        },
        Message::User { text: "Go on.".into() },
        reply("I think about it.", Vec::new()),
        Message::User { text: "Answer with actions.".into() },
        reply("", vec![tool_call("c", "finish", json!({ "summary": "done" }))]),
        Message::Results { results: vec![result("c", ActionStatus::Done, "")] },
    ]);
    let tool = |schema: openexec_engine::action::ActionSchema| json!({ "name": schema.kind.name(), "description": schema.description, "schema": schema.arguments });
    let call = |id: &str, name: &str, args: Value| json!({ "id": id, "name": name, "args": args });
    let told = json!({
        "system": request.system,
        "output_tokens_max": request.output_tokens_max,
        "tools": schemas_for(&TOOLS).into_iter().map(tool).collect::<Vec<_>>(),
        "turns": [
            { "user": "What is in the library?" },
            { "model": "I look.", "calls": [call("a", "read_file", read), call("b", "search", search)] },
            {
                "results": [
                    { "id": "a", "name": "read_file", "as": "output", "text": "pub fn answer()" },
                    { "id": "b", "name": "search", "as": "error", "text": "nothing is found" },
                ],
                "then": "Go on.",
            },
            { "model": "I think about it.", "calls": [] },
            { "user": "Answer with actions." },
            { "model": "", "calls": [call("c", "finish", json!({ "summary": "done" }))] },
            { "results": [{ "id": "c", "name": "finish", "as": "output", "text": "" }] },
        ],
    });
    (request, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_package_says_the_same_in_its_own_words() {
    let (request, conversation) = conversation();
    let recorder = Recorder::start().await;
    call(&*connect(&entry(Wire::Gemini.api(), "the-model", &recorder.url), PATIENT), &request).await.error();
    let ours = recorder.take().remove(0);
    let theirs = said_by_the_package(json!({ "conversation": conversation })).await.remove(0);
    assert_eq!(differences("", &ours.body, &theirs.body), Vec::<String>::new());
    assert_eq!(ours.line, theirs.line);
    for header in ["x-goog-api-key", "content-type"] {
        assert_eq!(ours.headers.get(header), theirs.headers.get(header), "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_package_repeats_what_we_say_and_loses_nothing() {
    let mut bodies = Vec::new();
    for output in [OutputForm::ToolCalls, OutputForm::JsonSchema] {
        let way = Way { output, ..Way::usual(Wire::Gemini) };
        bodies.append(&mut way.generated_bodies(CASES).await);
    }
    let repeated = said_by_the_package(json!({ "bodies": bodies })).await;
    assert_eq!(repeated.len(), bodies.len());
    for (ours, theirs) in bodies.iter().zip(&repeated) {
        assert_eq!(differences("", ours, &theirs.body), Vec::<String>::new());
    }
}
