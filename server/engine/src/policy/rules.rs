//! Rules that people write: `policy.yaml` in the user's configuration and
//! `.openexec/policy.yaml` in a workspace. They are read ([`load`]), brought together
//! ([`merge`]), frozen for a run ([`PolicySnapshot`](super::PolicySnapshot)) and compiled once
//! ([`Policy`]).
//!
//! A workspace's rules can only narrow. This room does not open files and decides nothing by
//! itself: the gate asks it.

mod compiled;
mod egress;
mod extent;
mod file;
mod load;
mod merge;
mod schema;
#[cfg(test)]
mod tests;

pub use compiled::Policy;
pub use egress::{Outgoing, Withheld};
pub use load::{Declaration, load};
pub use merge::merge;
pub use schema::json_schema;

pub(in crate::policy) use compiled::{Kinds, Subject};
pub(in crate::policy) use extent::{Extent, extent};

use super::{PathClass, Verdict};
use crate::action::ActionKind;
use crate::ids::{RuleId, TaskName};
use crate::syntax::Language;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Whose word a rule is. Ordered: the widest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The user's own configuration.
    User,
    /// The workspace, that is: whoever can write into the repository.
    Workspace,
}

impl Scope {
    /// `user` or `workspace`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Workspace => "workspace",
        }
    }
}

/// A rule as a run has frozen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Unique in its scope.
    pub id: RuleId,
    /// Whose it is.
    pub scope: Scope,
    /// What it does.
    pub effect: Verdict,
    /// Why, for people and models.
    pub reason: String,
    /// What it is about.
    pub when: When,
    /// Where it is written: `.openexec/policy.yaml:7`.
    pub place: String,
}

impl Rule {
    /// How reasons call it: `workspace.migrations`.
    pub fn name(&self) -> RuleId {
        RuleId::new(format!("{}.{}", self.scope.name(), self.id))
    }
}

/// What a rule is about. What is empty or absent was not given and matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct When {
    /// Kinds of action, groups resolved.
    pub actions: BTreeSet<ActionKind>,
    /// Globs of files.
    pub paths: Vec<String>,
    /// Globs of files that the rule is not about.
    pub except: Vec<String>,
    /// Declared tasks.
    pub tasks: BTreeSet<TaskName>,
    /// Languages.
    pub languages: BTreeSet<LanguageName>,
    /// Globs of qualified names.
    pub symbols: Vec<String>,
    /// More changed lines than this.
    pub lines_changed_over: Option<u64>,
    /// More changed files than this.
    pub files_changed_over: Option<u64>,
    /// Classes of files.
    pub class: BTreeSet<RuleClass>,
}

/// A rule about what may leave for a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressRule {
    /// Whose it is.
    pub scope: Scope,
    /// Globs of files.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Labels of memory records.
    #[serde(default)]
    pub labels: BTreeSet<String>,
    /// Kinds of memory records.
    #[serde(default)]
    pub pointers: BTreeSet<PointerKind>,
    /// How far it may go.
    pub to: Destination,
    /// Why, for people and models.
    pub reason: String,
    /// Where it is written.
    pub place: String,
}

/// How far a text may go. Ordered: the strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// To no model.
    None,
    /// To a model on this machine.
    Local,
    /// To any model.
    Any,
}

/// What a memory record describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PointerKind {
    /// What a run has changed.
    Maintenance,
    /// A note that a model left.
    Note,
    /// A service.
    Service,
    /// A runbook.
    Runbook,
    /// An environment.
    Environment,
    /// A procedure.
    Procedure,
    /// Why a symbol is as it is.
    Symbol,
}

/// A class of files that rules can name. What is never touched, and what holds secrets, is
/// blocked whatever a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleClass {
    /// Is executed by tools: build scripts, hooks, CI, editor tasks, package scripts.
    Executes,
    /// Configures tools: lock files, compiler and linter settings, dependency sources.
    Configures,
    /// Instructs other agents.
    Instructs,
    /// Judges the work: tests, snapshots, thresholds.
    Judges,
    /// The same files, and whatever else the guard of tests objects to: tests inside of sources.
    Tests,
}

impl RuleClass {
    pub(in crate::policy) const fn covers(self, class: PathClass) -> bool {
        match class {
            PathClass::Executes => matches!(self, Self::Executes),
            PathClass::Configures => matches!(self, Self::Configures),
            PathClass::Instructs => matches!(self, Self::Instructs),
            // To whoever writes a rule, a test judges the work in every language.
            PathClass::Judges | PathClass::Tests => matches!(self, Self::Judges | Self::Tests),
            // Nothing that a rule could name.
            PathClass::Never | PathClass::Secret => false,
        }
    }
}

/// A language as rules name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LanguageName {
    Rust,
    Python,
    Javascript,
    /// With TSX.
    Typescript,
    Go,
    Java,
    C,
    Cpp,
    Kotlin,
    Ruby,
    Php,
    /// With the files of other shells.
    Bash,
    Lua,
    Csharp,
    Swift,
    Scala,
    Sql,
    Json,
    Yaml,
    Toml,
    Markdown,
    Html,
    Css,
}

impl LanguageName {
    /// How rules call a language.
    pub const fn of(language: Language) -> Self {
        match language {
            Language::Rust => Self::Rust,
            Language::Python => Self::Python,
            Language::JavaScript => Self::Javascript,
            Language::TypeScript | Language::Tsx => Self::Typescript,
            Language::Go => Self::Go,
            Language::Java => Self::Java,
            Language::C => Self::C,
            Language::Cpp => Self::Cpp,
            Language::Kotlin => Self::Kotlin,
            Language::Ruby => Self::Ruby,
            Language::Php => Self::Php,
            Language::Bash => Self::Bash,
            Language::Lua => Self::Lua,
            Language::CSharp => Self::Csharp,
            Language::Swift => Self::Swift,
            Language::Scala => Self::Scala,
            Language::Sql => Self::Sql,
            Language::Json => Self::Json,
            Language::Yaml => Self::Yaml,
            Language::Toml => Self::Toml,
            Language::Markdown => Self::Markdown,
            Language::Html => Self::Html,
            Language::Css => Self::Css,
        }
    }
}

/// A group of actions, or one kind of them, as rules name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::policy) enum ActionName {
    /// Every change of a file that exists.
    Edit,
    /// A file where none stands.
    Create,
    /// Every removal of a file.
    Delete,
    /// Every move of a file; both paths count.
    Rename,
    /// `read_file`, `read_symbol` and `search`.
    Read,
    /// Every run of a declared task.
    Run,
    /// Part of `edit`.
    ReplaceText,
    /// Part of `edit`.
    ReplaceSymbol,
    /// Part of `edit`.
    InsertAtSymbol,
    /// Part of `edit`.
    ReplaceRange,
    /// The same as `create`.
    CreateFile,
    /// The same as `delete`.
    DeleteFile,
    /// The same as `rename`.
    RenameFile,
    /// Part of `read`.
    ReadFile,
    /// Part of `read`.
    ReadSymbol,
    /// Part of `read`.
    Search,
    /// The same as `run`.
    RunTask,
    /// Noting a fact for later runs.
    Remember,
}

/// Every kind that changes the text of a file that exists.
pub(in crate::policy) const EDITS: &[ActionKind] = &[
    ActionKind::ReplaceText,
    ActionKind::ReplaceSymbol,
    ActionKind::InsertAtSymbol,
    ActionKind::ReplaceRange,
];

impl ActionName {
    /// The kinds that it names.
    const fn kinds(self) -> &'static [ActionKind] {
        match self {
            Self::Edit => EDITS,
            Self::Create | Self::CreateFile => &[ActionKind::CreateFile],
            Self::Delete | Self::DeleteFile => &[ActionKind::DeleteFile],
            Self::Rename | Self::RenameFile => &[ActionKind::RenameFile],
            Self::Read => &[ActionKind::ReadFile, ActionKind::ReadSymbol, ActionKind::Search],
            Self::Run | Self::RunTask => &[ActionKind::RunTask],
            Self::ReplaceText => &[ActionKind::ReplaceText],
            Self::ReplaceSymbol => &[ActionKind::ReplaceSymbol],
            Self::InsertAtSymbol => &[ActionKind::InsertAtSymbol],
            Self::ReplaceRange => &[ActionKind::ReplaceRange],
            Self::Remember => &[ActionKind::Remember],
            Self::ReadFile => &[ActionKind::ReadFile],
            Self::ReadSymbol => &[ActionKind::ReadSymbol],
            Self::Search => &[ActionKind::Search],
        }
    }
}
