//! Where files went: moves that are known, and directories that moved as a whole.

use crate::limits::{MOVED_DIRECTORY_FILES_MIN, MOVED_DIRECTORY_PERCENT_MIN};
use crate::path::WorkspacePath;
use std::collections::BTreeMap;

/// Where files went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PathMap {
    files: BTreeMap<WorkspacePath, WorkspacePath>,
    /// Directories with their new names, `""` being the workspace itself.
    directories: BTreeMap<String, String>,
}

impl PathMap {
    /// From the moves of single files, the old place first. Where nearly all files that left a
    /// directory went to one other place, as when a repository is merged into a subdirectory,
    /// the directory counts as moved, and files that have changed too much to be paired follow.
    pub fn of_moves(moves: impl IntoIterator<Item = (WorkspacePath, WorkspacePath)>) -> Self {
        let files: BTreeMap<_, _> = moves.into_iter().collect();
        let mut left: BTreeMap<&str, u32> = BTreeMap::new();
        let mut together: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for (then, now) in &files {
            for directory in directories_of(then.as_str()) {
                *left.entry(directory).or_default() += 1;
            }
            for (old, new) in shared_endings(then.as_str(), now.as_str()) {
                *together.entry((old, new)).or_default() += 1;
            }
        }
        let directories = together.iter().filter(|((old, _), count)| {
            let all = left.get(old).copied().unwrap_or_default();
            **count >= MOVED_DIRECTORY_FILES_MIN && **count * 100 >= all * MOVED_DIRECTORY_PERCENT_MIN
        });
        let directories = directories.map(|((old, new), _)| ((*old).to_owned(), (*new).to_owned())).collect();
        Self { files, directories }
    }

    /// Where a single file is known to have gone.
    pub fn file(&self, path: &WorkspacePath) -> Option<&WorkspacePath> {
        self.files.get(path)
    }

    /// Where a file lies if it went with its directory, the innermost first.
    pub fn with_directory(&self, path: &WorkspacePath) -> Option<WorkspacePath> {
        let inner_first = directories_of(path.as_str()).collect::<Vec<_>>().into_iter().rev();
        inner_first.into_iter().find_map(|old| {
            let new = self.directories.get(old)?;
            let rest = path.as_str().get(old.len()..)?.trim_start_matches('/');
            let joined = if new.is_empty() { rest.to_owned() } else { format!("{new}/{rest}") };
            WorkspacePath::parse(&joined).ok()
        })
    }

    /// All single files that went, with where they went.
    pub fn files(&self) -> impl Iterator<Item = (&WorkspacePath, &WorkspacePath)> {
        self.files.iter()
    }
}

/// The directories that hold a file, from the workspace itself (`""`) inwards.
fn directories_of(path: &str) -> impl Iterator<Item = &str> {
    std::iter::once("").chain(path.match_indices('/').filter_map(|(at, _)| path.get(..at)))
}

/// The pairs of directories that a move may have been a part of: what stands before each
/// ending that both paths share.
fn shared_endings<'a>(then: &'a str, now: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut pairs = Vec::new();
    let (mut then, mut now) = (then, now);
    loop {
        let (old, old_last) = then.rsplit_once('/').unwrap_or(("", then));
        let (new, new_last) = now.rsplit_once('/').unwrap_or(("", now));
        if old_last != new_last {
            return pairs;
        }
        pairs.push((old, new));
        if old.is_empty() || new.is_empty() {
            return pairs;
        }
        (then, now) = (old, new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> WorkspacePath {
        WorkspacePath::parse(text).unwrap()
    }

    fn map(moves: &[(&str, &str)]) -> PathMap {
        PathMap::of_moves(moves.iter().map(|(then, now)| (path(then), path(now))))
    }

    #[test]
    fn a_file_that_changed_too_much_follows_its_directory() {
        let names = ["a.rs", "b.rs", "inner/c.rs", "inner/d.rs", "e.rs", "f.rs"];
        let moves: Vec<_> = names.map(|name| (format!("src/{name}"), format!("crates/x/src/{name}"))).into();
        let moves: Vec<_> = moves.iter().map(|(old, new)| (old.as_str(), new.as_str())).collect();
        let map = map(&moves);
        assert_eq!(map.file(&path("src/a.rs")), Some(&path("crates/x/src/a.rs")));
        assert_eq!(map.with_directory(&path("src/inner/z.rs")), Some(path("crates/x/src/inner/z.rs")));
        // The whole repository went there, as far as anybody can tell.
        assert_eq!(map.with_directory(&path("README.md")), Some(path("crates/x/README.md")));
    }

    #[test]
    fn files_that_scatter_move_no_directory() {
        let map = map(&[
            ("src/a.rs", "one/a.rs"),
            ("src/b.rs", "two/b.rs"),
            ("src/c.rs", "one/c.rs"),
            ("src/d.rs", "two/d.rs"),
            ("src/e.rs", "one/e.rs"),
            ("src/f.rs", "two/f.rs"),
        ]);
        assert_eq!(map.with_directory(&path("src/z.rs")), None);
    }
}
