//! Words and names: BM25 over the fields of each definition (BM25F: Robertson, Zaragoza and
//! Taylor, 2004), and definitions whose very name is written.

use super::filter::Few;
use super::{Because, FILES_PER_WORKER_MIN, File, Mark, Query, Ranking, Weights};
use crate::index::{Counts, Entry, Held, NameKey, Term, names_in, terms_of};
use crate::workers::{Workers, in_parts};
use std::collections::BTreeMap;
use std::ops::Range;

/// Words that a reason lists.
const REASON_WORDS_MAX: usize = 3;
/// Terms of a query that are looked for, those that weigh most.
const QUERY_TERMS_MAX: usize = 1_024;

/// The terms of a query with their weights, sorted by term.
pub(super) struct QueryTerms {
    terms: Few,
    weights: Vec<f64>,
    written: Vec<String>,
    /// What each term is worth, which the corpus decides; set by [`score`].
    worth: Vec<f64>,
    text_names: Few,
    code_names: Few,
}

impl QueryTerms {
    pub(super) fn of(query: &Query<'_>, weights: &Weights) -> Self {
        let mut gathered: BTreeMap<Term, (f64, String)> = BTreeMap::new();
        let mut text_names = Vec::new();
        let mut code_names = Vec::new();
        for text in &query.texts {
            let (subject, rest) = text.split_once('\n').unwrap_or((text, ""));
            gather(&mut gathered, subject, weights.subject);
            gather(&mut gathered, rest, 1.0);
            text_names.extend(names_in(text));
        }
        for code in &query.code {
            gather(&mut gathered, code, weights.code);
            code_names.extend(names_in(code));
        }
        let mut found: Vec<(Term, (f64, String))> = gathered.into_iter().collect();
        if found.len() > QUERY_TERMS_MAX {
            found.sort_by(|one, other| other.1.0.total_cmp(&one.1.0).then(one.0.cmp(&other.0)));
            found.truncate(QUERY_TERMS_MAX);
            found.sort_by_key(|(term, _)| *term);
        }
        Self {
            terms: Few::new(found.iter().map(|(term, _)| term.0).collect()),
            // Saying a thing often says it more, but not by as much.
            weights: found.iter().map(|(_, (weight, _))| weight.sqrt()).collect(),
            written: found.into_iter().map(|(_, (_, written))| written).collect(),
            worth: Vec::new(),
            text_names: few(text_names),
            code_names: few(code_names),
        }
    }

    fn place(&self, term: Term) -> Option<usize> {
        self.terms.place(term.0)
    }

    /// True where a text has this name.
    pub(super) fn names(&self, name: NameKey) -> bool {
        self.text_names.place(name.0).is_some()
    }

    /// The words of the query that say most about a definition.
    pub(super) fn telling(&self, entry: &Entry, definition: usize, weights: &Weights) -> Vec<String> {
        let own = entry.summary.terms(definition).map(|(term, counts)| (term, frequency(counts, weights)));
        let of_file = entry.path_terms.iter().map(|term| (*term, weights.file));
        let mut found: Vec<(u64, &str)> = own
            .chain(of_file)
            .filter_map(|(term, frequency)| {
                let at = self.place(term)?;
                let value = self.worth.get(at)? * frequency;
                Some((super::quantised(value), self.written.get(at)?.as_str()))
            })
            .collect();
        found.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(other.1)));
        let mut words: Vec<String> = Vec::new();
        for (_, word) in found {
            if words.len() < REASON_WORDS_MAX && !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        words
    }
}

fn gather(gathered: &mut BTreeMap<Term, (f64, String)>, text: &str, weight: f64) {
    for word in text.split(|character: char| !(character.is_alphanumeric() || character == '_')) {
        for term in terms_of(word) {
            gathered.entry(term).or_insert_with(|| (0.0, word.to_owned())).0 += weight;
        }
    }
}

fn few(mut names: Vec<NameKey>) -> Few {
    names.sort_unstable();
    names.dedup();
    Few::new(names.into_iter().map(|name| name.0).collect())
}

fn frequency(counts: Counts, weights: &Weights) -> f64 {
    let of = |field: Held| f64::from(counts.of(field));
    weights.name * of(Held::Name)
        + weights.path * of(Held::Path)
        + weights.signature * of(Held::Signature)
        + weights.doc * of(Held::Doc)
        + weights.body * of(Held::Body)
}

/// A term of the query that a definition holds. A query can have a million of these.
struct Hit {
    number: u32,
    place: u32,
    counts: Counts,
    in_path: bool,
}

impl Hit {
    fn new(number: usize, place: usize, counts: Counts, in_path: bool) -> Self {
        // No workspace has more definitions, and no query more terms.
        let [number, place] = [number, place].map(|it| u32::try_from(it).unwrap_or(u32::MAX));
        Self { number, place, counts, in_path }
    }

    fn number(&self) -> usize {
        self.number as usize
    }

    fn place(&self) -> usize {
        self.place as usize
    }
}

/// Scores every definition by the words and names of the query. The best words make 1.
pub(super) fn score(
    ranking: &mut Ranking<'_>,
    terms: &mut QueryTerms,
    weights: &Weights,
    workers: &dyn Workers,
) {
    let found = in_parts(workers, &ranking.files, FILES_PER_WORKER_MIN, |files| Found::of(files, terms));
    let total = ranking.scores.len() as f64;
    let held = |place: usize| -> u32 { found.iter().filter_map(|it| it.frequencies.get(place)).sum() };
    let worth = |(place, weight): (usize, &f64)| {
        let held = f64::from(held(place));
        weight * log2(1.0 + (total - held + 0.5) / (held + 0.5))
    };
    terms.worth = terms.weights.iter().enumerate().map(worth).collect();
    let words: u64 = ranking.marks.iter().map(|mark| u64::from(mark.words)).sum();
    let average = (words as f64 / total.max(1.0)).max(1.0);
    let marks = &ranking.marks;
    let scores = in_parts(workers, &found, 1, |found| {
        let scores = |it: &Found| it.scores(marks, &terms.worth, average, weights);
        found.iter().flat_map(scores).collect::<Vec<f64>>()
    });
    ranking.scores = scores.concat();
    discount(ranking, weights);
    normalise(ranking);
    names(ranking, &terms.text_names, weights.named, weights);
    names(ranking, &terms.code_names, weights.named_in_code, weights);
}

/// What some files, one behind the other, hold of a query.
struct Found {
    /// The numbers of their definitions.
    numbers: Range<usize>,
    /// Every term of the query in every definition, file by file.
    hits: Vec<Hit>,
    /// How many definitions hold each term.
    frequencies: Vec<u32>,
}

impl Found {
    fn of(files: &[File<'_>], terms: &QueryTerms) -> Self {
        let mut hits = Vec::new();
        let mut frequencies = vec![0_u32; terms.terms.len()];
        for file in files {
            let in_path: Vec<usize> =
                file.entry.path_terms.iter().filter_map(|term| terms.place(*term)).collect();
            let first = hits.len();
            for (at, place, counts) in file.entry.summary.terms_wanted(|term| terms.place(term)) {
                hits.push(Hit::new(file.base + at, place, counts, in_path.contains(&place)));
                if let Some(count) = frequencies.get_mut(place) {
                    *count += 1;
                }
            }
            if !in_path.is_empty() {
                let shared = shared_only(&in_path, file.numbers(), hits.get(first..).unwrap_or_default());
                hits.extend(shared);
            }
        }
        let first = files.first().map_or(0, |file| file.base);
        let last = files.last().map_or(0, |file| file.numbers().end);
        Self { numbers: first..last, hits, frequencies }
    }

    /// What the terms are worth to each definition, by what each of them is worth.
    fn scores(&self, marks: &[Mark], worth: &[f64], average: f64, weights: &Weights) -> Vec<f64> {
        let mut scores = vec![0.0; self.numbers.len()];
        for hit in &self.hits {
            let Some(mark) = marks.get(hit.number()) else { continue };
            let stretch = 1.0 - weights.length + weights.length * f64::from(mark.words) / average;
            let path = if hit.in_path { weights.file } else { 0.0 };
            let often = (frequency(hit.counts, weights) + path) / stretch;
            let value =
                worth.get(hit.place()).copied().unwrap_or_default() * often / (weights.saturation + often);
            if let Some(score) = scores.get_mut(hit.number() - self.numbers.start) {
                *score += value;
            }
        }
        scores
    }
}

/// What definitions hold by their file's path alone: not among their own hits, which are in order.
fn shared_only(in_path: &[usize], numbers: Range<usize>, mut own: &[Hit]) -> Vec<Hit> {
    let mut shared = Vec::new();
    for number in numbers {
        let (held, rest) = own.split_at(own.partition_point(|hit| hit.number() <= number));
        own = rest;
        for place in in_path.iter().filter(|place| !held.iter().any(|hit| hit.place() == **place)) {
            shared.push(Hit::new(number, *place, Counts::default(), true));
        }
    }
    shared
}

/// Test code shares the words of what it tests, and types those of their members.
fn discount(ranking: &mut Ranking<'_>, weights: &Weights) {
    for (score, mark) in ranking.scores.iter_mut().zip(&ranking.marks) {
        *score *= mark.factor(weights);
    }
}

fn normalise(ranking: &mut Ranking<'_>) {
    let most = ranking.scores.iter().copied().fold(0.0, f64::max);
    if most > 0.0 {
        for (score, because) in ranking.scores.iter_mut().zip(&mut ranking.because) {
            *score /= most;
            *because = (*score, Because::Words);
        }
    }
}

/// Adds to the definitions with these names, less the more there are of one name.
fn names(ranking: &mut Ranking<'_>, names: &Few, weight: f64, weights: &Weights) {
    let mut defined: Vec<Vec<(usize, f64)>> = vec![Vec::new(); names.len()];
    for (number, mark) in ranking.marks.iter().enumerate() {
        if let Some(numbers) = names.place(mark.own.0).and_then(|place| defined.get_mut(place)) {
            numbers.push((number, mark.factor(weights)));
        }
    }
    for numbers in defined {
        let share = weight / (numbers.len() as f64).sqrt();
        for (number, factor) in numbers {
            ranking.add(number, share * factor, Because::Named);
        }
    }
}

/// The logarithm to the base 2, from operations that are exact on every machine; right to about
/// three decimals, which is enough for what a rare word is worth.
pub(super) fn log2(value: f64) -> f64 {
    let (mut value, mut log) = (value.max(1.0), 0.0);
    while value >= 2.0 {
        value /= 2.0;
        log += 1.0;
    }
    // Between 1 and 2: the first terms of the series in (x-1)/(x+1).
    let ratio = (value - 1.0) / (value + 1.0);
    let square = ratio * ratio;
    log + 2.885_390_08 * ratio * (1.0 + square * (1.0 / 3.0 + square * (0.2 + square / 7.0)))
}
