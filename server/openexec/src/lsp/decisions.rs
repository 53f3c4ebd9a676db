//! What can be decided about a proposal where a document shows it: lenses above the hunks of a
//! review, the same as code actions on their lines, and which parts the user has accepted so far,
//! here or in another editor.
//!
//! A document is a review while it shows exactly the diff that waits. One that the user has
//! changed, or whose run has gone on, decides nothing. Nothing here waits or reads a file.

use super::actions::{RunLine, action, place_of, quote, short};
use super::documents::OpenFile;
use super::protocol::{CodeAction, CodeLens, Command, Position, Range};
use crate::driver::{Asked, RunStatus};
use crate::store::{AcceptedPart, AcceptedParts};
use openexec_engine::digest::Digest;
use openexec_engine::edit::{Part, ShownPart};
use openexec_engine::ids::RunId;
use openexec_engine::path::WorkspacePath;
use openexec_engine::text::visible;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;

/// The parts that the user has accepted one by one, of proposals that still wait, as the stores
/// of their workspaces held them last: a menu does not wait for the disk.
#[derive(Debug, Default)]
pub(super) struct Accepted(AcceptedParts);

/// What accepting some parts has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Progress {
    /// The parts that are accepted by now, in the order of the diff.
    pub(super) accepted: Vec<Part>,
    /// The others.
    pub(super) left: Vec<Part>,
}

impl Accepted {
    /// Takes over what a store holds: what was accepted stays so until its run is over.
    pub(super) fn learn(&mut self, stored: AcceptedParts) {
        for (run, mut parts) in stored {
            self.0.entry(run).or_default().append(&mut parts);
        }
    }

    /// How far the user has come with a proposal.
    pub(super) fn progress(&self, run: &RunId, diff: &str, shown: &[ShownPart]) -> Progress {
        let known = self.0.get(run);
        let is_accepted = |mark: &AcceptedPart| known.is_some_and(|known| known.contains(mark));
        let (accepted, left): (Vec<_>, Vec<_>) =
            marks(diff, shown).into_iter().partition(|(_, mark)| is_accepted(mark));
        let parts = |marked: Vec<(Part, AcceptedPart)>| marked.into_iter().map(|(part, _)| part).collect();
        Progress { accepted: parts(accepted), left: parts(left) }
    }

    /// Forgets a run that is over.
    pub(super) fn forget(&mut self, run: &RunId) {
        self.0.remove(run);
    }
}

/// What accepting these parts of a proposal notes; a whole file stands for all its parts.
///
/// # Errors
/// When one of them is not there.
pub(super) fn marks_of(
    parts: &[Part],
    diff: &str,
    shown: &[ShownPart],
) -> Result<BTreeSet<AcceptedPart>, String> {
    let marks = marks(diff, shown);
    let mut wanted = BTreeSet::new();
    for part in parts {
        let meant = |it: &Part| it == part || part.hunk.is_none() && it.path == part.path;
        let found: Vec<&AcceptedPart> =
            marks.iter().filter(|(it, _)| meant(it)).map(|(_, mark)| mark).collect();
        if found.is_empty() {
            let there: Vec<String> = marks.iter().map(|(part, _)| format!("`{part}`")).collect();
            return Err(format!("the proposal has no part `{part}`; it has {}", there.join(", ")));
        }
        wanted.extend(found.into_iter().cloned());
    }
    Ok(wanted)
}

/// The single parts of a proposal, each with what accepting it notes.
fn marks(diff: &str, shown: &[ShownPart]) -> Vec<(Part, AcceptedPart)> {
    let lines: Vec<&str> = diff.split('\n').collect();
    let mut before: BTreeMap<(WorkspacePath, Digest), u32> = BTreeMap::new();
    let mut marks = Vec::new();
    for place in places(diff, shown).into_iter().filter(|place| place.is_single) {
        // Without the header, whose numbers change with every other hunk of the file.
        let text = lines.get(place.lines.0.saturating_add(1)..place.lines.1).unwrap_or_default().join("\n");
        let (path, text) = (place.part.path.clone(), Digest::of(text.as_bytes()));
        let number = before.entry((path.clone(), text)).or_default();
        *number += 1;
        marks.push((place.part, AcceptedPart { path, text, number: *number }));
    }
    marks
}

/// A place of a unified diff that shows something to decide about.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DiffPlace {
    part: Part,
    /// True for a part that holds no other parts.
    is_single: bool,
    /// Its lines in the diff, counted from 0, the last excluded.
    lines: (usize, usize),
    /// `+2 −1 at src/lib.rs:3-5`.
    what: String,
}

/// The places of a diff, in its order: files with several hunks before these.
fn places(diff: &str, shown: &[ShownPart]) -> Vec<DiffPlace> {
    let lines: Vec<&str> = diff.split('\n').collect();
    let is_header = |line: &str| line.starts_with("diff --git ");
    let headers: Vec<usize> = (0..).zip(&lines).filter(|(_, line)| is_header(line)).map(|it| it.0).collect();
    let mut files = shown.chunk_by(|one, next| one.part.path == next.part.path).peekable();
    let mut places = Vec::new();
    for (number, &start) in headers.iter().enumerate() {
        let end = headers.get(number.saturating_add(1)).copied().unwrap_or(lines.len());
        let header = lines.get(start).copied().unwrap_or_default();
        // A file that others take over has a header and no part.
        let is_about = |file: &&[ShownPart]| {
            file.first().is_some_and(|it| header.ends_with(&format!(" b/{}", it.part.path)))
        };
        let Some(file) = files.next_if(is_about) else { continue };
        let section = (start..).zip(lines.get(start..end).unwrap_or_default());
        let hunks: Vec<usize> =
            section.filter(|(_, line)| line.starts_with("@@ ")).map(|(at, _)| at).collect();
        match file {
            [single] if single.part.hunk.is_none() => places.push(DiffPlace {
                part: single.part.clone(),
                is_single: true,
                lines: (start, end),
                what: shown_as(single),
            }),
            several => {
                if let [first, _, ..] = several {
                    let sum = |count: fn(&ShownPart) -> usize| several.iter().map(count).sum::<usize>();
                    let (added, removed) = (sum(|it| it.added), sum(|it| it.removed));
                    places.push(DiffPlace {
                        part: Part { path: first.part.path.clone(), hunk: None },
                        is_single: false,
                        lines: (start, hunks.first().copied().unwrap_or(end)),
                        what: format!("+{added} −{removed} in {}", quote(first.part.path.as_str())),
                    });
                }
                for (at, part) in several.iter().enumerate() {
                    let Some(&from) = hunks.get(at) else { continue };
                    let to = hunks.get(at.saturating_add(1)).copied().unwrap_or(end);
                    places.push(DiffPlace {
                        part: part.part.clone(),
                        is_single: true,
                        lines: (from, to),
                        what: shown_as(part),
                    });
                }
            }
        }
    }
    places
}

/// `+2 −1 at src/lib.rs:3-5`.
pub(super) fn shown_as(part: &ShownPart) -> String {
    format!("+{} −{} at {}", part.added, part.removed, quote(&place_of(part)))
}

/// A document that shows a proposal which waits.
pub(super) struct Review<'a> {
    run: &'a RunId,
    proposal: Digest,
    /// On which line of the document its diff begins.
    first_line: usize,
    places: Vec<DiffPlace>,
    progress: Progress,
}

impl<'a> Review<'a> {
    /// The review that a document is, if it is one: a file of this name in a run's folder, that
    /// shows what the run waits with.
    pub(super) fn of(file: &OpenFile, runs: &'a [RunLine], accepted: &Accepted) -> Option<Self> {
        let folder = folder_of_review(&file.path)?;
        let line = runs.iter().find(|line| OsStr::new(line.view.run.as_str()) == folder)?;
        let RunStatus::AwaitingApproval { proposal, what: Asked::Proposal { diff, parts, .. } } =
            &line.view.status
        else {
            return None;
        };
        // Editors differ in what they make of a carriage return.
        let plain = |text: &str| text.replace('\r', "");
        let (text, shown) = (plain(&file.text.to_string()), plain(&visible(diff)));
        let shown = shown.trim_end_matches('\n');
        let at = text.find(shown).filter(|_| !shown.is_empty())?;
        let (before, after) = (text.get(..at)?, text.get(at.saturating_add(shown.len())..)?);
        let run = &line.view.run;
        // INVARIANT: it shows nothing more. What waits may be the beginning of what waited before
        // a part was left out.
        is_fenced(before, after).then(|| Self {
            run,
            proposal: *proposal,
            first_line: before.matches('\n').count(),
            places: places(shown, parts),
            progress: accepted.progress(run, diff, parts),
        })
    }

    /// Apply and Discard at its top, Accept and Reject above each file and hunk.
    pub(super) fn lenses(&self) -> Vec<CodeLens> {
        let lens = |line: usize, (title, command, argument): (String, &str, Value)| {
            let at = Position { line: u32::try_from(line).unwrap_or(u32::MAX), character: 0 };
            let command = Command { title, command: command.to_owned(), arguments: Some(vec![argument]) };
            CodeLens { range: Range { start: at, end: at }, command: Some(command), data: None }
        };
        let mut lenses: Vec<CodeLens> = self.whole("").into_iter().map(|it| lens(0, it)).collect();
        for place in &self.places {
            let line = self.first_line.saturating_add(place.lines.0);
            lenses.extend(self.single(place, "").into_iter().map(|it| lens(line, it)));
        }
        lenses
    }

    /// The same for the line under the cursor.
    pub(super) fn actions(&self, line: u32) -> Vec<CodeAction> {
        let line = usize::try_from(line).unwrap_or(usize::MAX).checked_sub(self.first_line);
        let here =
            |place: &&DiffPlace| line.is_some_and(|line| (place.lines.0..place.lines.1).contains(&line));
        let run = format!(" of run {}", short(self.run));
        let kind = |command: &str| command.replacen("openexec.", "quickfix.openexec.", 1);
        let mut offered = Vec::new();
        if let Some(place) = self.places.iter().find(here) {
            let more = format!("{run}: {}", place.what);
            offered.extend(self.single(place, &more));
        }
        offered.extend(self.whole(&run));
        offered.into_iter().map(|(title, command, it)| action(title, kind(command), command, it)).collect()
    }

    fn whole(&self, more: &str) -> Vec<(String, &'static str, Value)> {
        let bound = json!({ "run": self.run, "proposal": self.proposal });
        let count = self.progress.accepted.len();
        let so_far = match count {
            0 => String::new(),
            _ => format!(" ({count} of {} accepted)", count.saturating_add(self.progress.left.len())),
        };
        vec![
            (format!("Apply all{more}{so_far}"), "openexec.apply", bound.clone()),
            (format!("Discard all{more}"), "openexec.discard", bound),
        ]
    }

    fn single(&self, place: &DiffPlace, more: &str) -> Vec<(String, &'static str, Value)> {
        // What is decided about the only part is decided about the whole.
        if self.places.len() < 2 {
            return Vec::new();
        }
        let which = json!({ "run": self.run, "proposal": self.proposal, "parts": [place.part.to_string()] });
        let object = if place.part.hunk.is_some() { "hunk" } else { "file" };
        let is_left = self
            .progress
            .left
            .iter()
            .any(|left| *left == place.part || place.part.hunk.is_none() && left.path == place.part.path);
        // Of a file with all parts, rejecting them is what discarding is for.
        let is_all =
            self.places.iter().all(|other| other.part.path == place.part.path) && place.part.hunk.is_none();
        let mut offered = Vec::new();
        if is_left {
            offered.push((format!("Accept {object}{more}"), "openexec.accept", which.clone()));
        }
        if !is_all {
            let title = if is_left { "Reject" } else { "Accepted · Reject" };
            offered.push((format!("{title} {object}{more}"), "openexec.reject", which));
        }
        offered
    }
}

/// Whether a diff stands alone: between fences, which no line of a diff looks like, or as all of
/// a document.
fn is_fenced(before: &str, after: &str) -> bool {
    let opens = before.is_empty() || before.ends_with("```diff\n");
    opens && (after.trim_end_matches('\n').is_empty() || after.starts_with("\n```"))
}

/// Whether a file is named like a review.
pub(super) fn may_be_review(path: &Path) -> bool {
    folder_of_review(path).is_some()
}

/// The name of the folder of a file that is named like a review: the run's id.
fn folder_of_review(path: &Path) -> Option<&OsStr> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_prefix("review-")?;
    let number = name.strip_suffix(".md").or_else(|| name.strip_suffix(".diff"))?;
    let is_ours = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
    let folder = path.parent()?;
    let is_run = folder.parent()?.file_name()? == "runs";
    (is_ours && is_run).then(|| folder.file_name()).flatten()
}

#[cfg(test)]
mod tests;
