//! Four wires through a translator that others wrote, to a mock that others wrote, over every
//! wire that the translator speaks on its other side. What one of the two got wrong in the same
//! way as we did, the other would not understand.

use super::aimock::calls;
use super::client::{Called, KEY, PATIENT, call, connect, entry, request};
use super::peer::{Peer, tool};
use crate::wire::Wire;
use openexec::models::Model;
use openexec_engine::action::ActionKind;
use openexec_engine::model::{ActionResult, ActionStatus, Message, ModelError, StopReason};
use serde_json::{Value, json};
use std::process::Command;
use std::sync::Arc;

/// The wires that the translator serves; Ollama's it only calls.
const SERVED: [Wire; 4] = [Wire::AnthropicMessages, Wire::OpenaiChat, Wire::OpenaiResponses, Wire::Gemini];

/// What it calls the wires on its other side, and what it wants behind the mock's address.
const CALLED: [(&str, &str); 4] =
    [("anthropic", ""), ("openai", "/v1"), ("gemini", "/v1beta"), ("ollama_chat", "")];

/// Models of `tests/models/peers.json`.
const MODELS: [&str; 4] = ["says", "calls-once", "calls-thrice", "continues"];

const TOOLS: [ActionKind; 3] = [ActionKind::ReadFile, ActionKind::Search, ActionKind::Finish];

/// The translator in front of the mock. It takes the key that our models have, and no other.
struct Translator {
    translator: Peer,
    _mock: Peer,
    _place: tempfile::TempDir,
}

impl Translator {
    fn start() -> Self {
        let mock = Peer::aimock();
        let place = tempfile::tempdir().unwrap();
        let models = CALLED.iter().flat_map(|(wire, path)| {
            let url = format!("{}{path}", mock.url());
            MODELS.map(|model| {
                let to = json!({ "model": format!("{wire}/{model}"), "api_base": url, "api_key": "another" });
                json!({ "model_name": format!("{wire}-{model}"), "litellm_params": to })
            })
        });
        let models: Vec<Value> = models.collect();
        let config = place.path().join("config.yaml");
        std::fs::write(&config, json!({ "model_list": models }).to_string()).unwrap();
        let mut command = Command::new(tool("litellm/bin/litellm"));
        command.args(["--host", "127.0.0.1", "--port", "0", "--telemetry", "False", "--config"]).arg(&config);
        // In a directory of its own, whose settings are these alone.
        command.current_dir(place.path()).env("LITELLM_MASTER_KEY", KEY).env("NO_PROXY", "127.0.0.1");
        command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("HOME", place.path());
        Self { translator: Peer::start(command, "Uvicorn running on "), _mock: mock, _place: place }
    }

    fn model(&self, wire: Wire, model: &str) -> Arc<dyn Model> {
        connect(&entry(wire.api(), model, self.translator.url()), PATIENT)
    }
}

async fn called(translator: &Translator, wire: Wire, model: &str) -> Called {
    call(&*translator.model(wire, model), &request(&TOOLS)).await
}

/// Text and calls over one wire to another.
async fn understood(translator: &Translator, wire: Wire, through: &str) {
    let way = format!("{wire:?} through {through}");
    let said = called(translator, wire, &format!("{through}-says")).await;
    assert_eq!(said.reply().text, "Gr\u{fc}\u{df}e, the caf\u{e9} is open \u{1f980}.", "{way}");
    assert_eq!((said.reply().tool_calls.len(), said.reply().stop), (0, StopReason::End), "{way}");

    let once = called(translator, wire, &format!("{through}-calls-once")).await;
    assert_eq!(calls(once.reply()), [("read_file", json!({ "path": "src/lib.rs" }))], "{way}");
    assert_eq!((&*once.reply().text, once.reply().stop), ("I look first.", StopReason::ToolUse), "{way}");
}

/// Three calls in one reply.
async fn understood_in_parallel(translator: &Translator, wire: Wire, through: &str) {
    let way = format!("{wire:?} through {through}");
    // The translator puts all calls into one block where it has them in one piece.
    if wire == Wire::AnthropicMessages && ["gemini", "ollama_chat"].contains(&through) {
        return;
    }
    let thrice = called(translator, wire, &format!("{through}-calls-thrice")).await;
    let wanted = [
        ("read_file", json!({ "path": "src/lib.rs", "first_line": 1, "last_line": 2 })),
        ("search", json!({ "text": "na\u{ef}ve \"quote\" \\ \u{1f980}" })),
        ("finish", json!({ "summary": "done" })),
    ];
    assert_eq!(calls(thrice.reply()), wanted, "{way}");
}

/// The answer to a call.
async fn understood_when_answered(translator: &Translator, wire: Wire, through: &str) {
    let way = format!("{wire:?} through {through}");
    // The mock does not see that an answer is one as the translator spells it.
    if through == "gemini" {
        return;
    }
    let model = translator.model(wire, &format!("{through}-continues"));
    let mut request = request(&TOOLS);
    let reply = call(&*model, &request).await.reply().clone();
    assert_eq!(calls(&reply), [("read_file", json!({ "path": "src/lib.rs" }))], "{way}");
    let id = reply.tool_calls[0].id.clone();
    let result = ActionResult { id, status: ActionStatus::Done, text: "pub fn answer()".into() };
    request.messages.extend([Message::Model { reply }, Message::Results { results: vec![result] }]);
    request.turn = 2;
    let last = call(&*model, &request).await;
    assert_eq!(last.reply().text, "I have read it.", "{way}");
}

#[tokio::test]
async fn every_wire_is_understood_through_every_other() {
    let translator = Translator::start();
    for wire in SERVED {
        for (through, _) in CALLED {
            understood(&translator, wire, through).await;
            understood_in_parallel(&translator, wire, through).await;
            understood_when_answered(&translator, wire, through).await;
        }
        let unknown = called(&translator, wire, "no-such-model").await;
        let error = unknown.error();
        assert!(matches!(error, ModelError::Rejected { .. }), "{wire:?}: {error}");
    }
}
