//! Kinds of files that are known without configuration.

use crate::path::WorkspacePath;

/// What a file does besides being text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathClass {
    /// May not be touched: `.git`, `.openexec`, by any alias and at any depth.
    Never,
    /// Is executed by tools: build scripts, hooks, CI, editor tasks, package scripts.
    Executes,
    /// Configures tools: lock files, compiler and linter settings, dependency sources.
    Configures,
    /// Instructs other agents.
    Instructs,
    /// Judges the work: tests, snapshots, thresholds.
    Judges,
    /// Holds secrets: `.env` and its like. Neither read nor written.
    Secret,
}

/// The classes of a path, strictest first. Empty for ordinary files.
pub fn classify(_path: &WorkspacePath) -> Vec<PathClass> {
    todo!()
}
