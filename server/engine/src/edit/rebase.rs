//! Edits whose base has moved.

use super::diff::{Hunk, hunks};
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

/// The same, where what both sides changed may also touch: a line directly above or below those that
/// the other side changed keeps its place there. Where the texts do not tell which of two changes
/// stands above the other, they overlap.
pub fn rebase_beside(base: &str, proposed: &str, current: &str) -> Rebased {
    match rebase(base, proposed, current) {
        Rebased::Overlapping
            if merge_steps(base, proposed).saturating_add(merge_steps(base, current)) <= REBASE_STEPS_MAX =>
        {
            let both = hunks(base, proposed).into_iter().chain(hunks(base, current));
            beside(base, both.collect()).map_or(Rebased::Overlapping, Rebased::Clean)
        }
        merged => merged,
    }
}

/// All these hunks made in one text; none where two of them are about the same place.
fn beside(base: &str, mut both: Vec<Hunk>) -> Option<String> {
    both.sort_by_key(|hunk| (hunk.base.start, hunk.base.end));
    both.dedup();
    for (above, below) in both.iter().zip(both.iter().skip(1)) {
        let touch = above.base.end == below.base.start;
        let is_ambiguous = above.base.is_empty() && below.base.is_empty()
            || slides_down(base, above)
            || slides_up(base, below);
        if above.base.end > below.base.start || touch && is_ambiguous {
            return None;
        }
    }
    let mut merged = String::with_capacity(base.len());
    let mut at = 0;
    for hunk in &both {
        put(&mut merged, base.get(at..hunk.base.start)?)?;
        put(&mut merged, &hunk.text)?;
        at = hunk.base.end;
    }
    put(&mut merged, base.get(at..)?)?;
    Some(merged)
}

/// Adds whole lines. None where they would become one with the last line that is there.
fn put(merged: &mut String, lines: &str) -> Option<()> {
    let joins = match merged.chars().next_back() {
        Some('\r') => lines.starts_with('\n'),
        Some('\n') | None => false,
        Some(_) => !lines.is_empty(),
    };
    merged.push_str(lines);
    (!joins).then_some(())
}

/// Whether the same texts come of it one line further down: what is inserted or deleted begins with
/// the line that follows it.
fn slides_down(base: &str, hunk: &Hunk) -> bool {
    let Some(moved) = moved(base, hunk) else { return false };
    let next = split_lines(base.get(hunk.base.end..).unwrap_or_default());
    !next.is_empty() && next.first() == split_lines(moved).first()
}

/// The same one line further up.
fn slides_up(base: &str, hunk: &Hunk) -> bool {
    let Some(moved) = moved(base, hunk) else { return false };
    let before = split_lines(base.get(..hunk.base.start).unwrap_or_default());
    !before.is_empty() && before.last() == split_lines(moved).last()
}

/// The lines that are only inserted, or only deleted; what is replaced stays where it is.
fn moved<'a>(base: &'a str, hunk: &'a Hunk) -> Option<&'a str> {
    let deleted = base.get(hunk.base.clone())?;
    match (deleted.is_empty(), hunk.text.is_empty()) {
        (true, false) => Some(&hunk.text),
        (false, true) => Some(deleted),
        (true, true) | (false, false) => None,
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
