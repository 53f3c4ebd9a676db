//! A run in a terminal: no editor, so nothing is open, and events are printed as they come.

use super::paint;
use crate::driver::{Landing, Surface};
use crate::limits::LIVE_LINE_CHARS_MAX;
use crate::models::ModelProgress;
use async_trait::async_trait;
use openexec_engine::budget::grouped;
use openexec_engine::context::{PackPart, Shown};
use openexec_engine::edit::ChangeSet;
use openexec_engine::model::Usage;
use openexec_engine::policy::{Decision, Verdict};
use openexec_engine::run::{Event, OpenDocument, Outcome, StepOutcome};
use openexec_engine::task::{Judgement, TaskExit, TaskReport};
use parking_lot::Mutex;
use std::io::IsTerminal as _;
use std::path::Path;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};

/// How events are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// For people.
    Text,
    /// A line of JSON each.
    Json,
}

/// The surface of headless runs.
pub(super) struct Terminal {
    format: Format,
    /// In stepping mode: where the lines come from that let the run go on.
    steps: Option<tokio::sync::Mutex<Lines<BufReader<Stdin>>>>,
    began: Mutex<Option<std::time::Instant>>,
    /// The line at the end that says what is being done; none where nobody watches.
    live: Option<Mutex<LiveLine>>,
}

/// A line that the next one takes the place of.
#[derive(Default)]
struct LiveLine {
    is_there: bool,
}

impl LiveLine {
    fn show(&mut self, text: &str) {
        let text: String = text.chars().take(LIVE_LINE_CHARS_MAX).collect();
        eprint!("\r\x1b[2K{text}");
        self.is_there = true;
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_there) {
            eprint!("\r\x1b[2K");
        }
    }
}

impl Terminal {
    pub(super) fn new(format: Format, stepping: bool) -> Self {
        let steps = stepping.then(|| tokio::sync::Mutex::new(BufReader::new(tokio::io::stdin()).lines()));
        let watched = format == Format::Text && !stepping && std::io::stderr().is_terminal();
        Self { format, steps, began: Mutex::new(None), live: watched.then(Mutex::default) }
    }

    async fn wait_for_step(&self, word: &str, seq: u64, event: &Event) {
        if let Some(lines) = &self.steps {
            println!("{word} {seq} {}", event.name());
            // The end of input lets the run go on: whoever stepped has left.
            let _ = lines.lock().await.next_line().await;
        }
    }

    fn print(&self, seq: u64, event: &Event) {
        if let Some(live) = &self.live {
            live.lock().clear();
        }
        match self.format {
            Format::Json => match serde_json::to_string(&serde_json::json!({ "seq": seq, "event": event })) {
                Ok(line) => println!("{line}"),
                Err(error) => eprintln!("event {seq} cannot be printed: {error}"),
            },
            Format::Text => {
                for line in describe(event) {
                    let since = self.began.lock().get_or_insert_with(std::time::Instant::now).elapsed();
                    let clock = paint::dim(&format!("{:>6.2}s", since.as_secs_f64()));
                    anstream::println!("{clock}  {line}");
                }
            }
        }
    }
}

#[async_trait]
impl Surface for Terminal {
    fn name(&self) -> String {
        "terminal".into()
    }

    fn open_documents(&self, _root: &Path) -> Vec<OpenDocument> {
        Vec::new()
    }

    async fn apply(&self, _root: &Path, _changes: &ChangeSet, _label: &str) -> Option<Landing> {
        None
    }

    fn stopped(&self, reason: &str) {
        anstream::eprintln!("{} {}", paint::bad("■ stopped:"), paint::plain(reason));
    }

    fn progressed(&self, activity: &str, progress: &ModelProgress) {
        let activity = paint::plain(activity);
        match (&self.live, progress) {
            (Some(live), _) => live.lock().show(&activity),
            (None, ModelProgress::Retrying { .. }) if self.format == Format::Text => {
                eprintln!("          {activity}");
            }
            (None, ModelProgress::Retrying { .. } | ModelProgress::Received { .. }) => {}
        }
    }

    async fn before_record(&self, seq: u64, event: &Event) {
        self.wait_for_step("next", seq, event).await;
    }

    async fn after_record(&self, seq: u64, event: &Event) {
        self.print(seq, event);
        self.wait_for_step("recorded", seq, event).await;
    }
}

/// An event in lines for people; empty for those that only machines want.
pub(super) fn describe(event: &Event) -> Vec<String> {
    match event {
        Event::RunStarted(start) => {
            let mut lines = vec![
                format!("{} {} on {}", paint::strong("run"), start.run, start.workspace),
                format!("    blueprint {} · {}", paint::strong(start.blueprint.name.as_str()), start.models),
            ];
            let because = start.route.iter().flat_map(|routed| routed.because());
            lines.extend(because.map(|why| format!("    because {}", paint::plain(&why))));
            lines
        }
        Event::StepStarted { stage, attempt, .. } => {
            let attempt = if *attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
            vec![format!("{} {}{attempt}", paint::strong("▶"), paint::strong(stage.as_str()))]
        }
        Event::PolicyDecided { subject, decision, .. } => verdict_lines(subject, decision),
        Event::ContextBuilt { tokens, parts, .. } => {
            let shown = parts.iter().filter(|part| part.shown != Shown::LeftOut).count();
            let redactions: usize = parts.iter().map(|part| part.redactions).sum();
            let mut lines = vec![format!(
                "    context: {shown} of {} parts, ~{tokens} tokens, {redactions} secrets redacted",
                parts.len()
            )];
            lines.extend(parts.iter().filter_map(withheld_line));
            lines
        }
        Event::RequestProposed { model, turn, request, tokens, .. } => vec![format!(
            "    {} {model}, turn {turn}, request {}, about {} tokens; nothing of it has left",
            paint::warn("before it is sent:"),
            request.short(),
            grouped(*tokens)
        )],
        Event::ModelRequested { model, turn, request, .. } => {
            vec![format!("    → {model}, turn {turn}, request {}", request.short())]
        }
        Event::ModelReplied { reply, duration_ms, .. } => vec![format!(
            "    ← {} actions, {}, {duration_ms} ms",
            reply.tool_calls.len().max(usize::from(reply.tool_calls.is_empty())),
            tokens_of(&reply.usage)
        )],
        Event::ModelFailed { error, .. } => {
            vec![format!("    {} {}", paint::bad("model:"), paint::plain(&error.to_string()))]
        }
        Event::ReplyRejected { reason, .. } => {
            vec![format!("    {} {}", paint::warn("reply rejected:"), paint::plain(reason))]
        }
        Event::EditsPlanned { files, tree, .. } => {
            let names: Vec<&str> = files.iter().map(|path| path.as_str()).collect();
            vec![format!(
                "    edits planned in {} (tree {}), in the shadow only",
                names.join(", "),
                tree.short()
            )]
        }
        Event::TaskFinished { report, .. } => task_lines(report),
        Event::GateJudged { judgement, tree, .. } => vec![match judgement {
            Judgement::Passed { summary } => {
                format!(
                    "    {} {} for tree {}",
                    paint::good("gate passed:"),
                    paint::plain(summary),
                    tree.short()
                )
            }
            Judgement::Red { summary } => {
                format!("    {} {}", paint::bad("gate red:"), paint::plain(summary))
            }
            Judgement::Blocked { reason } => {
                format!("    {} {}", paint::bad("gate blocked:"), paint::plain(reason))
            }
        }],
        Event::StepFinished { outcome, .. } => match outcome {
            StepOutcome::Succeeded { summary } => summary
                .lines()
                .map(|line| format!("    {} {}", paint::good("✓"), paint::plain(line)))
                .collect(),
            StepOutcome::Failed { reason } => {
                reason.lines().map(|line| format!("    {} {}", paint::bad("✗"), paint::plain(line))).collect()
            }
        },
        Event::Proposed { decision, diff, proposal, .. } => {
            let mut lines = vec![format!("    proposal {}", proposal.short())];
            lines.extend(paint::diff(diff).lines().map(|line| format!("      {line}")));
            lines.extend(verdict_lines("proposal", decision));
            lines
        }
        Event::Approved { by, proposal } => {
            vec![format!("    {} approved by {by}", proposal.short())]
        }
        Event::PartsRejected { by, parts, .. } => {
            let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
            vec![format!("    {by} rejected {}", parts.join(", "))]
        }
        Event::Refused { by, proposal } => vec![format!("    {} refused by {by}", proposal.short())],
        Event::Rebased { files, .. } => {
            let names: Vec<&str> = files.iter().map(|path| path.as_str()).collect();
            vec![format!("    {} changed meanwhile; rebased, to be verified again", names.join(", "))]
        }
        Event::Applied { report, .. } => {
            vec![format!("    applied; {} looked at afterwards", counted(report.files.len(), "file"))]
        }
        Event::RunbookFound { remedy, .. } => {
            remedy.lines().iter().map(|line| format!("    {}", paint::plain(line))).collect()
        }
        Event::ProcedureStepped { part, task, judgement, .. } => vec![match judgement {
            Judgement::Passed { .. } => {
                format!("    {} {} {task}", paint::good("✓"), part.name())
            }
            Judgement::Red { summary: why } | Judgement::Blocked { reason: why } => {
                format!("    {} {} {task}: {}", paint::bad("✗"), part.name(), paint::plain(why))
            }
        }],
        Event::Remembered { .. } => vec!["    a pointer record of this run is stored".into()],
        Event::CommandFailed { reason, .. } => {
            vec![format!("    {} {}", paint::bad("failed:"), paint::plain(reason))]
        }
        Event::CancelRequested { by } => vec![format!("    cancelled by {by}")],
        Event::ResumeRequested { by, .. } => vec![format!("    resumed by {by}")],
        Event::UndoRequested { by } => vec![format!("    undo asked for by {by}")],
        Event::RunPaused { reason } => vec![format!("{} {}", paint::warn("■ paused:"), paint::plain(reason))],
        Event::RunEnded { outcome, summary } => {
            let word = match outcome {
                Outcome::Done => paint::good("■ done:"),
                Outcome::Failed => paint::bad("■ failed:"),
                Outcome::Cancelled => paint::warn("■ cancelled:"),
                Outcome::Discarded => paint::warn("■ discarded:"),
                Outcome::Undone => paint::good("■ undone:"),
            };
            vec![format!("{word} {}", paint::plain(summary))]
        }
        Event::ContextGathered { .. }
        | Event::FactsGathered { .. }
        | Event::Hydrated { .. }
        | Event::BasesChecked { .. }
        | Event::ApplyIntended { .. } => Vec::new(),
    }
}

/// What a reply took, as its server counted.
fn tokens_of(usage: &Usage) -> String {
    let cached = match usage.cached_tokens {
        0 => String::new(),
        cached => format!(" ({} from the cache)", grouped(cached)),
    };
    format!("{} tokens read{cached}, {} written", grouped(usage.input_tokens), grouped(usage.output_tokens))
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A part that a rule keeps from the model, and which.
fn withheld_line(part: &PackPart) -> Option<String> {
    let why = part.withheld.as_ref()?;
    let what = part.path.as_ref().map_or_else(|| "a memory record".to_owned(), ToString::to_string);
    Some(format!("    {} {}: {}", paint::warn("left out:"), paint::plain(&what), paint::plain(why)))
}

fn verdict_lines(subject: &str, decision: &Decision) -> Vec<String> {
    let word = match decision.verdict {
        Verdict::Allow => paint::good("allow"),
        Verdict::Ask => paint::warn("ask"),
        Verdict::Block => paint::bad("block"),
    };
    let mut lines = vec![format!("    policy: {word} {}", paint::plain(subject))];
    let told = decision.reasons.iter().filter(|reason| reason.verdict > Verdict::Allow);
    lines.extend(told.map(|reason| {
        format!(
            "      {} {}: {}",
            paint::dim(reason.rule.as_str()),
            paint::plain(&reason.matched),
            paint::plain(&reason.remedy)
        )
    }));
    lines
}

fn task_lines(report: &TaskReport) -> Vec<String> {
    let ending = match &report.exit {
        TaskExit::Exited { code } => format!("exit {code}"),
        TaskExit::Signalled { signal } => format!("signal {signal}"),
        TaskExit::TimedOut { .. } => "timed out".into(),
        TaskExit::NotStarted { reason } => format!("not started: {}", paint::plain(reason)),
    };
    let tests = report.tests.map_or_else(String::new, |counts| {
        format!(", {} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped)
    });
    let argv = paint::plain(&report.argv.join(" "));
    let mut lines = vec![format!(
        "    $ {argv} {}",
        paint::dim(&format!("[{ending}{tests}, {} ms, {}]", report.duration_ms, report.sandbox))
    )];
    let asked = report.connections.iter();
    lines.extend(asked.map(|connection| format!("      network: {}", paint::plain(&connection.to_string()))));
    lines.extend(report.failures.iter().map(|failure| {
        let place = match (&failure.path, failure.line) {
            (Some(path), Some(line)) => format!(" ({path}:{line})"),
            _ => String::new(),
        };
        format!("      {} {}{}", paint::bad("✗"), paint::plain(&failure.name), paint::dim(&place))
    }));
    lines
}
