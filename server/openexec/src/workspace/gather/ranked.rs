//! What the engine's ranking over functions finds for the target, the failing tests, the reports
//! and the instruction; and what the files around them import.

use super::Gathering;
use crate::limits::RANKED_OUTPUT_BYTES_MAX;
use crate::workspace::hydrate::{Lines, head};
use crate::workspace::threads::Threads;
use crate::workspace::{Commits, Sources};
use openexec_engine::context::rank::{Query, Weights, candidates, changed_together, rank, with_bodies};
use openexec_engine::context::{Candidate, Relevance};
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::ContextQuery;
use std::collections::BTreeSet;

/// Files whose imports are shown: the target's, and those of the best candidates.
const IMPORTING_FILES_MAX: usize = 3;
/// Lines at a file's beginning, before its first symbol: what it imports.
const HEAD_LINES_MAX: u32 = 40;
/// Definitions for which memory is asked.
const REMEMBERED_MAX: usize = 16;

impl Gathering<'_> {
    pub(super) fn add_ranked(&mut self, query: &ContextQuery, sources: &Sources<'_>) {
        let (code, tests, reported) = self.shown_already();
        let output = head(&query.output, RANKED_OUTPUT_BYTES_MAX);
        let texts: Vec<&str> = query
            .instruction
            .iter()
            .chain(query.failures.iter().flat_map(|failure| [&failure.name, &failure.message]))
            .chain(query.diagnostics.iter().map(|diagnostic| &diagnostic.message))
            .map(String::as_str)
            .collect();
        let mut seeds: Vec<&WorkspacePath> = query.target.iter().map(|target| &target.path).collect();
        seeds.extend(tests.iter().chain(&reported).map(|(path, _)| path));
        let commits = if seeds.is_empty() { Commits::default() } else { (sources.commits)() };
        let together = changed_together(commits.iter().map(Vec::as_slice), &seeds);
        let repaired = self.repaired(query, sources);
        let asked = Query {
            texts,
            code: code.iter().map(String::as_str).chain([output]).collect(),
            cursor: query.target.as_ref().map(|target| (&target.path, target.lines.0)),
            tests: tests.iter().map(|(path, line)| (path, Some(*line))).collect(),
            reported: reported.iter().map(|(path, line)| (path, *line)).collect(),
            co_changed: together.iter().map(|(path, weight)| (path, *weight)).collect(),
            repaired: repaired.iter().map(|(path, symbol)| (path, symbol.as_str())).collect(),
        };
        if asked.is_empty() {
            return;
        }
        let corpus = self.corpus();
        let ranked = rank(&corpus, &asked, &Weights::default(), &Threads);
        self.read_ahead(with_bodies(&ranked).map(|ranked| ranked.path));
        let found = candidates(&ranked, &mut |path, (first, last)| {
            Some(Lines::of(&self.text(path)?).between(first, last).to_owned())
        });
        for (at, candidate) in found.into_iter().enumerate() {
            let place = candidate.path.clone().zip(Some(candidate.symbol.clone()));
            if self.take(candidate)
                && at < REMEMBERED_MAX
                && let Some((path, symbol)) = place
            {
                self.remember_place(&path, symbol);
            }
        }
    }

    /// What runs changed when these tests failed before.
    fn repaired(&self, query: &ContextQuery, sources: &Sources<'_>) -> Vec<(WorkspacePath, String)> {
        let failing: Vec<&str> = query.failures.iter().map(|failure| failure.name.as_str()).collect();
        match failing.is_empty() {
            true => Vec::new(),
            false => (sources.repaired)(&failing, &|path| self.seen_by_memory(path)),
        }
    }

    /// What the steps before have found: texts of tests and reported places, and where they are.
    #[expect(clippy::type_complexity, reason = "three lists of one walk, taken apart at once")]
    fn shown_already(&self) -> (Vec<String>, Vec<(WorkspacePath, u32)>, Vec<(WorkspacePath, u32)>) {
        let (mut code, mut tests, mut reported) = (Vec::new(), Vec::new(), Vec::new());
        for candidate in &self.found {
            let place = candidate.path.clone().zip(candidate.lines.map(|lines| lines.0));
            match candidate.relevance {
                Relevance::FailingTest { .. } => {
                    code.push(candidate.text.clone());
                    tests.extend(place);
                }
                Relevance::Reported { .. } => {
                    code.push(candidate.text.clone());
                    reported.extend(place);
                }
                Relevance::Target
                | Relevance::Memory
                | Relevance::Convention
                | Relevance::Ranked { .. }
                | Relevance::Neighbour => {}
            }
        }
        (code, tests, reported)
    }

    /// Shows what the target's file imports, and the files of the best candidates.
    pub(super) fn add_imports(&mut self, query: &ContextQuery) {
        let mut files: Vec<WorkspacePath> = query.target.iter().map(|target| target.path.clone()).collect();
        let mut best: Vec<&Candidate> = self
            .found
            .iter()
            .filter(|it| matches!(it.relevance, Relevance::Reported { .. } | Relevance::Ranked { .. }))
            .collect();
        best.sort_by_key(|candidate| super::order(candidate));
        files.extend(best.into_iter().filter_map(|candidate| candidate.path.clone()));
        let mut seen = BTreeSet::new();
        files.retain(|path| seen.insert(path.clone()));
        if files.is_empty() {
            return;
        }
        let corpus = self.corpus();
        for (at, path) in (0..).zip(files.into_iter().take(IMPORTING_FILES_MAX)) {
            let Some(text) = self.text(&path) else { continue };
            let first = corpus.get(&path).and_then(|entry| entry.summary.definitions.first());
            let first = first.map_or(HEAD_LINES_MAX + 1, |definition| definition.lines.0);
            let lines = Lines::of(&text);
            let last = (first - 1).min(HEAD_LINES_MAX).min(lines.count());
            let imports = lines.between(1, last);
            if last > 0 && !imports.trim().is_empty() {
                self.take(Candidate {
                    path: Some(path.clone()),
                    symbol: None,
                    lines: Some((1, last)),
                    text: imports.to_owned(),
                    signature: None,
                    signature_line: None,
                    relevance: Relevance::Neighbour,
                    score: 1000 - at,
                    record: None,
                });
            }
        }
    }
}
