//! Candidates for a context pack: the target, the failing tests, the places that reports name,
//! what the ranking over functions finds for all of these, and what is remembered of them.
//!
//! Nothing is ranked across relevances or cut to a budget here: the engine does that. The same
//! files and the same query give the same candidates, whatever the index holds already.

mod conventions;
mod excerpt;
mod failing;
mod ranked;
mod reports;

use super::index::Parsed;
use super::layers::Layers;
use super::place::{Place, Standing};
use super::threads::in_parallel;
use super::{Gathered, Recall, Sought, Sources, Workspace};
use crate::limits::{CANDIDATES_BYTES_MAX, RECALLED_PLACES_MAX, REPORTED_PLACES_MAX};
use openexec_engine::context::{Candidate, Relevance};
use openexec_engine::index::Corpus;
use openexec_engine::limits::{CONTEXT_CANDIDATES_MAX, MEMORY_RECORDS_MAX};
use openexec_engine::memory::error_forms;
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::is_hidden;
use openexec_engine::redact::{Hidden, Secrets};
use openexec_engine::run::{ContextQuery, Target};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) fn gather(workspace: &Workspace, query: &ContextQuery, sources: &Sources<'_>) -> Gathered {
    let layers = Layers::new(workspace, &query.changes, &query.open_documents);
    let mut gathering = Gathering::new(&layers, query);
    if let Some(target) = &query.target {
        gathering.add_target(target);
    }
    gathering.add_failing_tests(&query.failures);
    gathering.add_reported(query);
    gathering.add_ranked(query, sources);
    gathering.add_memory(query, sources.recall);
    if query.may_edit {
        gathering.add_conventions(query);
    }
    gathering.add_imports(query);
    gathering.finish()
}

struct Gathering<'a> {
    layers: &'a Layers<'a>,
    /// Every file, for the paths in reports.
    all: Vec<WorkspacePath>,
    /// The files that this is about, near which one looks first.
    near: Vec<&'a WorkspacePath>,
    corpus: Option<Arc<Corpus>>,
    texts: BTreeMap<WorkspacePath, Option<Arc<str>>>,
    views: BTreeMap<WorkspacePath, Option<Parsed>>,
    found: Vec<Candidate>,
    /// What is shown of each file already.
    covered: BTreeMap<WorkspacePath, Vec<(u32, u32)>>,
    /// The symbols that memory is asked for, the most relevant first.
    places: Vec<(WorkspacePath, Option<String>)>,
}

impl<'a> Gathering<'a> {
    fn new(layers: &'a Layers<'a>, query: &'a ContextQuery) -> Self {
        let target = query.target.iter().map(|target| &target.path);
        let failing = query.failures.iter().filter_map(|failure| failure.path.as_ref());
        let diagnosed = query.diagnostics.iter().map(|diagnostic| &diagnostic.path);
        Self {
            layers,
            all: layers.files().into_iter().map(|file| file.path).collect(),
            near: target.chain(failing).chain(diagnosed).collect(),
            corpus: None,
            texts: BTreeMap::new(),
            views: BTreeMap::new(),
            found: Vec::new(),
            covered: BTreeMap::new(),
            places: Vec::new(),
        }
    }

    /// The summaries of the sources, as they are at the first use: a query that asks for nothing
    /// reads nothing.
    fn corpus(&mut self) -> Arc<Corpus> {
        let Self { corpus, layers, near, .. } = self;
        Arc::clone(corpus.get_or_insert_with(|| layers.indexed(near).corpus))
    }

    /// A file's text. Hidden files and those behind symbolic links have none.
    fn text(&mut self, path: &WorkspacePath) -> Option<Arc<str>> {
        if let Some(text) = self.texts.get(path) {
            return text.clone();
        }
        let text = self.load(path);
        self.texts.insert(path.clone(), text.clone());
        text
    }

    /// Reads files side by side whose texts will be asked for.
    fn read_ahead<'p>(&mut self, paths: impl Iterator<Item = &'p WorkspacePath>) {
        let wanted: BTreeSet<&WorkspacePath> = paths.filter(|path| !self.texts.contains_key(*path)).collect();
        let wanted: Vec<&WorkspacePath> = wanted.into_iter().collect();
        let texts = in_parallel(&wanted, |path| self.load(path));
        self.texts.extend(wanted.into_iter().cloned().zip(texts));
    }

    /// A file's text and symbols.
    fn view(&mut self, path: &WorkspacePath) -> Option<Parsed> {
        if let Some(view) = self.views.get(path) {
            return view.clone();
        }
        let view = self.text(path).map(|text| self.layers.workspace.parse(path, text));
        self.views.insert(path.clone(), view.clone());
        view
    }

    fn load(&self, path: &WorkspacePath) -> Option<Arc<str>> {
        if is_hidden(path) {
            return None;
        }
        if let Some(text) = self.layers.over(path) {
            // The path itself is for the engine to judge, which says why; where it leads, only we know.
            let kept = match self.layers.workspace.place(path) {
                Place::Inside { linked: true, .. } => self.layers.workspace.withheld(path).is_some(),
                Place::Inside { .. } | Place::Outside => false,
            };
            return text.filter(|_| !kept).map(Into::into);
        }
        match self.layers.workspace.place(path) {
            Place::Inside { linked: false, standing: Standing::File { .. }, .. } => {}
            Place::Inside { .. } | Place::Outside => return None,
        }
        self.layers.text(path).ok().flatten().map(Into::into)
    }

    /// Takes a candidate, unless its lines are shown already. Says whether it was taken.
    fn take(&mut self, candidate: Candidate) -> bool {
        if let (Some(path), Some((first, last))) = (&candidate.path, candidate.lines) {
            let covered = self.covered.entry(path.clone()).or_default();
            if covered.iter().any(|(from, to)| *from <= first && last <= *to) {
                return false;
            }
            // What is only listed does not cover its lines.
            if candidate.signature.as_ref() != Some(&candidate.text) {
                covered.push((first, last));
            }
        }
        self.found.push(candidate);
        true
    }

    /// Takes what lies around a place, unless the place is shown already. Says whether it is
    /// shown now.
    fn take_around(
        &mut self,
        path: &WorkspacePath,
        view: &Parsed,
        place: (u32, u32),
        relevance: Relevance,
        score: u32,
    ) -> bool {
        let covered = self.covered.get(path).map(Vec::as_slice).unwrap_or_default();
        if covered.iter().any(|(from, to)| *from <= place.0 && place.1 <= *to) {
            return true;
        }
        excerpt::around(path, view, place, relevance, score).is_some_and(|candidate| self.take(candidate))
    }

    fn remember_place(&mut self, path: &WorkspacePath, symbol: Option<String>) {
        let place = (path.clone(), symbol);
        if !self.places.contains(&place) {
            self.places.push(place);
        }
    }

    fn add_target(&mut self, target: &Target) {
        let Some(view) = self.view(&target.path) else {
            return;
        };
        let symbol = excerpt::enclosing(&view.symbols, target.lines).map(|symbol| symbol.name.clone());
        self.remember_place(&target.path, symbol);
        self.remember_place(&target.path, None);
        self.take_around(&target.path, &view, target.lines, Relevance::Target, 1000);
    }

    fn add_reported(&mut self, query: &ContextQuery) {
        let mut places: Vec<(WorkspacePath, u32, String, u32)> = Vec::new();
        for (at, diagnostic) in (0..).zip(&query.diagnostics) {
            let code = diagnostic.code.as_deref().unwrap_or_default();
            let by = format!("{} {code}", diagnostic.source).trim_end().to_owned();
            for related in &diagnostic.related {
                let score = 900_u32.saturating_sub(at);
                places.push((related.path.clone(), related.line, format!("{by}, a related place"), score));
            }
            places.push((diagnostic.path.clone(), diagnostic.line, by, 1000_u32.saturating_sub(at)));
        }
        // The diagnostics themselves come before what they speak of.
        places.sort_by_key(|(.., score)| Reverse(*score));
        for (at, failure) in (0..).zip(&query.failures) {
            let by = format!("test {}", failure.name);
            let score = 800_u32.saturating_sub(at);
            if let (Some(path), Some(line)) = (&failure.path, failure.line) {
                places.push((path.clone(), line, by.clone(), score));
            }
            for (path, line) in self.located(&failure.message) {
                places.push((path, line, by.clone(), score));
            }
        }
        for (at, (path, line)) in (0..).zip(self.located(&query.output)) {
            places.push((path, line, "the output".to_owned(), 500_u32.saturating_sub(at)));
        }
        for (path, line, by, score) in places.into_iter().take(REPORTED_PLACES_MAX) {
            let Some(view) = self.view(&path) else {
                continue;
            };
            let relevance = Relevance::Reported { by };
            let symbol = excerpt::enclosing(&view.symbols, (line, line));
            self.remember_place(&path, symbol.map(|symbol| symbol.name.clone()));
            self.take_around(&path, &view, (line, line), relevance, score);
        }
    }

    /// The places in a report that lie in the workspace, in their order, each once.
    fn located(&self, report: &str) -> Vec<(WorkspacePath, u32)> {
        let mut seen = BTreeSet::new();
        reports::places(report)
            .into_iter()
            .filter_map(|(path, line)| Some((self.locate(&path)?, line)))
            .filter(|place| seen.insert(place.clone()))
            .take(REPORTED_PLACES_MAX)
            .collect()
    }

    /// The workspace file that a report means: by its absolute path, by its path from the
    /// root, or by the end of its path where only one file ends so. What tools have installed
    /// or generated is not meant: stack traces lead through it, but not to it.
    fn locate(&self, reported: &str) -> Option<WorkspacePath> {
        let relative = reports::relative_to(reported, &self.layers.workspace.root)?;
        let path = WorkspacePath::parse(&relative).ok()?;
        if self.all.binary_search(&path).is_ok() {
            return Some(path);
        }
        if let Place::Inside { standing: Standing::File { .. }, .. } = self.layers.workspace.place(&path) {
            return None;
        }
        let end = format!("/{relative}");
        let mut ending = self.all.iter().filter(|path| path.as_str().ends_with(&end));
        match (ending.next(), ending.next()) {
            (Some(path), None) => Some(path.clone()),
            _ => None,
        }
    }

    fn add_memory(&mut self, query: &ContextQuery, recall: &Recall<'_>) {
        let mut places = std::mem::take(&mut self.places);
        places.extend(query.diagnostics.iter().map(|diagnostic| (diagnostic.path.clone(), None)));
        places.truncate(RECALLED_PLACES_MAX);
        let errors = error_forms(&query.failures, [query.output.as_str()]);
        if places.is_empty() && errors.is_empty() {
            return;
        }
        let read = |path: &WorkspacePath| self.seen_by_memory(path);
        let found = recall(&Sought { places: &places, errors: &errors, read: &read });
        for candidate in found.into_iter().take(MEMORY_RECORDS_MAX) {
            self.take(candidate);
        }
    }

    /// A file's text as pointers are held against it.
    fn seen_by_memory(&self, path: &WorkspacePath) -> Option<String> {
        match is_hidden(path) {
            true => None,
            false => self.layers.text(path).ok().flatten(),
        }
    }

    /// In the order of the relevances, the best first; cut to the limits.
    fn finish(mut self) -> Gathered {
        let mut found = std::mem::take(&mut self.found);
        found.sort_by(|one, other| order(one).cmp(&order(other)));
        found.truncate(CONTEXT_CANDIDATES_MAX);
        let mut bytes = 0;
        found.retain_mut(|candidate| {
            if bytes + candidate.text.len() > CANDIDATES_BYTES_MAX {
                let Some(signature) = &candidate.signature else {
                    return false;
                };
                candidate.text.clone_from(signature);
            }
            bytes += candidate.text.len();
            true
        });
        let hidden = self.hidden_in(&found);
        Gathered { candidates: found, hidden }
    }

    /// The secrets in candidates that only the texts give away which they were cut out of.
    fn hidden_in(&self, candidates: &[Candidate]) -> Vec<Hidden> {
        let mut files: BTreeMap<&WorkspacePath, (Vec<&str>, bool)> = BTreeMap::new();
        for candidate in candidates {
            if let Some(path) = &candidate.path {
                let (parts, are_read) = files.entry(path).or_default();
                parts.push(&candidate.text);
                parts.extend(candidate.signature.as_deref());
                *are_read |= !is_line_of_the_index(candidate);
            }
        }
        let files: Vec<_> = files.into_iter().collect();
        let hidden = in_parallel(&files, |(path, (parts, are_read))| {
            // What was read for this pack may be of a newer text than the one that the index knows.
            let of_the_index = (!are_read && self.layers.over(path).is_none())
                .then(|| self.layers.workspace.secrets_of_indexed(path));
            // What cannot be read is redacted as far as its parts give it away.
            let secrets = of_the_index.flatten().or_else(|| self.secrets_of(path));
            secrets.map(|secrets| secrets.hidden_in(parts)).unwrap_or_default()
        });
        hidden.into_iter().flatten().collect()
    }

    fn secrets_of(&self, path: &WorkspacePath) -> Option<Secrets> {
        let whole = self.texts.get(path).map_or_else(|| self.load(path), Clone::clone)?;
        Some(self.layers.workspace.secrets_of(path, &whole))
    }
}

/// True when a candidate shows no more than the line by which the index knows a definition.
fn is_line_of_the_index(candidate: &Candidate) -> bool {
    matches!(candidate.relevance, Relevance::Ranked { .. })
        && candidate.signature.as_ref() == Some(&candidate.text)
}

fn order(candidate: &Candidate) -> impl Ord {
    (candidate.relevance.rank(), Reverse(candidate.score), candidate.path.clone(), candidate.lines)
}
