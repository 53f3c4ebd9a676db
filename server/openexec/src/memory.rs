//! Memory files of a workspace, and the files that records point at, as they are now.
//!
//! Texts come in and records come out: whether a workspace is trusted is not known here, and
//! nothing here writes.

mod present;
mod rewrite;

pub use present::{Present, Source, standing, state_name};
pub use rewrite::{AnchorPlace, Edit, dropped, edited, pointed_to};

use openexec_engine::blueprint::Diagnostic;
use openexec_engine::limits::CONFIG_BYTES_MAX;
use openexec_engine::memory::{MemoryFile, Record, check, load};
use openexec_engine::task::Task;
use std::collections::BTreeMap;

/// Where a repository keeps the records that it shares.
pub const MEMORY_DIR: &str = ".openexec/memory";

/// The memory files of a workspace, read.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    /// Those that can be read.
    pub files: Vec<MemoryFile>,
    /// What is wrong with the others.
    pub faults: Vec<Diagnostic>,
}

impl Shared {
    /// Reads memory files from their texts, by their path relative to the root. Of a file with a
    /// fault no record counts.
    pub fn of(texts: &BTreeMap<String, String>) -> Self {
        let mut shared = Self::default();
        for (file, text) in texts {
            match load(file, text) {
                Ok(file) => shared.files.push(file),
                Err(error) => shared.faults.extend(error.diagnostics),
            }
        }
        shared
    }

    /// All records, in the order of the files.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.files.iter().flat_map(|file| &file.records).map(|written| &written.record)
    }

    /// Everything that is wrong with the files and between them.
    pub fn problems(&self, private: &[Record], tasks: Option<&[Task]>) -> Vec<Diagnostic> {
        let mut problems = self.faults.clone();
        problems.extend(check(&self.files, private, tasks));
        problems.sort_by(|one, other| {
            let place = |it: &Diagnostic| (it.file.clone(), it.line, it.column);
            place(one).cmp(&place(other))
        });
        problems
    }
}

/// What is wrong with a file that has no text which can be read.
pub fn illegible(file: &str) -> Diagnostic {
    let kib = CONFIG_BYTES_MAX / 1024;
    Diagnostic {
        file: file.to_owned(),
        line: 1,
        column: 1,
        message: format!("the file is larger than {kib} KiB, or not UTF-8"),
        remedy: "make several of it, or write it anew as UTF-8".to_owned(),
        mend: None,
        related: Vec::new(),
    }
}

/// True for the path of a memory file, relative to the root.
pub fn is_memory_file(path: &str) -> bool {
    path.strip_prefix(MEMORY_DIR)
        .and_then(|rest| rest.strip_prefix('/'))
        .is_some_and(|name| !name.contains('/') && (name.ends_with(".yaml") || name.ends_with(".yml")))
}
