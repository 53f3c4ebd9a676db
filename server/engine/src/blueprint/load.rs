//! From YAML to a validated blueprint.

use super::Blueprint;

/// One thing wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name as it was given.
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}; {}", self.file, self.line, self.column, self.message, self.remedy)
    }
}

/// Everything wrong with a file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct LoadError {
    /// Never empty.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses, validates and proves a blueprint.
///
/// # Errors
/// Every problem with file, line, column and a remedy.
pub fn load(_file: &str, _text: &str) -> Result<Blueprint, LoadError> {
    todo!()
}
