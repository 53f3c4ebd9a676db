//! From YAML to a validated blueprint. A file is read in four steps, each of which reports
//! everything it finds: a tree with places ([`tree`]), the file's types ([`file`]), a
//! blueprint with its defaults filled in ([`lower`]), and what only the whole graph shows
//! ([`check`]).

mod check;
pub(super) mod file;
mod lower;
mod problem;
mod read;
mod tree;

use super::Blueprint;
use problem::Problems;
use read::Read as _;

/// One thing wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name as it was given.
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
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
pub fn load(file: &str, text: &str) -> Result<Blueprint, LoadError> {
    let mut problems = Problems::new(file);
    let blueprint = read(text, &mut problems);
    problems.into_result(blueprint)
}

fn read(text: &str, problems: &mut Problems<'_>) -> Option<Blueprint> {
    let tree = match tree::parse(text) {
        Ok(tree) => tree,
        Err(fault) => {
            problems.report(fault.place, fault.message, fault.remedy);
            return None;
        }
    };
    if tree.value == tree::Value::Null {
        problems.report(tree.place, "the file is empty", "write `version: 1`, `name:` and `stages:`");
        return None;
    }
    let file = file::BlueprintFile::read(&tree, "the file", problems)?;
    let blueprint = lower::lower(&file, problems)?;
    check::check(&blueprint, &file, problems);
    Some(blueprint)
}

#[cfg(test)]
mod tests;
