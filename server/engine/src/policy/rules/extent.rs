//! How much of a file a change touches: lines, and the symbols that hold them.

use crate::limits::POLICY_DIFF_LINES_MAX;
use crate::path::WorkspacePath;
use crate::syntax::{Language, Symbol, symbols_of};
use crate::text::split_lines;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::collections::BTreeSet;
use std::ops::Range;

/// How much of a file a change touches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::policy) struct Extent {
    /// Removed and added lines together.
    pub lines: u64,
    /// The qualified names of the symbols that hold or touch a changed line, before or after.
    pub symbols: BTreeSet<String>,
}

/// The extent of the change from `base` to `proposed`. Symbols are looked for where they are
/// wanted: that means parsing both texts.
pub(in crate::policy) fn extent(
    path: &WorkspacePath,
    base: &str,
    proposed: &str,
    wants_symbols: bool,
) -> Extent {
    let (old, new) = (split_lines(base), split_lines(proposed));
    let changes = changes(&old, &new);
    let lines = changes.iter().map(|(old, new)| (old.len() + new.len()) as u64).sum();
    let mut symbols = BTreeSet::new();
    // A heading or a key is no symbol that a rule could mean to bound.
    let language = Language::of_path(path).filter(|language| wants_symbols && language.is_program());
    if let Some(language) = language {
        let (removed, added): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
        touched(&symbols_of(language, base), &removed, &mut symbols);
        touched(&symbols_of(language, proposed), &added, &mut symbols);
    }
    Extent { lines, symbols }
}

/// The lines that differ, counted from 0: before and after.
fn changes(old: &[&str], new: &[&str]) -> Vec<(Range<usize>, Range<usize>)> {
    let before = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let rest = |lines: &[&str]| lines.len() - before;
    let after = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(rest(old).min(rest(new)))
        .take_while(|(old, new)| old == new)
        .count();
    let (old_middle, new_middle) = (before..old.len() - after, before..new.len() - after);
    if old_middle.is_empty() && new_middle.is_empty() {
        return Vec::new();
    }
    if old_middle.len() + new_middle.len() > POLICY_DIFF_LINES_MAX {
        return vec![(old_middle, new_middle)];
    }
    let middle = |lines: &'_ [&str], range: &Range<usize>| -> Vec<String> {
        lines.get(range.clone()).unwrap_or_default().iter().map(|line| (*line).to_owned()).collect()
    };
    let ops = capture_diff_slices(Algorithm::Myers, &middle(old, &old_middle), &middle(new, &new_middle));
    let shifted = |range: Range<usize>| range.start + before..range.end + before;
    ops.iter()
        .filter(|op| !matches!(op, DiffOp::Equal { .. }))
        .map(|op| (shifted(op.old_range()), shifted(op.new_range())))
        .collect()
}

fn touched(symbols: &[Symbol], changed: &[Range<usize>], names: &mut BTreeSet<String>) {
    for symbol in symbols {
        let (first, last) = (symbol.lines.0 as usize, symbol.lines.1 as usize);
        if changed.iter().any(|lines| lines.start < last && first <= lines.end && !lines.is_empty()) {
            names.insert(symbol.name.clone());
        }
    }
}
