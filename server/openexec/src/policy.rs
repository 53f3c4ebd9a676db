//! The policy files of both scopes: where they lie, how they are read, what they come to
//! together. What they mean is the engine's business.
//!
//! INVARIANT: a policy that cannot be read, or a file that was meant to be one and is not,
//! gives no policy at all, so that no run starts.

mod misplaced;
mod place;

pub use misplaced::misplaced;

use openexec_engine::blueprint::LoadError;
use openexec_engine::policy::rules::{self, Declaration, Scope};
use openexec_engine::policy::{Policy, PolicySnapshot};
use std::path::Path;

/// The workspace's policy file, relative to its root.
pub const POLICY_FILE: &str = ".openexec/policy.yaml";

/// Why there is no policy. Each line names file, line and column and says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(pub String);

impl From<LoadError> for PolicyError {
    fn from(error: LoadError) -> Self {
        Self(error.to_string())
    }
}

/// What holds for a workspace, and what it comes from.
#[derive(Debug, Clone)]
pub struct Effective {
    /// What runs are given, before their blueprint narrows it.
    pub snapshot: PolicySnapshot,
    /// The user's file, where there is one.
    pub user: Option<Declaration>,
    /// The workspace's, where there is one.
    pub workspace: Option<Declaration>,
}

/// Reads both files and brings them together. `user` is the path of the user's file.
///
/// # Errors
/// Everything that is wrong with them, with file, line, column and remedy.
pub fn effective(user: &Path, root: &Path) -> Result<Effective, PolicyError> {
    misplaced::refuse_near_misses(user.parent(), &root.join(".openexec"))?;
    let user = place::user(user)?.map(|(name, text)| rules::load(Scope::User, &name, &text)).transpose()?;
    let workspace = place::workspace(root, POLICY_FILE)?
        .map(|text| rules::load(Scope::Workspace, POLICY_FILE, &text))
        .transpose()?;
    let snapshot = rules::merge(user.as_ref(), workspace.as_ref())?;
    if let Some(fault) = Policy::new(&snapshot).fault() {
        return Err(PolicyError(format!(
            "the rules cannot be used together: {fault}; split or shorten them"
        )));
    }
    Ok(Effective { snapshot, user, workspace })
}

#[cfg(test)]
mod tests;
