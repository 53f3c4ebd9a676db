//! What has changed since a workspace was trusted, for the person who is asked to trust it.

use crate::store::TrustedFile;
use crate::tasks::SourceFile;
use openexec_engine::edit::{ChangeSet, FileChange, unified_diff};
use openexec_engine::path::WorkspacePath;
use openexec_engine::text::visible;
use std::collections::{BTreeMap, BTreeSet};

/// What differs between the files that were trusted and those that stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustChanges {
    /// True when nothing was ever trusted here.
    pub is_first: bool,
    /// The files that were added, changed or removed.
    pub files: Vec<String>,
    /// Their unified diff, with everything hidden shown; files that are no text are named.
    pub diff: String,
}

impl TrustChanges {
    pub(super) fn between(
        before: &BTreeMap<String, TrustedFile>,
        now: &BTreeMap<String, SourceFile>,
    ) -> Self {
        let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        let differs = |name: &&&String| {
            before.get(**name).map(|file| file.digest.clone())
                != now.get(**name).map(|file| file.digest.to_string())
        };
        let files: Vec<String> = names.iter().filter(differs).map(|name| (**name).clone()).collect();
        let mut changes = ChangeSet::default();
        let mut opaque = String::new();
        for name in &files {
            let (old, new) = (before.get(name), now.get(name));
            let is_text =
                old.is_none_or(|file| file.text.is_some()) && new.is_none_or(|file| file.text.is_some());
            match WorkspacePath::parse(name).ok().filter(|_| is_text) {
                Some(path) => {
                    let base = old.and_then(|file| file.text.clone());
                    let proposed = new.and_then(|file| file.text.clone());
                    changes.files.insert(path, FileChange { base, proposed, renamed_from: None });
                }
                None => opaque
                    .push_str(&format!("{name}: changed, and too large or no text; look at it yourself\n")),
            }
        }
        let diff = visible(&format!("{}{opaque}", unified_diff(&changes)));
        Self { is_first: before.is_empty(), files, diff }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openexec_engine::digest::Digest;

    fn trusted(files: &[(&str, &str)]) -> BTreeMap<String, TrustedFile> {
        let file = |text: &str| TrustedFile {
            digest: Digest::of(text.as_bytes()).to_string(),
            text: Some(text.to_owned()),
        };
        files.iter().map(|(path, text)| ((*path).to_owned(), file(text))).collect()
    }

    fn standing(files: &[(&str, Option<&str>)]) -> BTreeMap<String, SourceFile> {
        let file = |text: Option<&str>| SourceFile {
            digest: Digest::of(text.unwrap_or("binary").as_bytes()),
            text: text.map(str::to_owned),
        };
        files.iter().map(|(path, text)| ((*path).to_owned(), file(*text))).collect()
    }

    #[test]
    fn what_was_added_changed_and_removed_is_shown() {
        let before = trusted(&[("Cargo.toml", "a\n"), ("build.rs", "fn main() {}\n"), ("Makefile", "x\n")]);
        let now = standing(&[
            ("Cargo.toml", Some("a\n")),
            ("build.rs", Some("fn main() { evil\u{202e}() }\n")),
            (".openexec/tasks.yaml", Some("version: 1\n")),
            (".openexec/blob", None),
        ]);
        let changes = TrustChanges::between(&before, &now);
        assert!(!changes.is_first);
        assert_eq!(changes.files, [".openexec/blob", ".openexec/tasks.yaml", "Makefile", "build.rs"]);
        for line in [
            "+version: 1",
            "-x",
            "-fn main() {}",
            "+fn main() { evil⟪U+202E⟫() }",
            ".openexec/blob: changed, and too large or no text; look at it yourself",
        ] {
            assert!(changes.diff.lines().any(|found| found == line), "{}", changes.diff);
        }
        assert!(!changes.diff.contains("Cargo.toml"));
    }

    #[test]
    fn the_first_time_everything_is_new() {
        let changes = TrustChanges::between(&BTreeMap::new(), &standing(&[("Makefile", Some("x\n"))]));
        assert!(changes.is_first && changes.diff.contains("+x"), "{changes:?}");
    }
}
