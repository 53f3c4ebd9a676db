//! From YAML to a validated blueprint. A file is read in four steps, each of which reports
//! everything it finds: a tree with places ([`tree`]), the file's types ([`file`]), a
//! blueprint with its defaults filled in ([`lower`]), and what only the whole graph shows
//! ([`check`]).

mod check;
pub(super) mod file;
mod lower;

use super::Blueprint;
use crate::yaml::{Diagnostic, LoadError, Problems, Read as _, problem, read, tree};

/// Parses, validates and proves a blueprint.
///
/// # Errors
/// Every problem with file, line, column and a remedy.
pub fn load(file: &str, text: &str) -> Result<Blueprint, LoadError> {
    let mut problems = Problems::new(file);
    let blueprint = read(text, &mut problems);
    problems.into_result(blueprint)
}

/// A blueprint file as far as it can be understood: the blueprint, if its graph is known, and
/// everything that is wrong with it. Nothing runs that is not loaded by [`load`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The blueprint, perhaps one that its mistakes forbid to run.
    pub blueprint: Option<Blueprint>,
    /// Everything wrong with it, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a blueprint file for somebody who looks at it.
pub fn examine(file: &str, text: &str) -> Examined {
    let mut problems = Problems::new(file);
    let blueprint = read(text, &mut problems);
    Examined { blueprint, diagnostics: problems.into_diagnostics() }
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
