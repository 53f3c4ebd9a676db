//! What workspaces declare to be executed, whether that is trusted as it is, and what has changed
//! since it was, for the person who is asked.

use super::{DriverError, Runtime, canonical};
use crate::store::TrustedFile;
use crate::tasks::{self, Declared, SourceFile};
use anyhow::{Context as _, anyhow};
use openexec_engine::digest::Digest;
use openexec_engine::edit::{ChangeSet, FileChange, unified_diff};
use openexec_engine::path::WorkspacePath;
use openexec_engine::task::Trust;
use openexec_engine::text::visible;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What a workspace declares to be executed, and whether that is trusted as it is now.
#[derive(Debug, Clone)]
pub struct Declarations {
    /// The declarations.
    pub declared: Declared,
    /// Whether they are trusted as they are now.
    pub trust: Trust,
}

impl Runtime {
    /// What the workspace declares, and whether that is trusted. Reads the disk.
    ///
    /// # Errors
    /// When the declarations are malformed, or the trust database cannot be read.
    pub fn declarations(&self, root: &Path) -> Result<Declarations, DriverError> {
        let root = canonical(root)?;
        let declared = tasks::declared(&root).context("the workspace's tasks cannot be read")?;
        let trusted = self.trust.trusted(&root).context("the trust database cannot be read")?;
        let trust = match trusted {
            Some(content) if content == declared.content => Trust::Trusted { content },
            _ => Trust::Untrusted,
        };
        Ok(Declarations { declared, trust })
    }

    /// Trusts exactly this content of the workspace.
    ///
    /// # Errors
    /// When the content is another one by now, or the database refuses.
    pub fn trust(&self, root: &Path, content: Digest) -> Result<(), DriverError> {
        let root = canonical(root)?;
        let declared = self.declarations(&root)?.declared;
        if declared.content != content {
            return Err(DriverError(anyhow!(
                "what the workspace declares has just changed; look at it again"
            )));
        }
        let files = declared.files.iter().map(|(path, file)| {
            (path.clone(), TrustedFile { digest: file.digest.to_string(), text: file.text.clone() })
        });
        Ok(self.trust.trust(&root, content, &files.collect()).context("the trust database refused")?)
    }

    /// What trusting the workspace as it is now would newly agree to: the files that are other
    /// than when it was trusted last, or all of them.
    ///
    /// # Errors
    /// When the declarations or the trust database cannot be read.
    pub fn trust_changes(&self, root: &Path) -> Result<TrustChanges, DriverError> {
        let root = canonical(root)?;
        let declared = self.declarations(&root)?.declared;
        let before = self.trust.files(&root).context("the trust database cannot be read")?;
        Ok(TrustChanges::between(&before, &declared.files))
    }

    /// A number that is another one when another process has trusted or revoked any workspace
    /// since it was asked for last.
    ///
    /// # Errors
    /// When the trust database cannot be read.
    pub fn trust_version(&self) -> Result<i64, DriverError> {
        Ok(self.trust.version().context("the trust database cannot be read")?)
    }

    /// Takes trust back.
    ///
    /// # Errors
    /// When that cannot be stored.
    pub fn revoke_trust(&self, root: &Path) -> Result<(), DriverError> {
        Ok(self.trust.revoke(&canonical(root)?).context("the trust database refused")?)
    }
}

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
