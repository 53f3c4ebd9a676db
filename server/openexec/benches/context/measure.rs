//! One repository: the corpus of a commit, and the packs for a task.

use crate::pack;
use crate::repository::{Repository, Texts};
use crate::score::{self, Score, Span};
use crate::task::{Task, View};
use openexec_engine::index::{Corpus, FileSummary, summarise};
use openexec_engine::syntax::Language;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// How a pack is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As scorers render line ranges.
    Plain,
    /// As a run sends it.
    Sent,
}

impl Form {
    pub(crate) const ALL: [Self; 2] = [Self::Plain, Self::Sent];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Sent => "sent",
        }
    }
}

/// The result of one pack.
pub(crate) struct Line {
    pub(crate) repository: String,
    pub(crate) language: String,
    pub(crate) view: View,
    pub(crate) form: Form,
    pub(crate) budget: usize,
    pub(crate) score: Score,
    pub(crate) milliseconds: f64,
    /// True when the pack was the same twice.
    pub(crate) is_same: bool,
}

/// A repository and what has been read of it.
pub(crate) struct Prepared {
    repository: Repository,
    summaries: BTreeMap<(String, Language), Arc<FileSummary>>,
    texts: Texts,
}

impl Prepared {
    pub(crate) fn new(repository: Repository) -> Self {
        Self { repository, summaries: BTreeMap::new(), texts: Texts::default() }
    }

    /// The corpus of a commit, and the blob of each of its files.
    fn corpus(&mut self, commit: &str) -> (Corpus, BTreeMap<String, String>) {
        let sources = self.repository.sources(commit);
        let mut unknown: Vec<(String, Language, String)> = Vec::new();
        for source in &sources {
            if !self.summaries.contains_key(&(source.blob.clone(), source.language)) {
                let bytes = self.repository.blob(&source.blob).expect("git has the blobs that it lists");
                // What is not UTF-8 is no source.
                let text = String::from_utf8(bytes).unwrap_or_default();
                unknown.push((source.blob.clone(), source.language, text));
            }
        }
        let read: Vec<_> = unknown
            .into_par_iter()
            .map(|(blob, language, text)| ((blob, language), Arc::new(summarise(language, &text))))
            .collect();
        self.summaries.extend(read);
        let blobs = sources.iter().map(|it| (it.path.to_string(), it.blob.clone())).collect();
        let files = sources.into_iter().map(|it| {
            let summary = Arc::clone(&self.summaries[&(it.blob, it.language)]);
            (it.path, summary)
        });
        (files.collect(), blobs)
    }

    /// Packs in each form for each view and budget, with what each is worth.
    pub(crate) fn measure(&mut self, task: &Task, budgets: &[usize]) -> Vec<(Line, Vec<Span>)> {
        let (corpus, blobs) = self.corpus(&task.parent);
        let history = self.repository.history(&task.parent);
        let mut lines = Vec::new();
        for view in View::ALL {
            let seeds = pack::seeds(task, view);
            let co_changed = history.co_changed(&seeds.iter().collect::<Vec<_>>());
            for (form, &budget) in
                Form::ALL.into_iter().flat_map(|form| budgets.iter().map(move |it| (form, it)))
            {
                let mut lines_of = |file: &str| {
                    let blob = blobs.get(file)?;
                    Some(self.texts.lines(&mut self.repository, blob))
                };
                let mut once = || {
                    let ranked = pack::ranked(&corpus, task, view, &co_changed);
                    match form {
                        Form::Plain => (pack::scored(&ranked, view, budget, &mut lines_of), 0),
                        Form::Sent => pack::sent(&ranked, budget, &mut lines_of),
                    }
                };
                let first = once();
                let begun = Instant::now();
                let (spans, tokens) = once();
                let milliseconds = begun.elapsed().as_secs_f64() * 1_000.0;
                let is_same = first == (spans.clone(), tokens);
                let score = match form {
                    Form::Plain => score::score(task, view, &spans, budget, &mut lines_of),
                    Form::Sent => score::score_whole(task, view, &spans, tokens),
                };
                let line = Line {
                    repository: task.repo.clone(),
                    language: task.lang.clone(),
                    view,
                    form,
                    budget,
                    score,
                    milliseconds,
                    is_same,
                };
                lines.push((line, spans));
            }
        }
        lines
    }
}
