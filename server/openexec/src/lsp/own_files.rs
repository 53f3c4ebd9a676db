//! What an editor is told about our own files: blueprints, policies, tasks, the user's
//! configuration. Mistakes while they are written, names and keys to choose from, what a word
//! means and where it is declared, and edits that mend.
//!
//! Everything but [`publish`] and [`surroundings`] is text and a place in, value out. Other
//! people's YAML is told apart by its path and never looked into.

mod complete;
mod diagnose;
mod fix;
mod hover;
mod kind;
mod memory;
mod navigate;
mod publish;
mod surroundings;
mod symbols;
#[cfg(test)]
mod tests;
mod toolsets;

pub(super) use complete::complete;
pub(super) use fix::fixes;
pub(super) use hover::hover;
pub(super) use kind::FILE_PATTERNS;
pub(super) use navigate::{definition, references, rename, renamed_at, toolset_at};
pub(super) use publish::Publisher;
pub(super) use surroundings::Surroundings;
pub(super) use symbols::symbols;
pub(super) use toolsets::{PAGE as TOOLSETS_PAGE, page_of as toolsets_page};

use kind::Kind;

use super::documents::{OpenFile, Standing};
use super::protocol::{Position as WirePosition, Range as WireRange};
use crate::memory::MEMORY_DIR;
use crate::tasks::{self, TASKS_FILE};
use openexec_engine::blueprint::{self, Sketch};
use openexec_engine::memory::{Anchor, Record, Resolution};
use openexec_engine::outline::{Outline, Schema, Step};
use openexec_engine::policy::rules;
use openexec_engine::task::Task;
use openexec_engine::text::{Document, Position, PositionEncoding};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// What is known of a workspace besides the file that is looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The workspace's root, where the file lies in one.
    pub(super) root: Option<PathBuf>,
    /// The declared and detected tasks; nothing when they cannot be read.
    pub(super) tasks: Option<Vec<Task>>,
    /// The text of the workspace's tasks file.
    pub(super) tasks_file: Option<String>,
    /// The name and the text of the user's policy.
    pub(super) user_policy: Option<(String, String)>,
    /// The workspace's memory files, by their name relative to the root.
    pub(super) memory_files: BTreeMap<String, String>,
    /// The user's own records.
    pub(super) own_records: Vec<Record>,
    /// How the anchors of records stand, as far as they were looked for.
    pub(super) pointers: Vec<(Anchor, Resolution)>,
    /// Whether the user has trusted what the workspace declares.
    pub(super) trust: Option<super::trust::TrustState>,
}

/// One of our files as the editor shows it.
pub(super) struct OwnFile {
    /// What kind of file.
    pub(super) kind: Kind,
    /// The URI as the client wrote it.
    pub(super) uri: String,
    /// The canonical path.
    pub(super) path: PathBuf,
    /// The client's version.
    pub(super) version: i32,
    text: String,
    document: Document,
    outline: Outline,
    encoding: PositionEncoding,
}

impl OwnFile {
    /// The file, if it is one of ours and its text can be relied on.
    pub(super) fn of(file: &OpenFile, encoding: PositionEncoding, config: &Path) -> Option<Self> {
        // Whose path says no is not read.
        let kind = Kind::of(&file.path, config)?;
        if file.standing == Standing::Lost {
            return None;
        }
        let text = file.text.to_string();
        let outline = Outline::read(&text);
        if kind == Kind::Blueprint && !kind::is_certain(&file.path) && !kind::declares_stages(&outline) {
            return None;
        }
        Some(Self {
            kind,
            uri: file.uri.clone(),
            path: file.path.clone(),
            version: file.version,
            text,
            document: file.text.clone(),
            outline,
            encoding,
        })
    }

    /// True for a workflow.
    pub(super) fn is_blueprint(&self) -> bool {
        self.kind == Kind::Blueprint
    }

    /// Its name for messages.
    fn name(&self) -> String {
        match self.kind {
            Kind::Policy(rules::Scope::Workspace) => crate::policy::POLICY_FILE.to_owned(),
            Kind::Tasks => TASKS_FILE.to_owned(),
            Kind::Memory => {
                let name = self.path.file_name().unwrap_or_default().to_string_lossy();
                format!("{MEMORY_DIR}/{name}")
            }
            Kind::Blueprint | Kind::Policy(rules::Scope::User) | Kind::Config => {
                self.path.display().to_string()
            }
        }
    }

    /// What its format allows.
    fn schema(&self) -> &'static Schema {
        static BLUEPRINT: LazyLock<Schema> = LazyLock::new(|| Schema::new(blueprint::json_schema()));
        static POLICY: LazyLock<Schema> = LazyLock::new(|| Schema::new(rules::json_schema()));
        static TASKS: LazyLock<Schema> = LazyLock::new(|| Schema::new(tasks::json_schema()));
        static MEMORY: LazyLock<Schema> =
            LazyLock::new(|| Schema::new(openexec_engine::memory::json_schema()));
        static CONFIG: LazyLock<Schema> = LazyLock::new(|| Schema::new(crate::config::json_schema()));
        match self.kind {
            Kind::Blueprint => &BLUEPRINT,
            Kind::Policy(_) => &POLICY,
            Kind::Tasks => &TASKS,
            Kind::Config => &CONFIG,
            Kind::Memory => &MEMORY,
        }
    }

    fn sketch(&self) -> Sketch {
        match self.kind {
            Kind::Blueprint => Sketch::of(&self.outline),
            Kind::Policy(_) | Kind::Tasks | Kind::Config | Kind::Memory => Sketch::default(),
        }
    }

    /// The byte of a client's position; nothing beyond the text.
    fn byte_of(&self, position: WirePosition) -> Option<usize> {
        let position = Position { line: position.line, character: position.character };
        self.document.byte_of(position, self.encoding).ok()
    }

    /// A range as the client counts.
    fn range(&self, bytes: &Range<usize>) -> WireRange {
        range_in(&self.document, bytes, self.encoding)
    }

    /// The byte of a line and a column as loaders count them: from 1, in characters, a mark of
    /// the byte order not counted.
    fn byte_of_place(&self, line: u32, column: u32) -> usize {
        let mark = u32::from(line <= 1 && self.text.starts_with('\u{feff}'));
        let position = Position {
            line: line.saturating_sub(1),
            character: column.saturating_sub(1).saturating_add(mark),
        };
        self.document.byte_of(position, PositionEncoding::Utf32).unwrap_or(self.text.len())
    }
}

/// A place in a file as what can be matched: its keys, and `*` for each item of a list.
fn pattern(path: &[Step]) -> Vec<&str> {
    let mut words = Vec::new();
    for step in path {
        words.push(match step {
            Step::Key(key) => key.as_str(),
            Step::Item(_) => "*",
        });
    }
    words
}

fn range_in(document: &Document, bytes: &Range<usize>, encoding: PositionEncoding) -> WireRange {
    let at = |byte: usize| {
        let Position { line, character } = document.position_of(byte, encoding);
        WirePosition { line, character }
    };
    WireRange { start: at(bytes.start), end: at(bytes.end) }
}
