//! Edits whose base has moved.

use super::diff::hunks;
use crate::limits::REBASE_STEPS_MAX;
use crate::text::split_lines;

/// What became of an edit whose base has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rebased {
    /// The same edit on the new base.
    Clean(String),
    /// Both sides changed the same lines, or lines that touch.
    Overlapping,
}

/// A three-way merge: what `proposed` did to `base`, done to `current`. Where both sides made
/// the same change it is made once. Texts that differ in so much that merging them would take
/// more than `REBASE_STEPS_MAX` steps are overlapping.
pub fn rebase(base: &str, proposed: &str, current: &str) -> Rebased {
    if base == current || proposed == current {
        return Rebased::Clean(proposed.to_owned());
    }
    if base == proposed {
        return Rebased::Clean(current.to_owned());
    }
    match (only_ended(base, proposed), only_ended(base, current)) {
        (None, Some(line_end)) => return Rebased::Clean(ended(proposed, line_end)),
        (Some(line_end), None) => return Rebased::Clean(ended(current, line_end)),
        (None, None) | (Some(_), Some(_)) => {}
    }
    if merge_steps(base, proposed).saturating_add(merge_steps(base, current)) > REBASE_STEPS_MAX {
        return Rebased::Overlapping;
    }
    match diffy::merge(base, proposed, current) {
        Ok(merged) => Rebased::Clean(merged),
        Err(_) => Rebased::Overlapping,
    }
}

/// The line end, if all that one side did is to end the last line: editors do so when they save,
/// and it is no change of what stands in that line.
fn only_ended<'a>(base: &str, other: &'a str) -> Option<&'a str> {
    let added = other.strip_prefix(base)?;
    (["\n", "\r\n"].contains(&added) && !base.ends_with(['\n', '\r'])).then_some(added)
}

fn ended(text: &str, line_end: &str) -> String {
    let missing = if text.is_empty() || text.ends_with(['\n', '\r']) { "" } else { line_end };
    format!("{text}{missing}")
}

/// An upper estimate of the work of an exact diff: lines times changed lines (Myers, 1986). A merge
/// takes two of these.
pub fn merge_steps(base: &str, other: &str) -> usize {
    let changed: usize = hunks(base, other)
        .iter()
        .map(|hunk| {
            let removed = base.get(hunk.base.clone()).unwrap_or_default();
            split_lines(removed).len() + split_lines(&hunk.text).len()
        })
        .sum();
    (split_lines(base).len() + split_lines(other).len()).saturating_mul(changed)
}
