//! Edits whose base has moved.

/// What became of an edit whose base has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rebased {
    /// The same edit on the new base.
    Clean(String),
    /// Both sides changed the same lines.
    Overlapping,
}

/// A three-way merge: what `proposed` did to `base`, done to `current`.
pub fn rebase(_base: &str, _proposed: &str, _current: &str) -> Rebased {
    todo!()
}
