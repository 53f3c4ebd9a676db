//! The chunks of a streamed answer: each holds whole parts. Parts that are unknown are left out.

use super::super::call::{self, Fault, Flow, arguments_text, read, tool_call};
use super::super::conversation::made_id;
use super::super::explanation::Explanation;
use super::Signed;
use openexec_engine::model::{ModelReply, StopReason, ToolCall, Usage};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk {
    candidates: Option<Vec<Candidate>>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Tokens>,
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    index: u64,
    content: Option<Content>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    parts: Option<Vec<Part>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    text: Option<String>,
    thought: Option<bool>,
    function_call: Option<FunctionCall>,
    thought_signature: Option<String>,
}

#[derive(Deserialize)]
struct FunctionCall {
    id: Option<String>,
    name: String,
    args: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
}

/// Totals so far. Thoughts are counted apart from what the model says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    prompt_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
}

pub(in crate::models) struct Decoder {
    turn: u32,
    text: String,
    calls: Vec<ToolCall>,
    signed: Vec<Signed>,
    content_bytes: usize,
    usage: Usage,
    blocked: bool,
    finish_reason: Option<String>,
}

impl Decoder {
    pub(super) fn new(turn: u32) -> Self {
        Self {
            turn,
            text: String::new(),
            calls: Vec::new(),
            signed: Vec::new(),
            content_bytes: 0,
            usage: Usage::default(),
            blocked: false,
            finish_reason: None,
        }
    }

    fn take(&mut self, part: Part) -> Result<(), Fault> {
        let signature = part.thought_signature.filter(|signature| !signature.is_empty());
        self.content_bytes += signature.as_ref().map_or(0, String::len);
        let text = part.text.unwrap_or_default();
        self.content_bytes += text.len();
        if let Some(call) = part.function_call {
            return self.call(call, signature);
        }
        if part.thought == Some(true) {
            self.signed.extend(signature.map(|signature| Signed::Thought { text, signature }));
            return Ok(());
        }
        let begin = self.text.len();
        self.text.push_str(&text);
        let end = self.text.len();
        self.signed.extend(signature.map(|signature| Signed::Text { begin, end, signature }));
        Ok(())
    }

    fn call(&mut self, call: FunctionCall, signature: Option<String>) -> Result<(), Fault> {
        let arguments = arguments_text(call.args)?;
        let index = self.calls.len();
        let made_id = made_id(self.turn, index + 1);
        self.content_bytes += call.name.len() + arguments.len();
        self.calls.push(tool_call(call.id.unwrap_or_default(), made_id, call.name, arguments));
        self.signed.extend(signature.map(|signature| Signed::Call { index, signature }));
        Ok(())
    }
}

impl call::Decoder for Decoder {
    fn event(&mut self, data: &str, explanation: &Explanation<'_>) -> Result<Flow, Fault> {
        let chunk: Chunk = read(data, "a chunk", explanation)?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            let kind = error.get("status").and_then(Value::as_str).unwrap_or_default();
            return Err(Fault::announced(kind, &error.to_string(), explanation));
        }
        if let Some(tokens) = chunk.usage_metadata {
            self.usage = usage(&tokens);
        }
        self.blocked |= chunk.prompt_feedback.is_some_and(|feedback| feedback.block_reason.is_some());
        for candidate in chunk.candidates.into_iter().flatten().filter(|candidate| candidate.index == 0) {
            for part in candidate.content.and_then(|content| content.parts).into_iter().flatten() {
                self.take(part)?;
            }
            // Older models name a reason in every chunk: it ends nothing, the stream does.
            self.finish_reason = candidate.finish_reason.or(self.finish_reason.take());
        }
        Ok(Flow::More)
    }

    fn content_bytes(&self) -> usize {
        self.content_bytes
    }

    fn is_whole(&self) -> bool {
        self.blocked || self.finish_reason.is_some()
    }

    fn reply(self) -> ModelReply {
        let stop = match self.finish_reason.as_deref() {
            _ if self.blocked => StopReason::Refusal,
            Some("MAX_TOKENS") => StopReason::Length,
            Some(
                "SAFETY"
                | "RECITATION"
                | "LANGUAGE"
                | "BLOCKLIST"
                | "PROHIBITED_CONTENT"
                | "SPII"
                | "IMAGE_SAFETY"
                | "IMAGE_PROHIBITED_CONTENT"
                | "IMAGE_RECITATION",
            ) => StopReason::Refusal,
            // `STOP` is also said after calls, and other servers have names of their own for it.
            _ if !self.calls.is_empty() => StopReason::ToolUse,
            _ => StopReason::End,
        };
        ModelReply {
            text: self.text,
            tool_calls: self.calls,
            stop,
            usage: self.usage,
            opaque: self.signed.iter().map(|signed| json!(signed)).collect(),
        }
    }
}

fn usage(tokens: &Tokens) -> Usage {
    let sum = |one: Option<u64>, other: Option<u64>| one.unwrap_or(0).saturating_add(other.unwrap_or(0));
    Usage {
        input_tokens: sum(tokens.prompt_token_count, tokens.tool_use_prompt_token_count),
        output_tokens: sum(tokens.candidates_token_count, tokens.thoughts_token_count),
        cached_tokens: tokens.cached_content_token_count.unwrap_or(0),
        cache_write_tokens: 0,
    }
}
