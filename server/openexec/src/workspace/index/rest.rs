//! An index that nobody uses keeps in memory which files there are and in which state, and leaves
//! what is known of them on the shelf: most editors are open all day, and few runs need a pack.

use super::Index;
use super::shelf::{Summary, parts};
use crate::allocator;
use crate::limits::INDEX_RESTS_AFTER;
use openexec_engine::path::WorkspacePath;
use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// When the index was used last.
#[derive(Default)]
pub(super) struct Use {
    last: Mutex<Option<Instant>>,
    /// Held by whoever takes everything back from the shelf: who comes meanwhile waits.
    waking: Mutex<()>,
}

impl Index {
    /// How long the index still has to be unused before it rests: nothing where nobody has used it
    /// yet. `None` where it rests already, or has nowhere to leave what it knows.
    pub(super) fn rests_in(&self) -> Option<Duration> {
        if self.shelf.is_none() || !self.state.lock().may_rest() {
            return None;
        }
        let unused = self.used.last.lock().map(|last| last.elapsed());
        Some(unused.map_or(Duration::ZERO, |unused| INDEX_RESTS_AFTER.saturating_sub(unused)))
    }

    /// Lets go of what is on the shelf.
    pub(super) fn rest(&self) {
        {
            let _one = self.used.waking.lock();
            let mut state = self.state.lock();
            if self.shelf.is_none() || !state.may_rest() {
                return;
            }
            state.corpus = Default::default();
            state.gather_up();
            state.is_resting = true;
        }
        self.over.lock().clear();
        self.symbols.lock().clear();
        self.secrets.forget();
        allocator::give_back();
    }

    /// Takes back what is known; what the shelf has lost waits to be read.
    pub(super) fn wake(&self) {
        *self.used.last.lock() = Some(Instant::now());
        let _one = self.used.waking.lock();
        let Some(shelf) = self.shelf.as_ref().filter(|_| self.state.lock().is_resting) else { return };
        let known = self.state.lock().known.clone();
        let found = parts(|part| {
            let wanted = |path: &WorkspacePath, of: &super::state::Known| {
                known.get(path).is_some_and(|known| known.content == of.content)
            };
            super::shelf::read_part(shelf.as_ref(), part, wanted)
        });
        let mut state = self.state.lock();
        for (path, entry) in found.into_iter().filter_map(|found| Some((found.path, found.entry?))) {
            if let (of, Summary::Current(entry)) = entry
                && let Some(known) = state.known.get(&path).copied().filter(|it| it.content == of.content)
            {
                state.take(&path, known, entry);
            }
        }
        state.is_resting = false;
        state.miss_what_is_lost();
    }
}

#[cfg(test)]
mod tests {
    use super::super::Shelf;
    use crate::driver::IndexShelf;
    use crate::workspace::{Changed, Knowledge, Workspace};
    use std::path::Path;
    use std::sync::Arc;

    fn names(workspace: &Workspace) -> Vec<String> {
        let indexed = workspace.indexed(&[]);
        assert!(indexed.is_complete);
        let all = indexed.corpus.files();
        let defined = all.flat_map(|(path, entry)| {
            entry.summary.definitions.iter().map(move |it| format!("{path} {}", it.name))
        });
        defined.collect()
    }

    fn workspace(root: &Path, database: &Path) -> (Workspace, Arc<IndexShelf>) {
        let shelf = IndexShelf::at(database.to_owned());
        let known = Knowledge::on(Arc::clone(&shelf) as Arc<dyn Shelf>);
        (Workspace::open(root).unwrap().knowing(&known), shelf)
    }

    #[test]
    fn what_rests_is_known_again_when_it_is_needed() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("root");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("a.rs"), "fn a() {}\n").unwrap();
        std::fs::write(root.join("b.rs"), "fn b() {}\n").unwrap();
        let (workspace, shelf) = workspace(&root, &place.path().join("index.db"));
        assert_eq!(names(&workspace), ["a.rs a", "b.rs b"]);
        let rest = || {
            workspace.index.rest();
            assert!(workspace.index.state.lock().is_resting);
            assert!(workspace.index.state.lock().corpus.is_empty());
        };
        rest();
        assert_eq!(names(&workspace), ["a.rs a", "b.rs b"]);

        // A file that changes meanwhile is read, and the others stay where they are.
        rest();
        std::fs::write(root.join("a.rs"), "fn changed() {}\n").unwrap();
        let mut changed = Changed::default();
        changed.add(workspace.root().join("a.rs"));
        workspace.catch_up(&changed);
        assert_eq!(workspace.index.state.lock().corpus.len(), 1);
        rest();
        assert_eq!(names(&workspace), ["a.rs changed", "b.rs b"]);

        // What the shelf has lost is read again, although its file has not changed; what is gone
        // stays gone.
        workspace.index.state.lock().known.values_mut().for_each(|known| known.is_settled = true);
        rest();
        shelf.write(&[("b.rs".to_owned(), None)]);
        assert_eq!(names(&workspace), ["a.rs changed", "b.rs b"]);
        rest();
        std::fs::remove_file(root.join("b.rs")).unwrap();
        assert_eq!(names(&workspace), ["a.rs changed"]);
    }

    #[test]
    fn what_is_not_saved_does_not_rest() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("a.rs"), "fn a() {}\n").unwrap();
        let without_shelf = Workspace::open(place.path()).unwrap();
        assert_eq!(names(&without_shelf), ["a.rs a"]);
        without_shelf.index.rest();
        assert_eq!(without_shelf.index.state.lock().corpus.len(), 1);
        assert_eq!(without_shelf.index.rests_in(), None);
    }
}
