//! What git knows of a workspace: commits, their changes, files as they were, and from these
//! where the symbols of pointers went and which files change together.
//!
//! The repository is not trusted. Git is called with plumbing arguments only, never through a
//! shell, and in such a way that nothing which the repository configures is started, fetched
//! or written (`git`). This room never writes, knows nothing of runs, and chooses nothing.

mod batch;
mod change;
mod git;
mod past;
#[cfg(test)]
pub(crate) mod repository;
#[cfg(test)]
mod tests;

pub use change::{BlobId, Change, Side, Step};
pub use past::Past;

use crate::limits::{
    CO_CHANGED_COMMITS_MAX, CO_CHANGED_FILES_MAX, CO_CHANGED_KEPT_MAX, CO_CHANGED_TIMEOUT_MS,
    HISTORY_COMMITS_MAX, HISTORY_RENAMES_MAX, HISTORY_VERSIONS_MAX,
};
use batch::Batch;
use git::Git;
use openexec_engine::memory::{CommitId, PathMap};
use openexec_engine::path::WorkspacePath;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why git gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It could not be started.
    #[error("git could not be started: {0}; check that it is installed")]
    NotStarted(#[from] std::io::Error),
    /// It took too long.
    #[error("git took longer than {limit_ms} ms for `{asked}`")]
    TimedOut {
        /// What it was asked, without options.
        asked: String,
        /// The limit.
        limit_ms: u64,
    },
    /// It printed too much.
    #[error("git printed more than {limit_bytes} bytes for `{asked}`")]
    TooMuch {
        /// What it was asked, without options.
        asked: String,
        /// The limit.
        limit_bytes: usize,
    },
    /// It refused, as for a commit that is not there.
    #[error("git refused `{asked}`; check with `git fsck` whether the repository is whole")]
    Refused {
        /// What it was asked, without options.
        asked: String,
    },
}

/// The files of each of several commits.
type Commits = Arc<Vec<Vec<WorkspacePath>>>;

/// What changed together in the repositories of this process, as long as their heads stay.
#[derive(Default)]
pub struct Together(Mutex<BTreeMap<PathBuf, (CommitId, Commits)>>);

impl Together {
    /// The files of each of the latest commits of the workspace at `root`, an absolute path.
    /// Empty where there is no history to be read.
    pub fn commits(&self, root: &Path) -> Commits {
        let Some(history) = History::open(root) else { return Arc::default() };
        let Some(head) = history.head() else { return Arc::default() };
        if let Some((_, commits)) = self.0.lock().get(root).filter(|(known, _)| *known == head) {
            return Arc::clone(commits);
        }
        let commits = Arc::new(history.commits());
        let mut kept = self.0.lock();
        if kept.len() >= CO_CHANGED_KEPT_MAX {
            kept.clear();
        }
        kept.insert(root.to_owned(), (head, Arc::clone(&commits)));
        commits
    }
}

/// The history of a workspace.
pub struct History {
    git: Git,
    /// Where the workspace lies in the repository: empty or ending with `/`.
    prefix: String,
    batch: Mutex<Option<Batch>>,
}

impl History {
    /// The history of the workspace at `root`, an absolute path. Nothing where git is not
    /// installed or the workspace lies in no repository that git agrees to read.
    pub fn open(root: &Path) -> Option<Self> {
        // Git looks for no repository elsewhere; to start it only to be told so takes milliseconds.
        let is_bare = |at: &Path| at.join("HEAD").is_file() && at.join("objects").is_dir();
        root.ancestors().find(|above| above.join(".git").exists() || is_bare(above))?;
        let git = Git::find(root)?;
        let printed = git.text(&["rev-parse", "--show-prefix"]).ok()?;
        let prefix = printed.strip_suffix('\n').unwrap_or(&printed).to_owned();
        Some(Self { git, prefix, batch: Mutex::new(None) })
    }

    /// The commit that is checked out; nothing before the first one.
    pub fn head(&self) -> Option<CommitId> {
        let printed = self.git.text(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).ok()?;
        CommitId::parse(printed.trim()).ok()
    }

    /// The commits between two, oldest first, along first parents, each with its changes to
    /// its first parent. Where `from` does not lie on that line, the first step leads there
    /// from it; where more than `HISTORY_COMMITS_MAX` lie between, the oldest are one step.
    ///
    /// # Errors
    /// When git does not answer, as for commits that are not there.
    pub fn steps(&self, from: &CommitId, to: &CommitId) -> Result<Vec<Step>, HistoryError> {
        if from == to {
            return Ok(Vec::new());
        }
        let (range, count) = (format!("{from}..{to}"), format!("-n{HISTORY_COMMITS_MAX}"));
        let renames = format!("-l{HISTORY_RENAMES_MAX}");
        let arguments = [
            "log",
            "--first-parent",
            "-m",
            "--reverse",
            "-z",
            "--raw",
            "--no-abbrev",
            "--relative",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--no-show-signature",
            "--ignore-submodules=all",
            "-M",
            &renames,
            &count,
            "--format=%x01%H %P",
            &range,
            "--",
        ];
        let mut steps = change::steps(&self.git.bytes(&arguments)?);
        let begins_at = steps.first().and_then(|step| step.parent.clone());
        match begins_at {
            Some(parent) if &parent == from => {}
            Some(parent) => {
                let changes = self.changes(from, &parent)?;
                steps.insert(0, Step::new(parent, Some(from.clone()), changes));
            }
            None => {
                let changes = self.changes(from, to)?;
                steps = vec![Step::new(to.clone(), Some(from.clone()), changes)];
            }
        }
        Ok(steps)
    }

    /// What is different between two commits, renamed files paired.
    ///
    /// # Errors
    /// When git does not answer.
    pub fn changes(&self, from: &CommitId, to: &CommitId) -> Result<Vec<Change>, HistoryError> {
        let renames = format!("-l{HISTORY_RENAMES_MAX}");
        let arguments = [
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--no-abbrev",
            "--relative",
            "--no-ext-diff",
            "--no-textconv",
            "--ignore-submodules=all",
            "-M",
            &renames,
            from.as_str(),
            to.as_str(),
            "--",
        ];
        Ok(change::changes(&self.git.bytes(&arguments)?))
    }

    /// Where files went between two commits.
    ///
    /// # Errors
    /// When git does not answer.
    pub fn renames(&self, from: &CommitId, to: &CommitId) -> Result<PathMap, HistoryError> {
        Ok(change::moves(&self.changes(from, to)?))
    }

    /// The commits between two that changed a file at this path, oldest first.
    ///
    /// # Errors
    /// When git does not answer.
    pub fn commits_touching(
        &self,
        path: &WorkspacePath,
        from: &CommitId,
        to: &CommitId,
    ) -> Result<Vec<CommitId>, HistoryError> {
        let (range, count) = (format!("{from}..{to}"), format!("-n{HISTORY_COMMITS_MAX}"));
        let arguments = ["rev-list", "--first-parent", "--reverse", &count, &range, "--", path.as_str()];
        let printed = self.git.text(&arguments)?;
        Ok(printed.lines().filter_map(|line| CommitId::parse(line).ok()).collect())
    }

    /// The latest commits up to one that changed a file at this path, newest first.
    ///
    /// # Errors
    /// When git does not answer.
    pub fn versions(&self, path: &WorkspacePath, to: &CommitId) -> Result<Vec<CommitId>, HistoryError> {
        let count = format!("-n{HISTORY_VERSIONS_MAX}");
        let arguments = ["rev-list", "--first-parent", &count, to.as_str(), "--", path.as_str()];
        let printed = self.git.text(&arguments)?;
        Ok(printed.lines().filter_map(|line| CommitId::parse(line).ok()).collect())
    }

    /// The files of a commit with the names of their contents, in the order of their paths.
    ///
    /// # Errors
    /// When git does not answer.
    pub fn blobs(&self, commit: &CommitId) -> Result<BTreeMap<WorkspacePath, BlobId>, HistoryError> {
        Ok(change::tree(&self.git.bytes(&["ls-tree", "-r", "-z", commit.as_str()])?))
    }

    /// The text of a file in a commit; nothing where there is none, or where it is no text of
    /// a sensible size.
    ///
    /// # Errors
    /// When git does not answer.
    pub fn file_at(&self, commit: &CommitId, path: &WorkspacePath) -> Result<Option<String>, HistoryError> {
        self.content(&format!("{commit}:{}{path}", self.prefix))
    }

    /// The text of a blob, under the same conditions.
    ///
    /// # Errors
    /// When git does not answer.
    pub fn blob(&self, blob: &BlobId) -> Result<Option<String>, HistoryError> {
        self.content(blob.as_str())
    }

    /// The files of each of the latest commits, the newest first. Commits that changed very many
    /// files say nothing of any two of them and are left out (Zimmermann et al., "Mining version
    /// histories to guide software changes", 2005). Empty where git does not answer in time.
    pub fn commits(&self) -> Vec<Vec<WorkspacePath>> {
        let count = format!("-n{CO_CHANGED_COMMITS_MAX}");
        let arguments = [
            "log",
            "--no-merges",
            "--no-renames",
            "-z",
            "--name-only",
            "--relative",
            "--no-color",
            "--no-ext-diff",
            "--no-show-signature",
            "--ignore-submodules=all",
            &count,
            "--format=%x01",
            "HEAD",
            "--",
        ];
        let printed = self.git.bytes_within(&arguments, CO_CHANGED_TIMEOUT_MS).unwrap_or_default();
        let mut commits = change::names(&printed);
        commits.retain(|files| (2..=CO_CHANGED_FILES_MAX).contains(&files.len()));
        commits
    }

    /// Ends the process that reads objects, so that nothing of the repository is held open while
    /// nobody asks. It is started anew when somebody does.
    pub fn rest(&self) {
        *self.batch.lock() = None;
    }

    /// Asks the one process that reads objects, which is started anew after it failed.
    fn content(&self, object: &str) -> Result<Option<String>, HistoryError> {
        let mut slot = self.batch.lock();
        let mut batch = match slot.take() {
            Some(batch) => batch,
            None => Batch::start(&self.git)?,
        };
        let bytes = batch.content(object)?;
        *slot = Some(batch);
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    }
}
