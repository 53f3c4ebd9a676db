//! Whether the user has trusted what a workspace declares, as menus show it: the tasks that it
//! runs, the blueprints and the memory that are loaded from it.

use crate::driver::{Declarations, TrustChanges};
use openexec_engine::digest::Digest;
use openexec_engine::task::Trust;

/// How a workspace's declarations stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TrustState {
    /// The workspace declares no task, blueprint or memory, so there is nothing to trust.
    NothingDeclared,
    /// Trusted at exactly the content that stands there now.
    Trusted,
    /// Never trusted, or changed since.
    Untrusted {
        /// What trust would bind.
        content: Digest,
        /// The commands that would run, one each: `cargo test`.
        commands: Vec<String>,
        /// The files of blueprints and of memory that would be loaded, relative to the root.
        loads: Vec<String>,
        /// The files that decide what runs and what is loaded, relative to the root.
        files: Vec<String>,
        /// What is other than when it was trusted last.
        changes: TrustChanges,
    },
}

/// Where blueprints and memory lie, which are loaded only where they are trusted.
const LOADED: [&str; 2] = [".openexec/blueprints/", ".openexec/memory/"];

/// What of a workspace would be trusted, in the words of menus. Where tasks are among it, they
/// are what matters most.
pub(super) fn subject(commands: &[String], loads: &[String]) -> &'static str {
    let has = |folder: &str| loads.iter().any(|path| path.starts_with(folder));
    let [blueprints, memory] = LOADED.map(has);
    match (commands.is_empty(), blueprints, memory) {
        (false, _, _) | (true, false, false) => "tasks",
        (true, true, true) => "blueprints and memory",
        (true, true, false) => "blueprints",
        (true, false, true) => "memory",
    }
}

impl TrustState {
    pub(super) fn of(declarations: Declarations, changes: TrustChanges) -> Self {
        let Declarations { declared, trust } = declarations;
        let is_loaded = |path: &&String| LOADED.iter().any(|folder| path.starts_with(folder));
        let loads: Vec<String> = declared.files.keys().filter(is_loaded).cloned().collect();
        match trust {
            Trust::Trusted { .. } => Self::Trusted,
            Trust::Untrusted if declared.tasks.is_empty() && loads.is_empty() => Self::NothingDeclared,
            Trust::Untrusted => Self::Untrusted {
                content: declared.content,
                commands: declared.tasks.iter().map(|task| task.argv.join(" ")).collect(),
                loads,
                files: declared.files.into_keys().collect(),
                changes,
            },
        }
    }
}
