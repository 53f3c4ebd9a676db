//! From candidates to the bytes of a pack: redacted, planned, wrapped, and looked at once more.
//!
//! What is shown of a file stands in one envelope, in the order of its lines, each piece below a
//! line that says where it stands and why; signatures of further places share one. The same
//! candidates give the same bytes, in whatever order they come, and never more than the budget.

mod item;
#[cfg(test)]
mod tests;

use super::envelope::Envelopes;
use super::plan::{Asked, Chosen, Lines, Portion, Shares, choose};
use super::rank::Reason;
use super::{Budget, Candidate, ContextPack, PackPart, Relevance, Shown, Vocabulary};
use crate::limits::{CONTEXT_CANDIDATES_MAX, CONTEXT_CONVENTIONS_PERCENT, CONVENTION_LINES_MIN};
use crate::redact::Redactions;
use item::Item;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The title of the envelope that holds the signatures.
const SIGNATURES: &str = "signatures of further places, each behind its line; files from above by their names, `:` for the same type";
/// What one token is for the plan, which is told thirds of tokens.
const TOKEN: usize = 3;

/// Builds the pack. The same inputs give the same bytes.
pub fn build(
    candidates: &[Candidate],
    budget: Budget,
    redactions: &mut Redactions,
    envelopes: &mut Envelopes,
) -> ContextPack {
    let mut ranked = ranked(candidates);
    let beyond = ranked.split_off(ranked.len().min(CONTEXT_CANDIDATES_MAX));
    // A value that one text gives away may stand in all others.
    for candidate in &ranked {
        let signature = candidate.signature.as_ref().filter(|signature| **signature != candidate.text);
        let texts = [Some(&candidate.text), signature, candidate.symbol.as_ref()];
        texts.into_iter().flatten().for_each(|text| redactions.look_at(candidate.path.as_ref(), text));
    }
    let shares = shares_of(&ranked);
    let items = item::items(&ranked, redactions);
    let mut packing = Packing::new(items, budget.vocabulary, envelopes);
    packing.trim_conventions(budget.tokens.saturating_mul(TOKEN) / 100 * CONTEXT_CONVENTIONS_PERCENT);
    let offers: Vec<_> = packing.items.iter().map(Item::offer).collect();
    let price = &mut |asked: &Asked<'_>| packing.price(asked);
    let mut chosen = choose(&offers, budget.tokens.saturating_mul(TOKEN), shares, price);
    loop {
        let text = sealed(packing.render(&chosen), redactions);
        let tokens = budget.vocabulary.count(&text);
        let Some(least) = chosen.iter().map(|it| it.offer).max().filter(|_| tokens > budget.tokens) else {
            let parts = packing.parts(&chosen);
            let left_out = beyond.iter().map(|it| item::part(it, it.lines, Shown::LeftOut));
            return ContextPack {
                text,
                parts: parts.into_iter().chain(left_out).collect(),
                tokens,
                vocabulary: budget.vocabulary,
                budget_tokens: budget.tokens,
            };
        };
        // Only what the last look has replaced can have made the text longer than was planned. The
        // least valuable goes: the budget is a promise.
        chosen.retain(|it| it.offer != least);
    }
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
            .then_with(|| a.signature_line.cmp(&b.signature_line))
    });
    let mut seen = BTreeSet::new();
    ranked.retain(|it| seen.insert((&it.path, &it.symbol, it.lines, &it.text)));
    ranked
}

/// Around a place, more bodies are wanted than for a text.
fn shares_of(ranked: &[&Candidate]) -> Shares {
    let is_place = |it: &&Candidate| match &it.relevance {
        Relevance::Target | Relevance::Ranked { because: Reason::Cursor } => true,
        Relevance::FailingTest { .. }
        | Relevance::Reported { .. }
        | Relevance::Memory
        | Relevance::Convention
        | Relevance::Ranked { .. }
        | Relevance::Neighbour => false,
    };
    if ranked.iter().any(is_place) { Shares::CURSOR } else { Shares::SEARCH }
}

/// Looks at each envelope once more. A secret that only the whole of it gives away is replaced.
fn sealed(mut envelopes: Vec<String>, redactions: &mut Redactions) -> String {
    envelopes.iter().for_each(|envelope| redactions.survey(envelope));
    for envelope in &mut envelopes {
        if let Some(sealed) = redactions.sealed(envelope) {
            *envelope = sealed;
        }
    }
    envelopes.join("\n")
}

/// An envelope to be: its first and last line, and what they cost.
struct Sheet {
    first: String,
    last: String,
    price: usize,
}

/// Items, and the envelopes that they need. An envelope is made when its price is first asked, since
/// what a nonce costs is known only then.
struct Packing<'a, 'e> {
    items: Vec<Item<'a>>,
    vocabulary: Vocabulary,
    envelopes: &'e mut Envelopes,
    /// By file.
    sheets: BTreeMap<usize, Sheet>,
    signatures: Option<Sheet>,
}

impl<'a, 'e> Packing<'a, 'e> {
    fn new(items: Vec<Item<'a>>, vocabulary: Vocabulary, envelopes: &'e mut Envelopes) -> Self {
        Self { items, vocabulary, envelopes, sheets: BTreeMap::new(), signatures: None }
    }

    /// Cuts what is told of conventions to their share: the heads of the nearest.
    fn trim_conventions(&mut self, limit: usize) {
        let mut left = limit;
        for at in 0..self.items.len() {
            let Some(item) = self.items.get(at).filter(|it| it.relevance() == &Relevance::Convention) else {
                continue;
            };
            let heading = self.heading(item.file, &item.title.clone()) + self.note(at, None);
            let vocabulary = self.vocabulary;
            let Some(item) = self.items.get_mut(at) else { continue };
            let room = left.saturating_sub(heading);
            let kept = item.lines_within(room, vocabulary);
            if kept >= item.data.len().min(CONVENTION_LINES_MIN)
                && (item.is_divisible || kept == item.data.len())
            {
                item.keep(kept);
                left -= heading + item.weight(None, vocabulary);
            } else {
                item.has_body = false;
            }
        }
    }

    /// What the lines around everything of a file cost.
    fn heading(&mut self, file: usize, title: &str) -> usize {
        let (envelopes, vocabulary) = (&mut *self.envelopes, self.vocabulary);
        self.sheets.entry(file).or_insert_with(|| Sheet::new(title, envelopes, vocabulary)).price
    }

    /// What the line above a piece of an item costs.
    fn note(&self, at: usize, piece: Option<Lines>) -> usize {
        let note = self.items.get(at).and_then(|item| item.note(piece));
        note.map_or(0, |note| self.line(&note))
    }

    fn line(&self, line: &str) -> usize {
        self.vocabulary.thirds(&format!("{line}\n"))
    }

    fn price(&mut self, asked: &Asked<'_>) -> usize {
        match asked.portion {
            Portion::Body => self.price_of_body(asked),
            Portion::Signature => self.price_of_signature(asked),
        }
    }

    fn price_of_body(&mut self, asked: &Asked<'_>) -> usize {
        let Some((file, title)) = self.items.get(asked.offer).map(|item| (item.file, item.title.clone()))
        else {
            return 0;
        };
        let heading = if asked.has_bodies { 0 } else { self.heading(file, &title) };
        let all: Vec<Option<Lines>> = match asked.pieces {
            Some(pieces) => pieces.iter().copied().map(Some).collect(),
            None => vec![None],
        };
        let pieces: usize = all.into_iter().map(|piece| self.price_of_piece(asked.offer, piece)).sum();
        heading + pieces
    }

    /// What a piece costs with its note. Between two texts that are shown, blank lines say nothing
    /// and are left out.
    fn price_of_piece(&mut self, at: usize, piece: Option<Lines>) -> usize {
        let (note, vocabulary) = (self.note(at, piece), self.vocabulary);
        match self.items.get_mut(at).filter(|item| !item.is_blank(piece)) {
            Some(item) => note + item.weight(piece, vocabulary),
            None => 0,
        }
    }

    fn price_of_signature(&mut self, asked: &Asked<'_>) -> usize {
        let told = |item: &Item<'_>| (item.signature_line(asked.has_kin), item.file_note(asked.has_bodies));
        let Some((line, path)) = self.items.get(asked.offer).map(told) else {
            return 0;
        };
        let (envelopes, vocabulary) = (&mut *self.envelopes, self.vocabulary);
        let list = self.signatures.get_or_insert_with(|| Sheet::new(SIGNATURES, envelopes, vocabulary)).price;
        let list = if asked.is_first_signature { list } else { 0 };
        let path = if asked.has_signatures { 0 } else { self.line(&path) };
        list + path + self.line(&line)
    }

    /// Writes the envelopes: files in the order of their best piece, then the signatures.
    fn render(&self, chosen: &[Chosen]) -> Vec<String> {
        let mut files: BTreeMap<usize, Group<(Option<Lines>, usize)>> = BTreeMap::new();
        let mut listed: BTreeMap<usize, Group<Listed>> = BTreeMap::new();
        for (it, item) in chosen.iter().filter_map(|it| Some((it, self.items.get(it.offer)?))) {
            match it.portion {
                Portion::Body => {
                    for piece in shown(item, it) {
                        files.entry(item.file).or_default().take(it.offer, (piece, it.offer));
                    }
                }
                Portion::Signature if it.pieces.is_none() => {
                    let member = (item.listed_at(), it.offer);
                    listed.entry(item.file).or_default().take(it.offer, member);
                }
                // It stands in a body.
                Portion::Signature => {}
            }
        }
        let shown: BTreeSet<usize> = files.keys().copied().collect();
        let files = in_order(files).into_iter().filter_map(|(file, pieces)| {
            let lines = pieces.iter().filter_map(|(piece, at)| Some(self.items.get(*at)?.lines_of(*piece)));
            Some(self.sheets.get(&file)?.around(lines.flatten()))
        });
        let signatures = in_order(listed).into_iter().flat_map(|(file, members)| {
            let items: Vec<&Item<'_>> = members.iter().filter_map(|(_, at)| self.items.get(*at)).collect();
            let path = items.first().map(|item| item.file_note(shown.contains(&file)));
            let mut above = None;
            let line = |item: &Item<'_>| item.signature_line(above.replace(item.kin) == Some(item.kin));
            path.into_iter().chain(items.into_iter().map(line)).collect::<Vec<_>>()
        });
        let mut signatures = signatures.peekable();
        let list = self.signatures.as_ref().filter(|_| signatures.peek().is_some());
        let list = list.map(|sheet| sheet.around(signatures));
        files.chain(list).collect()
    }

    /// The table of contents, in the order of value.
    fn parts(&mut self, chosen: &[Chosen]) -> Vec<PackPart> {
        let chosen: BTreeMap<usize, &Chosen> = chosen.iter().map(|it| (it.offer, it)).collect();
        let mut parts = Vec::new();
        for at in 0..self.items.len() {
            let pieces: Vec<(Option<Lines>, usize)> = match chosen.get(&at) {
                Some(it) if it.portion == Portion::Body => {
                    let pieces = self.items.get(at).map(|item| shown(item, it)).unwrap_or_default();
                    pieces.into_iter().map(|piece| (piece, self.price_of_piece(at, piece))).collect()
                }
                Some(_) | None => Vec::new(),
            };
            let Some(item) = self.items.get(at) else { continue };
            match chosen.get(&at) {
                None => parts.push(item.part(item.lines, Shown::LeftOut)),
                Some(it) if it.portion == Portion::Signature => {
                    let line = item.name_line().map(|line| (line, line));
                    let redactions =
                        if it.pieces.is_none() { placeholders(&item.signature_line(false)) } else { 0 };
                    let tokens = it.price.div_ceil(TOKEN);
                    parts.push(PackPart { tokens, redactions, ..item.part(line, Shown::Signature) });
                }
                Some(_) if pieces.is_empty() => parts.push(item.part(item.lines, Shown::Whole)),
                Some(it) => {
                    // What is paid for the file is in its first part.
                    let mut heading = it.price.saturating_sub(pieces.iter().map(|(_, price)| price).sum());
                    for (piece, price) in pieces {
                        let tokens = (price + std::mem::take(&mut heading)).div_ceil(TOKEN);
                        let redactions = item.data_of(piece).iter().map(|line| placeholders(line)).sum();
                        let part = item.part(piece.or(item.lines), Shown::Whole);
                        parts.push(PackPart { tokens, redactions, ..part });
                    }
                }
            }
        }
        parts
    }
}

/// The pieces of a chosen body that are not blank.
fn shown(item: &Item<'_>, chosen: &Chosen) -> Vec<Option<Lines>> {
    match &chosen.pieces {
        None => vec![None],
        Some(pieces) => pieces.iter().copied().map(Some).filter(|piece| !item.is_blank(*piece)).collect(),
    }
}

/// A signature's place among those of its file, and its offer's number.
type Listed = ((usize, Option<u32>), usize);

/// What is shown of one file.
struct Group<T> {
    /// The offers' numbers; the smallest is the best.
    offers: BTreeSet<usize>,
    members: Vec<T>,
}

impl<T> Default for Group<T> {
    fn default() -> Self {
        Self { offers: BTreeSet::new(), members: Vec::new() }
    }
}

impl<T> Group<T> {
    fn take(&mut self, offer: usize, member: T) {
        self.offers.insert(offer);
        self.members.push(member);
    }
}

/// The files in the order of their best offer, each with its members in their own order.
fn in_order<T: Ord>(groups: BTreeMap<usize, Group<T>>) -> Vec<(usize, Vec<T>)> {
    let mut groups: Vec<(usize, Group<T>)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, group)| group.offers.first().copied());
    let sorted = |(file, group): (usize, Group<T>)| {
        let mut members = group.members;
        members.sort();
        (file, members)
    };
    groups.into_iter().map(sorted).collect()
}

impl Sheet {
    fn new(title: &str, envelopes: &mut Envelopes, vocabulary: Vocabulary) -> Self {
        let (first, last) = envelopes.around_pieces(title);
        let price = vocabulary.thirds(&format!("{first}\n{last}\n"));
        Self { first, last, price }
    }

    fn around(&self, lines: impl Iterator<Item = String>) -> String {
        let all = std::iter::once(self.first.clone()).chain(lines).chain([self.last.clone()]);
        all.collect::<Vec<_>>().join("\n")
    }
}

/// How many secrets were replaced in a text.
fn placeholders(text: &str) -> usize {
    text.matches("⟦secret:").count() - text.matches("⟦secret:literal:").count()
}
