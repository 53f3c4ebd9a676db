//! What is said to a model and what it answered, in our own terms. Each wire API is
//! translated to and from these at the edge.

use crate::action::{ActionKind, schemas_for};
use crate::budget::{Limit, Price, Scope, Spent, exhausted};
use crate::context::Vocabulary;
use crate::digest::Digest;
use crate::ids::{ActionId, ModelName, StageId, StepId};
use crate::limits::MESSAGE_TOKENS;
use serde::{Deserialize, Serialize};

/// What a model is asked to do. The user's configuration maps roles to models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// To say what a request is about, within what the runtime has found out already.
    Router,
    /// To change code.
    Implement,
    /// To read and judge.
    Review,
}

/// A model as a run has chosen it, with what is known of it. Frozen with the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenModel {
    /// Its name in the user's configuration.
    pub name: ModelName,
    /// True when it runs on this machine, by the user's own configuration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_local: bool,
    /// Tokens that a request and its reply may have together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_tokens: Option<u64>,
    /// The most tokens that it writes in one reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens_max: Option<u32>,
    /// What its tokens cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// What its tokens are counted by.
    #[serde(default, skip_serializing_if = "Vocabulary::is_estimated")]
    pub vocabulary: Vocabulary,
}

/// The models of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Models {
    /// Of stages that may edit.
    pub implement: ChosenModel,
    /// Of stages that may not.
    pub review: ChosenModel,
}

impl ChosenModel {
    /// A model of which nothing but the name is known.
    pub fn named(name: impl Into<ModelName>) -> Self {
        Self {
            name: name.into(),
            is_local: false,
            window_tokens: None,
            output_tokens_max: None,
            price: None,
            vocabulary: Vocabulary::Estimated,
        }
    }
}

impl Models {
    /// One model for everything.
    pub fn only(model: ChosenModel) -> Self {
        Self { review: model.clone(), implement: model }
    }

    /// The model of a stage.
    pub fn of_stage(&self, edits: bool) -> &ChosenModel {
        if edits { &self.implement } else { &self.review }
    }

    /// The model of this name.
    pub fn named(&self, name: &ModelName) -> Option<&ChosenModel> {
        [&self.implement, &self.review].into_iter().find(|model| model.name == *name)
    }

    /// True when nothing that is sent to any of them leaves this machine.
    pub fn are_local(&self) -> bool {
        self.implement.is_local && self.review.is_local
    }

    /// What counts the tokens of a text that any of them may read.
    pub fn vocabulary(&self) -> Vocabulary {
        Vocabulary::shared_by(self.all().map(|model| model.vocabulary))
    }

    /// Each of them once.
    pub fn all(&self) -> impl Iterator<Item = &ChosenModel> {
        let other = (self.review.name != self.implement.name).then_some(&self.review);
        std::iter::once(&self.implement).chain(other)
    }
}

impl std::fmt::Display for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.implement.name == self.review.name {
            true => write!(f, "model {}", self.implement.name),
            false => write!(f, "models {} and {} (review)", self.implement.name, self.review.name),
        }
    }
}

/// One request to a model. It has passed redaction and is exactly what will be sent,
/// but for the wire format and the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRequest {
    /// The model as the user's configuration names it.
    pub model: ModelName,
    /// The stage that asks.
    pub stage: StageId,
    /// The step that asks.
    pub step: StepId,
    /// Which attempt of the stage this is, counted from 1.
    pub attempt: u32,
    /// Which turn of the step this is, counted from 1.
    pub turn: u32,
    /// The rules of the conversation. Stable within a run, so that providers can cache it.
    pub system: String,
    /// The conversation so far. The first message is the user's.
    pub messages: Vec<Message>,
    /// The kinds of action that this stage's toolset holds.
    pub actions: Vec<ActionKind>,
    /// The most tokens that the model may write.
    pub output_tokens_max: u32,
}

impl ModelRequest {
    /// Names the request's bytes.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// An upper estimate of the tokens that are sent: rules, conversation and what is said of
    /// each action that is offered. The texts are counted by this vocabulary, what a provider
    /// puts around them is allowed for.
    pub fn estimated_tokens(&self, vocabulary: Vocabulary) -> u64 {
        let messages = self.messages.iter().map(|message| message.estimated_tokens(vocabulary));
        let fixed = [tokens(vocabulary, &self.system), tokens_of_actions(&self.actions, vocabulary)];
        fixed.into_iter().chain(messages).fold(0, u64::saturating_add)
    }
}

/// An upper estimate of the tokens in which actions are described to a model.
pub fn tokens_of_actions(kinds: &[ActionKind], vocabulary: Vocabulary) -> u64 {
    let described = schemas_for(kinds).into_iter().map(|schema| {
        let arguments = tokens(vocabulary, &schema.arguments.to_string());
        arguments + tokens(vocabulary, &schema.description) + MESSAGE_TOKENS
    });
    described.fold(0, u64::saturating_add)
}

fn tokens(vocabulary: Vocabulary, text: &str) -> u64 {
    vocabulary.count(text) as u64
}

impl Message {
    fn estimated_tokens(&self, vocabulary: Vocabulary) -> u64 {
        match self {
            Self::User { text } => tokens(vocabulary, text) + MESSAGE_TOKENS,
            Self::Model { reply } => reply.estimated_tokens(vocabulary),
            Self::Results { results } => {
                let results = results.iter().map(|result| tokens(vocabulary, &result.text) + MESSAGE_TOKENS);
                results.fold(0, u64::saturating_add)
            }
        }
    }
}

impl ModelReply {
    /// An upper estimate of the tokens that the model wrote, as far as it shows them.
    pub fn estimated_tokens(&self, vocabulary: Vocabulary) -> u64 {
        let count = |text: &str| tokens(vocabulary, text);
        let calls = self.tool_calls.iter();
        let calls = calls.map(|call| count(&call.name) + count(&call.arguments) + MESSAGE_TOKENS);
        let opaque = self.opaque.iter().map(|block| count(&block.to_string()));
        calls.chain(opaque).fold(count(&self.text) + MESSAGE_TOKENS, u64::saturating_add)
    }
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Message {
    /// From the runtime.
    User {
        /// Its text.
        text: String,
    },
    /// From the model, as it was received.
    Model {
        /// The reply.
        reply: ModelReply,
    },
    /// The runtime's answers to the actions of the reply before.
    Results {
        /// One for each tool call, in order.
        results: Vec<ActionResult>,
    },
}

/// The runtime's answer to one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionResult {
    /// The action that is answered.
    pub id: ActionId,
    /// Whether it was carried out.
    pub status: ActionStatus,
    /// The text for the model.
    pub text: String,
}

/// Whether an action was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionStatus {
    /// It was.
    Done,
    /// It was not; the text says why.
    Refused,
}

/// A complete reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelReply {
    /// Text outside tool calls. It has no effect, unless the adapter has no tool calling
    /// and this is the one JSON document of actions.
    pub text: String,
    /// The tool calls, in order. Their arguments are JSON as the model wrote it, unparsed.
    pub tool_calls: Vec<ToolCall>,
    /// Why the model stopped.
    pub stop: StopReason,
    /// What it cost in tokens.
    pub usage: Usage,
    /// Provider blocks that must be returned unchanged in the next turn (signed thinking).
    /// Never read as text or action.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opaque: Vec<serde_json::Value>,
}

/// One tool call as the model wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id of the call.
    pub id: ActionId,
    /// The tool's name: an action kind, if the model keeps to the list.
    pub name: String,
    /// JSON text, unparsed.
    pub arguments: String,
}

/// Why a model stopped writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It had finished.
    End,
    /// It waits for the results of its tool calls.
    ToolUse,
    /// It reached the token limit: the reply may be cut.
    Length,
    /// It, or a filter, refused.
    Refusal,
}

/// Tokens of one call, as the provider counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Tokens read from the provider's cache.
    pub cached_tokens: u64,
    /// Tokens read and put into the provider's cache, where the provider counts that apart.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_tokens: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Why a model gave no reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "why", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ModelError {
    #[error("the model `{model}` is not configured: {remedy}")]
    NotConfigured { model: ModelName, remedy: String },
    #[error("could not reach the model: {reason}")]
    Unreachable { reason: String },
    #[error("the model's server refused the key: {reason}")]
    Unauthorized { reason: String },
    #[error("the model's server asks for patience: {reason}")]
    RateLimited { reason: String },
    #[error("the model's server failed: {reason}")]
    Server { reason: String },
    #[error("the model's server rejected the request: {reason}")]
    Rejected { reason: String },
    #[error("no answer from the model within {limit_ms} ms ({phase})")]
    TimedOut { limit_ms: u64, phase: String },
    #[error("the reply broke off: {reason}")]
    BrokenOff { reason: String },
    #[error("the reply is larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: usize },
    #[error("the reply is not what the wire format promises: {reason}")]
    Malformed { reason: String },
    #[error("the script has no reply left: {reason}")]
    ScriptExhausted { reason: String },
    #[error("{}; `openexec resume` goes on after 00:00 UTC or when you have raised `budget.day` in config.yaml", exhausted(Scope::Day, *spent, *limit, *next, model))]
    BudgetExhausted { model: ModelName, spent: Spent, limit: Limit, next: Spent },
}

impl ModelError {
    /// True when the model may have worked, so that the call must be taken for paid.
    pub const fn may_have_cost(&self) -> bool {
        match self {
            Self::BrokenOff { .. }
            | Self::TooLarge { .. }
            | Self::Malformed { .. }
            | Self::TimedOut { .. } => true,
            Self::NotConfigured { .. }
            | Self::Unreachable { .. }
            | Self::Unauthorized { .. }
            | Self::RateLimited { .. }
            | Self::Server { .. }
            | Self::Rejected { .. }
            | Self::ScriptExhausted { .. }
            | Self::BudgetExhausted { .. } => false,
        }
    }
}
