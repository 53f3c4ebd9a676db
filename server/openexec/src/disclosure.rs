//! What a run sends to its models, for people: each request with why every part is in it, what
//! was kept out of it, what it was estimated to take and what it took.
//!
//! It reads a journal and asks nobody. Values of secrets are in no request, so they are not here.

use openexec_engine::budget::{MicroUsd, grouped, usd};
use openexec_engine::context::{PackPart, Shown};
use openexec_engine::digest::Digest;
use openexec_engine::ids::CommandId;
use openexec_engine::model::{ChosenModel, Message, ModelRequest, Usage};
use openexec_engine::redact::placeholders;
use openexec_engine::run::{Command, Event, RunState};
use std::fmt::Write as _;

/// One request of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Disclosed {
    /// Which of the run, counted from 1.
    pub number: usize,
    /// All of it.
    pub request: ModelRequest,
    /// What an approval of it binds.
    pub digest: Digest,
    /// What is known of its model.
    pub model: ChosenModel,
    /// What the pack in it is made of, and what was left out.
    pub parts: Vec<PackPart>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It waits for the user. Nothing of it has left.
    Waits,
    /// The user refused it, or the run ended before a yes. Nothing of it has left.
    NotSent,
    /// It was sent, and no answer is recorded.
    Sent,
    /// It was answered.
    Answered {
        /// Tokens as the server counted them.
        usage: Usage,
        /// Estimated tokens of the reply.
        written: u64,
        /// Wall time in milliseconds.
        duration_ms: u64,
    },
    /// There was no answer.
    Failed {
        /// Why.
        reason: String,
    },
}

/// All requests of a run, in their order.
///
/// # Errors
/// When journal and engine disagree: says at which event.
pub fn requests<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<Vec<Disclosed>, String> {
    let mut state = RunState::new();
    let mut found: Vec<(Option<CommandId>, Disclosed)> = Vec::new();
    for (number, event) in (1..).zip(events) {
        let number: u64 = number;
        let commands = state.apply(event);
        settle(&mut found, event);
        for command in commands {
            match command {
                Command::CallModel { id, request } => {
                    if let Some((waiting, last)) = found.last_mut()
                        && waiting.is_none()
                        && last.fate == Fate::Waits
                        && last.request == *request
                    {
                        *waiting = Some(id);
                        last.fate = Fate::Sent;
                    } else {
                        found.push((Some(id), disclosed(&state, found.len() + 1, *request, Fate::Sent)));
                    }
                }
                Command::Halt { reason } => return Err(format!("event {number}: {reason}")),
                Command::Record { .. }
                | Command::GatherContext { .. }
                | Command::GatherFacts { .. }
                | Command::Hydrate { .. }
                | Command::RunTask { .. }
                | Command::Keep { .. }
                | Command::CheckBases { .. }
                | Command::Apply { .. }
                | Command::Remember { .. }
                | Command::Abandon { .. } => {}
            }
        }
        if let Some(request) = state.waiting_request()
            && found.last().is_none_or(|(id, last)| id.is_some() || last.request != *request)
        {
            found.push((None, disclosed(&state, found.len() + 1, request.clone(), Fate::Waits)));
        } else if state.waiting_request().is_none() {
            let given_up = found.iter_mut().filter(|(_, it)| it.fate == Fate::Waits);
            given_up.for_each(|(_, it)| it.fate = Fate::NotSent);
        }
    }
    Ok(found.into_iter().map(|(_, disclosed)| disclosed).collect())
}

fn settle(found: &mut [(Option<CommandId>, Disclosed)], event: &Event) {
    let Some(id) = event.answers() else { return };
    let Some((_, asked)) = found.iter_mut().find(|(asked, _)| *asked == Some(id)) else { return };
    if let Event::ModelReplied { reply, duration_ms, .. } = event {
        let (usage, written) = (reply.usage, reply.estimated_tokens(asked.model.vocabulary));
        asked.fate = Fate::Answered { usage, written, duration_ms: *duration_ms };
    } else if let Event::ModelFailed { error, .. } = event {
        asked.fate = Fate::Failed { reason: error.to_string() };
    } else if let Event::CommandFailed { reason, .. } = event {
        asked.fate = Fate::Failed { reason: reason.clone() };
    }
}

fn disclosed(state: &RunState, number: usize, request: ModelRequest, fate: Fate) -> Disclosed {
    let models = state.start().map(|start| &start.models);
    let model = models.and_then(|models| models.named(&request.model)).cloned();
    Disclosed {
        number,
        digest: request.digest(),
        model: model.unwrap_or_else(|| ChosenModel::named(request.model.clone())),
        parts: state.pack().map(|pack| pack.parts.clone()).unwrap_or_default(),
        request,
        fate,
    }
}

impl Disclosed {
    /// What there is to know besides its text, a name and a sentence each.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let request = &self.request;
        let place = if self.model.is_local { ", on this machine" } else { "" };
        let actions: Vec<&str> = request.actions.iter().map(|kind| kind.name()).collect();
        vec![
            ("model", format!("{}{place}", request.model)),
            ("stage", format!("{}, attempt {}, turn {}", request.stage, request.attempt, request.turn)),
            ("digest", self.digest.to_string()),
            ("state", self.told_fate()),
            ("estimate", self.estimate()),
            ("redactions", self.redactions()),
            ("actions", actions.join(", ")),
        ]
    }

    fn told_fate(&self) -> String {
        match &self.fate {
            Fate::Waits => "waits for your yes; nothing of it has left".to_owned(),
            Fate::NotSent => "was never sent".to_owned(),
            Fate::Sent => "sent; no answer is recorded".to_owned(),
            Fate::Failed { reason } => format!("no answer: {reason}"),
            Fate::Answered { usage, duration_ms, .. } => {
                let mut text =
                    format!("answered in {duration_ms} ms: {} tokens read", grouped(usage.input_tokens));
                if usage.cached_tokens > 0 {
                    let _ = write!(text, " ({} from the cache)", grouped(usage.cached_tokens));
                }
                let _ = write!(text, ", {} written", grouped(usage.output_tokens));
                if usage.input_tokens == 0 || usage.output_tokens == 0 {
                    text.push_str(" (what the server did not count is taken as estimated)");
                }
                match self.cost() {
                    Some(amount) => format!("{text}, {}", usd(amount)),
                    None => format!("{text}, price unknown"),
                }
            }
        }
    }

    /// What the call has cost, in millionths of a US dollar, where it was answered and the
    /// model's price is known.
    pub fn cost(&self) -> Option<MicroUsd> {
        let Fate::Answered { usage, written, .. } = &self.fate else { return None };
        self.model.known_price()?;
        Some(
            self.model.spent(usage, self.request.estimated_tokens(self.model.vocabulary), *written).micro_usd,
        )
    }

    fn estimate(&self) -> String {
        let (input, output) =
            (self.request.estimated_tokens(self.model.vocabulary), self.request.output_tokens_max);
        let text =
            format!("about {} tokens, a reply of {} at most", grouped(input), grouped(u64::from(output)));
        match self.model.known_price() {
            Some(price) => format!("{text}, up to {}", usd(price.at_most(input, u64::from(output)))),
            None => format!("{text}, price unknown"),
        }
    }

    fn redactions(&self) -> String {
        let texts: Vec<&str> = self.request.messages.iter().flat_map(texts_of).collect();
        let counts = placeholders(&texts.join("\n"));
        if counts.is_empty() {
            return "nothing in it looked like a secret".to_owned();
        }
        let kinds = counts.iter().map(|(kind, count)| format!("{count} {kind}"));
        format!("placeholders stand for {}", kinds.collect::<Vec<_>>().join(", "))
    }

    /// The parts of the pack in it, each with the reason why it is there or why it is not.
    pub fn parts(&self) -> Vec<String> {
        self.parts.iter().map(told_part).collect()
    }

    /// The text of it, in order: who speaks, and what is said.
    pub fn spoken(&self) -> Vec<(String, String)> {
        let mut spoken = vec![("system".to_owned(), self.request.system.clone())];
        for message in &self.request.messages {
            match message {
                Message::User { text } => spoken.push(("runtime".to_owned(), text.clone())),
                Message::Model { reply } => {
                    let calls =
                        reply.tool_calls.iter().map(|call| format!("\n{} {}", call.name, call.arguments));
                    spoken.push(("model".to_owned(), format!("{}{}", reply.text, calls.collect::<String>())));
                }
                Message::Results { results } => {
                    spoken.extend(results.iter().map(|it| (format!("result of {}", it.id), it.text.clone())));
                }
            }
        }
        spoken
    }
}

fn texts_of(message: &Message) -> Vec<&str> {
    match message {
        Message::User { text } => vec![text],
        Message::Model { reply } => {
            let calls = reply.tool_calls.iter().map(|call| call.arguments.as_str());
            std::iter::once(reply.text.as_str()).chain(calls).collect()
        }
        Message::Results { results } => results.iter().map(|result| result.text.as_str()).collect(),
    }
}

/// A part of a pack with the reason why it is in it, or why it is not.
pub(crate) fn told_part(part: &PackPart) -> String {
    let mut text = part.path.as_ref().map_or_else(|| "a memory record".to_owned(), ToString::to_string);
    if let Some((first, last)) = part.lines {
        let _ = write!(text, ":{first}-{last}");
    }
    if let Some(symbol) = &part.symbol {
        let _ = write!(text, " `{symbol}`");
    }
    let _ = write!(text, ": {}", part.relevance);
    match (&part.withheld, part.shown) {
        (Some(rule), _) => {
            let _ = write!(text, "; left out: {rule}");
        }
        (None, Shown::LeftOut) => text.push_str("; left out: no room"),
        (None, Shown::Signature) => text.push_str("; its signature only"),
        (None, Shown::Whole) => {
            let _ = write!(text, "; about {} tokens", grouped(part.tokens as u64));
        }
    }
    if part.redactions > 0 {
        let _ = write!(text, "; {} redacted", part.redactions);
    }
    text
}
