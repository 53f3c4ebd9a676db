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
    if steps(base, proposed).saturating_add(steps(base, current)) > REBASE_STEPS_MAX {
        return Rebased::Overlapping;
    }
    match diffy::merge(base, proposed, current) {
        Ok(merged) => Rebased::Clean(merged),
        Err(_) => Rebased::Overlapping,
    }
}

/// An upper estimate of the work of an exact diff: lines times changed lines (Myers, 1986).
fn steps(base: &str, other: &str) -> usize {
    let changed: usize = hunks(base, other)
        .iter()
        .map(|hunk| {
            let removed = base.get(hunk.base.clone()).unwrap_or_default();
            split_lines(removed).len() + split_lines(&hunk.text).len()
        })
        .sum();
    (split_lines(base).len() + split_lines(other).len()).saturating_mul(changed)
}
