//! The files that declare tasks, each remembered with its digest when it is read.

use openexec_engine::digest::Digest;
use openexec_engine::limits::CONFIG_BYTES_MAX;
use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Files of `.openexec/` that are hashed.
const FILES_MAX: usize = 10_000;

fn is_link(path: &str) -> io::Error {
    io::Error::other(format!("`{path}` is a symbolic link; put a plain file there, or remove it"))
}

/// A file that decides what is executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The digest of all its bytes.
    pub digest: Digest,
    /// Its text, where it is one and not too large.
    pub text: Option<String>,
}

impl SourceFile {
    fn of(bytes: Vec<u8>) -> Self {
        let digest = Digest::of(&bytes);
        let text = Some(bytes).filter(|bytes| bytes.len() <= CONFIG_BYTES_MAX);
        Self { digest, text: text.and_then(|bytes| String::from_utf8(bytes).ok()) }
    }
}

/// Reads below one root, and keeps account of it.
pub(super) struct Sources {
    root: PathBuf,
    /// By relative path. A file that is not there counts too: its appearance changes things,
    /// but it need not be shown to anybody, so it is left out.
    files: BTreeMap<String, SourceFile>,
}

impl Sources {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf(), files: BTreeMap::new() }
    }

    /// A declaring file's text. One that is too large, not UTF-8 or not there declares nothing.
    pub(super) fn text(&mut self, path: &str) -> Option<String> {
        // All of it is hashed, however long it is: what lies behind a limit decides too.
        let bytes = self.bytes(path, u64::MAX)?;
        let file = SourceFile::of(bytes);
        let text = file.text.clone();
        self.files.insert(path.to_owned(), file);
        text
    }

    /// The beginning of a file that is not remembered, as it decides nothing by itself.
    pub(super) fn unnoted_text(&self, path: &str) -> Option<String> {
        String::from_utf8(self.bytes(path, CONFIG_BYTES_MAX as u64)?).ok()
    }

    fn bytes(&self, path: &str, bytes_max: u64) -> Option<Vec<u8>> {
        let path = self.root.join(path);
        // Opening a pipe would wait for its other end.
        if !path.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        std::fs::File::open(path).ok()?.take(bytes_max).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Remembers a file whose content decides what a task executes, without reading anything
    /// else from it.
    pub(super) fn note(&mut self, path: &str) {
        let _ = self.text(path);
    }

    /// Remembers every file below a directory.
    /// A symbolic link is refused: what it leads to could change without a change here, and
    /// lie outside the repository.
    pub(super) fn directory(&mut self, path: &str) -> io::Result<()> {
        if self.root.join(path).symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(is_link(path));
        }
        let mut pending = vec![path.to_owned()];
        while let Some(directory) = pending.pop() {
            let entries = match std::fs::read_dir(self.root.join(&directory)) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let entry = entry?;
                let Ok(name) = entry.file_name().into_string() else {
                    return Err(io::Error::other("a file name is not UTF-8; rename the file"));
                };
                let path = format!("{directory}/{name}");
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    pending.push(path);
                } else if kind.is_symlink() {
                    return Err(is_link(&path));
                } else if kind.is_file() {
                    self.files.insert(path, SourceFile::of(std::fs::read(entry.path())?));
                }
                if self.files.len() > FILES_MAX {
                    return Err(io::Error::other(format!("it holds more than {FILES_MAX} files")));
                }
            }
        }
        Ok(())
    }

    /// True when there is such a file. It is not remembered.
    pub(super) fn has(&self, path: &str) -> bool {
        self.root.join(path).is_file()
    }

    /// True when there is such a directory.
    pub(super) fn has_directory(&self, path: &str) -> bool {
        self.root.join(path).is_dir()
    }

    /// The names in a directory, sorted.
    pub(super) fn names(&self, path: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.root.join(path));
        let mut names: Vec<String> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// The digest of everything that was remembered, and the files behind it.
    pub(super) fn content(self) -> (Digest, BTreeMap<String, SourceFile>) {
        let parts =
            self.files.iter().flat_map(|(path, file)| [path.as_bytes(), file.digest.as_bytes().as_slice()]);
        (Digest::of_parts(parts), self.files)
    }
}
