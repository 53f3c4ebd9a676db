//! What of a change set stands in the user's files once it was sent there: by looking, not by
//! believing an editor. What landed can be taken back, also where the user has typed since and
//! where only a part of it landed.
//!
//! Journals of before tell no more than digests. For them a file holds the proposed text exactly,
//! or nothing of it.

use super::{ApplyReport, FileOutcome, LiveText, Look};
use crate::digest::Digest;
use crate::edit::{self, ChangeSet, FileChange, Rebased};
use crate::limits::REBASE_STEPS_MAX;
use crate::path::WorkspacePath;
use crate::text::BYTE_ORDER_MARK;
use std::collections::BTreeMap;

/// What was found in the files of a change set.
#[derive(Debug, Default)]
pub(super) struct Landed {
    /// What stands there: whole changes, and what landed of the others.
    pub stands: BTreeMap<WorkspacePath, FileChange>,
    /// The files that do not hold all of what was proposed.
    pub wrong: Vec<WorkspacePath>,
    /// Those of them that hold some of it.
    pub parts: Vec<WorkspacePath>,
}

/// How much of a change stands in its file.
enum Extent {
    All(FileChange),
    Part(FileChange),
    Nothing,
}

impl Landed {
    pub(super) fn of(changes: &ChangeSet, report: &ApplyReport) -> Self {
        let mut landed = Self::default();
        for (path, change) in changes.effective() {
            let outcome = report.files.iter().find(|file| &file.path == path);
            match outcome.map_or(Extent::Nothing, |outcome| extent(change, outcome)) {
                Extent::All(change) => drop(landed.stands.insert(path.clone(), change)),
                Extent::Part(change) => {
                    landed.stands.insert(path.clone(), change);
                    landed.parts.push(path.clone());
                    landed.wrong.push(path.clone());
                }
                Extent::Nothing => landed.wrong.push(path.clone()),
            }
        }
        landed
    }
}

/// Whether a report tells more than digests.
pub(super) fn has_looked(report: &ApplyReport) -> bool {
    report.files.iter().any(|file| file.look.is_some())
}

fn extent(change: &FileChange, outcome: &FileOutcome) -> Extent {
    if outcome.text == change.proposed.as_ref().map(|text| Digest::of(text.as_bytes())) {
        return Extent::All(change.clone());
    }
    let (Some(Look { seen, now }), Some(proposed)) = (&outcome.look, &change.proposed) else {
        return Extent::Nothing;
    };
    // Whatever stood there for a moment, it was taken back.
    if *now == change.base {
        return Extent::Nothing;
    }
    let as_editors_have_it = now.as_ref().filter(|now| change.stands_in(now));
    if let Some(text) = seen.as_ref().or(as_editors_have_it) {
        let change = marked_as(change, text);
        return Extent::All(FileChange { proposed: Some(text.clone()), ..change });
    }
    match (&change.base, now) {
        (Some(base), Some(now)) => extent_in(change, base, proposed, now),
        // A text that says nothing stands in every other.
        (None, Some(now)) if !proposed.trim().is_empty() && now.contains(proposed.as_str()) => {
            Extent::All(change.clone())
        }
        // It was created and not filled.
        (None, Some(now)) if now.is_empty() => {
            Extent::Part(FileChange { proposed: Some(String::new()), ..change.clone() })
        }
        (_, None) | (None, Some(_)) => Extent::Nothing,
    }
}

/// The hunks that stand in a text that somebody else has changed as well.
fn extent_in(change: &FileChange, base: &str, proposed: &str, now: &str) -> Extent {
    let stands = |text: &str| edit::rebase(base, text, now) == Rebased::Clean(now.to_owned());
    if stands(proposed) {
        return Extent::All(change.clone());
    }
    let hunks = edit::hunks(base, proposed);
    // Each is looked for by a merge of its own, which takes long where somebody has formatted the file.
    if edit::merge_steps(base, now).saturating_mul(hunks.len()) > REBASE_STEPS_MAX {
        return Extent::Nothing;
    }
    let mut part = base.to_owned();
    // From the last to the first, so that the places of the others stay what they are.
    for hunk in hunks.iter().rev() {
        let mut alone = base.to_owned();
        alone.replace_range(hunk.base.clone(), &hunk.text);
        if stands(&alone) {
            part.replace_range(hunk.base.clone(), &hunk.text);
        }
    }
    match part == base {
        true => Extent::Nothing,
        false => Extent::Part(FileChange { proposed: Some(part), ..change.clone() }),
    }
}

/// The change for a text that has a byte order mark or has none: a file has one on the disk that its
/// buffer does not show, and both are the same text.
pub(super) fn marked_as(change: &FileChange, text: &str) -> FileChange {
    let is_marked = text.starts_with(BYTE_ORDER_MARK);
    let as_text = |side: &Option<String>| {
        side.as_ref().map(|side| {
            let plain = side.strip_prefix(BYTE_ORDER_MARK).unwrap_or(side);
            if is_marked { format!("{BYTE_ORDER_MARK}{plain}") } else { plain.to_owned() }
        })
    };
    match &change.base {
        Some(base) if base.starts_with(BYTE_ORDER_MARK) != is_marked => FileChange {
            base: as_text(&change.base),
            proposed: as_text(&change.proposed),
            renamed_from: change.renamed_from.clone(),
        },
        _ => change.clone(),
    }
}

/// What stands in the files, with what an earlier attempt has left there.
pub(super) fn with_earlier(earlier: Option<&ChangeSet>, mut now: ChangeSet) -> ChangeSet {
    for (path, first) in earlier.into_iter().flat_map(ChangeSet::effective) {
        match now.files.get_mut(path).filter(|second| second.base != second.proposed) {
            Some(second) => second.base = taken_back(first, second.base.take()),
            None => drop(now.files.insert(path.clone(), first.clone())),
        }
    }
    now
}

/// A text without what an earlier attempt has put there; as it is where that cannot be told.
fn taken_back(first: &FileChange, text: Option<String>) -> Option<String> {
    if text == first.proposed {
        return first.base.clone();
    }
    let without = match (&first.proposed, &first.base, &text) {
        (Some(proposed), Some(base), Some(text)) => edit::rebase(proposed, base, text),
        _ => Rebased::Overlapping,
    };
    match without {
        Rebased::Clean(without) => Some(without),
        Rebased::Overlapping => text,
    }
}

/// True when there is nothing of these changes to be done: every file holds its text already.
pub(super) fn is_done(changes: &ChangeSet, texts: &[LiveText]) -> bool {
    let holds = |path: &WorkspacePath, change: &FileChange| {
        texts.iter().any(|live| &live.path == path && live.text == change.proposed)
    };
    changes.effective().all(|(path, change)| holds(path, change))
}

/// Why edits cannot be made where these texts stand now, for people.
pub(super) fn hindrance(
    changes: &ChangeSet,
    texts: &[LiveText],
    paths: &[WorkspacePath],
    when: &str,
) -> String {
    let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in paths {
        let live = texts.iter().find(|live| &live.path == path).and_then(|live| live.text.as_ref());
        let change = changes.files.get(path);
        let reason = match (change, live) {
            (_, None) => format!("deleted or renamed {when}"),
            (Some(FileChange { base: None, .. }), Some(_)) => format!("created {when} by somebody else"),
            (Some(FileChange { proposed: None, .. }), Some(_)) => {
                format!("changed {when}, and would be deleted")
            }
            (_, Some(_)) => format!("changed {when} at the same lines"),
        };
        by_reason.entry(reason).or_default().push(format!("`{path}`"));
    }
    let told = |(reason, paths): (String, Vec<String>)| match reason.starts_with("changed") {
        true => format!("{} {reason}", paths.join(", ")),
        false => format!("{} {} {reason}", paths.join(", "), if paths.len() == 1 { "was" } else { "were" }),
    };
    by_reason.into_iter().map(told).collect::<Vec<_>>().join("; ")
}
