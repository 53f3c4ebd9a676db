//! From a failing test's name and place to its source.

use super::{Gathering, excerpt};
use crate::limits::TESTS_OF_NAME_MAX;
use crate::workspace::hydrate::Lines;
use openexec_engine::context::Relevance;
use openexec_engine::index::{own_name, terms_of};
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::Symbol;
use openexec_engine::task::TestFailure;
use std::collections::BTreeSet;

/// Parts of a test's name that are tried as the name of a function, from the last on.
const NAME_PARTS_TRIED: usize = 2;
/// Words that are dropped from the beginning of a title, which some frameworks prefix with
/// the titles of the suites around it.
const TITLE_WORDS_DROPPED_MAX: usize = 8;

impl Gathering<'_> {
    pub(super) fn add_failing_tests(&mut self, failures: &[TestFailure]) {
        let mut lost: Vec<(u32, &TestFailure)> = Vec::new();
        for (at, failure) in (0..).zip(failures) {
            let score = 1000_u32.saturating_sub(at);
            let tests = self.tests_at(failure);
            if tests.is_empty() {
                lost.push((score, failure));
            }
            self.show_tests(failure, tests, score);
        }
        for back in 0..NAME_PARTS_TRIED {
            lost.retain(|(score, failure)| {
                let defined = name_part(&failure.name, back).map(|name| self.tests_named(&name));
                let defined = defined.map(|defined| closest(failure, &defined)).unwrap_or_default();
                let unknown = defined.is_empty();
                self.show_tests(failure, defined, *score);
                unknown
            });
        }
        for (score, failure) in lost {
            self.show_titled(failure, score);
        }
    }

    /// The test around the place that the report gives, or the one of this name in this file.
    fn tests_at(&mut self, failure: &TestFailure) -> Vec<(WorkspacePath, Symbol)> {
        let Some(path) = &failure.path else {
            return Vec::new();
        };
        let Some(view) = self.view(path) else {
            return Vec::new();
        };
        let tests: Vec<Symbol> = view.symbols.iter().filter(|symbol| symbol.is_test).cloned().collect();
        let around = failure.line.and_then(|line| excerpt::enclosing(&tests, (line, line)).cloned());
        let named = || {
            (0..NAME_PARTS_TRIED).find_map(|back| {
                let name = name_part(&failure.name, back)?;
                tests.iter().find(|test| own_name(&test.name) == name).cloned()
            })
        };
        around.or_else(named).map(|test| (path.clone(), test)).into_iter().collect()
    }

    /// The tests of this name, wherever they stand.
    fn tests_named(&mut self, name: &str) -> Vec<(WorkspacePath, Symbol)> {
        let corpus = self.corpus();
        let paths: BTreeSet<&WorkspacePath> = corpus.named(name).map(|(path, _)| path).collect();
        let mut found = Vec::new();
        for path in paths {
            let Some(view) = self.view(path) else { continue };
            let tests = view.symbols.iter().filter(|symbol| symbol.is_test && own_name(&symbol.name) == name);
            found.extend(tests.map(|symbol| (path.clone(), symbol.clone())));
        }
        found
    }

    fn show_tests(&mut self, failure: &TestFailure, tests: Vec<(WorkspacePath, Symbol)>, score: u32) {
        for (path, test) in tests {
            let Some(view) = self.view(&path) else {
                continue;
            };
            self.remember_place(&path, Some(test.name.clone()));
            let relevance = Relevance::FailingTest { test: failure.name.clone() };
            // Some frameworks know only one large function with many tests in it.
            let line = failure.line.filter(|line| {
                failure.path.as_ref() == Some(&path) && test.lines.0 <= *line && *line <= test.lines.1
            });
            if let Some(line) = line.filter(|_| excerpt::is_large(&test)) {
                self.take_around(&path, &view, (line, line), relevance, score);
            } else if let Some(candidate) = excerpt::whole(&path, &view, &test, relevance, score) {
                self.take(candidate);
            }
        }
    }

    /// Looks for a test whose name is a title in quotes.
    fn show_titled(&mut self, failure: &TestFailure, score: u32) {
        for title in titles(&failure.name) {
            let mut wanted = terms_of(&title);
            wanted.sort_unstable();
            wanted.dedup();
            if wanted.is_empty() {
                continue;
            }
            let corpus = self.corpus();
            let holding: Vec<&WorkspacePath> = corpus
                .files()
                .filter(|(path, _)| failure.path.as_ref().is_none_or(|of| of == *path))
                .filter(|(_, entry)| entry.summary.speaks_of(&wanted))
                .map(|(path, _)| path)
                .take(TESTS_OF_NAME_MAX)
                .collect();
            let mut shown = false;
            for path in holding {
                let Some(view) = self.view(path) else {
                    continue;
                };
                let quoted = ['"', '\'', '`'].map(|quote| format!("{quote}{title}{quote}"));
                let Some(byte) = quoted.iter().find_map(|quoted| view.text.find(quoted.as_str())) else {
                    continue;
                };
                let before = view.text.get(..byte).unwrap_or_default();
                let line = Lines::of(before).count() + u32::from(before.is_empty() || before.ends_with('\n'));
                let relevance = Relevance::FailingTest { test: failure.name.clone() };
                shown |= self.take_around(path, &view, (line, line), relevance, score);
            }
            if shown {
                return;
            }
        }
    }
}

/// A part of a test's name that can be a function's, counted from the last; parameters in
/// brackets are none.
fn name_part(name: &str, back: usize) -> Option<String> {
    let plain = name.split(['[', '(']).next().unwrap_or(name);
    let mut parts = plain
        .split(|character: char| !(character.is_alphanumeric() || matches!(character, '_' | '$')))
        .filter(|part| !part.is_empty());
    parts.by_ref().nth_back(back).map(str::to_owned)
}

/// Of several tests of one name, those whose file and qualified name share the most with the
/// name in the report.
fn closest(failure: &TestFailure, defined: &[(WorkspacePath, Symbol)]) -> Vec<(WorkspacePath, Symbol)> {
    let parts: BTreeSet<&str> =
        failure.name.split(|character: char| !(character.is_alphanumeric() || character == '_')).collect();
    let shared = |(path, symbol): &(WorkspacePath, Symbol)| {
        path.as_str()
            .split(['/', '.'])
            .chain(symbol.name.split([':', '.']))
            .filter(|part| !part.is_empty() && parts.contains(part))
            .count()
    };
    let best = defined.iter().map(shared).max();
    defined.iter().filter(|test| Some(shared(test)) == best).take(TESTS_OF_NAME_MAX).cloned().collect()
}

/// What a title in the source may be, the longest first.
fn titles(name: &str) -> Vec<String> {
    let mut titles = vec![name.to_owned()];
    let mut rest = name;
    for _ in 0..TITLE_WORDS_DROPPED_MAX {
        let Some((_, shorter)) = rest.split_once(' ') else {
            break;
        };
        rest = shorter.trim_start_matches(['>', '›', '»', ' ']);
        titles.push(rest.to_owned());
    }
    titles.retain(|title| !title.trim().is_empty());
    titles.dedup();
    titles
}
