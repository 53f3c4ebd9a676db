//! The workspace as a run sees it: proposed texts over open buffers over the disk.

use super::place::{Place, Standing};
use super::walk::Listed;
use super::{Workspace, WorkspaceError, files};
use openexec_engine::edit::ChangeSet;
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::is_hidden;
use openexec_engine::run::OpenDocument;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// The three layers.
pub(super) struct Layers<'a> {
    pub(super) workspace: &'a Workspace,
    /// What lies over the disk; `None` where a file is to be deleted.
    over: BTreeMap<&'a WorkspacePath, Option<&'a str>>,
    /// The files on disk, as they were when they were first asked for.
    listed: OnceLock<Arc<[Listed]>>,
}

impl<'a> Layers<'a> {
    pub(super) fn new(workspace: &'a Workspace, changes: &'a ChangeSet, open: &'a [OpenDocument]) -> Self {
        let buffers = open.iter().map(|document| (&document.path, Some(document.text.as_str())));
        let proposed = changes.files.iter().map(|(path, change)| (path, change.proposed.as_deref()));
        Self { workspace, over: buffers.chain(proposed).collect(), listed: OnceLock::new() }
    }

    /// The text that lies over the disk, if the upper layers know this path at all.
    pub(super) fn over(&self, path: &WorkspacePath) -> Option<Option<&'a str>> {
        self.over.get(path).copied()
    }

    /// Everything that lies over the disk; no text where a file is to be deleted.
    pub(super) fn all_over(&self) -> impl Iterator<Item = (&'a WorkspacePath, Option<&'a str>)> {
        self.over.iter().map(|(path, text)| (*path, *text))
    }

    /// A file's text; `None` when there is none.
    ///
    /// What may never be shown is refused here too, although the gate has judged already: it
    /// judged a path, and this looks at the place where the path leads now.
    pub(super) fn text(&self, path: &WorkspacePath) -> Result<Option<String>, WorkspaceError> {
        refuse_hidden(path)?;
        if let Some(text) = self.over(path) {
            return Ok(text.map(str::to_owned));
        }
        let place = self.workspace.place(path);
        if let Place::Inside { real, linked: true, .. } = &place {
            refuse_hidden(real)?;
            if let Some(text) = self.over(real) {
                return Ok(text.map(str::to_owned));
            }
        }
        files::read(&place, path)
    }

    /// True when a directory stands there.
    pub(super) fn is_directory(&self, path: &WorkspacePath) -> bool {
        matches!(self.workspace.place(path), Place::Inside { standing: Standing::Directory, .. })
    }

    /// The files on disk, looked at once.
    pub(super) fn listed(&self) -> &[Listed] {
        self.listed.get_or_init(|| self.workspace.listed())
    }

    /// All files that may be looked at, sorted by path.
    pub(super) fn files(&self) -> Vec<Listed> {
        let mut listed: Vec<Listed> =
            self.listed().iter().filter(|file| !self.over.contains_key(&file.path)).cloned().collect();
        listed.extend(self.over.iter().filter_map(|(path, text)| {
            let bytes = (*text)?.len() as u64;
            Some(Listed { path: (*path).clone(), bytes, stamp: None })
        }));
        listed.sort_by(|one, other| one.path.cmp(&other.path));
        listed
    }
}

fn refuse_hidden(path: &WorkspacePath) -> Result<(), WorkspaceError> {
    if is_hidden(path) {
        return Err(WorkspaceError::new(path, "it holds secrets or belongs to the tools; it is never shown"));
    }
    Ok(())
}
