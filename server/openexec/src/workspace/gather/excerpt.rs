//! Pieces of files: whole symbols where they have a sensible size, else the lines around.

use crate::limits::{AROUND_LINES, CANDIDATE_BYTES_MAX, WHOLE_SYMBOL_LINES_MAX};
use crate::workspace::hydrate::{Lines, head};
use crate::workspace::index::Parsed;
use openexec_engine::context::{Candidate, Relevance};
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::Symbol;

/// The innermost symbol that contains all these lines, counted from 1.
pub(super) fn enclosing(symbols: &[Symbol], lines: (u32, u32)) -> Option<&Symbol> {
    symbols
        .iter()
        .filter(|symbol| symbol.lines.0 <= lines.0 && lines.1 <= symbol.lines.1)
        .min_by_key(|symbol| symbol.range.len())
}

/// What to show of a place: the symbol around it, or, where that is too large or there is
/// none, the lines around it. `None` when the file has no such line.
pub(super) fn around(
    path: &WorkspacePath,
    view: &Parsed,
    place: (u32, u32),
    relevance: Relevance,
    score: u32,
) -> Option<Candidate> {
    let symbol = enclosing(&view.symbols, place);
    if let Some(symbol) = symbol.filter(|symbol| !is_large(symbol)) {
        return whole(path, view, symbol, relevance, score);
    }
    let lines = Lines::of(&view.text);
    let first = place.0.saturating_sub(AROUND_LINES).max(1);
    let last = place.1.saturating_add(AROUND_LINES).min(lines.count());
    if place.0 > last {
        return None;
    }
    let (text, last) = cut(lines.between(first, last), (first, last));
    let signature = symbol.map(|symbol| symbol.signature.clone());
    Some(Candidate {
        path: Some(path.clone()),
        symbol: None,
        lines: Some((first, last)),
        text,
        signature,
        relevance,
        score,
        signature_line: None,
        record: None,
    })
}

/// A whole symbol. Of a large one that contains others, only what stands before them.
pub(super) fn whole(
    path: &WorkspacePath,
    view: &Parsed,
    symbol: &Symbol,
    relevance: Relevance,
    score: u32,
) -> Option<Candidate> {
    let mut range = symbol.range.clone();
    let mut lines = symbol.lines;
    if is_large(symbol) {
        let inside = |other: &&Symbol| range.start < other.range.start && other.range.end <= range.end;
        if let Some(member) = view.symbols.iter().filter(inside).min_by_key(|member| member.range.start) {
            range.end = Lines::of(&view.text).start(member.lines.0).max(range.start);
            lines.1 = member.lines.0.saturating_sub(1).max(lines.0);
        }
    }
    let (text, last) = cut(view.text.get(range)?, lines);
    Some(Candidate {
        path: Some(path.clone()),
        symbol: Some(symbol.name.clone()),
        lines: Some((lines.0, last)),
        text,
        signature: Some(symbol.signature.clone()),
        relevance,
        score,
        signature_line: None,
        record: None,
    })
}

/// True for a symbol that is not shown whole around a place.
pub(super) fn is_large(symbol: &Symbol) -> bool {
    symbol.lines.1.saturating_sub(symbol.lines.0) >= WHOLE_SYMBOL_LINES_MAX
}

/// Cuts at a line's end, and says which line is the last one left.
fn cut(text: &str, (first, last): (u32, u32)) -> (String, u32) {
    if text.len() <= CANDIDATE_BYTES_MAX {
        return (text.to_owned(), last);
    }
    let head = head(text, CANDIDATE_BYTES_MAX);
    let kept = head.rfind('\n').and_then(|end| head.get(..=end)).unwrap_or(head);
    (kept.to_owned(), first.saturating_add(Lines::of(kept).count().saturating_sub(1)))
}
