//! Parts of a change set that a person can take or leave: hunks as the unified diff shows
//! them, and whole files.

use super::diff::{CONTEXT_LINES, grouped};
use super::{ChangeSet, FileChange};
use crate::path::{PathError, WorkspacePath};
use serde::{Deserialize, Serialize};
use similar::DiffOp;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A part of a change set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The file.
    pub path: WorkspacePath,
    /// The hunk, counted from 1 as the unified diff shows them; the whole file when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hunk: Option<usize>,
}

/// A part as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownPart {
    /// The part.
    pub part: Part,
    /// The lines of the base that it is about, counted from 1, both included. What is only
    /// inserted is about the line before it.
    pub lines: (usize, usize),
    /// Lines that it adds.
    pub added: usize,
    /// Lines that it removes.
    pub removed: usize,
}

/// The parts of a change set, in the order of the unified diff.
pub fn parts(changes: &ChangeSet) -> Vec<ShownPart> {
    let taken_over = |path: &WorkspacePath| {
        changes.effective().any(|(_, change)| change.renamed_from.as_ref() == Some(path))
    };
    let mut parts = Vec::new();
    for (path, change) in changes.effective().filter(|(path, _)| !taken_over(path)) {
        let lines = |text: &Option<String>| text.as_deref().unwrap_or_default().split_inclusive('\n').count();
        match (&change.base, &change.proposed, &change.renamed_from) {
            (Some(base), Some(proposed), None) => {
                let groups = grouped(base, proposed, CONTEXT_LINES);
                parts.extend((1..).zip(&groups).map(|(hunk, group)| shown(path, hunk, group)));
            }
            _ => parts.push(ShownPart {
                part: Part { path: path.clone(), hunk: None },
                lines: (1, lines(&change.base).max(1)),
                added: lines(&change.proposed),
                removed: lines(&change.base),
            }),
        }
    }
    parts
}

fn shown(path: &WorkspacePath, hunk: usize, group: &[DiffOp]) -> ShownPart {
    let changed = || group.iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    let first = changed().map(|op| op.old_range().start).min().unwrap_or_default();
    let end = changed().map(|op| op.old_range().end).max().unwrap_or_default();
    let first = if first == end { first.max(1) } else { first + 1 };
    ShownPart {
        part: Part { path: path.clone(), hunk: Some(hunk) },
        lines: (first, end.max(first)),
        added: changed().map(|op| op.new_range().len()).sum(),
        removed: changed().map(|op| op.old_range().len()).sum(),
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hunk {
            Some(hunk) => write!(f, "{}:{hunk}", self.path),
            None => write!(f, "{}", self.path),
        }
    }
}

impl FromStr for Part {
    type Err = PathError;

    /// `src/lib.rs` for the whole file, `src/lib.rs:2` for its second hunk.
    fn from_str(text: &str) -> Result<Self, PathError> {
        let hunk = text.rsplit_once(':').and_then(|(path, hunk)| Some((path, hunk.parse().ok()?)));
        match hunk {
            Some((path, hunk)) => Ok(Self { path: WorkspacePath::parse(path)?, hunk: Some(hunk) }),
            None => Ok(Self { path: WorkspacePath::parse(text)?, hunk: None }),
        }
    }
}

/// A part that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum NoSuchPart {
    #[error("`{path}` is not changed; changed are {}", changed.join(", "))]
    File { path: WorkspacePath, changed: Vec<String> },
    #[error("`{path}` has {hunks} hunks, and no hunk {hunk}")]
    Hunk { path: WorkspacePath, hunk: usize, hunks: usize },
    #[error("`{path}` is created, deleted or renamed; leave its hunk out to name the whole file")]
    Whole { path: WorkspacePath },
}

/// The change set without these parts. A renamed file goes with both its names.
///
/// # Errors
/// When a part is not there; nothing is left out then.
pub fn without(changes: &ChangeSet, parts: &[Part]) -> Result<ChangeSet, NoSuchPart> {
    let mut rest = changes.clone();
    let mut hunks: BTreeSet<(&WorkspacePath, usize)> = BTreeSet::new();
    for Part { path, hunk } in parts {
        let change = changes.files.get(path).filter(|change| change.base != change.proposed);
        let change = change.ok_or_else(|| NoSuchPart::File {
            path: path.clone(),
            changed: changes.effective().map(|(path, _)| format!("`{path}`")).collect(),
        })?;
        match hunk {
            None => leave_file(&mut rest, changes, path, change),
            Some(hunk) => {
                let (Some(base), Some(proposed), None) =
                    (&change.base, &change.proposed, &change.renamed_from)
                else {
                    return Err(NoSuchPart::Whole { path: path.clone() });
                };
                let there = hunks_of(base, proposed);
                if !(1..=there).contains(hunk) {
                    return Err(NoSuchPart::Hunk { path: path.clone(), hunk: *hunk, hunks: there });
                }
                hunks.insert((path, *hunk));
            }
        }
    }
    for (path, change) in &mut rest.files {
        let left: BTreeSet<usize> =
            hunks.iter().filter(|(at, _)| *at == path).map(|(_, hunk)| *hunk).collect();
        if let (false, Some(base), Some(proposed)) = (left.is_empty(), &change.base, &change.proposed) {
            change.proposed = Some(without_hunks(base, proposed, &left));
        }
    }
    Ok(rest)
}

/// The hunks that the unified diff shows of a file.
pub fn hunks_of(base: &str, proposed: &str) -> usize {
    grouped(base, proposed, CONTEXT_LINES).len()
}

/// The file stays as it was; so does the one whose text it would have taken over, or that would
/// have taken over its own.
fn leave_file(rest: &mut ChangeSet, changes: &ChangeSet, path: &WorkspacePath, change: &FileChange) {
    let other = changes
        .files
        .iter()
        .find(|(_, other)| other.renamed_from.as_ref() == Some(path))
        .map(|(other, _)| other.clone())
        .or_else(|| change.renamed_from.clone());
    for path in [Some(path.clone()), other].into_iter().flatten() {
        if let Some(left) = rest.files.get_mut(&path) {
            *left = FileChange { base: left.base.clone(), proposed: left.base.clone(), renamed_from: None };
        }
    }
}

fn without_hunks(base: &str, proposed: &str, left: &BTreeSet<usize>) -> String {
    let old: Vec<&str> = base.split_inclusive('\n').collect();
    let new: Vec<&str> = proposed.split_inclusive('\n').collect();
    let groups = grouped(base, proposed, CONTEXT_LINES);
    let mut text = String::with_capacity(base.len().max(proposed.len()));
    let mut at = 0;
    for (number, group) in (1..).zip(&groups) {
        for op in group {
            let range = op.old_range();
            text.extend(old.get(at..range.start).unwrap_or_default().iter().copied());
            let stays = left.contains(&number) || matches!(op, DiffOp::Equal { .. });
            let lines = if stays { old.get(range.clone()) } else { new.get(op.new_range()) };
            text.extend(lines.unwrap_or_default().iter().copied());
            at = range.end;
        }
    }
    text.extend(old.get(at..).unwrap_or_default().iter().copied());
    text
}
