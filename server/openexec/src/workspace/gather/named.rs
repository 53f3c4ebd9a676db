//! Definitions of the names that stand in failing tests, reports and the instruction; and what
//! stands beside them.

use super::{Gathering, excerpt, own_name};
use crate::limits::{NAMED_CANDIDATES_MAX, PARSED_BYTES_MAX};
use crate::workspace::hydrate::Lines;
use crate::workspace::index::Wanted;
use openexec_engine::context::{Candidate, Relevance};
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::ContextQuery;
use openexec_engine::syntax::{Symbol, identifiers};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A shorter name says too little to be looked up.
const NAME_CHARACTERS_MIN: usize = 3;
/// A name that stands in more files than this, and in more than a quarter of all, says nothing.
const COMMON_NAME_FILES_MIN: usize = 24;
/// The least score of production code that is named where the user or a test says something.
/// Each score is less than 2000 above its least one; test code begins at 0.
const NAMED_SCORE: u32 = 6000;
/// The least score of what such code names in turn.
const CALLED_SCORE: u32 = 4000;
/// And of what that names.
const CALLED_FURTHER_SCORE: u32 = 2000;
/// The score of production code that mentions a name which nothing defines.
const MENTIONED_SCORE: u32 = 5500;
/// A name that more files mention says too little.
const MENTIONING_FILES_MAX: usize = 6;
/// Symbols of one file that are shown for one name.
const MENTIONS_PER_FILE_MAX: usize = 3;
/// What is added to a definition's score when what it is a part of is named too.
const OWNER_NAMED_SCORE: u32 = 250;
/// Definitions within which further names are looked for.
const CALLERS_MAX: usize = 12;
/// Files beside the target whose symbols are listed.
const NEIGHBOUR_FILES_MAX: usize = 6;
/// Symbols that are listed of one of them.
const NEIGHBOURS_PER_FILE_MAX: usize = 40;
/// Lines at a file's beginning, before its first symbol: what it imports.
const HEAD_LINES_MAX: u32 = 40;
/// Definitions for which memory is asked.
const NAMED_REMEMBERED_MAX: usize = 16;

impl Gathering<'_> {
    pub(super) fn add_named(&mut self, query: &ContextQuery) {
        let names = self.weighted_names(query);
        self.show_definitions(&names, NAMED_SCORE);
        self.show_mentions(&names);
        // The cause is often a call or two further than what a test names.
        let mut known: BTreeSet<String> = names.into_keys().collect();
        for (callers, called) in [(NAMED_SCORE, CALLED_SCORE), (CALLED_SCORE, CALLED_FURTHER_SCORE)] {
            let further = self.names_within(callers, &known);
            self.show_definitions(&further, called);
            known.extend(further.into_keys());
        }
    }

    /// Shows the production code that defines these names with at least this score; and what
    /// test code defines, if the names stand where the user or a test said them.
    fn show_definitions(&mut self, weights: &BTreeMap<String, u32>, score_min: u32) {
        if weights.is_empty() {
            return;
        }
        let names = weights.keys().cloned().collect();
        let definitions = self.definitions(self.telling(self.files_with(&names)));
        let mut candidates: Vec<(u32, WorkspacePath, Symbol, String)> = Vec::new();
        for (name, defined) in definitions {
            let weight = weights.get(&name).copied().unwrap_or(1);
            let rarity = rarity(defined.len());
            for (path, symbol) in defined {
                let owner_named = owner(&symbol.name).is_some_and(|owner| weights.contains_key(owner));
                let score = rarity * weight / 2 + if owner_named { OWNER_NAMED_SCORE } else { 0 };
                if !self.is_test(&path, &symbol) {
                    candidates.push((score_min + score, path, symbol, name.clone()));
                } else if score_min == NAMED_SCORE {
                    candidates.push((score, path, symbol, name.clone()));
                }
            }
        }
        candidates.sort_by(|one, other| {
            let key = |(score, path, symbol, _): &(u32, WorkspacePath, Symbol, String)| {
                (Reverse(*score), path.clone(), symbol.lines)
            };
            key(one).cmp(&key(other))
        });
        candidates.truncate(NAMED_CANDIDATES_MAX);
        for (at, (score, path, symbol, name)) in candidates.into_iter().enumerate() {
            let Some(view) = self.view(&path) else {
                continue;
            };
            let relevance = Relevance::Named { name };
            if let Some(candidate) = excerpt::whole(&path, &view, &symbol, relevance, score)
                && self.take(candidate)
                && at < NAMED_REMEMBERED_MAX
            {
                self.remember_place(&path, Some(&symbol));
            }
        }
    }

    /// Shows the production code that mentions names which nothing defines: options, fields,
    /// parts of messages. Only rare names that can be nothing but code.
    fn show_mentions(&mut self, names: &BTreeMap<String, u32>) {
        let wanted: BTreeSet<String> = names
            .iter()
            .filter(|(name, weight)| **weight > 1 && is_code(name))
            .map(|(name, _)| name.clone())
            .collect();
        let mut mentioned = self.files_with(&wanted);
        mentioned.retain(|_, files| files.len() <= MENTIONING_FILES_MAX);
        let defined: BTreeSet<String> = self.definitions(mentioned.clone()).into_keys().collect();
        mentioned.retain(|name, _| !defined.contains(name));
        for (name, files) in mentioned {
            let paths: Vec<WorkspacePath> =
                files.iter().filter_map(|at| self.sources.get(*at)).map(|file| file.path.clone()).collect();
            for path in paths {
                self.show_mentions_in(&path, &name);
            }
        }
    }

    fn show_mentions_in(&mut self, path: &WorkspacePath, name: &str) {
        let Some(view) = self.view(path) else {
            return;
        };
        let mut shown: Vec<&Symbol> = Vec::new();
        for (byte, _) in view.text.match_indices(name) {
            let symbol = view
                .symbols
                .iter()
                .filter(|symbol| symbol.range.contains(&byte))
                .min_by_key(|symbol| symbol.range.len())
                .filter(|symbol| {
                    !self.is_test(path, symbol) && !excerpt::is_large(symbol) && !shown.contains(symbol)
                });
            let Some(symbol) = symbol.filter(|_| shown.len() < MENTIONS_PER_FILE_MAX) else {
                continue;
            };
            shown.push(symbol);
            let relevance = Relevance::Named { name: name.to_owned() };
            if let Some(candidate) = excerpt::whole(path, &view, symbol, relevance, MENTIONED_SCORE)
                && self.take(candidate)
            {
                self.remember_place(path, Some(symbol));
            }
        }
    }

    /// The names within the best definitions of this score, and within the target, that have
    /// not been looked up yet.
    fn names_within(&self, score_min: u32, known: &BTreeSet<String>) -> BTreeMap<String, u32> {
        let mut best: Vec<&Candidate> = self
            .found
            .iter()
            .filter(|candidate| match candidate.relevance {
                Relevance::Target => true,
                Relevance::Named { .. } => (score_min..score_min + 2000).contains(&candidate.score),
                Relevance::FailingTest { .. }
                | Relevance::Reported { .. }
                | Relevance::Memory
                | Relevance::Neighbour => false,
            })
            .collect();
        best.sort_by_key(|candidate| super::order(candidate));
        best.iter()
            .take(CALLERS_MAX)
            .flat_map(|candidate| identifiers(&candidate.text))
            .filter(|name| name.chars().count() >= NAME_CHARACTERS_MIN && !known.contains(name))
            .map(|name| (name, 2))
            .collect()
    }

    /// The names to look up, with their weight. What the user, a test's source or its message says weighs twice
    /// what merely stands in the output.
    fn weighted_names(&self, query: &ContextQuery) -> BTreeMap<String, u32> {
        let mut weights = BTreeMap::new();
        let mut weigh = |text: &str, weight: u32| {
            for name in identifiers(text) {
                if name.chars().count() >= NAME_CHARACTERS_MIN {
                    let known = weights.entry(name).or_insert(weight);
                    *known = weight.max(*known);
                }
            }
        };
        weigh(&query.output, 1);
        for text in query
            .instruction
            .iter()
            .chain(query.failures.iter().map(|failure| &failure.message))
            .chain(query.diagnostics.iter().map(|diagnostic| &diagnostic.message))
        {
            weigh(text, 2);
        }
        for candidate in &self.found {
            match candidate.relevance {
                Relevance::FailingTest { .. } => weigh(&candidate.text, 2),
                Relevance::Reported { .. } => weigh(&candidate.text, 1),
                Relevance::Target | Relevance::Memory | Relevance::Named { .. } | Relevance::Neighbour => {}
            }
        }
        weights
    }

    /// Drops the names that stand nearly everywhere.
    fn telling(&self, mut files: BTreeMap<String, Vec<usize>>) -> BTreeMap<String, Vec<usize>> {
        let common = COMMON_NAME_FILES_MIN.max(self.sources.len() / 4);
        files.retain(|_, files| files.len() <= common);
        files
    }

    /// Which sources contain each name, by their place in the list.
    pub(super) fn files_with(&self, names: &BTreeSet<String>) -> BTreeMap<String, Vec<usize>> {
        let wanted = Wanted::of(names);
        let mut files: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, words) in self.words().iter().enumerate() {
            wanted.in_words(words, |name| match files.get_mut(name) {
                Some(files) => files.push(at),
                None => {
                    files.insert(name.to_owned(), vec![at]);
                }
            });
        }
        files
    }

    /// The symbols with these names in the files that contain them. Files are parsed until the
    /// limit is reached, those with the rarest names first.
    pub(super) fn definitions(
        &mut self,
        files_with: BTreeMap<String, Vec<usize>>,
    ) -> BTreeMap<String, Vec<(WorkspacePath, Symbol)>> {
        let names: BTreeSet<String> = files_with.keys().cloned().collect();
        let mut by_rarity: Vec<(String, Vec<usize>)> = files_with.into_iter().collect();
        by_rarity.sort_by_key(|(_, files)| files.len());
        let mut chosen: BTreeSet<usize> = BTreeSet::new();
        for at in by_rarity.into_iter().flat_map(|(_, files)| files) {
            let Some(file) = self.sources.get(at).filter(|_| !chosen.contains(&at)) else {
                continue;
            };
            let bytes = if self.views.contains_key(&file.path) { 0 } else { file.bytes };
            if self.parsed_bytes + bytes <= PARSED_BYTES_MAX {
                self.parsed_bytes += bytes;
                chosen.insert(at);
            }
        }
        self.parse_chosen(&chosen);
        let mut definitions: BTreeMap<String, Vec<(WorkspacePath, Symbol)>> = BTreeMap::new();
        for at in chosen {
            let Some(path) = self.sources.get(at).map(|file| file.path.clone()) else {
                continue;
            };
            let Some(view) = self.view(&path) else {
                continue;
            };
            for symbol in view.symbols.iter() {
                let name = own_name(&symbol.name);
                if names.contains(name) {
                    definitions.entry(name.to_owned()).or_default().push((path.clone(), symbol.clone()));
                }
            }
        }
        definitions
    }

    /// Brings files into the views, several at once.
    fn parse_chosen(&mut self, chosen: &BTreeSet<usize>) {
        let paths: Vec<WorkspacePath> = chosen
            .iter()
            .filter_map(|at| self.sources.get(*at))
            .filter(|file| file.stamp.is_some() && !self.views.contains_key(&file.path))
            .map(|file| file.path.clone())
            .collect();
        let borrowed: Vec<&WorkspacePath> = paths.iter().collect();
        let parsed = self.layers.workspace.parse_all(&borrowed);
        for (path, parsed) in paths.into_iter().zip(parsed) {
            if parsed.is_some() {
                self.views.insert(path, parsed);
            }
        }
    }

    /// Lists what else stands in the target's file and in those of the best candidates, by
    /// signature, and what these files import.
    pub(super) fn add_neighbours(&mut self, query: &ContextQuery) {
        let mut files: Vec<WorkspacePath> = query.target.iter().map(|target| target.path.clone()).collect();
        let mut best: Vec<&Candidate> = self
            .found
            .iter()
            .filter(|candidate| {
                matches!(candidate.relevance, Relevance::Reported { .. } | Relevance::Named { .. })
            })
            .collect();
        best.sort_by_key(|candidate| super::order(candidate));
        files.extend(best.into_iter().filter_map(|candidate| candidate.path.clone()));
        let mut seen = BTreeSet::new();
        files.retain(|path| seen.insert(path.clone()));
        for (at, path) in (0..).zip(files.into_iter().take(NEIGHBOUR_FILES_MAX)) {
            let Some(view) = self.view(&path) else {
                continue;
            };
            let score = 1000 - 100 * at;
            let first = view.symbols.first().map_or(HEAD_LINES_MAX + 1, |symbol| symbol.lines.0);
            let lines = Lines::of(&view.text);
            let last = (first - 1).min(HEAD_LINES_MAX).min(lines.count());
            let imports = lines.between(1, last);
            if last > 0 && !imports.trim().is_empty() {
                self.take(neighbour(&path, None, (1, last), imports.to_owned(), score + 1));
            }
            for symbol in view.symbols.iter().take(NEIGHBOURS_PER_FILE_MAX) {
                if symbol.is_test {
                    continue;
                }
                let text = symbol.signature.clone();
                self.take(neighbour(&path, Some(symbol), symbol.lines, text, score));
            }
        }
    }
}

fn neighbour(
    path: &WorkspacePath,
    symbol: Option<&Symbol>,
    lines: (u32, u32),
    text: String,
    score: u32,
) -> Candidate {
    Candidate {
        path: Some(path.clone()),
        symbol: symbol.map(|symbol| symbol.name.clone()),
        lines: Some(lines),
        text,
        signature: symbol.map(|symbol| symbol.signature.clone()),
        relevance: Relevance::Neighbour,
        score,
        record: None,
    }
}

/// True for a name that no sentence contains: with an underscore, a digit, or a capital after
/// a small letter.
fn is_code(name: &str) -> bool {
    let mut small_before = false;
    name.chars().any(|character| {
        let code = character == '_' || character.is_numeric() || small_before && character.is_uppercase();
        small_before |= character.is_lowercase();
        code
    })
}

/// What the symbol is a part of, by its own name.
fn owner(qualified: &str) -> Option<&str> {
    let (owner, _) = qualified.rsplit_once("::").or_else(|| qualified.rsplit_once('.'))?;
    Some(own_name(owner))
}

/// 1000 for a name that is defined once, less the more definitions there are. The square root
/// is exact on every machine.
fn rarity(definitions: usize) -> u32 {
    let root = f64::from(u32::try_from(definitions).unwrap_or(u32::MAX)).sqrt();
    (1000.0 / root.max(1.0)).round() as u32
}
