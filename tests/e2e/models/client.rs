//! Our side of the wire: a model as the user's configuration describes it, one request to it,
//! and what the call gave.

use openexec::config::{HttpModelConfig, ModelConfig, NetworkConfig, UserConfig, UserDirs};
use openexec::models::{Model, ModelProgress, Timeouts, connect_with, http_client};
use openexec_engine::action::ActionKind;
use openexec_engine::ids::StepId;
use openexec_engine::model::{Message, ModelError, ModelReply, ModelRequest};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A key that must never be seen outside its header.
pub const KEY: &str = "sk-conformance-5e1f0c9a7b3d-never-seen";
/// The variable that holds it.
pub const KEY_VARIABLE: &str = "OPENEXEC_CONFORMANCE_KEY";

/// Long enough for a noisy machine where nothing should time out; next to no waiting between
/// attempts that nobody asked for.
pub const PATIENT: Timeouts = Timeouts {
    first_byte: Duration::from_secs(30),
    idle: Duration::from_secs(30),
    total: Duration::from_secs(90),
    retry_delay: Duration::from_millis(1),
    retry_delay_max: Duration::from_millis(2),
};

/// The user's configuration of one model, as `config.yaml` has it.
pub fn entry(api: &str, model: &str, base_url: &str) -> Value {
    json!({ "api": api, "model": model, "base_url": base_url, "key_env": KEY_VARIABLE })
}

/// A model as the configuration describes it, read from a file like any user's.
pub fn connect(entry: &Value, timeouts: Timeouts) -> Arc<dyn Model> {
    connect_through(&http_client(&NetworkConfig::default()).unwrap(), entry, timeouts, |_| {})
}

/// The same through another client, and with what no file may say.
pub fn connect_through(
    http: &reqwest::Client,
    entry: &Value,
    timeouts: Timeouts,
    change: impl FnOnce(&mut HttpModelConfig),
) -> Arc<dyn Model> {
    let place = tempfile::tempdir().unwrap();
    let dirs = UserDirs { config: place.path().to_owned(), state: place.path().join("state") };
    let config = json!({ "models": { "peer": entry } });
    std::fs::write(dirs.config_path(), config.to_string()).unwrap();
    let mut config = UserConfig::load(&dirs).unwrap_or_else(|error| panic!("{error:#}\n{config:#}"));
    let name = "peer".into();
    let config = config.models.get_mut(&name).unwrap();
    match config {
        ModelConfig::AnthropicMessages(http)
        | ModelConfig::OpenaiChat(http)
        | ModelConfig::OpenaiResponses(http)
        | ModelConfig::Gemini(http)
        | ModelConfig::Ollama { http, .. } => change(http),
        other => panic!("{other:?} is not behind HTTP"),
    }
    let variable = |name: &str| (name == KEY_VARIABLE).then(|| KEY.to_owned());
    connect_with(&name, config, http, timeouts, &variable).unwrap()
}

/// A request with this toolset.
pub fn request(actions: &[ActionKind]) -> ModelRequest {
    ModelRequest {
        model: "peer".into(),
        stage: "fix".into(),
        step: StepId(4),
        attempt: 1,
        turn: 1,
        system: "You answer with actions.".into(),
        messages: vec![Message::User { text: "What is in the library?".into() }],
        actions: actions.to_vec(),
        output_tokens_max: 1000,
    }
}

/// What a call gave, and what was told on the way.
#[derive(Debug)]
pub struct Called {
    pub outcome: Result<ModelReply, ModelError>,
    pub progress: Vec<ModelProgress>,
}

impl Called {
    /// The reply.
    pub fn reply(&self) -> &ModelReply {
        self.outcome.as_ref().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The error, in whose texts the key never stands.
    pub fn error(&self) -> &ModelError {
        let error = self.outcome.as_ref().unwrap_err();
        for said in [error.to_string(), format!("{error:?}"), format!("{:?}", self.progress)] {
            assert!(!said.contains(KEY), "{said}");
            assert!(!said.contains('\n'), "{said}");
        }
        error
    }

    /// The attempts that followed the first one.
    pub fn retries(&self) -> Vec<usize> {
        let retry = |progress: &ModelProgress| match progress {
            ModelProgress::Retrying { attempt, .. } => Some(*attempt),
            ModelProgress::Received { .. } => None,
        };
        self.progress.iter().filter_map(retry).collect()
    }
}

/// One call. One that takes longer than all its timeouts together hangs.
pub async fn call(model: &dyn Model, request: &ModelRequest) -> Called {
    let progress = Mutex::new(Vec::new());
    let tell = |it| progress.lock().unwrap().push(it);
    let calling = model.complete(request, &tell);
    let outcome = tokio::time::timeout(Duration::from_secs(120), calling).await.expect("the call hangs");
    Called { outcome, progress: progress.into_inner().unwrap() }
}
