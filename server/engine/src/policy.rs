//! The one gate. [`evaluate`] judges a whole batch of actions against facts that the edge
//! gathered and the policy snapshot that the run froze. Strictest wins; what no rule matches
//! is blocked; an error inside a rule blocks.

mod classes;
pub(crate) mod content;
mod evaluate;
mod guard;
pub mod rules;
mod toolset;

pub use classes::{PathClass, check_classes, classify, is_hidden};
pub use content::{Form, Occurrence, Redacted, Taint, fingerprints};
pub use evaluate::{evaluate, evaluate_call, evaluate_changes, evaluate_task};
pub use guard::{Changed, Weakening, weakenings};
pub use rules::Policy;
pub use toolset::{toolset, toolset_names};

use crate::digest::Digest;
use crate::edit::ChangeSet;
use crate::ids::{RuleId, ToolsetName};
use crate::path::{RequestedPath, WorkspacePath};
use crate::redact::PersonalData;
use crate::task::TaskSet;
use rules::{EgressRule, Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What the gate says. Ordered: the strictest is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may happen.
    Allow,
    /// It may happen once the user has approved exactly these bytes.
    Ask,
    /// It may not happen.
    Block,
}

/// A verdict and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The strictest verdict of all reasons.
    pub verdict: Verdict,
    /// Every reason, strictest first; never empty.
    pub reasons: Vec<Reason>,
}

/// One reason for a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule that spoke.
    pub rule: RuleId,
    /// Its verdict.
    pub verdict: Verdict,
    /// What it matched: a path, a task, an action.
    pub matched: String,
    /// What would make it pass, or why it may not.
    pub remedy: String,
}

/// What a stage may do to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Read files of the repository.
    RepoRead,
    /// Propose changes to files of the workspace.
    RepoWrite,
    /// Create commits.
    GitCommit,
    /// Reach the network.
    NetworkAccess,
    /// An arbitrary shell. There is none, so no action needs it: the name is the public
    /// contract's. In journals that were written before `run_tasks` it means that.
    ShellExec,
    /// Write pointer records.
    MemoryWrite,
    /// Run declared tasks.
    RunTasks,
}

impl Capability {
    /// The name in a policy file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RepoRead => "repo_read",
            Self::RepoWrite => "repo_write",
            Self::GitCommit => "git_commit",
            Self::NetworkAccess => "network_access",
            Self::ShellExec => "shell_exec",
            Self::MemoryWrite => "memory_write",
            Self::RunTasks => "run_tasks",
        }
    }
}

/// How far a run's effects may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SandboxMode {
    /// Nothing is changed.
    ReadOnly,
    /// Files of the workspace may be changed, declared tasks may run.
    #[default]
    WorkspaceWrite,
    /// As before, and commits.
    RepoWrite,
    /// As before, and the network. Needs an approval.
    DangerFullAccess,
}

impl SandboxMode {
    /// The name in a policy file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::WorkspaceWrite => "workspace_write",
            Self::RepoWrite => "repo_write",
            Self::DangerFullAccess => "danger_full_access",
        }
    }
}

/// When a proposal waits for the user although no rule asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalMode {
    /// Only where a rule asks.
    #[default]
    OnRiskyActions,
    /// Every proposal.
    Always,
}

/// The rules of one run, frozen when it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySnapshot {
    /// How far effects may reach.
    pub sandbox: SandboxMode,
    /// The capabilities that the mode and the user's configuration leave.
    pub capabilities: BTreeSet<Capability>,
    /// When a proposal waits for the user.
    pub approval_mode: ApprovalMode,
    /// The hosts that may be reached, where the network may be reached at all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub network_allowlist: BTreeSet<String>,
    /// The personal data that is redacted beside secrets.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub redact: BTreeSet<PersonalData>,
    /// The rules of both scopes, the user's first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// What may leave for a model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub egress: Vec<EgressRule>,
}

impl PolicySnapshot {
    /// The built-in policy for a sandbox mode.
    pub fn built_in(sandbox: SandboxMode, approval_mode: ApprovalMode) -> Self {
        let mut capabilities = BTreeSet::from([Capability::RepoRead, Capability::MemoryWrite]);
        if sandbox >= SandboxMode::WorkspaceWrite {
            capabilities.extend([Capability::RepoWrite, Capability::RunTasks]);
        }
        if sandbox >= SandboxMode::RepoWrite {
            capabilities.insert(Capability::GitCommit);
        }
        if sandbox >= SandboxMode::DangerFullAccess {
            capabilities.extend([Capability::NetworkAccess, Capability::ShellExec]);
        }
        Self {
            sandbox,
            capabilities,
            approval_mode,
            network_allowlist: BTreeSet::new(),
            redact: BTreeSet::new(),
            rules: Vec::new(),
            egress: Vec::new(),
        }
    }

    /// The same, for a run whose blueprint asks for no more than this.
    #[must_use]
    pub fn for_run(&self, sandbox: SandboxMode, approval_mode: ApprovalMode) -> Self {
        let sandbox = sandbox.min(self.sandbox);
        let approval_mode = approval_mode.max(self.approval_mode);
        let mode = Self::built_in(sandbox, approval_mode);
        let capabilities = self.capabilities.intersection(&mode.capabilities).copied().collect();
        Self { sandbox, capabilities, approval_mode, ..self.clone() }
    }

    /// Names the rules.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }
}

/// What the edge found out about the paths of a batch, through directory handles.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// By the path as it was written. A path without facts is blocked.
    pub paths: BTreeMap<RequestedPath, PathFacts>,
    /// Fingerprints of the secrets in environment files, so that no edit copies one.
    #[serde(default, skip_serializing_if = "Taint::is_empty")]
    pub taint: Taint,
}

impl Facts {
    /// The same, with the editor's versions of documents that stand on the disk as they are.
    #[must_use]
    pub fn at_versions(mut self, versions: &BTreeMap<WorkspacePath, i32>) -> Self {
        for (requested, found) in &mut self.paths {
            let known = WorkspacePath::parse(requested.as_str()).ok().and_then(|path| versions.get(&path));
            if let Entry::Text { version: version @ None, .. } = &mut found.entry {
                *version = known.copied();
            }
        }
        self
    }

    /// The editor's version of a file, where it is open.
    pub(crate) fn version_of(&self, path: &WorkspacePath) -> Option<i32> {
        match self.paths.get(&RequestedPath::new(path.as_str()))?.entry {
            Entry::Text { version, .. } => version,
            Entry::Missing | Entry::Opaque { .. } | Entry::Directory | Entry::Other { .. } => None,
        }
    }
}

/// What is known about one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathFacts {
    /// What stands there.
    pub entry: Entry,
    /// Where the path really leads.
    pub resolved: Resolved,
    /// What executes the file although its name does not say so, for people: `core.hooksPath of
    /// .git/config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executed_by: Option<String>,
}

/// What a run has found out about its workspace so far, over all its batches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Files that something executes although their names do not say so, and what does.
    executed: BTreeMap<WorkspacePath, String>,
    /// The secrets of environment files.
    environment: Taint,
    /// The secrets that were redacted from what the model was shown.
    redacted: Redacted,
}

impl Known {
    /// Takes in what was found out.
    pub fn learn(&mut self, facts: &Facts) {
        if !facts.taint.is_empty() {
            self.environment = facts.taint.clone();
        }
        for (requested, found) in &facts.paths {
            let real = match &found.resolved {
                Resolved::Direct => WorkspacePath::parse(requested.as_str()).ok(),
                Resolved::Linked { to } => Some(to.clone()),
                Resolved::Outside => None,
            };
            if let (Some(path), Some(by)) = (real, &found.executed_by) {
                self.executed.insert(path, by.clone());
            }
        }
    }

    /// Takes in the secrets that the run has redacted so far.
    pub fn learn_redacted(&mut self, redacted: Redacted) {
        self.redacted = redacted;
    }

    /// True when a text holds the secret of an environment file more often than its base does.
    pub(crate) fn is_copied_into(&self, base: &str, text: &str) -> bool {
        self.environment.more_in(base, text)
    }

    /// The secrets that the model saw as placeholders.
    pub(crate) const fn redacted(&self) -> &Redacted {
        &self.redacted
    }

    /// What executes a file, where that is known.
    pub(crate) fn executed_by(&self, path: &WorkspacePath) -> Option<&str> {
        self.executed.get(path).map(String::as_str)
    }
}

/// Everything that a batch is judged on, beside the rules.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// What the stage may ask for.
    pub toolset: &'a Toolset,
    /// The declared tasks.
    pub tasks: &'a TaskSet,
    /// What stands at the paths that the batch names.
    pub facts: &'a Facts,
    /// The edits that the run has planned already.
    pub changes: &'a ChangeSet,
    /// What the run has found out before; `facts` included.
    pub known: &'a Known,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// Nothing.
    Missing,
    /// A regular file of text. `text` is the open buffer's where the file is open.
    Text {
        /// The whole text.
        text: String,
        /// Names of this file in the file system; more than 1 means hard links.
        links: u64,
        /// The editor's version of it, where the file is open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<i32>,
    },
    /// A regular file that is too large or not UTF-8.
    Opaque {
        /// Its size in bytes.
        bytes: u64,
    },
    /// A directory.
    Directory,
    /// A socket, device or pipe, or something that could not be examined.
    Other {
        /// What, for people.
        what: String,
    },
}

/// Where a path leads after all symbolic links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "resolved", rename_all = "snake_case")]
pub enum Resolved {
    /// To itself: no symbolic link on the way.
    Direct,
    /// Through a symbolic link, to this place in the workspace.
    Linked {
        /// The real place.
        to: WorkspacePath,
    },
    /// Out of the workspace, or to nowhere.
    Outside,
}

/// Which actions a stage's toolset holds. Names are the public DSL's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toolset {
    /// Its name.
    pub name: ToolsetName,
    /// The kinds of action it holds.
    pub actions: BTreeSet<crate::action::ActionKind>,
}
