//! Ranking, trimming and packing.
//!
//! Whole texts come first, up to a share of the budget; then one-line signatures of what did
//! not fit; then whole texts again with what is left over. No line of a file is shown twice.
//! The same candidates give the same bytes, in whatever order they come.

use super::envelope::Envelopes;
use super::marks::mark;
use super::{Candidate, ContextPack, PackPart, Shown};
use crate::limits::{CONTEXT_BODIES_PERCENT, CONTEXT_CANDIDATES_MAX};
use crate::path::WorkspacePath;
use crate::redact::Redactions;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes that are counted as one token.
const BYTES_PER_TOKEN: usize = 3;
/// The title of the envelope that holds the signatures.
const SIGNATURES: &str = "signatures of further places, one a line";

/// An upper estimate of a text's tokens, at three bytes a token.
pub fn estimate_tokens(text: &str) -> usize {
    tokens_of(text.len())
}

const fn tokens_of(bytes: usize) -> usize {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// Builds the pack. The same inputs give the same bytes.
pub fn build(
    candidates: &[Candidate],
    budget_tokens: usize,
    redactions: &mut Redactions,
    envelopes: &mut Envelopes,
) -> ContextPack {
    let mut items: Vec<Item> = ranked(candidates).into_iter().map(|it| Item::new(it, redactions)).collect();
    let mut chosen = Selection::new(budget_tokens.saturating_mul(BYTES_PER_TOKEN), envelopes);
    let considered = items.len().min(CONTEXT_CANDIDATES_MAX);
    if let Some(items) = items.get_mut(..considered) {
        let bodies = chosen.budget / 100 * CONTEXT_BODIES_PERCENT;
        items.iter_mut().for_each(|item| chosen.show_whole(item, bodies));
        items.iter_mut().for_each(|item| chosen.show_signature(item));
        items.iter_mut().for_each(|item| chosen.show_whole(item, chosen.budget));
    }
    let mut pack = render(&items, budget_tokens, &mut envelopes.clone());
    // The costs were counted piece by piece. Should their sum be too small after all, the least
    // valuable goes: the budget is a promise.
    while pack.tokens > budget_tokens {
        let Some(last) = items.iter_mut().rev().find(|item| item.shown.is_some()) else { break };
        last.shown = None;
        pack = render(&items, budget_tokens, &mut envelopes.clone());
    }
    render(&items, budget_tokens, envelopes)
}

/// The candidates in their order of value, without repetitions.
fn ranked(candidates: &[Candidate]) -> Vec<&Candidate> {
    let mut ranked: Vec<&Candidate> = candidates.iter().collect();
    ranked.sort_by(|a, b| {
        let place = |it: &Candidate| (it.relevance.rank(), Reverse(it.score));
        place(a)
            .cmp(&place(b))
            .then_with(|| a.path.cmp(&b.path))
            .then_with(|| a.lines.cmp(&b.lines))
            .then_with(|| a.symbol.cmp(&b.symbol))
            .then_with(|| a.relevance.cmp(&b.relevance))
            .then_with(|| a.text.cmp(&b.text))
            .then_with(|| a.signature.cmp(&b.signature))
    });
    let mut seen = BTreeSet::new();
    ranked.retain(|it| seen.insert((&it.path, &it.symbol, it.lines, &it.text)));
    ranked
}

/// Lines of a file, counted from 1, both included.
type Lines = (u32, u32);

/// How an item is shown.
enum Showing {
    /// These pieces of it; none when every line of it stands in the pack already.
    Pieces(Vec<Piece>),
    /// One line.
    Signature(String),
}

/// A connected part of an item's text.
struct Piece {
    title: String,
    lines: Option<Lines>,
    text: String,
    bytes: usize,
}

/// A candidate, redacted.
struct Item<'a> {
    candidate: &'a Candidate,
    title: String,
    text: String,
    signature: Option<String>,
    redactions: usize,
    /// True when the text is exactly the lines it claims to be.
    exact: bool,
    /// True when, in addition, the redacted text still has the same lines.
    divisible: bool,
    shown: Option<Showing>,
}

impl<'a> Item<'a> {
    fn new(candidate: &'a Candidate, redactions: &mut Redactions) -> Self {
        let path = candidate.path.as_ref();
        let (text, count) = redactions.redact_in(path, &candidate.text);
        let line_count = |text: &str| text.split_inclusive('\n').count();
        let claimed = candidate.lines.map(|(first, last)| (last as usize + 1).saturating_sub(first as usize));
        let exact = candidate.path.is_some() && claimed == Some(line_count(&candidate.text));
        let divisible = exact && line_count(&text) == line_count(&candidate.text);
        let signature = candidate.signature.as_ref().map(|signature| redactions.redact_in(path, signature).0);
        let title = redactions.redact(&title_of(candidate, candidate.lines)).0;
        Self { candidate, title, text, signature, redactions: count, exact, divisible, shown: None }
    }

    /// The text in pieces, without the lines that are shown already.
    fn pieces(&self, covered: &BTreeMap<&'a WorkspacePath, Vec<Lines>>) -> Vec<Piece> {
        let whole = || vec![self.piece(self.candidate.lines, self.text.clone(), self.title.clone())];
        let (Some(path), Some((first, last)), true) =
            (&self.candidate.path, self.candidate.lines, self.divisible)
        else {
            return whole();
        };
        let shown = covered.get(path).map(Vec::as_slice).unwrap_or_default();
        let is_shown = |line: u32| shown.iter().any(|(from, to)| (*from..=*to).contains(&line));
        if !(first..=last).any(is_shown) {
            return whole();
        }
        let mut pieces: Vec<(Lines, String)> = Vec::new();
        for (line, text) in
            (first..=last).zip(self.text.split_inclusive('\n')).filter(|(line, _)| !is_shown(*line))
        {
            match pieces.last_mut() {
                Some(((_, end), piece)) if *end + 1 == line => {
                    *end = line;
                    piece.push_str(text);
                }
                _ => pieces.push(((line, line), text.to_owned())),
            }
        }
        // Between two texts that are shown, blank lines say nothing.
        pieces.retain(|(_, text)| !text.trim().is_empty());
        let pieces = pieces.into_iter();
        pieces
            .map(|(lines, text)| self.piece(Some(lines), text, title_of(self.candidate, Some(lines))))
            .collect()
    }

    fn piece(&self, lines: Option<Lines>, text: String, title: String) -> Piece {
        Piece { title, lines, text, bytes: 0 }
    }

    fn part(&self, lines: Option<Lines>, shown: Shown, bytes: usize, redactions: usize) -> PackPart {
        PackPart {
            path: self.candidate.path.clone(),
            symbol: self.candidate.symbol.clone(),
            lines,
            relevance: self.candidate.relevance.clone(),
            shown,
            tokens: tokens_of(bytes),
            redactions,
            withheld: None,
        }
    }
}

/// Where a text comes from and why it is shown, in the runtime's words.
fn title_of(candidate: &Candidate, lines: Option<Lines>) -> String {
    let why = candidate.relevance.to_string();
    let place = place_of(candidate, lines);
    if place.is_empty() { why } else { format!("{place}; {why}") }
}

fn place_of(candidate: &Candidate, lines: Option<Lines>) -> String {
    let mut place = candidate.path.as_ref().map(ToString::to_string).unwrap_or_default();
    if let (false, Some((first, last))) = (place.is_empty(), lines) {
        place.push_str(&format!(":{first}-{last}"));
    }
    if let Some(symbol) = &candidate.symbol {
        if !place.is_empty() {
            place.push(' ');
        }
        place.push_str(symbol);
    }
    place
}

/// What has been chosen so far, and what it costs.
struct Selection<'a> {
    budget: usize,
    used: usize,
    covered: BTreeMap<&'a WorkspacePath, Vec<Lines>>,
    /// Envelopes to measure with; the real ones are made at the end.
    measure: Envelopes,
    has_signatures: bool,
}

impl<'a> Selection<'a> {
    fn new(budget: usize, envelopes: &Envelopes) -> Self {
        Self { budget, used: 0, covered: BTreeMap::new(), measure: envelopes.clone(), has_signatures: false }
    }

    /// The bytes of an envelope and of the line break after it.
    fn cost(&mut self, title: &str, text: &str) -> usize {
        self.measure.wrap(title, text).len() + 1
    }

    /// Shows the item whole if the sum stays within `limit`.
    fn show_whole(&mut self, item: &mut Item<'a>, limit: usize) {
        let refund = match &item.shown {
            Some(Showing::Pieces(_)) => return,
            Some(Showing::Signature(line)) => signature_bytes(line),
            None => 0,
        };
        let room = (limit + refund).saturating_sub(self.used);
        // An envelope is longer than its text: most of what does not fit is seen without rendering it.
        if item.text.len() > room && !item.divisible {
            return;
        }
        let mut pieces = item.pieces(&self.covered);
        let mut bytes = 0;
        for piece in &mut pieces {
            if piece.text.len() > room {
                return;
            }
            piece.bytes = self.cost(&piece.title, &piece.text);
            bytes += piece.bytes;
        }
        if bytes > room {
            return;
        }
        self.used = (self.used + bytes).saturating_sub(refund);
        if let (Some(path), Some(lines), true) = (&item.candidate.path, item.candidate.lines, item.exact) {
            self.covered.entry(path).or_default().push(lines);
        }
        item.shown = Some(Showing::Pieces(pieces));
    }

    /// Shows the item's signature if there is room for it.
    fn show_signature(&mut self, item: &mut Item<'a>) {
        let (None, Some(signature)) = (&item.shown, &item.signature) else { return };
        let line = format!("{}  {}", place_of(item.candidate, item.candidate.lines), one_line(signature));
        let envelope = if self.has_signatures { 0 } else { self.cost(SIGNATURES, "") };
        let bytes = envelope + signature_bytes(&line);
        if self.used + bytes <= self.budget {
            self.used += bytes;
            self.has_signatures = true;
            item.shown = Some(Showing::Signature(line));
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The bytes of one line of the signatures' envelope, with the line's own mark and break.
fn signature_bytes(line: &str) -> usize {
    mark(line).len() + 3
}

/// Writes the pack: whole texts in their order, then the signatures.
fn render(items: &[Item<'_>], budget_tokens: usize, envelopes: &mut Envelopes) -> ContextPack {
    let mut texts: Vec<String> = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    let mut parts = Vec::new();
    for item in items {
        match &item.shown {
            Some(Showing::Pieces(pieces)) if pieces.is_empty() => {
                parts.push(item.part(item.candidate.lines, Shown::Whole, 0, 0));
            }
            Some(Showing::Pieces(pieces)) => {
                for piece in pieces {
                    texts.push(envelopes.wrap(&piece.title, &piece.text));
                    let redactions =
                        if pieces.len() == 1 { item.redactions } else { placeholders(&piece.text) };
                    parts.push(item.part(piece.lines, Shown::Whole, piece.bytes, redactions));
                }
            }
            Some(Showing::Signature(line)) => {
                lines.push(line);
                let bytes = signature_bytes(line);
                parts.push(item.part(item.candidate.lines, Shown::Signature, bytes, placeholders(line)));
            }
            None => parts.push(item.part(item.candidate.lines, Shown::LeftOut, 0, 0)),
        }
    }
    if !lines.is_empty() {
        texts.push(envelopes.wrap(SIGNATURES, &lines.join("\n")));
    }
    let text = texts.join("\n");
    ContextPack { tokens: estimate_tokens(&text), text, parts, budget_tokens }
}

/// How many secrets were replaced in a text.
fn placeholders(text: &str) -> usize {
    text.matches("⟦secret:").count() - text.matches("⟦secret:literal:").count()
}

#[cfg(test)]
mod tests;
