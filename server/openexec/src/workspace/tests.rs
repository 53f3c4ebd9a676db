//! Real directories, links, pipes and mounts.

mod facts;
mod files;
mod gathering;
mod reading;

use super::*;
use std::fs;
use tempfile::TempDir;

/// A directory with these files.
struct Tree {
    dir: TempDir,
    workspace: Workspace,
}

impl Tree {
    fn with(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tree = Self { workspace: Workspace::open(dir.path()).unwrap(), dir };
        files.iter().for_each(|(path, text)| tree.put(path, text));
        tree
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), bytes).unwrap();
    }

    fn link(&self, target: impl AsRef<Path>, path: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, self.at(path)).unwrap();
    }

    /// The names in a directory, sorted.
    fn names(&self, path: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.at(path))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

fn buffer(at: &str, text: &str) -> OpenDocument {
    OpenDocument { path: path(at), version: 1, text: text.to_owned() }
}
