//! What lies around our files: the workspace's tasks, the user's policy, trust. It is read from
//! the disk once, and again after a file was saved.

use super::{Kind, Known};
use crate::config::UserDirs;
use crate::driver::Runtime;
use crate::lsp::memory::Memory;
use crate::lsp::session::Session;
use crate::lsp::trust::TrustState;
use crate::lsp::uri;
use crate::memory::{MEMORY_DIR, is_memory_file};
use crate::tasks::{self, TASKS_FILE};
use openexec_engine::limits::CONFIG_BYTES_MAX;
use openexec_engine::memory::Record;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What lies around our files.
pub(in crate::lsp) struct Surroundings {
    session: Arc<Session>,
    runtime: Result<Arc<Runtime>, String>,
    memory: Arc<Memory>,
    /// The user's own directory, canonical.
    config: PathBuf,
    known: Mutex<BTreeMap<Option<PathBuf>, Arc<Known>>>,
}

impl Surroundings {
    pub(in crate::lsp) fn new(
        session: Arc<Session>,
        runtime: Result<Arc<Runtime>, String>,
        memory: Arc<Memory>,
        dirs: &UserDirs,
    ) -> Self {
        let config = dirs.config_path().parent().map(uri::canonical).unwrap_or_default();
        Self { session, runtime, memory, config, known: Mutex::default() }
    }

    /// The user's own directory.
    pub(in crate::lsp) fn config(&self) -> &Path {
        &self.config
    }

    /// True when a path is one that our files have; the text is not looked at.
    pub(in crate::lsp) fn may_be_ours(&self, file: &Path) -> bool {
        Kind::of(file, &self.config).is_some()
    }

    /// What is known around a file. It may read the disk, so no menu waits for it on the thread
    /// that others wait for.
    pub(in crate::lsp) fn of(&self, file: &Path) -> Arc<Known> {
        let root = self.session.roots().of_file(file).map(Path::to_owned);
        if let Some(known) = self.known.lock().get(&root) {
            return Arc::clone(known);
        }
        let known = Arc::new(self.read(root.clone()));
        self.known.lock().insert(root, Arc::clone(&known));
        known
    }

    /// What is known around a file, if it was read already.
    pub(in crate::lsp) fn at_hand(&self, file: &Path) -> Option<Arc<Known>> {
        let root = self.session.roots().of_file(file).map(Path::to_owned);
        self.known.lock().get(&root).cloned()
    }

    /// Forgets everything, because files may have changed.
    pub(in crate::lsp) fn forget(&self) {
        self.known.lock().clear();
    }

    fn read(&self, root: Option<PathBuf>) -> Known {
        let policy = self.config.join("policy.yaml");
        let user_policy = self.text(&policy).map(|text| (policy.display().to_string(), text));
        let Some(root) = root else {
            return Known { user_policy, ..Known::default() };
        };
        let trust = self.runtime.as_ref().ok().and_then(|runtime| {
            let declarations = runtime.declarations(&root).ok()?;
            Some(TrustState::of(declarations, runtime.trust_changes(&root).ok()?))
        });
        Known {
            tasks: tasks::declared(&root).ok().map(|declared| declared.tasks),
            memory_files: self.memory_files(&root),
            own_records: self.own_records(&root),
            pointers: self.memory.standings(&root),
            tasks_file: self.text(&root.join(TASKS_FILE)),
            user_policy,
            trust,
            root: Some(root),
        }
    }

    /// The texts of all memory files of a workspace.
    fn memory_files(&self, root: &Path) -> BTreeMap<String, String> {
        let entries = std::fs::read_dir(root.join(MEMORY_DIR)).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let files = names.map(|name| format!("{MEMORY_DIR}/{name}")).filter(|file| is_memory_file(file));
        files.filter_map(|file| Some((file.clone(), self.text(&root.join(&file))?))).collect()
    }

    fn own_records(&self, root: &Path) -> Vec<Record> {
        let store = self.runtime.as_ref().ok().and_then(|runtime| runtime.store(root).ok());
        store.and_then(|store| store.records().ok()).unwrap_or_default()
    }

    /// A file of ours as the editor shows it, else as it lies on the disk.
    fn text(&self, path: &Path) -> Option<String> {
        if let Some(open) = self.session.document_at(path) {
            return Some(open.text.to_string());
        }
        let mut text = String::new();
        let file = std::fs::File::open(path).ok()?;
        file.take(CONFIG_BYTES_MAX as u64 + 1).read_to_string(&mut text).ok()?;
        Some(text).filter(|text| text.len() <= CONFIG_BYTES_MAX)
    }
}
