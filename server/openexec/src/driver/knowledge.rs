//! What is known of the files of each root: shared by all runs of the process, kept between
//! sessions, and brought up to date in the background while an editor is there.

use super::{DriverError, Runtime};
use crate::store::{IndexSize, IndexStore};
use crate::workspace::{Changed, Keeper, Knowledge, OpenTexts, Shelf, Workspace};
use anyhow::Context as _;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// All roots of the process.
#[derive(Default)]
pub(super) struct Roots {
    known: Mutex<BTreeMap<PathBuf, Knowledge>>,
    keepers: Mutex<BTreeMap<PathBuf, Keeper>>,
    texts: Mutex<Option<Arc<dyn OpenTexts>>>,
    pub(super) pointers: Mutex<BTreeMap<PathBuf, Arc<super::Pointers>>>,
}

/// The index on disk, opened when it is first needed. Where there is none, everything is made
/// anew in each session.
pub struct IndexShelf {
    path: PathBuf,
    store: OnceLock<Option<IndexStore>>,
}

impl IndexShelf {
    /// The index in this database.
    pub fn at(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path, store: OnceLock::new() })
    }

    fn store(&self) -> Option<&IndexStore> {
        let open = || {
            let opened = IndexStore::open(&self.path);
            opened.inspect_err(|error| tracing::warn!(%error, "there is no index on disk")).ok()
        };
        self.store.get_or_init(open).as_ref()
    }
}

impl Shelf for IndexShelf {
    fn read(&self, part: (usize, usize), take: &mut dyn FnMut(&str, &[u8])) {
        if let Some(Err(error)) = self.store().map(|store| store.read(part, take)) {
            tracing::warn!(%error, "a part of the index could not be read and is made anew");
        }
    }

    fn write(&self, entries: &[(String, Option<Vec<u8>>)]) {
        if let Some(Err(error)) = self.store().map(|store| store.write(entries)) {
            tracing::warn!(%error, "what was found out about {} files is not kept", entries.len());
        }
    }
}

impl Runtime {
    /// Opens a workspace with what is known about its files.
    pub(super) fn workspace(&self, root: &Path) -> anyhow::Result<Workspace> {
        let workspace = Workspace::open(root).context("the workspace cannot be used")?;
        let mut known = self.roots.known.lock();
        let known = known.entry(workspace.root().to_owned()).or_insert_with(|| {
            let path = self.dirs.index_path(workspace.root());
            let known = Knowledge::on(IndexShelf::at(path));
            if let Some(texts) = &*self.roots.texts.lock() {
                known.follow(Arc::clone(texts));
            }
            known
        });
        Ok(workspace.knowing(known))
    }

    /// From now on, what an editor has open is not parsed a second time.
    pub fn follow_texts(&self, texts: &Arc<dyn OpenTexts>) {
        *self.roots.texts.lock() = Some(Arc::clone(texts));
        self.roots.known.lock().values().for_each(|known| known.follow(Arc::clone(texts)));
    }

    /// From now on, keeps up to date what is known of these roots, and of no others, in the
    /// background. Waits for threads of roots that are left to end.
    pub fn keep_indexed(&self, roots: &[&Path]) {
        let mut keepers = self.roots.keepers.lock();
        keepers.retain(|root, _| roots.contains(&root.as_path()));
        for root in roots {
            if keepers.contains_key(*root) {
                continue;
            }
            let started = self.workspace(root).and_then(|workspace| Ok(Keeper::start(workspace)?));
            match started {
                Ok(keeper) => {
                    keepers.insert(root.to_path_buf(), keeper);
                }
                Err(error) => tracing::warn!(root = %root.display(), "nothing is indexed ahead: {error:#}"),
            }
        }
    }

    /// Tells the background what may have changed below the roots that it keeps.
    pub fn files_changed(&self, changed: &Changed) {
        for keeper in self.roots.keepers.lock().values() {
            keeper.tell(changed.clone());
        }
    }

    /// How much is kept of what is known of a workspace's files; `None` where nothing is yet.
    ///
    /// # Errors
    /// When it cannot be used, and will be made anew.
    pub fn index_size(&self, root: &Path) -> Result<Option<IndexSize>, DriverError> {
        let size = IndexStore::size(&self.dirs.index_path(root));
        Ok(size.context("the index cannot be used")?)
    }
}

#[cfg(test)]
mod tests;
