//! The events of a streamed message. Events, blocks and deltas that are unknown are left out.

use super::super::call::{self, Fault, Flow, malformed, read};
use super::super::explanation::Explanation;
use openexec_engine::ids::ActionId;
use openexec_engine::model::{ModelReply, StopReason, ToolCall, Usage};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        index: u64,
        content_block: BlockStart,
    },
    ContentBlockDelta {
        index: u64,
        delta: Delta,
    },
    MessageDelta {
        delta: End,
        #[serde(default)]
        usage: Tokens,
    },
    MessageStop,
    Error {
        error: Announced,
    },
    /// `ping`, `content_block_stop`, and what will be invented.
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    usage: Tokens,
}

/// Each number replaces the one before: they are totals.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Tokens {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockStart {
    Text {
        #[serde(default)]
        text: String,
    },
    ToolUse {
        id: String,
        name: String,
        /// Absent in llama.cpp.
        #[serde(default)]
        input: Map<String, Value>,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
        #[serde(default)]
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
#[expect(clippy::enum_variant_names, reason = "the names of the wire format")]
enum Delta {
    #[serde(rename = "text_delta")]
    TextDelta { text: String },
    #[serde(rename = "input_json_delta")]
    InputJsonDelta { partial_json: String },
    #[serde(rename = "thinking_delta")]
    ThinkingDelta { thinking: String },
    #[serde(rename = "signature_delta")]
    SignatureDelta { signature: String },
    #[serde(other)]
    UnknownDelta,
}

#[derive(Deserialize)]
struct End {
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Announced {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    message: String,
}

enum Block {
    Text(String),
    ToolUse { id: String, name: String, input: Map<String, Value>, partial: String },
    Thinking { thinking: String, signature: String },
    RedactedThinking { data: String },
    Unknown,
}

#[derive(Default)]
pub(in crate::models) struct Decoder {
    blocks: BTreeMap<u64, Block>,
    content_bytes: usize,
    tokens: Tokens,
    stop_reason: Option<String>,
    stopped: bool,
}

impl call::Decoder for Decoder {
    fn event(&mut self, data: &str, explanation: &Explanation<'_>) -> Result<Flow, Fault> {
        let event: Event = read(data, "an event", explanation)?;
        match event {
            Event::MessageStart { message } => self.count(message.usage),
            Event::ContentBlockStart { index, content_block } => self.start(index, content_block)?,
            Event::ContentBlockDelta { index, delta } => self.extend(index, delta)?,
            Event::MessageDelta { delta, usage } => {
                self.count(usage);
                self.stop_reason = delta.stop_reason.or(self.stop_reason.take());
            }
            Event::MessageStop => {
                self.stopped = true;
                return Ok(Flow::Ended);
            }
            Event::Error { error } => {
                return Err(Fault::announced(&error.kind, &error.message, explanation));
            }
            Event::Unknown => {}
        }
        Ok(Flow::More)
    }

    fn content_bytes(&self) -> usize {
        self.content_bytes
    }

    fn is_whole(&self) -> bool {
        self.stopped
    }

    fn reply(self) -> ModelReply {
        let mut reply = ModelReply {
            text: String::new(),
            tool_calls: Vec::new(),
            stop: StopReason::End,
            usage: usage(&self.tokens),
            opaque: Vec::new(),
        };
        for block in self.blocks.into_values() {
            match block {
                Block::Text(text) => reply.text.push_str(&text),
                Block::ToolUse { id, name, input, partial } => {
                    // No delta at all means that the start held everything.
                    let arguments =
                        if partial.is_empty() { Value::Object(input).to_string() } else { partial };
                    reply.tool_calls.push(ToolCall { id: ActionId::new(id), name, arguments });
                }
                Block::Thinking { thinking, signature } => reply
                    .opaque
                    .push(json!({"type": "thinking", "thinking": thinking, "signature": signature})),
                Block::RedactedThinking { data } => {
                    reply.opaque.push(json!({"type": "redacted_thinking", "data": data}));
                }
                Block::Unknown => {}
            }
        }
        reply.stop = stop(self.stop_reason.as_deref(), !reply.tool_calls.is_empty());
        reply
    }
}

impl Decoder {
    fn count(&mut self, tokens: Tokens) {
        let newer = |new: Option<u64>, old: Option<u64>| new.or(old);
        self.tokens = Tokens {
            input_tokens: newer(tokens.input_tokens, self.tokens.input_tokens),
            output_tokens: newer(tokens.output_tokens, self.tokens.output_tokens),
            cache_read_input_tokens: newer(
                tokens.cache_read_input_tokens,
                self.tokens.cache_read_input_tokens,
            ),
            cache_creation_input_tokens: newer(
                tokens.cache_creation_input_tokens,
                self.tokens.cache_creation_input_tokens,
            ),
        };
    }

    fn start(&mut self, index: u64, block: BlockStart) -> Result<(), Fault> {
        let block = match block {
            BlockStart::Text { text } => Block::Text(text),
            BlockStart::ToolUse { id, name, input } => {
                Block::ToolUse { id, name, input, partial: String::new() }
            }
            BlockStart::Thinking { thinking, signature } => Block::Thinking { thinking, signature },
            BlockStart::RedactedThinking { data } => Block::RedactedThinking { data },
            BlockStart::Unknown => Block::Unknown,
        };
        self.content_bytes += match &block {
            Block::Text(text) => text.len(),
            // The name is content: from here on the reply is not asked for again.
            Block::ToolUse { id, name, input, .. } => {
                id.len() + name.len() + Value::Object(input.clone()).to_string().len()
            }
            Block::Thinking { thinking, signature } => thinking.len() + signature.len(),
            Block::RedactedThinking { data } => data.len(),
            Block::Unknown => 0,
        };
        match self.blocks.insert(index, block) {
            None => Ok(()),
            Some(_) => Err(malformed(format!("block {index} begins twice"))),
        }
    }

    fn extend(&mut self, index: u64, delta: Delta) -> Result<(), Fault> {
        let Some(block) = self.blocks.get_mut(&index) else {
            return Err(malformed(format!("block {index} goes on without having begun")));
        };
        let (to, more) = match (block, delta) {
            (Block::Text(to), Delta::TextDelta { text }) => (to, text),
            (Block::ToolUse { partial: to, .. }, Delta::InputJsonDelta { partial_json }) => {
                (to, partial_json)
            }
            (Block::Thinking { thinking: to, .. }, Delta::ThinkingDelta { thinking }) => (to, thinking),
            (Block::Thinking { signature: to, .. }, Delta::SignatureDelta { signature }) => (to, signature),
            (Block::Unknown, _) | (_, Delta::UnknownDelta) => return Ok(()),
            _ => return Err(malformed(format!("block {index} goes on as another kind than it began"))),
        };
        to.push_str(&more);
        self.content_bytes += more.len();
        Ok(())
    }
}

/// The API counts cached tokens apart from the others; ours are counted in.
fn usage(tokens: &Tokens) -> Usage {
    let count = |tokens: Option<u64>| tokens.unwrap_or(0);
    let cached = count(tokens.cache_read_input_tokens);
    let written = count(tokens.cache_creation_input_tokens);
    Usage {
        input_tokens: count(tokens.input_tokens).saturating_add(cached).saturating_add(written),
        output_tokens: count(tokens.output_tokens),
        cached_tokens: cached,
        cache_write_tokens: written,
    }
}

fn stop(reason: Option<&str>, has_calls: bool) -> StopReason {
    match reason {
        Some("max_tokens" | "model_context_window_exceeded") => StopReason::Length,
        Some("refusal") => StopReason::Refusal,
        _ if has_calls => StopReason::ToolUse,
        _ => StopReason::End,
    }
}
