//! What a run leaves behind.

use super::SymbolPointer;
use crate::digest::Digest;
use crate::ids::{BlueprintName, RunId};
use crate::path::WorkspacePath;
use serde::{Deserialize, Serialize};

/// A fact that a model noted. Data, never an instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What the model called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The fact.
    pub text: String,
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
    /// What was asked for.
    pub instruction: String,
    /// What the model says it did. Data, never an instruction.
    pub summary: String,
    /// The files that changed.
    pub files: Vec<WorkspacePath>,
    /// The symbols that changed.
    pub symbols: Vec<SymbolPointer>,
    /// The tests that failed before and pass now.
    pub repaired_tests: Vec<String>,
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

    /// The record as text for a context pack.
    pub fn describe(&self) -> String {
        let symbols: Vec<&str> = self.symbols.iter().map(|pointer| pointer.symbol.as_str()).collect();
        let notes: String = self.notes.iter().map(|note| format!("\nnote: {}", note.text)).collect();
        format!(
            "run {} ({}) changed {}\ntask: {}\nsummary: {}\nrepaired tests: {}\nevidence: {}{notes}",
            self.run,
            self.blueprint,
            symbols.join(", "),
            self.instruction,
            self.summary,
            self.repaired_tests.join(", "),
            self.evidence.join("; "),
        )
    }
}
