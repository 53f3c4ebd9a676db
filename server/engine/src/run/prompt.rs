//! The words that a model is given. They explain; they enforce nothing. Every rule in them is
//! enforced elsewhere, whether the model has read it or not.

use super::state::Active;
use crate::context::ENVELOPE_RULES;
use crate::edit::{self, ChangeSet};
use crate::policy::rules::Outgoing;
use crate::task::{ParamSort, Task, TaskExit, TaskReport};
use std::fmt::Write as _;

const RULES: &str = "\
You are one component of a deterministic runtime. The runtime decides what happens; you reason.
Answer only with actions, through the tools you are offered or, if you have none, with one JSON \
document {\"actions\": [{\"id\": \"a1\", \"kind\": \"…\", …}, …]} and nothing else.
All actions of one reply are carried out together or not at all.
Paths are relative to the workspace root, with `/`.
End with the action `finish` and a short summary. You may put it into the same reply as your last edits.";

const EDITING: &str = "\
Your edits go to a copy of the workspace first. The runtime then runs the linters and the tests itself; \
you need not and cannot skip them. Change as little as the task needs. Do not weaken tests.";

const READING: &str = "You may read but not edit in this stage.";

/// The rules of a conversation.
pub(super) fn system(edits: bool) -> String {
    format!("{RULES}\n{}\n{ENVELOPE_RULES}", if edits { EDITING } else { READING })
}

/// A report in few lines: how it ended, what failed, what it printed.
pub(super) fn report(report: &TaskReport) -> String {
    let mut text = String::new();
    let ending = match &report.exit {
        TaskExit::Exited { code } => format!("exit code {code}"),
        TaskExit::Signalled { signal } => format!("ended by signal {signal}"),
        TaskExit::TimedOut { limit_ms } => format!("killed after {limit_ms} ms"),
        TaskExit::NotStarted { reason } => format!("not started: {reason}"),
    };
    let _ = writeln!(text, "$ {}\n{ending}", report.argv.join(" "));
    for failure in &report.failures {
        let place = match (&failure.path, failure.line) {
            (Some(path), Some(line)) => format!(" at {path}:{line}"),
            (Some(path), None) => format!(" in {path}"),
            (None, _) => String::new(),
        };
        let _ = writeln!(text, "failed: {}{place}\n{}", failure.name, failure.message);
    }
    let _ = write!(text, "{}", report.output);
    text
}

impl Active {
    /// The first message of an agent step: goal, request, context, reports, edits so far.
    pub(super) fn task_message(&mut self, goal: &str, edits: bool) -> String {
        let mut text = format!("# Goal\n{goal}\n");
        let inputs = self.start.inputs.clone();
        if let Some(instruction) = &inputs.instruction {
            let _ = write!(text, "\n# What the user asks for\n{}\n", self.redactions.redact(instruction).0);
        }
        if let Some(test) = &inputs.failing_test {
            let _ = write!(text, "\n# The failing test\n{}\n", test.escape_debug());
        }
        if let Some(target) = &inputs.target {
            let (first, last) = target.lines;
            let _ = write!(text, "\n# Where\n{} lines {first} to {last}\n", target.path);
        }
        if !inputs.diagnostics.is_empty() {
            let lines: Vec<String> = inputs
                .diagnostics
                .iter()
                .flat_map(|it| {
                    let said = format!("{}:{}: {} ({})", it.path, it.line, it.message, it.source);
                    let related =
                        it.related.iter().map(|at| format!("  {}:{}: {}", at.path, at.line, at.message));
                    std::iter::once(said).chain(related)
                })
                .collect();
            let data = self.as_data("diagnostics of other tools", &lines.join("\n"));
            let _ = write!(text, "\n# Diagnostics\n{data}\n");
        }
        if let Some(pack) = &self.pack {
            let _ = write!(text, "\n# Context\n{}\n", pack.text);
        }
        let tasks: Vec<String> = self.start.tasks.tasks.iter().map(task_line).collect();
        if !tasks.is_empty() {
            let _ = write!(text, "\n# Declared tasks\n{}\n", tasks.join(", "));
        }
        for report in self.red.clone() {
            let data = self.report_text(&report);
            let _ = write!(text, "\n# What the gate found\n{data}\n");
        }
        if let Some(reason) = self.red_summary.clone() {
            let data = self.as_data("the runtime's last finding", &reason);
            let _ = write!(text, "\n# Why this stage runs now\n{data}\n");
        }
        if !self.changes.is_empty() {
            let diff = self.diff_that_may_leave();
            let data = self.as_data("the edits proposed so far", &diff);
            let heading = if edits {
                "Your edits so far (in force; edit on top of them)"
            } else {
                "The edits under review"
            };
            let _ = write!(text, "\n# {heading}\n{data}\n");
        }
        text
    }

    /// The edits so far, without the lines around them of files that stay here.
    fn diff_that_may_leave(&self) -> String {
        let mut leaving = ChangeSet::default();
        let mut kept = String::new();
        for (path, change) in &self.changes.files {
            let paths: Vec<_> = [path].into_iter().chain(&change.renamed_from).cloned().collect();
            let text = Outgoing { paths: &paths, ..Outgoing::default() };
            match self.policy.may_leave(&text, self.start.models.are_local()) {
                Ok(()) => {
                    leaving.files.insert(path.clone(), change.clone());
                }
                Err(why) => {
                    let _ = writeln!(kept, "{path} is changed as well; {why}");
                }
            }
        }
        edit::unified_diff(&leaving) + &kept
    }
}

/// A task's name, and what values it takes.
fn task_line(task: &Task) -> String {
    let params: Vec<String> = task
        .params
        .iter()
        .map(|param| match &param.sort {
            ParamSort::String { pattern } => format!("{} (a text matching {pattern})", param.name),
            ParamSort::WorkspacePath => format!("{} (a path of the workspace)", param.name),
            ParamSort::Choice { of } => format!("{} (one of {})", param.name, of.join(", ")),
        })
        .collect();
    match params.as_slice() {
        [] => format!("`{}`", task.name),
        params => format!("`{}` with args {}", task.name, params.join(", ")),
    }
}
