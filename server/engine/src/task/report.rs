//! What came of running a task, and what a gate makes of that.

use super::TaskKind;
use crate::ids::TaskName;
use crate::path::WorkspacePath;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum TaskExit {
    /// It ended by itself.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// A signal ended it.
    Signalled {
        /// The signal's number.
        signal: i32,
    },
    /// It took longer than its timeout class allows, and was killed as a tree.
    TimedOut {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// It could not be started, or the sandbox could not be built.
    NotStarted {
        /// Why, and what to do.
        reason: String,
    },
}

/// How many tests ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TestCounts {
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed, errors included.
    pub failed: u32,
    /// Tests that were skipped or ignored.
    pub skipped: u32,
}

impl TestCounts {
    /// Tests that really ran.
    pub fn executed(&self) -> u32 {
        self.passed.saturating_add(self.failed)
    }
}

/// One failing test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestFailure {
    /// The test's full name as its framework prints it.
    pub name: String,
    /// The file that the report names, when it lies in the workspace.
    pub path: Option<WorkspacePath>,
    /// The line in that file, counted from 1.
    pub line: Option<u32>,
    /// The failure's own text, cut to a limit.
    pub message: String,
}

/// What came of running one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Which task.
    pub task: TaskName,
    /// What it is for.
    pub kind: TaskKind,
    /// Exactly what was executed.
    pub argv: Vec<String>,
    /// How it ended.
    pub exit: TaskExit,
    /// Wall time in milliseconds.
    pub duration_ms: u64,
    /// How many tests ran, when the report could be read.
    pub tests: Option<TestCounts>,
    /// The failing tests, at most `FAILURES_LISTED_MAX`.
    pub failures: Vec<TestFailure>,
    /// The head and the tail of what it printed.
    pub output: String,
    /// Everything it printed, in bytes, kept or not.
    pub output_bytes: u64,
    /// Which sandbox it ran in, for the evidence: `overlay+namespaces`, `copy`.
    pub sandbox: String,
    /// Files that the task rewrote, for `format`.
    pub rewritten: Vec<(WorkspacePath, String)>,
    /// What became of the files that the task declares to write, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<WrittenFile>,
    /// Every connection that a task with a declared network has asked for, in order, at most
    /// `CONNECTIONS_MAX`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<Connection>,
}

/// A file before and after a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFile {
    /// Which.
    pub path: WorkspacePath,
    /// What stood there.
    pub before: Content,
    /// What stands there.
    pub after: Content,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Content {
    /// Nothing.
    Nothing,
    /// A text.
    Text {
        /// It.
        text: String,
    },
    /// Something that is no text, or too large to be proposed.
    Other,
}

/// A connection that a task has asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The host, as the task named it.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What came of it.
    pub outcome: ConnectionOutcome,
}

impl std::fmt::Display for Connection {
    /// For people: `crates.example:443, reached at 203.0.113.7:443`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}, ", self.host, self.port)?;
        match &self.outcome {
            ConnectionOutcome::Connected { address } => write!(f, "reached at {address}"),
            ConnectionOutcome::Refused { reason } => write!(f, "refused: {reason}"),
            ConnectionOutcome::Failed { reason } => write!(f, "failed: {reason}"),
        }
    }
}

/// What came of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ConnectionOutcome {
    /// It was made.
    Connected {
        /// The address behind the name, with the port.
        address: String,
    },
    /// It was not allowed.
    Refused {
        /// Why.
        reason: String,
    },
    /// It was allowed, and nobody answered.
    Failed {
        /// What the system said.
        reason: String,
    },
}

/// What a gate demands of a test report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// Every test passes.
    #[default]
    Green,
    /// The tests that the run set out to fix pass, and nothing fails that did not fail before.
    TargetsGreen,
    /// Nothing fails that did not fail before the edits.
    NoNewFailures,
}

/// The judgement of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "judgement", rename_all = "snake_case")]
pub enum Judgement {
    /// The gate is open for exactly the tree that was judged.
    Passed {
        /// For people: `12 tests passed`.
        summary: String,
    },
    /// The work is not good enough.
    Red {
        /// For people and for the next agent stage.
        summary: String,
    },
    /// Nothing was judged: no declared command, no test executed, no report, no sandbox.
    Blocked {
        /// What is missing and what to do.
        reason: String,
    },
}

impl TaskReport {
    /// The names of the failing tests.
    pub fn failing(&self) -> BTreeSet<&str> {
        self.failures.iter().map(|failure| failure.name.as_str()).collect()
    }

    /// Judges a report on its own, without a baseline.
    pub fn judge(&self) -> Judgement {
        let name = &self.task;
        match (&self.exit, self.kind) {
            (TaskExit::NotStarted { reason }, _) => {
                Judgement::Blocked { reason: format!("task `{name}` could not be started: {reason}") }
            }
            (TaskExit::TimedOut { limit_ms }, _) => {
                Judgement::Red { summary: format!("task `{name}` was killed after {} s", limit_ms / 1000) }
            }
            (TaskExit::Signalled { signal }, _) => {
                Judgement::Red { summary: format!("task `{name}` was ended by signal {signal}") }
            }
            (TaskExit::Exited { .. }, _) if self.lacks_program() && self.failures.is_empty() => {
                Judgement::Blocked {
                    reason: format!(
                        "task `{name}` found no program to run (exit code 127); install it, or write `disable: [{name}]` into .openexec/tasks.yaml"
                    ),
                }
            }
            (TaskExit::Exited { code }, TaskKind::Test) => self.judge_tests(*code),
            (TaskExit::Exited { code: 0 }, _) => {
                Judgement::Passed { summary: format!("task `{name}` found nothing to object to") }
            }
            (TaskExit::Exited { code }, _) => {
                Judgement::Red { summary: format!("task `{name}` ended with exit code {code}") }
            }
        }
    }

    /// The program of the task, or one that it starts, is not there: a shell's convention,
    /// which npm, make and others pass on.
    fn lacks_program(&self) -> bool {
        self.exit == TaskExit::Exited { code: 127 }
    }

    fn judge_tests(&self, code: i32) -> Judgement {
        let name = &self.task;
        match self.tests {
            Some(counts) if counts.failed > 0 => {
                Judgement::Red { summary: format!("{} of {} tests failed", counts.failed, counts.executed()) }
            }
            Some(counts) if code == 0 && counts.executed() > 0 => {
                let tests = if counts.passed == 1 { "test" } else { "tests" };
                Judgement::Passed { summary: format!("{} {tests} passed", counts.passed) }
            }
            _ if code != 0 => Judgement::Red {
                summary: format!("task `{name}` ended with exit code {code} and named no failing test"),
            },
            Some(_) => Judgement::Blocked {
                reason: format!("task `{name}` executed no test; zero tests are not a pass"),
            },
            None => Judgement::Blocked {
                reason: format!(
                    "task `{name}` printed no report that could be read; set its `report` in .openexec/tasks.yaml"
                ),
            },
        }
    }

    /// Judges this report against what a gate demands. `baseline` is the report on the
    /// unedited tree; `targets` are the tests that the run set out to fix (when empty,
    /// every test that failed in the baseline is one).
    pub fn judge_against(
        &self,
        expectation: Expectation,
        baseline: Option<&TaskReport>,
        targets: &BTreeSet<String>,
    ) -> Judgement {
        let alone = self.judge();
        let Judgement::Red { summary } = &alone else {
            return alone;
        };
        // Failures are forgiven only when each of them is known by name on both sides.
        let complete = |report: &TaskReport| {
            matches!(report.exit, TaskExit::Exited { .. })
                && report.tests.is_some_and(|counts| {
                    counts.failed > 0 && counts.failed as usize == report.failures.len()
                })
        };
        let Some(baseline) = baseline.filter(|baseline| complete(baseline) && complete(self)) else {
            return alone;
        };
        let now = self.failing();
        // Several failures may bear one name; one more of them is a new one.
        let times = |report: &TaskReport, name: &str| {
            report.failures.iter().filter(|failure| failure.name == name).count()
        };
        let new: Vec<&str> =
            now.iter().copied().filter(|name| times(self, name) > times(baseline, name)).collect();
        if !new.is_empty() {
            return Judgement::Red { summary: format!("{summary}; newly failing: {}", new.join(", ")) };
        }
        let unfixed: Vec<&str> = match expectation {
            Expectation::Green => return alone,
            Expectation::NoNewFailures => Vec::new(),
            Expectation::TargetsGreen if targets.is_empty() => return alone,
            Expectation::TargetsGreen => now.iter().copied().filter(|name| targets.contains(*name)).collect(),
        };
        if !unfixed.is_empty() {
            return Judgement::Red { summary: format!("{summary}; still failing: {}", unfixed.join(", ")) };
        }
        let executed = self.tests.map_or(0, |counts| counts.executed());
        let (fail, names) = (if now.len() == 1 { "fails" } else { "fail" }, now.iter().copied());
        Judgement::Passed {
            summary: format!(
                "{} of {executed} tests passed; {} failed before and still {fail}: {}",
                executed as usize - now.len().min(executed as usize),
                now.len(),
                names.collect::<Vec<_>>().join(", ")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(failing: &[&str]) -> TaskReport {
        let failure = |name: &&str| TestFailure {
            name: (*name).to_owned(),
            path: None,
            line: None,
            message: String::new(),
        };
        TaskReport {
            task: "test".into(),
            kind: TaskKind::Test,
            argv: Vec::new(),
            exit: TaskExit::Exited { code: 1 },
            duration_ms: 1,
            tests: Some(TestCounts { passed: 3, failed: failing.len() as u32, skipped: 0 }),
            failures: failing.iter().map(failure).collect(),
            output: String::new(),
            output_bytes: 0,
            sandbox: "none".to_owned(),
            rewritten: Vec::new(),
            written: Vec::new(),
            connections: Vec::new(),
        }
    }

    #[test]
    fn failures_that_are_forgiven_are_named() {
        for (failing, says) in [
            (&["a"][..], "3 of 4 tests passed; 1 failed before and still fails: a"),
            (&["a", "b"][..], "3 of 5 tests passed; 2 failed before and still fail: a, b"),
        ] {
            let report = report(failing);
            let judged = report.judge_against(Expectation::NoNewFailures, Some(&report), &BTreeSet::new());
            assert_eq!(judged, Judgement::Passed { summary: says.to_owned() });
        }
    }
}
