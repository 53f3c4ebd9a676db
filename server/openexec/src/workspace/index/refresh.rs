//! Finds out what has changed on disk, by the states of files and directories alone.

use crate::workspace::Workspace;
use crate::workspace::threads::in_parallel;
use crate::workspace::walk::{self, Ground, Stamp};
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::is_hidden;
use openexec_engine::syntax::Language;

/// True for files that may define something and may be seen. What only has a structure, such
/// as a document or data, defines nothing that is called.
fn is_source(path: &WorkspacePath) -> bool {
    Language::of_path(path).is_some_and(Language::is_program) && !is_hidden(path)
}

impl Workspace {
    /// Looks at what is listed; lists anew where files may have appeared or vanished. When this
    /// returns, everything that has changed before it was called waits to be read.
    pub(in crate::workspace) fn refresh(&self) {
        let _one = self.index.refreshing.lock();
        let seen = {
            let state = self.index.state.lock();
            state.files.is_some().then(|| (state.grounds.clone(), state.passed_over.clone()))
        };
        let is_as_seen = seen.is_some_and(|(grounds, passed_over)| {
            in_parallel(&grounds, Ground::is_unchanged).into_iter().all(|it| it)
                && passed_over.iter().all(|(path, stamp)| stamp.is_settled() && self.stands(path, stamp))
        });
        if !is_as_seen {
            let listing = walk::list(self.root());
            let known: Vec<WorkspacePath> = self.index.state.lock().known.keys().cloned().collect();
            // Before the lock is taken: to know what is hidden takes longer than all the rest.
            let is_source = in_parallel(&listing.files, |file| {
                known.binary_search(&file.path).is_ok() || is_source(&file.path)
            });
            self.index.state.lock().list(listing, &is_source);
            return;
        }
        let known: Vec<(WorkspacePath, Stamp, bool)> = {
            let state = self.index.state.lock();
            state.known.iter().map(|(path, known)| (path.clone(), known.stamp, known.is_settled)).collect()
        };
        let changed = in_parallel(&known, |it| self.changed(it)).into_iter().flatten();
        let mut state = self.index.state.lock();
        for (path, bytes) in changed {
            state.suspect(path, bytes);
        }
    }

    /// True when a file is in this state.
    fn stands(&self, path: &WorkspacePath, stamp: &Stamp) -> bool {
        walk::stamp_of(&self.root().join(path.as_str())) == Some(*stamp)
    }

    fn changed<'a>(
        &self,
        (path, stamp, is_settled): &'a (WorkspacePath, Stamp, bool),
    ) -> Option<(&'a WorkspacePath, u64)> {
        let now = walk::stamp_of(&self.root().join(path.as_str()));
        (!*is_settled || now != Some(*stamp)).then(|| (path, now.map_or(0, |now| now.bytes())))
    }
}
