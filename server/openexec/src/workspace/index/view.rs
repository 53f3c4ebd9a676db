//! What a pack is gathered from: the files and their summaries, with what lies over the disk.

use super::pace::Pace;
use super::state::Content;
use super::work::{content_of, is_minified};
use crate::limits::{INDEX_BUFFERS_KEPT_MAX, INDEX_NOW_LEXED_BYTES_MAX, INDEX_NOW_PARSED_BYTES_MAX};
use crate::workspace::Workspace;
use crate::workspace::layers::Layers;
use crate::workspace::walk::Listed;
use openexec_engine::index::{Corpus, FileSummary};
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::is_hidden;
use openexec_engine::syntax::Language;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Summaries of texts that lie over the disk, as they were last.
pub(super) type Buffers = BTreeMap<WorkspacePath, (Content, Arc<FileSummary>)>;

/// What is known at one moment.
#[derive(Clone)]
pub struct Indexed {
    /// The summaries, by path.
    pub corpus: Arc<Corpus>,
    /// False while files are still to be read: some are missing, others were read without their
    /// grammar.
    pub is_complete: bool,
}

impl Layers<'_> {
    /// The summaries of everything that may be looked at, as [`Workspace::indexed`] gives them,
    /// with those of the texts that lie over the disk.
    pub(in crate::workspace) fn indexed(&self, near: &[&WorkspacePath]) -> Indexed {
        self.listed();
        let mut indexed = self.workspace.indexed_as_listed(near);
        let mut over = self
            .all_over()
            .filter(|(path, _)| Language::of_path(path).is_some_and(Language::is_program))
            .peekable();
        if over.peek().is_none() {
            return indexed;
        }
        let corpus = Arc::make_mut(&mut indexed.corpus);
        for (path, text) in over {
            match text.filter(|text| !is_hidden(path) && !is_minified(text)) {
                Some(text) => corpus.replace(path, self.workspace.summary_over(path, text)),
                None => corpus.remove(path),
            }
        }
        indexed
    }
}

impl Workspace {
    /// The summary of a text that lies over the disk.
    fn summary_over(&self, path: &WorkspacePath, text: &str) -> Arc<FileSummary> {
        let index = &self.index;
        let content = content_of(text);
        if let Some((_, summary)) = index.over.lock().get(path).filter(|(known, _)| *known == content) {
            return Arc::clone(summary);
        }
        let on_disk = index.state.lock().summary_of(path, &content);
        let summary = on_disk.unwrap_or_else(|| Arc::new(self.summary_of(path, text)));
        let mut over = index.over.lock();
        if over.len() >= INDEX_BUFFERS_KEPT_MAX {
            over.clear();
        }
        over.insert(path.clone(), (content, Arc::clone(&summary)));
        summary
    }
}

impl Workspace {
    /// The summaries of the files on disk: where a keeper is still at work, those that are known
    /// by now, with the files nearest to these read at once; otherwise all, however long that
    /// takes.
    pub fn indexed(&self, near: &[&WorkspacePath]) -> Indexed {
        self.refresh();
        self.indexed_as_listed(near)
    }

    /// The same of the files as they were when they were last looked at.
    fn indexed_as_listed(&self, near: &[&WorkspacePath]) -> Indexed {
        self.index.take_from_shelf();
        self.index.wake();
        let is_kept = self.index.keepers.load(Ordering::Acquire) > 0;
        if !is_kept || self.index.state.lock().waiting_bytes() <= INDEX_NOW_PARSED_BYTES_MAX {
            self.work_off(Pace::Awaited, &|| false);
        } else {
            self.work_near(near);
        }
        let state = self.index.state.lock();
        Indexed { corpus: Arc::clone(&state.corpus), is_complete: state.is_complete() }
    }

    /// Reads the files that are nearest to these, some by their grammar, more without.
    fn work_near(&self, near: &[&WorkspacePath]) {
        let mut waiting: Vec<(WorkspacePath, u64, bool)> = {
            let state = self.index.state.lock();
            let all = state.waiting.iter();
            all.map(|(path, bytes)| (path.clone(), *bytes, state.plain.contains(path))).collect()
        };
        waiting.sort_by_cached_key(|(path, ..)| {
            let shared = near.iter().map(|near| shared_components(near, path)).max();
            (Reverse(shared), path.clone())
        });
        let mut budget = INDEX_NOW_PARSED_BYTES_MAX + INDEX_NOW_LEXED_BYTES_MAX;
        let (mut parsed, mut lexed) = (Vec::new(), Vec::new());
        for (path, bytes, is_plain) in &waiting {
            let Some(left) = budget.checked_sub(*bytes) else { break };
            budget = left;
            if left >= INDEX_NOW_LEXED_BYTES_MAX {
                parsed.push(path);
            } else if !is_plain {
                lexed.push(path);
            }
        }
        self.work_on(&parsed);
        self.work_plainly_on(&lexed);
    }

    /// The digest of the text on disk that a file's summary is of.
    pub(in crate::workspace) fn content_of_indexed(&self, path: &WorkspacePath) -> Option<Content> {
        self.index.state.lock().known.get(path).map(|known| known.content)
    }

    /// Every file that is listed, sorted by path, as the disk is now.
    pub(in crate::workspace) fn listed(&self) -> Arc<[Listed]> {
        self.refresh();
        self.index.state.lock().files.clone().unwrap_or_default()
    }
}

/// How many components two paths have in common from the root on; more than any for a path and
/// itself.
fn shared_components(one: &WorkspacePath, other: &WorkspacePath) -> usize {
    if one == other {
        return usize::MAX;
    }
    one.components().zip(other.components()).take_while(|(one, other)| one == other).count()
}
