//! Hunks and diffs, for editors and for people.

use super::{ChangeSet, FileChange};
use crate::path::WorkspacePath;
use crate::text::split_lines;
use similar::{Algorithm, DiffOp, TextDiff, capture_diff_slices};
use std::fmt::Write as _;
use std::ops::Range;

/// Lines of context around a change in a unified diff.
pub(super) const CONTEXT_LINES: usize = 3;

/// A minimal replacement within one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The bytes of the base that are replaced. Begins and ends at line starts, or at the text's end.
    pub base: Range<usize>,
    /// What stands there instead.
    pub text: String,
}

/// The hunks that turn `base` into `proposed`, in order, neither overlapping nor touching.
/// Lines are those of editors: they end at `\n`, `\r\n` and a lone `\r`.
pub fn hunks(base: &str, proposed: &str) -> Vec<Hunk> {
    let (old, new) = (split_lines(base), split_lines(proposed));
    let starts: Vec<usize> = std::iter::once(0)
        .chain(old.iter().scan(0, |at, line| {
            *at += line.len();
            Some(*at)
        }))
        .collect();
    let start_of = |line: usize| starts.get(line).copied().unwrap_or(base.len());
    let mut hunks: Vec<Hunk> = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let range = start_of(op.old_range().start)..start_of(op.old_range().end);
        let text = new.get(op.new_range()).unwrap_or_default().concat();
        match hunks.last_mut() {
            Some(last) if last.base.end == range.start => {
                last.base.end = range.end;
                last.text.push_str(&text);
            }
            _ => hunks.push(Hunk { base: range, text }),
        }
    }
    hunks
}

/// A unified diff of all files with three lines of context; created, deleted and renamed
/// files as git writes them. Lines are git's: they end at `\n` alone. A file that a rename
/// takes over is not listed as deleted as well.
pub fn unified_diff(changes: &ChangeSet) -> String {
    let renamed = |path: &WorkspacePath| {
        changes.effective().any(|(_, change)| change.renamed_from.as_ref() == Some(path))
    };
    let mut diff = String::new();
    for (path, change) in changes.effective() {
        if change.proposed.is_none() && renamed(path) {
            continue;
        }
        file_diff(&mut diff, changes, path, change);
    }
    diff
}

fn file_diff(diff: &mut String, changes: &ChangeSet, path: &WorkspacePath, change: &FileChange) {
    let source = change.renamed_from.as_ref().and_then(|from| Some((from, changes.files.get(from)?)));
    let (from, base) = match source {
        Some((from, source)) => (from, source.base.as_deref()),
        None => (path, change.base.as_deref()),
    };
    let proposed = change.proposed.as_deref();
    // Writing to a String cannot fail.
    let _ = writeln!(diff, "diff --git a/{from} b/{path}");
    if from != path {
        let _ = writeln!(diff, "rename from {from}\nrename to {path}");
    }
    match (base, proposed) {
        (None, Some(_)) => diff.push_str("new file mode 100644\n"),
        (Some(_), None) => diff.push_str("deleted file mode 100644\n"),
        (Some(_), Some(_)) | (None, None) => {}
    }
    let side = |prefix: &str, path: &WorkspacePath, text: Option<&str>| match text {
        // Like git, a name with a blank is ended by a tab, so that readers know where it stops.
        Some(_) if path.as_str().contains(' ') => format!("{prefix}/{path}\t"),
        Some(_) => format!("{prefix}/{path}"),
        None => "/dev/null".to_owned(),
    };
    let (old_name, new_name) = (side("a", from, base), side("b", path, proposed));
    let body = body_diff(base.unwrap_or_default(), proposed.unwrap_or_default());
    if !body.is_empty() {
        let _ = write!(diff, "--- {old_name}\n+++ {new_name}\n{body}");
    }
}

/// What a unified diff shows between two texts, hunk by hunk. Lines end at `\n`.
pub(super) fn grouped(base: &str, proposed: &str, context: usize) -> Vec<Vec<DiffOp>> {
    let old: Vec<&str> = base.split_inclusive('\n').collect();
    let new: Vec<&str> = proposed.split_inclusive('\n').collect();
    TextDiff::configure().algorithm(Algorithm::Myers).diff_slices(&old, &new).grouped_ops(context)
}

/// The hunks of a unified diff.
fn body_diff(base: &str, proposed: &str) -> String {
    let old: Vec<&str> = base.split_inclusive('\n').collect();
    let new: Vec<&str> = proposed.split_inclusive('\n').collect();
    let text_diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_slices(&old, &new);
    let mut body = String::new();
    for hunk in text_diff.unified_diff().context_radius(CONTEXT_LINES).iter_hunks() {
        let _ = writeln!(body, "{}", hunk.header());
        for change in hunk.iter_changes() {
            let _ = write!(body, "{}{}", change.tag(), change.value());
            if !change.value().ends_with('\n') {
                body.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    body
}
