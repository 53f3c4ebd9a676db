//! Model adapters: one per wire API, behind one trait. Switching changes nothing else.
//!
//! An adapter translates; it does not decide, does not log prompts, and keeps no key longer
//! than its configuration lives. Dropping the future of a call closes the socket.

use crate::config::ModelConfig;
use async_trait::async_trait;
use openexec_engine::ids::ModelName;
use openexec_engine::model::{ModelError, ModelReply, ModelRequest};
use std::sync::Arc;

/// What arrives while a reply is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelProgress {
    /// Bytes of reply received so far.
    Received {
        /// In total.
        bytes: usize,
    },
    /// The call is tried again.
    Retrying {
        /// Which attempt comes next, counted from 1.
        attempt: usize,
        /// Why.
        reason: String,
    },
}

/// A model.
#[async_trait]
pub trait Model: Send + Sync {
    /// For people: `claude-… through Anthropic Messages`, `scripted replies from demo.yaml`.
    fn describe(&self) -> String;

    /// One reply. Dropping the future cancels the call at once.
    async fn complete(
        &self,
        request: &ModelRequest,
        progress: &(dyn Fn(ModelProgress) + Send + Sync),
    ) -> Result<ModelReply, ModelError>;
}

/// The one HTTP client that all adapters share.
///
/// # Errors
/// When TLS cannot be set up.
pub fn http_client() -> Result<reqwest::Client, ModelError> {
    todo!()
}

/// Connects a configured model. Reads its key from the environment.
///
/// # Errors
/// When the key's variable is not set, or the script cannot be read.
pub fn connect(
    _name: &ModelName,
    _config: &ModelConfig,
    _http: &reqwest::Client,
) -> Result<Arc<dyn Model>, ModelError> {
    todo!()
}
