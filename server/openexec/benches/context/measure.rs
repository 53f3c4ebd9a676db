//! One repository: the corpus of a commit, and the packs for a task.

use crate::pack;
use crate::repository::{Repository, Texts};
use crate::score::{self, Score};
use crate::task::{Task, View};
use openexec_engine::index::{Corpus, FileSummary, summarise};
use openexec_engine::syntax::Language;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// The result of one pack.
pub(crate) struct Line {
    pub(crate) repository: String,
    pub(crate) language: String,
    pub(crate) view: View,
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

    /// Packs for each view and budget, with what each is worth.
    pub(crate) fn measure(
        &mut self,
        task: &Task,
        budgets: &[usize],
        vocabulary: &tiktoken_rs::CoreBPE,
    ) -> Vec<(Line, Vec<score::Span>)> {
        let (corpus, blobs) = self.corpus(&task.parent);
        let history = self.repository.history(&task.parent);
        let mut lines = Vec::new();
        for view in View::ALL {
            for &budget in budgets {
                let mut lines_of = |file: &str| {
                    let blob = blobs.get(file)?;
                    Some(self.texts.lines(&mut self.repository, blob))
                };
                let seeds = pack::seeds(task, view);
                let co_changed = history.co_changed(&seeds.iter().collect::<Vec<_>>());
                let mut once =
                    || pack::pack(&corpus, task, view, budget, &co_changed, vocabulary, &mut lines_of);
                let first = once();
                let begun = Instant::now();
                let spans = once();
                let milliseconds = begun.elapsed().as_secs_f64() * 1_000.0;
                let score = score::score(vocabulary, task, view, &spans, budget, &mut lines_of);
                let line = Line {
                    repository: task.repo.clone(),
                    language: task.lang.clone(),
                    view,
                    budget,
                    score,
                    milliseconds,
                    is_same: first == spans,
                };
                lines.push((line, spans));
            }
        }
        lines
    }
}
