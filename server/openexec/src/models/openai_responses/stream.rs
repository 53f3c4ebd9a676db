//! The events of a streamed response. Events, items and parts that are unknown are left out.

use super::super::call::{self, Fault, Flow, malformed, read, tool_call};
use super::super::conversation::made_id;
use super::super::explanation::Explanation;
use super::Reasoning;
use openexec_engine::model::{ModelReply, StopReason, Usage};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What some servers end a stream with.
const DONE: &str = "[DONE]";

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Event {
    #[serde(rename = "response.output_item.added")]
    ItemAdded {
        #[serde(flatten)]
        place: Place,
        item: Value,
    },
    #[serde(rename = "response.output_item.done")]
    ItemDone {
        #[serde(flatten)]
        place: Place,
        item: Value,
    },
    #[serde(rename = "response.output_text.delta")]
    TextDelta {
        #[serde(flatten)]
        place: Place,
        delta: String,
    },
    #[serde(rename = "response.refusal.delta")]
    RefusalDelta {
        #[serde(flatten)]
        place: Place,
        delta: String,
    },
    #[serde(rename = "response.function_call_arguments.delta")]
    ArgumentsDelta {
        #[serde(flatten)]
        place: Place,
        delta: String,
    },
    #[serde(rename = "response.function_call_arguments.done")]
    ArgumentsDone {
        #[serde(flatten)]
        place: Place,
        arguments: String,
    },
    /// What a model thinks is counted, and otherwise none of our business.
    #[serde(rename = "response.reasoning_text.delta", alias = "response.reasoning_summary_text.delta")]
    ThoughtDelta { delta: String },
    #[serde(rename = "response.completed", alias = "response.incomplete", alias = "response.failed")]
    Ended { response: Response },
    #[serde(rename = "error")]
    Error(Announced),
    /// The other ones, and what will be invented.
    #[serde(other)]
    Unknown,
}

/// Which item of the output is meant. Some servers name the items and do not number them.
#[derive(Deserialize)]
struct Place {
    output_index: Option<u64>,
    item_id: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    status: Option<String>,
    error: Option<Announced>,
    incomplete_details: Option<Incomplete>,
    #[serde(default)]
    output: Vec<Value>,
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Incomplete {
    reason: Option<String>,
}

/// Some servers put it one level deeper.
#[derive(Deserialize, Default)]
struct Announced {
    code: Option<String>,
    message: Option<String>,
    error: Option<Box<Announced>>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    output_tokens: u64,
    input_tokens_details: Option<InputTokens>,
}

#[derive(Deserialize)]
struct InputTokens {
    cached_tokens: Option<u64>,
}

/// An item that is whole.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Wire {
    Message {
        #[serde(default)]
        content: Vec<Part>,
    },
    FunctionCall {
        #[serde(default)]
        call_id: String,
        name: String,
        #[serde(default)]
        arguments: String,
    },
    Reasoning {
        encrypted_content: Option<String>,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part {
    OutputText {
        text: String,
    },
    Refusal {
        refusal: String,
    },
    #[serde(other)]
    Unknown,
}

enum Item {
    Message { text: String, refused: bool },
    Call { id: String, name: String, arguments: String },
    Reasoning(Value),
    Unknown,
}

impl Item {
    fn bytes(&self) -> usize {
        match self {
            Self::Message { text, .. } => text.len(),
            // The name is content: from here on the reply is not asked for again.
            Self::Call { id, name, arguments } => id.len() + name.len() + arguments.len(),
            Self::Reasoning(item) => item.to_string().len(),
            Self::Unknown => 0,
        }
    }
}

pub(in crate::models) struct Decoder {
    turn: u32,
    items: BTreeMap<u64, Item>,
    /// Where the items stand that have a name and no number.
    named: BTreeMap<String, u64>,
    content_bytes: usize,
    ended: Option<Response>,
}

impl Decoder {
    pub(super) fn new(turn: u32) -> Self {
        Self { turn, items: BTreeMap::new(), named: BTreeMap::new(), content_bytes: 0, ended: None }
    }
}

impl call::Decoder for Decoder {
    fn event(&mut self, data: &str, explanation: &Explanation<'_>) -> Result<Flow, Fault> {
        if data.trim() == DONE {
            return Ok(Flow::Ended);
        }
        match read(data, "an event", explanation)? {
            Event::ItemAdded { place, item } => {
                let index = self.index(place, Some(&item));
                self.begin(index, item, explanation)?;
            }
            Event::ItemDone { place, item } => {
                let index = self.index(place, Some(&item));
                self.complete(index, item, explanation)?;
            }
            Event::TextDelta { place, delta } => {
                let index = self.index(place, None);
                self.say(index, &delta, false)?;
            }
            Event::RefusalDelta { place, delta } => {
                let index = self.index(place, None);
                self.say(index, &delta, true)?;
            }
            Event::ArgumentsDelta { place, delta } => {
                let index = self.index(place, None);
                self.arguments(index)?.push_str(&delta);
                self.content_bytes += delta.len();
            }
            Event::ArgumentsDone { place, arguments } => {
                let index = self.index(place, None);
                let written = self.arguments(index)?;
                let more = arguments.len().saturating_sub(written.len());
                *written = arguments;
                self.content_bytes += more;
            }
            Event::ThoughtDelta { delta } => self.content_bytes += delta.len(),
            Event::Ended { response } => return self.end(response, explanation),
            Event::Error(error) => return Err(announced(error, explanation)),
            Event::Unknown => {}
        }
        Ok(Flow::More)
    }

    fn content_bytes(&self) -> usize {
        self.content_bytes
    }

    fn is_whole(&self) -> bool {
        self.ended.is_some()
    }

    fn reply(self) -> ModelReply {
        let mut reply = ModelReply {
            text: String::new(),
            tool_calls: Vec::new(),
            stop: StopReason::End,
            usage: usage(self.ended.as_ref()),
            opaque: Vec::new(),
        };
        let mut has_refused = false;
        for item in self.items.into_values() {
            match item {
                Item::Message { text, refused } => {
                    reply.text.push_str(&text);
                    has_refused |= refused;
                }
                Item::Call { id, name, arguments } => {
                    let made_id = made_id(self.turn, reply.tool_calls.len() + 1);
                    reply.tool_calls.push(tool_call(id, made_id, name, arguments));
                }
                Item::Reasoning(item) => {
                    let text_before = !reply.text.is_empty();
                    let reasoning = Reasoning { text_before, calls_before: reply.tool_calls.len(), item };
                    reply.opaque.push(json!(reasoning));
                }
                Item::Unknown => {}
            }
        }
        let stop = stop(self.ended.as_ref(), !reply.tool_calls.is_empty());
        reply.stop = if has_refused { StopReason::Refusal } else { stop };
        reply
    }
}

impl Decoder {
    /// The number of an item; of one that has only a name, the number at which it first came.
    /// What has neither belongs to the item before.
    fn index(&mut self, place: Place, item: Option<&Value>) -> u64 {
        if let Some(index) = place.output_index {
            return index;
        }
        let last = self.items.last_key_value().map(|(last, _)| *last);
        let own_id = item.and_then(|item| item.get("id")?.as_str()).map(str::to_owned);
        match place.item_id.or(own_id) {
            Some(id) => *self.named.entry(id).or_insert(last.map_or(0, |last| last.saturating_add(1))),
            None => last.unwrap_or(0),
        }
    }

    fn begin(&mut self, index: u64, item: Value, explanation: &Explanation<'_>) -> Result<(), Fault> {
        let item = match whole(item, explanation)? {
            // What it holds is not known before it is done.
            Item::Reasoning(_) => Item::Unknown,
            item => item,
        };
        self.content_bytes += item.bytes();
        match self.items.insert(index, item) {
            None => Ok(()),
            Some(_) => Err(malformed(format!("item {index} begins twice"))),
        }
    }

    /// The whole item takes the place of its pieces, unless it says less than they did.
    fn complete(&mut self, index: u64, item: Value, explanation: &Explanation<'_>) -> Result<(), Fault> {
        let item = whole(item, explanation)?;
        let pieces_bytes = self.items.get(&index).map_or(0, Item::bytes);
        if item.bytes() >= pieces_bytes {
            self.content_bytes += item.bytes() - pieces_bytes;
            self.items.insert(index, item);
        }
        Ok(())
    }

    fn say(&mut self, index: u64, delta: &str, refuses: bool) -> Result<(), Fault> {
        let begun = || Item::Message { text: String::new(), refused: false };
        let Item::Message { text, refused } = self.items.entry(index).or_insert_with(begun) else {
            return Err(malformed(format!("item {index} goes on as another kind than it began")));
        };
        text.push_str(delta);
        *refused |= refuses;
        self.content_bytes += delta.len();
        Ok(())
    }

    fn arguments(&mut self, index: u64) -> Result<&mut String, Fault> {
        match self.items.get_mut(&index) {
            Some(Item::Call { arguments, .. }) => Ok(arguments),
            Some(_) => Err(malformed(format!("item {index} goes on as another kind than it began"))),
            None => Err(malformed("arguments of a tool call arrived before its name")),
        }
    }

    fn end(&mut self, mut response: Response, explanation: &Explanation<'_>) -> Result<Flow, Fault> {
        if !matches!(response.status.as_deref(), Some("completed" | "incomplete")) {
            return Err(announced(response.error.take().unwrap_or_default(), explanation));
        }
        // A server that sends no items one by one sends them here.
        if self.items.is_empty() {
            for (item, index) in std::mem::take(&mut response.output).into_iter().zip(0..) {
                self.complete(index, item, explanation)?;
            }
        }
        self.ended = Some(response);
        Ok(Flow::Ended)
    }
}

fn whole(item: Value, explanation: &Explanation<'_>) -> Result<Item, Fault> {
    let wire: Wire = read(&item.to_string(), "an item", explanation)?;
    Ok(match wire {
        Wire::Message { content } => {
            let (mut text, mut refused) = (String::new(), false);
            for part in content {
                match part {
                    Part::OutputText { text: more } => text.push_str(&more),
                    Part::Refusal { refusal } => {
                        refused = true;
                        text.push_str(&refusal);
                    }
                    Part::Unknown => {}
                }
            }
            Item::Message { text, refused }
        }
        Wire::FunctionCall { call_id, name, arguments } => Item::Call { id: call_id, name, arguments },
        // Without its encrypted content a server that stores nothing cannot read it again.
        Wire::Reasoning { encrypted_content } => match encrypted_content {
            Some(encrypted) if !encrypted.is_empty() => Item::Reasoning(item),
            Some(_) | None => Item::Unknown,
        },
        Wire::Unknown => Item::Unknown,
    })
}

fn announced(error: Announced, explanation: &Explanation<'_>) -> Fault {
    let error = error
        .error
        .map_or_else(|| Announced { code: error.code, message: error.message, error: None }, |inner| *inner);
    let said = error.message.unwrap_or_default();
    Fault::announced(&error.code.unwrap_or_default(), &said, explanation)
}

fn usage(ended: Option<&Response>) -> Usage {
    let tokens = ended.and_then(|response| response.usage.as_ref());
    tokens.map_or_else(Usage::default, |tokens| Usage {
        input_tokens: tokens.input_tokens,
        output_tokens: tokens.output_tokens,
        cached_tokens: tokens.input_tokens_details.as_ref().and_then(|it| it.cached_tokens).unwrap_or(0),
        cache_write_tokens: 0,
    })
}

fn stop(ended: Option<&Response>, has_calls: bool) -> StopReason {
    let incomplete = ended.filter(|response| response.status.as_deref() == Some("incomplete"));
    let reason = incomplete.and_then(|it| it.incomplete_details.as_ref()?.reason.as_deref());
    match (incomplete, reason) {
        (Some(_), Some("content_filter")) => StopReason::Refusal,
        // Whatever else made it incomplete, it is cut.
        (Some(_), _) => StopReason::Length,
        (None, _) if has_calls => StopReason::ToolUse,
        (None, _) => StopReason::End,
    }
}
