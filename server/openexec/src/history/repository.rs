//! Real repositories for tests.

use super::History;
use openexec_engine::memory::{CommitId, Fingerprints, SymbolPointer};
use openexec_engine::path::WorkspacePath;
use std::process::Command;

/// A repository in a directory of its own.
pub(crate) struct Repository {
    pub(crate) place: tempfile::TempDir,
}

impl Repository {
    pub(crate) fn new() -> Self {
        let repository = Self { place: tempfile::tempdir().unwrap() };
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    pub(crate) fn root(&self) -> std::path::PathBuf {
        self.place.path().canonicalize().unwrap()
    }

    /// Git as a person would call it; nothing where it fails.
    pub(crate) fn try_git(&self, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(self.place.path());
        for (name, value) in [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("GIT_AUTHOR_NAME", "A"),
            ("GIT_AUTHOR_EMAIL", "a@example.org"),
            ("GIT_COMMITTER_NAME", "A"),
            ("GIT_COMMITTER_EMAIL", "a@example.org"),
        ] {
            command.env(name, value);
        }
        let output = command.output().expect("install git");
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.try_git(arguments).unwrap_or_else(|| panic!("git {arguments:?} failed"))
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.place.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub(crate) fn commit(&self, files: &[(&str, Option<&str>)]) -> CommitId {
        for (path, text) in files {
            match text {
                Some(text) => self.write(path, text),
                None => std::fs::remove_file(self.place.path().join(path)).unwrap(),
            }
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--no-gpg-sign", "-m", "change"]);
        CommitId::parse(self.git(&["rev-parse", "HEAD"]).trim()).unwrap()
    }

    pub(crate) fn history(&self) -> History {
        History::open(&self.root()).unwrap()
    }

    /// The pointer to the symbol of this name that a file has in a commit, and its number among
    /// those of that name.
    pub(crate) fn pointer(
        &self,
        commit: &CommitId,
        file: &str,
        symbol: &str,
        ordinal: usize,
    ) -> SymbolPointer {
        let path = WorkspacePath::parse(file).unwrap();
        let text = self.history().file_at(commit, &path).unwrap().expect("the file is in the commit");
        let symbols = Fingerprints::of(&path, &text);
        let named = symbols.named(symbol).nth(ordinal);
        let named = named.unwrap_or_else(|| {
            let names: Vec<_> = symbols.symbols().iter().map(|it| it.symbol.as_str()).collect();
            panic!("`{symbol}` is not among {names:?}")
        });
        named.clone().at_commit(commit.clone())
    }
}
