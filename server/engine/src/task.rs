//! Declared tasks and what came of running them. A task is an argv list; there is no shell.
//!
//! This module does not start processes and does not look for tasks: the edge does.

mod host;
mod report;

pub use host::{NetworkHost, NetworkHostError, is_public_address};
pub use report::{
    Connection, ConnectionOutcome, Content, Expectation, Judgement, TaskExit, TaskReport, TestCounts,
    TestFailure, WrittenFile,
};

use crate::digest::Digest;
use crate::ids::TaskName;
use crate::limits::{PATTERN_BYTES_MAX, TASK_ARG_BYTES_MAX};
use crate::path::{WorkspacePath, is_ignorable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a task is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Judges the work by executing tests. A pass needs at least one executed test.
    Test,
    /// Judges the work without executing it.
    Lint,
    /// Rewrites files in the shadow.
    Format,
    /// Anything else that a blueprint may run by name.
    Other,
}

/// How a task reports its tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportFormat {
    /// The text of Rust's built-in test harness on standard output.
    Libtest,
    /// The text of pytest on standard output.
    Pytest,
    /// The lines of `go test -json`.
    GoJson,
    /// JUnit XML, in the file that the task wrote.
    Junit,
    /// The Test Anything Protocol on standard output.
    Tap,
    /// The JSON of `jest --json` on standard output.
    JestJson,
    /// Whichever of the text formats above is recognised.
    Auto,
    /// The exit code alone. For tests this counts as one executed test, and only
    /// a user who writes it into `.openexec/tasks.yaml` can choose it.
    ExitCode,
}

/// How long an action may take. The edge holds the seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeoutClass {
    /// 10 seconds.
    Fast,
    /// 2 minutes.
    Medium,
    /// 15 minutes.
    Long,
}

impl TimeoutClass {
    /// The limit in milliseconds.
    pub const fn timeout_ms(self) -> u64 {
        match self {
            Self::Fast => 10_000,
            Self::Medium => 120_000,
            Self::Long => 900_000,
        }
    }
}

/// A value that a task takes, declared with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskParam {
    /// Its name, unique in the task.
    pub name: String,
    /// What values it takes.
    pub sort: ParamSort,
    /// The arguments that a value adds to the task's own, with `{value}` where it stands.
    pub argv: Vec<String>,
}

/// What values a parameter takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ParamSort {
    /// A text that a regular expression matches from its first to its last character.
    String {
        /// The regular expression.
        pattern: String,
    },
    /// A path of the workspace.
    WorkspacePath,
    /// One of these.
    Choice {
        /// The values.
        of: Vec<String>,
    },
}

/// A value for a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskArg {
    /// The parameter's name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Why values do not fit a task's parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}`: {remedy}")]
pub struct ArgError {
    /// The parameter, as it was written.
    pub name: String,
    /// What to write instead.
    pub remedy: String,
}

/// Where a value stands in a parameter's arguments.
pub const VALUE_MARK: &str = "{value}";

/// A declared command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its name, unique in its set.
    pub name: TaskName,
    /// What it is for.
    pub kind: TaskKind,
    /// The program and its arguments; never empty.
    pub argv: Vec<String>,
    /// The directory it runs in; the workspace root when absent.
    pub cwd: Option<WorkspacePath>,
    /// Variables added to the clean environment.
    pub env: BTreeMap<String, String>,
    /// How its report is read.
    pub report: ReportFormat,
    /// For `junit`: the report file, relative to the workspace, that the task writes.
    pub report_file: Option<WorkspacePath>,
    /// How long it may take.
    pub timeout: TimeoutClass,
    /// The hosts that it may reach, as [`NetworkHost`] reads them. None, and it has no network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network: Vec<String>,
    /// The file that declares it, for people: `Cargo.toml`, `.openexec/tasks.yaml`.
    pub origin: String,
    /// The values it takes, in the order in which their arguments follow the task's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<TaskParam>,
    /// The files that it is there to write. Where a procedure runs it, what it has made of them
    /// is taken over from the shadow and proposed; everything else that it writes is dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<WorkspacePath>,
}

impl Task {
    /// The program and its arguments with these values.
    ///
    /// # Errors
    /// When a value has no parameter, is given twice or does not fit. Nothing is repaired.
    pub fn argv_with(&self, args: &[TaskArg]) -> Result<Vec<String>, ArgError> {
        for (at, arg) in args.iter().enumerate() {
            let wrong = |remedy: String| Err(ArgError { name: shown(&arg.name), remedy });
            let Some(param) = self.params.iter().find(|param| param.name == arg.name) else {
                let names: Vec<&str> = self.params.iter().map(|param| param.name.as_str()).collect();
                return wrong(match names.as_slice() {
                    [] => format!("task `{}` takes no arguments", self.name),
                    names => format!("task `{}` takes {}", self.name, names.join(", ")),
                });
            };
            if args.iter().take(at).any(|before| before.name == arg.name) {
                return wrong("it is given twice; give it once".to_owned());
            }
            if let Some(remedy) = param.objection(&arg.value) {
                return wrong(remedy);
            }
        }
        let mut argv = self.argv.clone();
        for param in &self.params {
            if let Some(arg) = args.iter().find(|arg| arg.name == param.name) {
                argv.extend(param.argv.iter().map(|piece| piece.replace(VALUE_MARK, &arg.value)));
            }
        }
        Ok(argv)
    }
}

impl TaskParam {
    /// What is wrong with a value. Whatever a program could take for an option is refused
    /// before the declared type is asked.
    fn objection(&self, value: &str) -> Option<String> {
        if value.is_empty() || value.len() > TASK_ARG_BYTES_MAX {
            return Some(format!("a value has 1 to {TASK_ARG_BYTES_MAX} bytes"));
        }
        if value.starts_with(['-', '@', '+']) {
            return Some(
                "a value must not begin with `-`, `+` or `@`; programs read options there".to_owned(),
            );
        }
        if value.chars().any(|character| character.is_control() || is_ignorable(character)) {
            return Some("a value has no control characters and no invisible ones".to_owned());
        }
        match &self.sort {
            ParamSort::String { pattern } => match anchored(pattern) {
                Ok(pattern) if pattern.is_match(value) => None,
                Ok(_) => Some(format!("the value does not match `{pattern}`")),
                Err(error) => Some(format!("its declared pattern is broken ({error}); mend the task")),
            },
            ParamSort::WorkspacePath => match WorkspacePath::parse(value) {
                Ok(_) => None,
                Err(error) => Some(format!("{error}; write a path relative to the workspace")),
            },
            ParamSort::Choice { of } => {
                let known = of.iter().any(|one| one == value);
                (!known).then(|| format!("write one of {}", of.join(", ")))
            }
        }
    }
}

/// A parameter's pattern, holding for the whole value.
///
/// # Errors
/// When it is no regular expression, or compiles to too much.
pub fn anchored(pattern: &str) -> Result<regex::Regex, regex::Error> {
    // The pattern is compiled alone first, so that it cannot close the group around it.
    regex::Regex::new(pattern)?;
    regex::RegexBuilder::new(&format!(r"\A(?:{pattern})\z")).size_limit(PATTERN_BYTES_MAX).build()
}

fn shown(name: &str) -> String {
    name.chars().take(80).flat_map(char::escape_debug).collect()
}

/// The tasks of a workspace, frozen for a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TaskSet {
    /// Ordered by kind, then by name.
    pub tasks: Vec<Task>,
    /// True when the user has trusted the content that these tasks execute.
    pub trust: Trust,
}

/// Whether the user has trusted what a repository declares.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Trusted at exactly this content.
    Trusted {
        /// The digest of the content that was trusted.
        content: Digest,
    },
    /// Never trusted, or changed since.
    #[default]
    Untrusted,
}

impl TaskSet {
    /// The tasks of one kind, in order.
    pub fn of_kind(&self, kind: TaskKind) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(move |task| task.kind == kind)
    }

    /// The task of this name.
    pub fn named(&self, name: &TaskName) -> Option<&Task> {
        self.tasks.iter().find(|task| &task.name == name)
    }
}
