//! The user's files: read through directory handles that cannot leave the root, and, only
//! when no editor is there, written atomically.
//!
//! Symbolic links are resolved here by hand, one handle after the other, so that what was
//! judged is what is opened. This module must not judge: whether a path may be read or
//! written is the gate's business. It refuses only what no policy can allow: leaving the root.

mod executed;
mod files;
mod gather;
mod hydrate;
mod index;
mod layers;
mod place;
mod secrets;
#[cfg(test)]
mod tests;
mod threads;
mod walk;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use index::Index;
pub use index::{Changed, Indexed, Keeper, OpenTexts, Shelf};
use layers::Layers;
use openexec_engine::context::Candidate;
use openexec_engine::edit::ChangeSet;
use openexec_engine::path::{RequestedPath, WorkspacePath};
use openexec_engine::policy::Facts;
use openexec_engine::redact::Hidden;
use openexec_engine::run::{ContextQuery, HydratedText, OpenDocument, Read};
use place::{Place, Standing};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("`{path}`: {reason}")]
pub struct WorkspaceError {
    /// The path.
    pub path: String,
    /// Why, and what to do.
    pub reason: String,
}

impl WorkspaceError {
    fn new(path: impl ToString, reason: impl ToString) -> Self {
        Self { path: path.to_string(), reason: reason.to_string() }
    }
}

/// A workspace.
pub struct Workspace {
    root: PathBuf,
    dir: Dir,
    index: Arc<Index>,
    sift: Option<Sift>,
}

/// Says why a file's text may not go to the run's model, where it may not.
pub type Sift = Arc<dyn Fn(&WorkspacePath) -> Option<String> + Send + Sync>;

/// What has been found out about the files of one root. It is shared between the runs of a
/// root, so that only the first of them reads every file; dropping it changes no answer.
#[derive(Clone, Default)]
pub struct Knowledge(Arc<Index>);

impl Knowledge {
    /// What is known with what an earlier session has left on a shelf.
    pub fn on(shelf: Arc<dyn Shelf>) -> Self {
        Self(Arc::new(Index::with_shelf(shelf)))
    }

    /// From now on, what is open there is not parsed a second time.
    pub fn follow(&self, texts: Arc<dyn OpenTexts>) {
        self.0.follow(texts);
    }
}

impl Workspace {
    /// Opens the directory. The root is made canonical here, once.
    ///
    /// # Errors
    /// When it is not a directory that can be read.
    pub fn open(root: &Path) -> Result<Self, WorkspaceError> {
        let refused = |error: std::io::Error| {
            WorkspaceError::new(root.display(), format!("cannot be opened as a workspace: {error}"))
        };
        let root = root.canonicalize().map_err(refused)?;
        let dir = Dir::open_ambient_dir(&root, ambient_authority()).map_err(refused)?;
        dir.entries().map_err(refused)?;
        Ok(Self { root, dir, index: Arc::default(), sift: None })
    }

    /// The same, with what is known of this root already.
    #[must_use]
    pub fn knowing(self, known: &Knowledge) -> Self {
        Self { index: Arc::clone(&known.0), ..self }
    }

    /// The same, for a run whose rules keep some files from its model.
    #[must_use]
    pub fn sifted(self, sift: Sift) -> Self {
        Self { sift: Some(sift), ..self }
    }

    /// Why a path, or the place that it leads to, may not be shown to the run's model.
    fn withheld(&self, path: &WorkspacePath) -> Option<String> {
        let sift = self.sift.as_ref()?;
        sift(path).or_else(|| match self.place(path) {
            Place::Inside { real, linked: true, .. } => sift(&real),
            Place::Inside { .. } | Place::Outside => None,
        })
    }

    /// The canonical root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What stands at these paths. Open buffers go before the disk.
    pub fn facts(&self, paths: &[RequestedPath], open: &[OpenDocument]) -> Facts {
        Facts {
            paths: paths.iter().map(|path| (path.clone(), self.facts_of(path, open))).collect(),
            taint: self.taint(paths),
        }
    }

    /// A file's text; `None` when there is none.
    ///
    /// # Errors
    /// When it leads out of the workspace, is too large, not a regular file or not UTF-8.
    pub fn read(&self, path: &WorkspacePath) -> Result<Option<String>, WorkspaceError> {
        files::read(&self.place(path), path)
    }

    /// Replaces, creates or (with `None`) deletes a file. The new text is durable and complete,
    /// or nothing has changed; mode and owner are kept. Deleting what is not there succeeds.
    ///
    /// # Errors
    /// When it leads out of the workspace or through a symbolic link, is write-protected, or the
    /// disk refuses.
    pub fn write(&self, path: &WorkspacePath, text: Option<&str>) -> Result<(), WorkspaceError> {
        let place = self.place(path);
        match text {
            Some(text) => files::replace(place, path, text),
            None => files::delete(place, path),
        }
    }

    /// Reads for the model. Proposed texts go before open buffers, these before the disk.
    pub fn hydrate(&self, reads: &[Read], changes: &ChangeSet, open: &[OpenDocument]) -> Vec<HydratedText> {
        let layers = Layers::new(self, changes, open);
        reads.iter().map(|read| hydrate::hydrate(&layers, read)).collect()
    }

    /// The files that somebody means by names of files or folders: `src/date.rs`, `date.rs`,
    /// `src/payments`. Reads names only.
    pub fn named(&self, names: &[String]) -> Vec<WorkspacePath> {
        let means = |path: &WorkspacePath, name: &str| {
            let path = path.as_str();
            path == name
                || path.strip_suffix(name).is_some_and(|before| before.ends_with('/'))
                || path.strip_prefix(name).is_some_and(|behind| behind.starts_with('/'))
        };
        let listed = self.listed();
        let mut found: BTreeSet<WorkspacePath> = listed
            .iter()
            .map(|file| &file.path)
            .filter(|path| names.iter().any(|name| means(path, name)))
            .cloned()
            .collect();
        // What is not listed, because a tool generates or ignores it, can still be named in full.
        let exact = names.iter().filter_map(|name| WorkspacePath::parse(name).ok());
        let is_file = |path: &WorkspacePath| {
            matches!(self.place(path), Place::Inside { standing: Standing::File { .. }, .. })
        };
        found.extend(exact.filter(is_file));
        found.into_iter().collect()
    }

    /// All files that tools and people look at, sorted by path. Reads names only.
    pub fn files(&self) -> Vec<WorkspacePath> {
        walk::walk(&self.root).into_iter().map(|file| file.path).collect()
    }

    /// Finds candidates for a context pack. The same files and the same query give the same
    /// candidates in the same order.
    pub fn gather(&self, query: &ContextQuery, sources: &Sources<'_>) -> Gathered {
        gather::gather(self, query, sources)
    }
}

/// What was found for a context pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    /// What may be shown.
    pub candidates: Vec<Candidate>,
    /// The secrets in it that only whole files give away: a line of a key, a value whose name
    /// stands on another line. Redaction looks at whole files before anything is cut.
    pub hidden: Vec<Hidden>,
}

/// What memory is asked for.
pub struct Sought<'a> {
    /// Symbols and, with no symbol, files; the most relevant first.
    pub places: &'a [(WorkspacePath, Option<String>)],
    /// Errors in their normal form.
    pub errors: &'a [String],
    /// How a file's text is read as the run sees it.
    pub read: &'a dyn Fn(&WorkspacePath) -> Option<String>,
}

/// How records are found, so that this module needs not know where they are kept.
pub type Recall<'a> = dyn Fn(&Sought<'_>) -> Vec<Candidate> + Sync + 'a;

/// The files of each of the latest commits.
pub type Commits = Arc<Vec<Vec<WorkspacePath>>>;

/// Finds the symbols that runs changed when tests of these names became green, as far as it is
/// certain where they stand now. Files are read as the run sees them.
pub type Repaired<'a> =
    dyn Fn(&[&str], &dyn Fn(&WorkspacePath) -> Option<String>) -> Vec<(WorkspacePath, String)> + Sync + 'a;

/// What others know of a workspace besides its files. Each is asked only where it can matter.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Finds records.
    pub recall: &'a Recall<'a>,
    /// Says what the latest commits changed.
    pub commits: &'a (dyn Fn() -> Commits + Sync + 'a),
    /// Says what runs changed for failing tests before.
    pub repaired: &'a Repaired<'a>,
}

impl Sources<'static> {
    /// Nobody knows anything.
    pub const NONE: Self =
        Self { recall: &|_| Vec::new(), commits: &Arc::default, repaired: &|_, _| Vec::new() };
}
