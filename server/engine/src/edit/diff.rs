//! Hunks and diffs, for editors and for people.

use super::ChangeSet;
use std::ops::Range;

/// A minimal replacement within one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The bytes of the base that are replaced. Begins and ends at line starts, or at the text's end.
    pub base: Range<usize>,
    /// What stands there instead.
    pub text: String,
}

/// The hunks that turn `base` into `proposed`, in order, not overlapping.
pub fn hunks(_base: &str, _proposed: &str) -> Vec<Hunk> {
    todo!()
}

/// A unified diff of all files with three lines of context; created, deleted and renamed
/// files as git writes them.
pub fn unified_diff(_changes: &ChangeSet) -> String {
    todo!()
}
