//! The chunks of a streamed completion. Fields that are unknown are left out.

use super::super::call::{self, Fault, Flow, arguments_text, malformed, read, tool_call};
use super::super::explanation::Explanation;
use openexec_engine::model::{ModelReply, StopReason, Usage};
use serde::Deserialize;
use serde_json::Value;

/// What ends a stream.
const DONE: &str = "[DONE]";

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Tokens>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<CallDelta>>,
}

#[derive(Deserialize)]
struct CallDelta {
    index: Option<u64>,
    id: Option<String>,
    function: Option<FunctionDelta>,
}

#[derive(Deserialize)]
struct FunctionDelta {
    name: Option<String>,
    /// A text; some servers send the object itself.
    arguments: Option<Value>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    prompt_tokens_details: Option<PromptTokens>,
}

#[derive(Deserialize)]
struct PromptTokens {
    cached_tokens: Option<u64>,
}

struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

#[derive(Default)]
pub(in crate::models) struct Decoder {
    text: String,
    calls: Vec<Call>,
    refused: bool,
    content_bytes: usize,
    usage: Usage,
    finish_reason: Option<String>,
}

impl call::Decoder for Decoder {
    fn event(&mut self, data: &str, explanation: &Explanation<'_>) -> Result<Flow, Fault> {
        if data.trim() == DONE {
            return Ok(Flow::Ended);
        }
        let chunk: Chunk = read(data, "a chunk", explanation)?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            let kind = ["code", "type"].iter().find_map(|field| error.get(field).and_then(Value::as_str));
            return Err(Fault::announced(kind.unwrap_or_default(), &error.to_string(), explanation));
        }
        if let Some(tokens) = chunk.usage {
            self.usage = Usage {
                input_tokens: tokens.prompt_tokens,
                output_tokens: tokens.completion_tokens,
                cached_tokens: tokens.prompt_tokens_details.and_then(|it| it.cached_tokens).unwrap_or(0),
                cache_write_tokens: 0,
            };
        }
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            self.take(choice)?;
        }
        Ok(Flow::More)
    }

    fn content_bytes(&self) -> usize {
        self.content_bytes
    }

    fn is_whole(&self) -> bool {
        self.finish_reason.is_some()
    }

    fn reply(self) -> ModelReply {
        let has_calls = !self.calls.is_empty();
        let stop = match self.finish_reason.as_deref() {
            _ if self.refused => StopReason::Refusal,
            Some("content_filter") => StopReason::Refusal,
            Some("length") => StopReason::Length,
            // `stop` is also said after calls that were demanded.
            _ if has_calls => StopReason::ToolUse,
            _ => StopReason::End,
        };
        let call = |(call, number): (Call, usize)| {
            tool_call(call.id, format!("call_{number}"), call.name, call.arguments)
        };
        ModelReply {
            text: self.text,
            tool_calls: self.calls.into_iter().zip(1..).map(call).collect(),
            stop,
            usage: self.usage,
            opaque: Vec::new(),
        }
    }
}

impl Decoder {
    fn take(&mut self, choice: Choice) -> Result<(), Fault> {
        if let Some(delta) = choice.delta {
            if let Some(refusal) = delta.refusal.filter(|refusal| !refusal.is_empty()) {
                self.refused = true;
                self.say(&refusal);
            }
            self.say(&delta.content.unwrap_or_default());
            for call in delta.tool_calls.unwrap_or_default() {
                self.call(call)?;
            }
        }
        self.finish_reason = choice.finish_reason.or(self.finish_reason.take());
        Ok(())
    }

    fn say(&mut self, text: &str) {
        self.text.push_str(text);
        self.content_bytes += text.len();
    }

    fn call(&mut self, delta: CallDelta) -> Result<(), Fault> {
        let id = delta.id.unwrap_or_default();
        let (name, arguments) = match delta.function {
            Some(function) => (function.name.unwrap_or_default(), arguments_text(function.arguments)?),
            None => (String::new(), String::new()),
        };
        self.content_bytes += id.len() + name.len() + arguments.len();
        // Some servers give every call the same index, or none: then a new id is a new call.
        let goes_on = |call: &Call| {
            (id.is_empty() || call.id.is_empty() || call.id == id)
                && (delta.index.is_none() || call.index == delta.index)
        };
        match self.calls.iter_mut().rev().find(|call| goes_on(call)) {
            Some(call) if !(delta.index.is_none() && id.is_empty() && !name.is_empty()) => {
                if call.id.is_empty() {
                    call.id = id;
                }
                if call.name.is_empty() {
                    call.name = name;
                }
                call.arguments.push_str(&arguments);
            }
            _ if id.is_empty() && name.is_empty() => {
                return Err(malformed("arguments of a tool call arrived before its name"));
            }
            _ => self.calls.push(Call { index: delta.index, id, name, arguments }),
        }
        Ok(())
    }
}
