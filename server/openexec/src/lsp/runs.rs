//! For a client that keeps a list of runs itself: what stands in the list, and what a run
//! changes, file by file. Values only; the decision about a proposal is a command of the user.
//!
//! On the wire, beside the standard protocol:
//!
//! - A client that says `"experimental": {"openexec": {"runs": true}}` in its capabilities tells
//!   its user about runs in its own way. It is sent the notification `openexec/runsChanged`,
//!   without parameters, whenever a run stands otherwise than before, and is not sent messages
//!   and questions about how runs stand.
//! - The request `openexec/runs`, without parameters, is answered with a [`RunList`].
//! - The request `openexec/changes` with a [`ChangesOf`] is answered with [`Changes`].
//!
//! The server says that it understands these with `"runs": true` under the same name in its own
//! capabilities.

use super::actions::{RunLine, short};
use super::commands::standing;
use super::decisions::Accepted;
use super::roots::Roots;
use crate::driver::{Asked, RunStatus, RunView};
use openexec_engine::digest::Digest;
use openexec_engine::edit::{ChangeSet, unified_diff};
use openexec_engine::ids::RunId;
use openexec_engine::run::{Outcome, RunState, tells_failed_reversal};
use openexec_engine::text::visible;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// All runs that a client can show, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RunList {
    runs: Vec<RunEntry>,
}

/// A run in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunEntry {
    run: RunId,
    /// The part of the id that people see.
    short: String,
    /// The canonical path of its workspace.
    root: String,
    blueprint: String,
    model: String,
    state: RunStand,
    /// How it stands, in a few words.
    detail: String,
    /// What its models have taken; empty while none was asked.
    taken: String,
    /// The proposal that it waits with.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<Digest>,
    /// Whether edits of it stand in the user's files.
    applied: bool,
    /// It was to be undone or redone and could not be; `detail` says why.
    #[serde(skip_serializing_if = "is_false")]
    stuck: bool,
    /// How many events its journal has: it grows also where a run comes to the same stand again.
    events: u64,
    /// When it was started, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at_ms: Option<u64>,
    /// The commands that make sense now: `cancel` for `openexec.cancel`.
    can: Vec<&'static str>,
}

/// How a run stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum RunStand {
    Working,
    Interrupted,
    /// For a yes to its proposal.
    Waiting,
    /// For a yes before it sends something to a model.
    Asking,
    Paused,
    Done,
    Failed,
    Cancelled,
    Discarded,
    Undone,
}

impl RunStand {
    fn of(line: &RunLine) -> Self {
        match &line.view.status {
            RunStatus::Active if line.driven => Self::Working,
            RunStatus::Active => Self::Interrupted,
            RunStatus::AwaitingApproval { what: Asked::Proposal { .. }, .. } => Self::Waiting,
            RunStatus::AwaitingApproval { what: Asked::Request(_), .. } => Self::Asking,
            RunStatus::Paused { .. } => Self::Paused,
            RunStatus::Ended { outcome, .. } => match outcome {
                Outcome::Done => Self::Done,
                Outcome::Failed => Self::Failed,
                Outcome::Cancelled => Self::Cancelled,
                Outcome::Discarded => Self::Discarded,
                Outcome::Undone => Self::Undone,
            },
        }
    }
}

/// The list, from the runs that are known and the times at which they began.
pub(super) fn list(mut lines: Vec<RunLine>, started_at_ms: &BTreeMap<RunId, u64>) -> RunList {
    // Ids grow with time.
    lines.sort_by(|one, other| other.view.run.cmp(&one.view.run));
    let entry = |line: &RunLine| entry(line, started_at_ms.get(&line.view.run).copied());
    RunList { runs: lines.iter().map(entry).collect() }
}

fn entry(line: &RunLine, started_at_ms: Option<u64>) -> RunEntry {
    let RunView { run, blueprint, model, activity, status, applied, taken, events, .. } = &line.view;
    let (detail, proposal) = match status {
        RunStatus::Active if line.driven => (activity.clone(), None),
        RunStatus::AwaitingApproval { proposal, what: Asked::Proposal { reasons, .. } } => {
            (reasons.first().map(|reason| visible(reason)).unwrap_or_default(), Some(*proposal))
        }
        RunStatus::AwaitingApproval { proposal, what: Asked::Request(_) } => {
            (standing(line), Some(*proposal))
        }
        RunStatus::Paused { reason } => (reason.clone(), None),
        RunStatus::Ended { summary, .. } => (summary.clone(), None),
        RunStatus::Active => (standing(line), None),
    };
    RunEntry {
        run: run.clone(),
        short: short(run).to_owned(),
        root: line.root.display().to_string(),
        blueprint: blueprint.to_string(),
        model: model.to_string(),
        state: RunStand::of(line),
        detail,
        taken: taken.clone(),
        proposal,
        applied: *applied,
        events: *events,
        stuck: matches!(status, RunStatus::Ended { summary, .. } if tells_failed_reversal(summary)),
        started_at_ms,
        can: can(line),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

fn can(line: &RunLine) -> Vec<&'static str> {
    let waits = line.awaits_approval();
    let parts = match &line.view.status {
        RunStatus::AwaitingApproval { what: Asked::Proposal { parts, .. }, .. } => parts.len(),
        RunStatus::AwaitingApproval { what: Asked::Request(_), .. }
        | RunStatus::Active
        | RunStatus::Paused { .. }
        | RunStatus::Ended { .. } => 0,
    };
    let all = [
        ("request", line.awaits_sending()),
        ("review", waits && !line.awaits_sending()),
        ("apply", waits),
        ("discard", line.can_discard()),
        // The whole of one part is what discarding is for.
        ("reject", parts > 1),
        ("resume", line.can_resume()),
        ("cancel", line.can_cancel()),
        ("undo", line.can_undo()),
    ];
    // Nothing can be said to a run that another process drives; it can be looked at.
    let here = |name: &str| !line.elsewhere || matches!(name, "request" | "review");
    all.into_iter().filter_map(|(name, fits)| (fits && here(name)).then_some(name)).collect()
}

/// The parameters of `openexec/changes`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangesOf {
    /// Its id, or its beginning or end.
    pub(super) run: String,
}

/// What a run proposes, or what it has applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Changes {
    run: RunId,
    /// What an approval of these files would name; absent when none is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<Digest>,
    /// Why the user is asked, a line each.
    reasons: Vec<String>,
    /// What has been found out about exactly these files, a line each.
    evidence: Vec<String>,
    /// What a stage that only reads has found out: the answer to a question, a review.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<String>,
    /// The parts that the user has accepted so far: `src/lib.rs:2`.
    accepted: Vec<String>,
    files: Vec<ChangedFile>,
}

/// A file that a run changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangedFile {
    path: String,
    /// In the client's own spelling of its workspace folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    /// The text that the run began with; absent for a file that is created.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<String>,
    /// The text that the run wants; absent for a file that is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    renamed_from: Option<String>,
    /// The headers of its hunks, in order: `@@ -1,4 +1,5 @@`.
    hunks: Vec<String>,
}

/// What a folded run proposes, or what it has applied when it waits for no decision.
pub(super) fn changes(
    run: &RunId,
    state: &RunState,
    evidence: Vec<String>,
    root: &Path,
    roots: &Roots,
    known: &Accepted,
) -> Changes {
    let mut accepted = Vec::new();
    let (proposal, reasons, shown) = match state.status() {
        RunStatus::AwaitingApproval { proposal, what: Asked::Proposal { reasons, diff, parts } } => {
            let reasons = reasons.iter().map(|reason| visible(reason)).collect();
            accepted.extend(known.progress(run, &diff, &parts).accepted.iter().map(ToString::to_string));
            (Some(proposal), reasons, state.changes())
        }
        RunStatus::AwaitingApproval { what: Asked::Request(_), .. }
        | RunStatus::Active
        | RunStatus::Paused { .. }
        | RunStatus::Ended { .. } => (None, Vec::new(), state.applied().or_else(|| state.changes())),
    };
    let files = shown.map(|shown| files(shown, root, roots)).unwrap_or_default();
    let report = state.artifact("review_report").map(visible);
    Changes { run: run.clone(), proposal, reasons, evidence, report, accepted, files }
}

fn files(changes: &ChangeSet, root: &Path, roots: &Roots) -> Vec<ChangedFile> {
    let file =
        |(path, change): (&openexec_engine::path::WorkspacePath, &openexec_engine::edit::FileChange)| {
            let alone = ChangeSet { files: BTreeMap::from([(path.clone(), change.clone())]) };
            let diff = unified_diff(&alone);
            ChangedFile {
                path: path.to_string(),
                uri: roots.uri_below(root, path),
                base: change.base.clone(),
                proposed: change.proposed.clone(),
                renamed_from: change.renamed_from.as_ref().map(ToString::to_string),
                // Lines of the files themselves begin with a blank, `+`, `-` or `\`.
                hunks: diff.lines().filter(|line| line.starts_with("@@ ")).map(str::to_owned).collect(),
            }
        };
    changes.effective().map(file).collect()
}

#[cfg(test)]
mod tests;
