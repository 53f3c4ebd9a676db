//! Whether the user has trusted what a workspace declares, as menus show it.

use crate::driver::{Declarations, TrustChanges};
use openexec_engine::digest::Digest;
use openexec_engine::task::Trust;

/// How a workspace's declarations stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TrustState {
    /// The workspace declares no task, so there is nothing to trust.
    NothingDeclared,
    /// Trusted at exactly the content that stands there now.
    Trusted,
    /// Never trusted, or changed since.
    Untrusted {
        /// What trust would bind.
        content: Digest,
        /// The commands that would run, one each: `cargo test`.
        commands: Vec<String>,
        /// The files that decide what runs, relative to the root.
        files: Vec<String>,
        /// What is other than when it was trusted last.
        changes: TrustChanges,
    },
}

impl TrustState {
    pub(super) fn of(declarations: Declarations, changes: TrustChanges) -> Self {
        let Declarations { declared, trust } = declarations;
        match trust {
            Trust::Trusted { .. } => Self::Trusted,
            Trust::Untrusted if declared.tasks.is_empty() => Self::NothingDeclared,
            Trust::Untrusted => Self::Untrusted {
                content: declared.content,
                commands: declared.tasks.iter().map(|task| task.argv.join(" ")).collect(),
                files: declared.files.into_keys().collect(),
                changes,
            },
        }
    }
}
