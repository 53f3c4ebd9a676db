//! Ranking over functions: which definitions of a workspace does a task need?
//!
//! Words first (BM25 over the fields of each definition), then names, then what surrounds the
//! best: calls in both directions, the files that change together with the seed's, the file
//! that a test's name mirrors, imports, types in signatures. Every step only adds to a score
//! and remembers what added most, which becomes the reason that the pack shows.
//!
//! The same corpus and the same query give the same order on every machine: only addition,
//! multiplication, division and square roots are used, which are exact, and scores are
//! quantised before they are compared; ties go by path and byte.

mod filter;
mod hints;
mod history;
mod links;
mod matching;
mod order;
#[cfg(test)]
mod tests;
mod weights;

pub use history::changed_together;
pub use weights::Weights;

use super::{Candidate, Relevance};
use crate::index::{Corpus, Definition, Entry, NameKey, own_name};
use crate::limits::{RANKED_BODIES_MAX, RANKED_CANDIDATES_MAX};
use crate::path::WorkspacePath;
use crate::workers::Workers;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

/// Definitions that a ranking gives, at most.
const RANKED_MAX: usize = 1_000;
/// Words of a brief reason.
const BRIEF_WORDS_MAX: usize = 2;
/// The least share of the best score that speaks for a definition.
const LEAST: f64 = 1e-6;
/// Files for which a worker is called: of fewer, all are read before anybody has come.
const FILES_PER_WORKER_MIN: usize = 256;
/// The score of the first place.
const PLACES: u32 = 1_000_000;

/// What a ranking is for.
#[derive(Debug, Clone, Default)]
pub struct Query<'a> {
    /// What somebody wrote, or a tool: an instruction, messages.
    pub texts: Vec<&'a str>,
    /// Code that speaks of what is wanted: failing tests.
    pub code: Vec<&'a str>,
    /// Where the user points: a file and a line, counted from 1.
    pub cursor: Option<(&'a WorkspacePath, u32)>,
    /// The files of failing tests, with the line where it is known.
    pub tests: Vec<(&'a WorkspacePath, Option<u32>)>,
    /// Places that reports and diagnostics name, with lines counted from 1.
    pub reported: Vec<(&'a WorkspacePath, u32)>,
    /// Files that were changed together with the seed's, with their weight in thousandths.
    pub co_changed: Vec<(&'a WorkspacePath, u32)>,
    /// Symbols that earlier runs changed when tests that fail now became green.
    pub repaired: Vec<(&'a WorkspacePath, &'a str)>,
}

impl Query<'_> {
    /// True when it asks for nothing.
    pub fn is_empty(&self) -> bool {
        is_blank(&self.texts) && self.is_text() && self.co_changed.is_empty() && self.repaired.is_empty()
    }

    /// True when it says what is wanted in words, and names no place and no code.
    fn is_text(&self) -> bool {
        is_blank(&self.code) && self.cursor.is_none() && self.tests.is_empty() && self.reported.is_empty()
    }
}

fn is_blank(texts: &[&str]) -> bool {
    texts.iter().all(|text| text.trim().is_empty())
}

/// A definition that a task may need.
#[derive(Debug, Clone)]
pub struct Ranked<'a> {
    /// Its file.
    pub path: &'a WorkspacePath,
    /// What is known of the file.
    pub entry: &'a Entry,
    /// The definition.
    pub definition: &'a Definition,
    /// Its place in the order: greater is better.
    pub score: u32,
    /// What speaks for it.
    pub reason: Reason,
}

impl Ranked<'_> {
    /// True where its body is worth showing: it is a function, and it tests nothing.
    pub fn has_body(&self) -> bool {
        self.definition.is_callable() && !self.entry.is_test(self.definition)
    }
}

/// Gives some lines of a file, counted from 1, both included; nothing where the file is gone.
pub type TextOf<'a> = dyn FnMut(&WorkspacePath, (u32, u32)) -> Option<String> + 'a;

/// Of a ranking, what is shown with its text where there is room.
pub fn with_bodies<'r, 'a>(ranked: &'r [Ranked<'a>]) -> impl Iterator<Item = &'r Ranked<'a>> {
    ranked.iter().take(RANKED_CANDIDATES_MAX).filter(|it| it.has_body()).take(RANKED_BODIES_MAX)
}

/// The candidates of a ranking, the best with their texts, which `text` gives for some lines of
/// a file; the others with their signatures alone.
pub fn candidates(ranked: &[Ranked<'_>], text: &mut TextOf<'_>) -> Vec<Candidate> {
    let mut bodies = 0;
    let mut found = Vec::new();
    for ranked in ranked.iter().take(RANKED_CANDIDATES_MAX) {
        let definition = ranked.definition;
        let lines = (definition.head_line, definition.lines.1);
        let body = if ranked.has_body() && bodies < RANKED_BODIES_MAX {
            bodies += 1;
            match text(ranked.path, lines) {
                Some(text) => Some(text),
                // What cannot be read is not there any more.
                None => continue,
            }
        } else {
            None
        };
        let signature = definition.signature.to_string();
        found.push(Candidate {
            path: Some(ranked.path.clone()),
            symbol: Some(definition.name.to_string()),
            lines: Some(if body.is_some() { lines } else { definition.lines }),
            text: body.unwrap_or_else(|| signature.clone()),
            signature: Some(signature),
            signature_line: Some(definition.name_line),
            relevance: Relevance::Ranked { because: ranked.reason.clone() },
            score: ranked.score,
            record: None,
        });
    }
    found
}

/// Why a definition is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Reason {
    /// The user points at it.
    Cursor,
    /// A report or a diagnostic names a place in it.
    Reported,
    /// Its name is written.
    Named {
        /// The name.
        name: String,
    },
    /// It speaks of the same things.
    Words {
        /// The words that say most.
        words: Vec<String>,
    },
    /// Something that is needed calls it.
    CalledBy {
        /// Its name.
        caller: String,
    },
    /// It calls something that is needed.
    Calls {
        /// Its name.
        callee: String,
    },
    /// A type of the signature at the cursor.
    TypeOf {
        /// The name of what has the signature.
        of: String,
    },
    /// It stands in the file of the cursor, or beside something that is needed.
    Beside {
        /// The name of what it stands beside.
        other: String,
    },
    /// Its file changes together with the seed's.
    CoChanged,
    /// A failing test's file is called after its file.
    Mirrored {
        /// The test's file.
        test: WorkspacePath,
    },
    /// The seed's file imports its file.
    Imported,
    /// An earlier run changed it when a test that fails now became green.
    Repaired,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cursor => f.write_str("the cursor is in it"),
            Self::Reported => f.write_str("a report names it"),
            Self::Named { name } => write!(f, "`{name}` is mentioned"),
            Self::Words { words } => write!(f, "speaks of {}", words.join(", ")),
            Self::CalledBy { caller } => write!(f, "`{caller}` calls it"),
            Self::Calls { callee } => write!(f, "calls `{callee}`"),
            Self::TypeOf { of } => write!(f, "a type of `{of}`"),
            Self::Beside { other } => write!(f, "beside `{other}`"),
            Self::CoChanged => f.write_str("its file changes together with this one"),
            Self::Mirrored { test } => write!(f, "`{test}` is called after its file"),
            Self::Imported => f.write_str("its file is imported"),
            Self::Repaired => f.write_str("a run changed it when the test failed before"),
        }
    }
}

impl Reason {
    /// The same in few words, for the line above a text that shows the rest itself.
    pub fn brief(&self) -> String {
        match self {
            Self::Cursor => "the cursor".to_owned(),
            Self::Reported => "reported".to_owned(),
            Self::Named { .. } => "mentioned".to_owned(),
            Self::Words { words } => {
                let told: Vec<&str> = words.iter().take(BRIEF_WORDS_MAX).map(String::as_str).collect();
                format!("on {}", told.join(", "))
            }
            Self::CalledBy { caller } => format!("called by {}", own_name(caller)),
            Self::Calls { callee } => format!("calls {}", own_name(callee)),
            Self::TypeOf { of } => format!("type of {}", own_name(of)),
            Self::Beside { other } => format!("beside {}", own_name(other)),
            Self::CoChanged => "changes together".to_owned(),
            Self::Mirrored { test } => format!("mirrors {}", test.file_name()),
            Self::Imported => "imported".to_owned(),
            Self::Repaired => "changed by a run before".to_owned(),
        }
    }
}

/// Ranks the definitions of a corpus, the best first. Those that nothing speaks for are absent;
/// so are tests where all that is asked is a text that does not name them: they repeat the words
/// of what they test, and are changed only after it. The order is the same whoever works.
pub fn rank<'a>(
    corpus: &'a Corpus,
    query: &Query<'_>,
    weights: &Weights,
    workers: &dyn Workers,
) -> Vec<Ranked<'a>> {
    let mut ranking = Ranking::new(corpus);
    let mut terms = matching::QueryTerms::of(query, weights);
    matching::score(&mut ranking, &mut terms, weights, workers);
    hints::score(&mut ranking, query, weights);
    links::score(&mut ranking, query, weights, workers);
    ranking.finish(query, &terms, weights)
}

/// What adds to a score, before names are made of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Because {
    Words,
    Named,
    Cursor,
    Reported,
    CalledBy(usize),
    Calls(usize),
    TypeOf(usize),
    Beside(usize),
    CoChanged,
    Mirrored(usize),
    Imported,
    Repaired,
}

/// One file while it is ranked.
struct File<'a> {
    path: &'a WorkspacePath,
    entry: &'a Entry,
    /// The number of its first definition.
    base: usize,
}

impl File<'_> {
    /// The numbers of its definitions.
    fn numbers(&self) -> Range<usize> {
        self.base..self.base + self.entry.summary.definitions.len()
    }
}

/// What the passes over all definitions look at. The definitions themselves are a dozen times as
/// large, and to fetch them takes most of a pass.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// The key of its own name.
    own: NameKey,
    /// Words of its text.
    words: u32,
    is_callable: bool,
    is_test: bool,
}

impl Mark {
    /// What a score is worth by what has it.
    fn factor(self, weights: &Weights) -> f64 {
        let test = if self.is_test { weights.test } else { 1.0 };
        if self.is_callable { test } else { test * weights.other }
    }

    /// True where its body is worth showing.
    fn has_body(self) -> bool {
        self.is_callable && !self.is_test
    }
}

/// All definitions, numbered through, and what is known of each so far.
struct Ranking<'a> {
    files: Vec<File<'a>>,
    marks: Vec<Mark>,
    scores: Vec<f64>,
    /// What has added most, and how much.
    because: Vec<(f64, Because)>,
}

impl<'a> Ranking<'a> {
    fn new(corpus: &'a Corpus) -> Self {
        let (mut files, mut marks) = (Vec::with_capacity(corpus.len()), Vec::new());
        for (path, entry) in corpus.files() {
            files.push(File { path, entry, base: marks.len() });
            marks.extend(entry.summary.definitions.iter().map(|it| Mark {
                own: it.own,
                words: it.words,
                is_callable: it.is_callable(),
                is_test: entry.is_test(it),
            }));
        }
        let (scores, because) = (vec![0.0; marks.len()], vec![(0.0, Because::Words); marks.len()]);
        Self { files, marks, scores, because }
    }

    fn factor(&self, number: usize, weights: &Weights) -> f64 {
        self.marks.get(number).map_or(0.0, |mark| mark.factor(weights))
    }

    fn file_of(&self, number: usize) -> Option<&File<'a>> {
        let behind = self.files.partition_point(|file| file.base <= number);
        self.files.get(behind.checked_sub(1)?)
    }

    fn definition(&self, number: usize) -> Option<(&File<'a>, &'a Definition)> {
        let file = self.file_of(number)?;
        file.entry.summary.definitions.get(number - file.base).map(|it| (file, it))
    }

    fn file_at(&self, path: &WorkspacePath) -> Option<usize> {
        self.files.binary_search_by(|file| file.path.cmp(path)).ok()
    }

    /// The number of the innermost function at a line; of whatever stands there where there is none.
    fn at(&self, path: &WorkspacePath, line: u32) -> Option<usize> {
        let file = self.files.get(self.file_at(path)?)?;
        let summary = &file.entry.summary;
        let found = summary.innermost(line, Definition::is_callable).or_else(|| summary.at_line(line));
        found.map(|at| file.base + at)
    }

    fn add(&mut self, number: usize, value: f64, because: Because) {
        if let Some(score) = self.scores.get_mut(number) {
            *score += value;
        }
        if let Some(known) = self.because.get_mut(number)
            && value > known.0
        {
            *known = (value, because);
        }
    }

    fn score(&self, number: usize) -> f64 {
        self.scores.get(number).copied().unwrap_or_default()
    }

    /// The best definitions that `wanted` admits.
    fn best(&self, count: usize, wanted: impl Fn(Mark) -> bool) -> Vec<usize> {
        let all = self.scores.iter().zip(&self.marks).enumerate();
        let spoken = all.filter(|(_, (score, mark))| **score > 0.0 && wanted(**mark));
        let mut numbers: Vec<(u64, usize)> =
            spoken.map(|(number, (score, _))| (quantised(*score), number)).collect();
        let order = |one: &(u64, usize), other: &(u64, usize)| other.0.cmp(&one.0).then(one.1.cmp(&other.1));
        if numbers.len() > count {
            numbers.select_nth_unstable_by(count, order);
            numbers.truncate(count);
        }
        numbers.sort_by(order);
        numbers.into_iter().map(|(_, number)| number).collect()
    }

    fn finish(self, query: &Query<'_>, terms: &matching::QueryTerms, weights: &Weights) -> Vec<Ranked<'a>> {
        let is_text = query.is_text();
        let best = self.best(RANKED_MAX, |mark| !is_text || !mark.is_test || terms.names(mark.own));
        let most = best.first().map_or(1.0, |number| self.score(*number)).max(f64::MIN_POSITIVE);
        // Below a millionth of the best, nothing speaks for it.
        let spoken = best.into_iter().filter(|number| self.score(*number) / most >= LEAST).collect();
        let offered = order::offered(&self, spoken, weights);
        (0..)
            .zip(offered)
            .filter_map(|(at, number)| {
                let (file, definition) = self.definition(number)?;
                let reason = self.reason(number, terms, weights);
                let score = PLACES - at;
                Some(Ranked { path: file.path, entry: file.entry, definition, score, reason })
            })
            .collect()
    }

    fn reason(&self, number: usize, terms: &matching::QueryTerms, weights: &Weights) -> Reason {
        let name =
            |number: usize| self.definition(number).map(|(_, it)| it.name.to_string()).unwrap_or_default();
        match self.because.get(number).map_or(Because::Words, |because| because.1) {
            Because::Words => Reason::Words { words: self.words(number, terms, weights) },
            Because::Named => Reason::Named {
                name: self
                    .definition(number)
                    .map(|(_, it)| own_name(&it.name).to_owned())
                    .unwrap_or_default(),
            },
            Because::Cursor => Reason::Cursor,
            Because::Reported => Reason::Reported,
            Because::CalledBy(caller) => Reason::CalledBy { caller: name(caller) },
            Because::Calls(callee) => Reason::Calls { callee: name(callee) },
            Because::TypeOf(of) => Reason::TypeOf { of: name(of) },
            Because::Beside(other) => Reason::Beside { other: name(other) },
            Because::CoChanged => Reason::CoChanged,
            Because::Mirrored(test) => match self.files.get(test) {
                Some(file) => Reason::Mirrored { test: file.path.clone() },
                None => Reason::CoChanged,
            },
            Because::Imported => Reason::Imported,
            Because::Repaired => Reason::Repaired,
        }
    }

    fn words(&self, number: usize, terms: &matching::QueryTerms, weights: &Weights) -> Vec<String> {
        let Some(file) = self.file_of(number) else { return Vec::new() };
        terms.telling(file.entry, number - file.base, weights)
    }
}

/// A score as a number that is compared: differences below a billionth are none.
fn quantised(score: f64) -> u64 {
    (score * 1e9).round() as u64
}
