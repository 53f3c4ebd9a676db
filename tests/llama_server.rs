//! The adapters against a real inference server: whatever the model in it would rather say, each
//! reply holds actions of the toolset, valid by their schemas.
//!
//! `bash tests/llama-server` builds the server, starts it and runs this.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[allow(dead_code, reason = "the end-to-end tests use all of it")]
#[path = "e2e/models/client.rs"]
mod client;

use client::{PATIENT, call, connect_through, entry, request};
use openexec::config::{NetworkConfig, OutputForm};
use openexec::models::http_client;
use openexec_engine::action::{ActionKind, document_schema, parse_document, parse_tool_calls, schema_of};
use openexec_engine::model::{ModelReply, StopReason};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Replies for each way of asking.
const REPLIES: usize = 50;

/// An agent stage's usual toolset, with every shape of argument: texts, choices, numbers, lists.
const TOOLS: [ActionKind; 7] = [
    ActionKind::ReplaceText,
    ActionKind::InsertAtSymbol,
    ActionKind::CreateFile,
    ActionKind::ReadFile,
    ActionKind::Search,
    ActionKind::RunTask,
    ActionKind::Finish,
];

fn server() -> String {
    std::env::var("OPENEXEC_LLAMA_SERVER")
        .unwrap_or_else(|_| panic!("no server is named; run `bash tests/llama-server`"))
}

fn valid(schema: &Value, value: &Value) -> Result<(), String> {
    jsonschema::draft202012::validate(schema, value).map_err(|fault| fault.to_string())
}

/// The kinds of a reply's actions, each valid by its schema.
fn called(reply: &ModelReply) -> Result<Vec<String>, String> {
    if reply.stop != StopReason::ToolUse || reply.tool_calls.is_empty() {
        return Err("no call".to_owned());
    }
    for call in &reply.tool_calls {
        let kind = TOOLS.into_iter().find(|kind| kind.name() == call.name).ok_or("another tool")?;
        let arguments = serde_json::from_str(&call.arguments).map_err(|error| error.to_string())?;
        valid(&schema_of(kind).arguments, &arguments)?;
    }
    // The same ids could not be told apart.
    let mut ids: Vec<_> = reply.tool_calls.iter().map(|call| call.id.as_str()).collect();
    ids.dedup();
    if ids.len() != reply.tool_calls.len() {
        return Err("two calls with one id".to_owned());
    }
    Ok(reply.tool_calls.iter().map(|call| call.name.clone()).collect())
}

/// The same of a reply that is a document.
fn documented(reply: &ModelReply) -> Result<Vec<String>, String> {
    if reply.stop != StopReason::End || !reply.tool_calls.is_empty() {
        return Err("no document, or not its end".to_owned());
    }
    let document: Value = serde_json::from_str(&reply.text).map_err(|error| error.to_string())?;
    valid(&document_schema(&TOOLS), &document)?;
    let actions = document["actions"].as_array().ok_or("no actions")?;
    Ok(actions.iter().map(|action| action["kind"].as_str().unwrap_or_default().to_owned()).collect())
}

/// Asks as often as is wanted, and counts what comes.
async fn ask(api: &str, output: OutputForm) {
    let entry = entry(api, "tiny", &server());
    let model =
        connect_through(&http_client(&NetworkConfig::default()).unwrap(), &entry, PATIENT, |config| {
            config.output = output
        });
    let mut request = request(&TOOLS);
    request.output_tokens_max = 4000;
    let (mut invalid, mut kinds, mut parsed) = (Vec::new(), BTreeMap::new(), 0);
    for _ in 0..REPLIES {
        let called_model = call(&*model, &request).await;
        let reply = called_model.reply();
        let (found, read) = match output {
            OutputForm::ToolCalls => (called(reply), parse_tool_calls(&reply.tool_calls).is_ok()),
            OutputForm::JsonSchema => (documented(reply), parse_document(&reply.text).is_ok()),
        };
        parsed += usize::from(read);
        match found {
            Ok(found) => found.into_iter().for_each(|kind| *kinds.entry(kind).or_insert(0) += 1),
            Err(fault) => invalid.push(format!("{fault}: {}", json!(reply))),
        }
    }
    let good = REPLIES - invalid.len();
    println!(
        "{api}, {output:?}: {good} of {REPLIES} replies valid, {parsed} carried out as they are: {kinds:?}"
    );
    assert!(invalid.is_empty(), "{api}, {output:?}: {invalid:#?}");
    // A model that says the same each time proves little.
    assert!(kinds.len() > 1, "{kinds:?}");
}

#[tokio::test]
async fn chat_gives_calls_of_the_toolset() {
    ask("openai_chat", OutputForm::ToolCalls).await;
}

#[tokio::test]
async fn chat_gives_documents_of_the_toolset() {
    ask("openai_chat", OutputForm::JsonSchema).await;
}

#[tokio::test]
async fn messages_gives_calls_of_the_toolset() {
    ask("anthropic_messages", OutputForm::ToolCalls).await;
}

#[tokio::test]
async fn responses_gives_calls_of_the_toolset() {
    ask("openai_responses", OutputForm::ToolCalls).await;
}
