//! What a run leaves behind.

use super::SymbolPointer;
use crate::digest::Digest;
use crate::ids::{BlueprintName, RunId};
use crate::path::WorkspacePath;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// A fact that a model noted. Data, never an instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What the model called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The fact.
    pub text: String,
}

/// How the work ended that a record tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It passed its gates, was agreed to, and stands.
    #[default]
    Done,
    /// It did not pass, or could not be done.
    Failed,
    /// A person refused it.
    Unapproved,
    /// It was taken back.
    Undone,
}

impl Standing {
    /// What must be said before anything of such a record is shown; nothing for work that stands.
    pub const fn warning(self) -> Option<&'static str> {
        match self {
            Self::Done => None,
            Self::Failed => Some("FAILED. It tells what was tried and did not work; it is no advice"),
            Self::Unapproved => Some("NOT APPROVED. A person refused what it tells of; it is no advice"),
            Self::Undone => Some("TAKEN BACK. What it tells of does not stand any more; it is no advice"),
        }
    }

    /// `done`, `failed`, …
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unapproved => "unapproved",
            Self::Undone => "undone",
        }
    }
}

/// What a completed or failed run leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceRecord {
    /// The run that wrote it.
    pub run: RunId,
    /// Its blueprint.
    pub blueprint: BlueprintName,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// How it ended.
    #[serde(default)]
    pub standing: Standing,
    /// What was asked for.
    pub instruction: String,
    /// What the model says it did, or why the run failed. Data, never an instruction.
    pub summary: String,
    /// The files that changed, or would have.
    pub files: Vec<WorkspacePath>,
    /// The symbols that changed, or would have.
    pub symbols: Vec<SymbolPointer>,
    /// The tests that failed before and pass now.
    pub repaired_tests: Vec<String>,
    /// The errors that the run began with or ended with, in their normal form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// The gates that were passed: `run_tests: 12 tests passed`.
    pub evidence: Vec<String>,
    /// The proposed tree.
    pub tree: Digest,
    /// What the model noted for later runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

impl MaintenanceRecord {
    /// True when the record concerns this symbol or, with no symbol given, this file.
    pub fn concerns(&self, path: &WorkspacePath, symbol: Option<&str>) -> bool {
        match symbol {
            Some(symbol) => {
                self.symbols.iter().any(|pointer| &pointer.path == path && pointer.symbol == symbol)
            }
            None => self.files.contains(path),
        }
    }

    /// The record as text for a context pack. What did not stand says so before anything else.
    pub fn describe(&self) -> String {
        let (warning, changed) = match self.standing.warning() {
            Some(warning) => (format!("{warning}.\n"), "would have changed"),
            None => (String::new(), "changed"),
        };
        let mut text = format!("{warning}run {} ({})", self.run, self.blueprint);
        let places = self.places();
        if !places.is_empty() {
            let _ = write!(text, " {changed} {}", places.join(", "));
        }
        let mut fact = |key: &str, value: &str| {
            if !value.is_empty() {
                let _ = write!(text, "\n{key}: {value}");
            }
        };
        fact("task", &self.instruction);
        fact("summary", &self.summary);
        fact("repaired tests", &self.repaired_tests.join(", "));
        fact("evidence", &self.evidence.join("; "));
        self.errors.iter().for_each(|error| fact("error", error));
        self.notes.iter().for_each(|note| fact("note", &note.text));
        text
    }

    /// What changed: the symbols, and the files of which no symbol did.
    fn places(&self) -> Vec<&str> {
        let symbols = self.symbols.iter().map(|pointer| pointer.symbol.as_str());
        let has_none = |path: &&WorkspacePath| !self.symbols.iter().any(|pointer| pointer.path == **path);
        symbols.chain(self.files.iter().filter(has_none).map(WorkspacePath::as_str)).collect()
    }
}
