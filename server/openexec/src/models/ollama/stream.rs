//! The lines of a streamed answer. Fields that are unknown are left out.

use super::super::call::{self, Fault, Flow, arguments_text, read, tool_call};
use super::super::conversation::made_id;
use super::super::explanation::Explanation;
use openexec_engine::model::{ModelReply, StopReason, ToolCall, Usage};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Line {
    message: Option<Said>,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Said {
    content: Option<String>,
    thinking: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    id: Option<String>,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    arguments: Option<Value>,
}

pub(in crate::models) struct Decoder {
    turn: u32,
    text: String,
    thinking: String,
    calls: Vec<ToolCall>,
    content_bytes: usize,
    usage: Usage,
    done: bool,
    done_reason: Option<String>,
}

impl Decoder {
    pub(super) fn new(turn: u32) -> Self {
        Self {
            turn,
            text: String::new(),
            thinking: String::new(),
            calls: Vec::new(),
            content_bytes: 0,
            usage: Usage::default(),
            done: false,
            done_reason: None,
        }
    }

    fn take(&mut self, said: Said) -> Result<(), Fault> {
        let (text, thinking) = (said.content.unwrap_or_default(), said.thinking.unwrap_or_default());
        self.text.push_str(&text);
        self.thinking.push_str(&thinking);
        self.content_bytes += text.len() + thinking.len();
        for Call { id, function } in said.tool_calls.into_iter().flatten() {
            let arguments = arguments_text(function.arguments)?;
            self.content_bytes += function.name.len() + arguments.len();
            let made_id = made_id(self.turn, self.calls.len() + 1);
            self.calls.push(tool_call(id.unwrap_or_default(), made_id, function.name, arguments));
        }
        Ok(())
    }
}

impl call::Decoder for Decoder {
    fn event(&mut self, data: &str, explanation: &Explanation<'_>) -> Result<Flow, Fault> {
        let line: Line = read(data, "a line", explanation)?;
        if line.error.is_some_and(|error| !error.is_null()) {
            return Err(Fault::announced("", data, explanation));
        }
        if let Some(said) = line.message {
            self.take(said)?;
        }
        if !line.done {
            return Ok(Flow::More);
        }
        self.done = true;
        self.done_reason = line.done_reason;
        self.usage = Usage {
            input_tokens: line.prompt_eval_count.unwrap_or(0),
            output_tokens: line.eval_count.unwrap_or(0),
            ..Usage::default()
        };
        Ok(Flow::Ended)
    }

    fn content_bytes(&self) -> usize {
        self.content_bytes
    }

    fn is_whole(&self) -> bool {
        self.done
    }

    fn reply(self) -> ModelReply {
        let stop = match self.done_reason.as_deref() {
            Some("length") => StopReason::Length,
            // `stop` is also said after calls.
            _ if !self.calls.is_empty() => StopReason::ToolUse,
            _ => StopReason::End,
        };
        let thinking = (!self.thinking.is_empty()).then(|| json!({"thinking": self.thinking}));
        ModelReply {
            text: self.text,
            tool_calls: self.calls,
            stop,
            usage: self.usage,
            opaque: thinking.into_iter().collect(),
        }
    }
}
