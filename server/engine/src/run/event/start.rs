//! What a run starts from: the workflow and the rules, what the user asked for, and what was open.
//! Nothing of it changes under the run.

use crate::blueprint::Blueprint;
use crate::budget::Budget;
use crate::ids::RunId;
use crate::memory::Operations;
use crate::model::Models;
use crate::path::WorkspacePath;
use crate::policy::{PolicySnapshot, Taint};
use crate::routing::Routed;
use crate::task::TaskSet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything a run starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The run's id.
    pub run: RunId,
    /// The workspace's root, for people. The engine never opens it.
    pub workspace: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The workflow, whole.
    pub blueprint: Blueprint,
    /// The rules, whole.
    pub policy: PolicySnapshot,
    /// The models, by what they are asked to do.
    pub models: Models,
    /// What they may cost.
    #[serde(default)]
    pub budget: Budget,
    /// True when the user wants to see and approve each request before it leaves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approve_requests: bool,
    /// The declared tasks.
    pub tasks: TaskSet,
    /// What is known of the system: services, runbooks, environments, procedures.
    #[serde(default, skip_serializing_if = "Operations::is_empty")]
    pub operations: Operations,
    /// What the user asked for.
    pub inputs: Inputs,
    /// What the request was taken to be about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Box<Routed>>,
    /// Open buffers whose text differs from the disk.
    pub open_documents: Vec<OpenDocument>,
    /// The versions of all open documents, saved or not.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub open_versions: BTreeMap<WorkspacePath, i32>,
    /// Fingerprints of the values in the workspace's environment files, none of which a model sees.
    #[serde(default, skip_serializing_if = "Taint::is_empty")]
    pub environment: Taint,
    /// Texts that no model sees: what memory files and the user's own records keep from them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub masked: BTreeSet<String>,
    /// 32 random bytes in hexadecimal, from which the nonces of envelopes are derived.
    pub entropy: String,
    /// The most tokens of one context pack.
    pub context_tokens_max: usize,
}

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Inputs {
    /// Free text.
    pub instruction: Option<String>,
    /// A place.
    pub target: Option<Target>,
    /// A failing test's name.
    pub failing_test: Option<String>,
    /// Diagnostics of other servers.
    pub diagnostics: Vec<DiagnosticInput>,
    /// A unified diff.
    pub patch: Option<String>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The file.
    pub path: WorkspacePath,
    /// First and last line, counted from 1, both included.
    pub lines: (u32, u32),
}

/// A diagnostic of another server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiagnosticInput {
    /// The file.
    pub path: WorkspacePath,
    /// The line, counted from 1.
    pub line: u32,
    /// Who says it: `rustc`, `pyright`.
    pub source: String,
    /// Its code, if it has one.
    pub code: Option<String>,
    /// What it says.
    pub message: String,
    /// The other places that it speaks of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<RelatedPlace>,
}

/// A place that has to do with a diagnostic: where the other one of two types was declared, say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelatedPlace {
    /// The file.
    pub path: WorkspacePath,
    /// The line, counted from 1.
    pub line: u32,
    /// What is said of it.
    pub message: String,
}

/// An open buffer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenDocument {
    /// The file.
    pub path: WorkspacePath,
    /// The editor's version of it.
    pub version: i32,
    /// The buffer's text.
    pub text: String,
}
