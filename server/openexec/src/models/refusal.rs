//! What it means when a model's server refuses, and what the user can do about it.
//!
//! It must not repeat what the server said: an [`Explanation`](super::explanation::Explanation)
//! does. The server's own words are only looked at for what they mean, because providers and
//! their imitations do not agree on statuses.

use openexec_engine::model::ModelError;

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The key is wrong, or may not do this.
    BadKey,
    /// The account has no credit.
    NoCredit,
    /// The server is busy, or was asked too often.
    Busy,
    /// The server failed.
    Failed,
    /// It does not know the model.
    NoSuchModel,
    /// The model takes no tools.
    NoTools,
    /// The request is longer than the model reads.
    TooLong,
    /// It takes no schema for a whole reply.
    NoSchema,
    /// The network wants a login first (RFC 6585, section 6).
    NoNetwork,
    /// Something else that asking again does not change.
    Other,
}

/// Words by which servers say that there is no credit, whatever the status.
const NO_CREDIT: [&str; 8] = [
    "insufficient_quota",
    "billing_error",
    "billing_hard_limit",
    "billing_not_active",
    "credit balance is too low",
    "insufficient balance",
    "insufficient credits",
    "payment required",
];

/// Words by which servers say that a request is too long: OpenAI, Anthropic, Gemini, llama.cpp,
/// vLLM and Ollama, in this order.
const TOO_LONG: [&str; 9] = [
    "context_length_exceeded",
    "maximum context length",
    "prompt is too long",
    "input token count",
    "exceeds the available context size",
    "exceed_context_size",
    "longer than the maximum model length",
    "exceeds the context window",
    "context length exceeded",
];

/// Words by which servers say that a model takes no tools: Ollama, vLLM, llama.cpp, OpenRouter,
/// Gemini and others.
const NO_TOOLS: [&str; 9] = [
    "does not support tool",
    "doesn't support tool",
    "does not support function calling",
    "tool choice requires",
    "tools param requires",
    "support tool use",
    "tools are not supported",
    "tool use is not supported",
    "function calling is not enabled",
];

/// Words by which servers say that they keep no reply to a schema.
const NO_SCHEMA: [&str; 5] = [
    "output_config",
    "'response_format' of type 'json_schema' is not supported",
    "response_format type is unavailable",
    "structured outputs are not supported",
    "does not support output format",
];

/// Words by which servers say that they do not know a model.
const NO_SUCH_MODEL: [&str; 4] =
    ["model_not_found", "try pulling it first", "model does not exist", "no such model"];

fn says(said: &str, words: &[&str]) -> bool {
    words.iter().any(|word| said.contains(word))
}

impl Meaning {
    /// Of an answer with this status and body.
    pub(super) fn of(status: u16, body: &str) -> Self {
        let said = body.to_lowercase();
        match status {
            402 => Self::NoCredit,
            // Nothing that a server says of itself is believed where it fails, but what never
            // passes: llama.cpp says with 500 that it was started without templates for tools.
            400.. if says(&said, &NO_TOOLS) => Self::NoTools,
            400..=499 if says(&said, &NO_CREDIT) => Self::NoCredit,
            400 | 413 | 422 if says(&said, &TOO_LONG) => Self::TooLong,
            400 | 422 if says(&said, &NO_SCHEMA) => Self::NoSchema,
            401 | 403 => Self::BadKey,
            404 => Self::NoSuchModel,
            400..=499 if says(&said, &NO_SUCH_MODEL) => Self::NoSuchModel,
            // 529 is how Anthropic says that it is overloaded.
            429 | 529 => Self::Busy,
            511 => Self::NoNetwork,
            408 | 409 | 500.. => Self::Failed,
            _ => Self::Other,
        }
    }

    /// Of an error in the midst of a stream, by the name that the server gives it.
    pub(super) fn announced(kind: &str, said: &str) -> Self {
        let said = format!("{kind} {said}").to_lowercase();
        match kind {
            _ if says(&said, &NO_CREDIT) => Self::NoCredit,
            _ if says(&said, &TOO_LONG) => Self::TooLong,
            _ if says(&said, &NO_TOOLS) => Self::NoTools,
            "overloaded_error" | "rate_limit_error" | "rate_limit_exceeded" | "RESOURCE_EXHAUSTED" => {
                Self::Busy
            }
            "authentication_error"
            | "permission_error"
            | "invalid_api_key"
            | "UNAUTHENTICATED"
            | "PERMISSION_DENIED" => Self::BadKey,
            "NOT_FOUND" | "not_found_error" | "model_not_found" => Self::NoSuchModel,
            "invalid_request_error"
            | "invalid_prompt"
            | "INVALID_ARGUMENT"
            | "FAILED_PRECONDITION"
            | "request_too_large" => Self::Other,
            _ => Self::Failed,
        }
    }

    /// True when asking again may help.
    pub(super) fn may_pass(self) -> bool {
        matches!(self, Self::Busy | Self::Failed)
    }

    /// What the user can do. `key` says where the key is that was used.
    fn remedy(self, key: &str) -> Option<String> {
        let remedy = match self {
            Self::BadKey => return Some(format!("check {key}")),
            Self::NoCredit => {
                "the account has no credit left: add some with the provider, or choose another model"
            }
            Self::NoSuchModel => "check `model` and `base_url`",
            Self::NoTools => {
                "this model takes no tools: write `output: json_schema` for it in config.yaml, or choose another model"
            }
            Self::TooLong => {
                "the request is longer than the model reads: write what it reads as its `window_tokens` in config.yaml, or lower `context_tokens`"
            }
            Self::NoSchema => {
                "this model takes no schema for its reply: remove `output: json_schema` in config.yaml, or choose another model"
            }
            Self::NoNetwork => "log in to this network first: open any web page in a browser",
            Self::Busy | Self::Failed | Self::Other => return None,
        };
        Some(remedy.to_owned())
    }

    /// The error that says it.
    pub(super) fn error(self, said: &str, key: &str) -> ModelError {
        let reason = match self.remedy(key) {
            Some(remedy) => format!("{said}; {remedy}"),
            None => said.to_owned(),
        };
        match self {
            Self::BadKey => ModelError::Unauthorized { reason },
            Self::Busy => ModelError::RateLimited { reason },
            Self::Failed => ModelError::Server { reason },
            Self::NoNetwork => ModelError::Unreachable { reason },
            Self::NoCredit
            | Self::NoSuchModel
            | Self::NoTools
            | Self::TooLong
            | Self::NoSchema
            | Self::Other => ModelError::Rejected { reason },
        }
    }
}
