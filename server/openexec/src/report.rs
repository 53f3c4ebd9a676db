//! What happened in a run, for people: its stages and attempts with their times, the verdicts
//! with their reasons, the evidence, what was sent to whom and what it took, and what became of
//! the proposal. [`timeline`] reads a journal; [`markdown`] and [`page`] show what it found.
//!
//! It must not open, ask or write anything. Texts of a run are not ours: wherever one is shown,
//! secrets are replaced, it is cut to a limit, nothing in it hides, and nothing in it is markup.

mod entry;
mod markdown;
mod page;
mod shown;
mod story;

pub use markdown::markdown;
pub use page::page;

use crate::disclosure::{self, Disclosed};
use entry::Entry;
use openexec_engine::edit;
use openexec_engine::ids::StageId;
use openexec_engine::run::{Command, Event, Evidence, RunStarted, RunState, Status, StepOutcome};

/// The name of the page beside a run's other files.
pub const PAGE_FILE: &str = "timeline.html";

/// The name of the Markdown beside a run's other files.
pub const MARKDOWN_FILE: &str = "timeline.md";

/// A run from its start to where it stands.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// What it was started with.
    start: RunStarted,
    /// Its attempts and what lies between them, in order.
    chapters: Vec<Chapter>,
    /// Every request to a model.
    requests: Vec<Disclosed>,
    /// Where it stands.
    status: Status,
    /// The gates that are open for what is proposed.
    evidence: Vec<Evidence>,
    /// The edits that stand in the user's files through it: how many files, and the unified diff.
    applied: Option<(usize, String)>,
    /// What its models have taken, in one line; empty where none was asked.
    taken: String,
    /// Milliseconds from its first to its last event.
    duration_ms: u64,
    /// How many events it consists of.
    events: u64,
}

/// A part of a run.
#[derive(Debug, Clone)]
struct Chapter {
    /// The attempt of a stage; what comes before, between and after attempts belongs to none.
    attempt: Option<Attempt>,
    /// Milliseconds since the run began.
    began_ms: u64,
    /// Milliseconds since the run began, of its last event.
    ended_ms: u64,
    entries: Vec<Entry>,
}

/// An attempt of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Attempt {
    stage: StageId,
    /// Counted from 1.
    number: u32,
    /// How it ended; nothing while it goes on.
    outcome: Option<StepOutcome>,
}

/// Reads a journal: each event with the time of its record, in milliseconds since the Unix epoch.
///
/// # Errors
/// When the journal is empty, or when journal and engine disagree: says at which event.
pub fn timeline<'a>(events: impl IntoIterator<Item = (u64, &'a Event)>) -> Result<Timeline, String> {
    let events: Vec<(u64, &Event)> = events.into_iter().collect();
    let requests = disclosure::requests(events.iter().map(|(_, event)| *event))?;
    let Some((began_ms, Event::RunStarted(start))) = events.first() else {
        return Err("the journal does not begin with the start of a run".to_owned());
    };
    let mut state = RunState::new();
    let mut writer = Writer { chapters: vec![Chapter::between(0)], requests: &requests, last_request: 0 };
    let mut duration_ms = 0;
    for (at_ms, event) in &events {
        for command in state.apply(event) {
            if let Command::Halt { reason } = command {
                return Err(reason);
            }
        }
        // A clock that was set back makes no event earlier than the one before it.
        duration_ms = at_ms.saturating_sub(*began_ms).max(duration_ms);
        writer.write(duration_ms, event);
    }
    let Writer { mut chapters, .. } = writer;
    chapters.retain(|chapter| chapter.attempt.is_some() || !chapter.entries.is_empty());
    Ok(Timeline {
        start: start.as_ref().clone(),
        chapters,
        status: state.status(),
        evidence: state.evidence(),
        applied: state.applied().map(|changes| (changes.effective().count(), edit::unified_diff(changes))),
        taken: state.taken(),
        requests,
        duration_ms,
        events: events.len() as u64,
    })
}

/// Puts events into chapters.
struct Writer<'a> {
    chapters: Vec<Chapter>,
    requests: &'a [Disclosed],
    /// The place behind the last request that an event was about.
    last_request: usize,
}

impl Writer<'_> {
    fn write(&mut self, at_ms: u64, event: &Event) {
        match event {
            Event::StepStarted { stage, attempt, .. } => {
                let attempt = Attempt { stage: stage.clone(), number: *attempt, outcome: None };
                self.chapters.push(Chapter { attempt: Some(attempt), ..Chapter::between(at_ms) });
            }
            Event::StepFinished { outcome, .. } => {
                if let Some(chapter) = self.chapters.last_mut() {
                    chapter.ended_ms = at_ms;
                    if let Some(attempt) = &mut chapter.attempt {
                        attempt.outcome = Some(outcome.clone());
                    }
                }
                // What follows belongs to the next attempt, or to none.
                self.chapters.push(Chapter::between(at_ms));
            }
            Event::RequestProposed { request, .. } => {
                if let Some(at) = self.request(|asked| asked.digest == *request) {
                    self.last_request = at;
                    self.push(at_ms, entry::What::RequestWaits(at));
                }
            }
            Event::ModelRequested { request, .. } => {
                if let Some(at) = self.request(|asked| asked.digest == *request) {
                    self.last_request = at.saturating_add(1);
                    self.push(at_ms, entry::What::Asked(at));
                }
            }
            other => {
                if let Some(what) = entry::what(other) {
                    self.push(at_ms, what);
                }
            }
        }
    }

    fn request(&self, fits: impl Fn(&Disclosed) -> bool) -> Option<usize> {
        let left = self.requests.iter().enumerate().skip(self.last_request);
        left.into_iter().find(|(_, asked)| fits(asked)).map(|(at, _)| at)
    }

    fn push(&mut self, at_ms: u64, what: entry::What) {
        if let Some(chapter) = self.chapters.last_mut() {
            chapter.ended_ms = at_ms;
            chapter.entries.push(Entry { at_ms, what });
        }
    }
}

impl Chapter {
    const fn between(at_ms: u64) -> Self {
        Self { attempt: None, began_ms: at_ms, ended_ms: at_ms, entries: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
