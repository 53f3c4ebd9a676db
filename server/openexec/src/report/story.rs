//! A timeline in words: what is told of it, in which order, and what is behind each line. Both
//! documents show the same story.

mod calls;
mod lines;

use super::shown::{Glass, counted, moment, span};
use super::{Chapter, Timeline};
use openexec_engine::run::{Asked, Inputs, Outcome, Status, StepOutcome};

/// How something is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    /// It is for the user to act.
    Ask,
    Plain,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Words of ours.
    Words(String),
    /// A name, a path, a command: not ours, and shown as it is.
    Code(String),
    /// Words of somebody else.
    Said(String),
}

/// What is behind a line, for who wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Detail {
    pub(super) title: String,
    pub(super) body: Body,
}

/// The body of a detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    List(Vec<Line>),
    /// What is known of a request, which the table of all tells in short.
    Facts(Vec<(&'static str, String)>),
    Text(String),
    /// What a model was sent, which another document shows whole.
    Sent(String),
    Diff(String),
}

/// One line, and what is behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Milliseconds since the run began, where that says something.
    pub(super) at_ms: Option<u64>,
    pub(super) tone: Tone,
    pub(super) pieces: Vec<Piece>,
    pub(super) details: Vec<Detail>,
}

/// An attempt of a stage, or what lies between two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// The stage and which attempt of it.
    pub(super) stage: Option<(String, u32)>,
    pub(super) began_ms: u64,
    pub(super) duration_ms: u64,
    pub(super) tone: Tone,
    /// How it ended, in one line; its further lines are behind it.
    pub(super) outcome: Option<Line>,
    pub(super) lines: Vec<Line>,
}

/// A call of a model as a row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) cells: [String; 8],
}

/// The heads of [`Call`]'s cells.
pub(super) const CALL_HEADS: [&str; 8] =
    ["#", "stage", "model", "read", "from the cache", "written", "took", "cost"];

/// Everything that is told of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Story {
    pub(super) blueprint: String,
    pub(super) run: String,
    pub(super) tone: Tone,
    /// Where it stands, in a word or a few.
    pub(super) standing: &'static str,
    /// And in a sentence.
    pub(super) summary: String,
    /// Why it is paused or asks, a line each.
    pub(super) reasons: Vec<String>,
    pub(super) facts: Vec<(&'static str, Vec<Piece>)>,
    pub(super) told: Vec<Told>,
    pub(super) evidence: Vec<Line>,
    /// A title and the unified diff.
    pub(super) changes: Option<(&'static str, String)>,
    pub(super) calls: Vec<Call>,
    pub(super) duration_ms: u64,
    pub(super) events: u64,
}

impl Line {
    pub(super) const fn of(tone: Tone, pieces: Vec<Piece>) -> Self {
        Self { at_ms: None, tone, pieces, details: Vec::new() }
    }

    pub(super) fn with(mut self, detail: Option<Detail>) -> Self {
        self.details.extend(detail);
        self
    }
}

pub(super) fn words(text: impl Into<String>) -> Piece {
    Piece::Words(text.into())
}

impl Story {
    /// Tells a timeline.
    pub(super) fn of(timeline: &Timeline) -> Self {
        let mut glass = Glass::default();
        let glass = &mut glass;
        let (tone, standing, summary, reasons) = standing(&timeline.status, glass);
        let asked = match &timeline.status {
            Status::AwaitingApproval { what: Asked::Proposal { diff, .. }, .. } => Some(diff),
            Status::AwaitingApproval { what: Asked::Request(_), .. }
            | Status::Active
            | Status::Paused { .. }
            | Status::Ended { .. } => None,
        };
        let is_undone = matches!(timeline.status, Status::Ended { outcome: Outcome::Undone, .. });
        let changes = match (&timeline.applied, asked) {
            (_, Some(diff)) => Some(("What waits for your decision", glass.block(diff))),
            (Some((_, diff)), None) if is_undone => Some(("What stood in your files", glass.block(diff))),
            (Some((_, diff)), None) => Some(("What stands in your files", glass.block(diff))),
            (None, None) => None,
        };
        let evidence = timeline.evidence.iter().map(|evidence| {
            let (summary, tree) = (glass.line(&evidence.summary), evidence.tree.short());
            Line::of(Tone::Good, vec![Piece::Said(summary), words(" for tree "), Piece::Code(tree)])
        });
        let evidence = evidence.collect();
        Self {
            blueprint: glass.line(timeline.start.blueprint.name.as_str()),
            run: glass.line(timeline.start.run.as_str()),
            tone,
            standing,
            summary,
            reasons,
            facts: facts(timeline, glass),
            told: timeline.chapters.iter().map(|chapter| told(chapter, timeline, glass)).collect(),
            evidence,
            changes,
            calls: timeline.requests.iter().map(|request| calls::row(request, glass)).collect(),
            duration_ms: timeline.duration_ms,
            events: timeline.events,
        }
    }
}

fn standing(status: &Status, glass: &mut Glass) -> (Tone, &'static str, String, Vec<String>) {
    match status {
        Status::Active => (Tone::Plain, "goes on", "It is not over yet.".to_owned(), Vec::new()),
        Status::AwaitingApproval { what: Asked::Proposal { reasons, .. }, .. } => (
            Tone::Ask,
            "waits for you",
            "Nothing has been changed in your files; without a decision nothing will be.".to_owned(),
            reasons.iter().map(|reason| glass.line(reason)).collect(),
        ),
        Status::AwaitingApproval { what: Asked::Request(request), .. } => {
            (Tone::Ask, "waits before it sends", glass.line(&request.to_string()), Vec::new())
        }
        Status::Paused { reason } => (Tone::Ask, "paused", glass.line(reason), Vec::new()),
        Status::Ended { outcome, summary } => {
            let (tone, word) = ending(*outcome);
            (tone, word, glass.line(summary), Vec::new())
        }
    }
}

pub(super) const fn ending(outcome: Outcome) -> (Tone, &'static str) {
    match outcome {
        Outcome::Done => (Tone::Good, "done"),
        Outcome::Failed => (Tone::Bad, "failed"),
        Outcome::Cancelled => (Tone::Ask, "cancelled"),
        Outcome::Discarded => (Tone::Ask, "discarded"),
        Outcome::Undone => (Tone::Good, "undone"),
    }
}

/// What the run was started with.
fn facts(timeline: &Timeline, glass: &mut Glass) -> Vec<(&'static str, Vec<Piece>)> {
    let start = &timeline.start;
    let mut facts = vec![("workspace", vec![Piece::Code(glass.line(&start.workspace))])];
    facts.extend(wish(&start.inputs, glass));
    let why: Vec<String> = start.route.iter().flat_map(|routed| routed.because()).collect();
    if !why.is_empty() {
        facts.push(("because", vec![Piece::Said(glass.line(&why.join("; ")))]));
    }
    facts.push(("model", models(timeline, glass)));
    let took = format!("{}, took {}", moment(start.at_ms), span(timeline.duration_ms));
    facts.push(("began", vec![words(took)]));
    if !timeline.taken.is_empty() {
        facts.push(("models took", vec![Piece::Said(glass.line(&timeline.taken))]));
    }
    if let Some((files, _)) = timeline.applied {
        facts.push(("changed", vec![words(counted(files, "file"))]));
    }
    facts
}

/// What the user asked for.
fn wish(inputs: &Inputs, glass: &mut Glass) -> Vec<(&'static str, Vec<Piece>)> {
    let mut facts = Vec::new();
    if let Some(instruction) = &inputs.instruction {
        facts.push(("asked for", vec![Piece::Said(glass.line(instruction))]));
    }
    if let Some(test) = &inputs.failing_test {
        facts.push(("failing test", vec![Piece::Code(glass.line(test))]));
    }
    if let Some(target) = &inputs.target {
        let (first, last) = target.lines;
        let lines = if first == last { first.to_string() } else { format!("{first}-{last}") };
        let place = format!("{}:{lines}", target.path);
        facts.push(("place", vec![Piece::Code(glass.line(&place))]));
    }
    for diagnostic in &inputs.diagnostics {
        let place = format!("{}:{}", diagnostic.path, diagnostic.line);
        let said = format!("{}: {}", diagnostic.source, diagnostic.message);
        let pieces = vec![Piece::Code(glass.line(&place)), words(" "), Piece::Said(glass.line(&said))];
        facts.push(("diagnostic", pieces));
    }
    if inputs.patch.is_some() {
        facts.push(("patch", vec![words("a unified diff")]));
    }
    facts
}

fn models(timeline: &Timeline, glass: &mut Glass) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for model in timeline.start.models.all() {
        if !pieces.is_empty() {
            pieces.push(words(", and to review "));
        }
        pieces.push(Piece::Code(glass.line(model.name.as_str())));
        if model.is_local {
            pieces.push(words(" on this machine"));
        }
    }
    pieces
}

fn told(chapter: &Chapter, timeline: &Timeline, glass: &mut Glass) -> Told {
    let outcome = chapter.attempt.as_ref().and_then(|attempt| attempt.outcome.as_ref());
    let tone = match outcome {
        Some(StepOutcome::Succeeded { .. }) => Tone::Good,
        Some(StepOutcome::Failed { .. }) => Tone::Bad,
        None => Tone::Plain,
    };
    let outcome = outcome.map(|outcome| {
        let (StepOutcome::Succeeded { summary: text } | StepOutcome::Failed { reason: text }) = outcome;
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let behind = (!rest.trim().is_empty())
            .then(|| Detail { title: "all of it".to_owned(), body: Body::Text(glass.block(text)) });
        Line::of(tone, vec![Piece::Said(glass.line(first))]).with(behind)
    });
    let stage = chapter.attempt.as_ref().map(|it| (glass.line(it.stage.as_str()), it.number));
    Told {
        stage,
        began_ms: chapter.began_ms,
        duration_ms: chapter.ended_ms.saturating_sub(chapter.began_ms),
        tone,
        outcome,
        lines: chapter.entries.iter().map(|entry| lines::line(entry, &timeline.requests, glass)).collect(),
    }
}
