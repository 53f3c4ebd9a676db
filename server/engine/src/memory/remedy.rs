//! What is to be done about a failure: a procedure with everything in it resolved, so that a
//! person can agree to exactly this.

use super::{KnownFailure, Operations, Procedure, TaskCall};
use crate::digest::Digest;
use crate::ids::{RecordId, TaskName};
use crate::path::WorkspacePath;
use crate::policy::{ApprovalMode, PathClass, SandboxMode, classify};
use crate::task::{TaskArg, TaskSet};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// A procedure, chosen for a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// The service that fails, where that is known.
    pub service: Option<RecordId>,
    /// Where it runs, where that is known.
    pub environment: Option<RecordId>,
    /// The runbook that knows the failure.
    pub runbook: RecordId,
    /// How it fails.
    pub failure: RecordId,
    /// The text by which it was known.
    pub known_by: String,
    /// What the runbook says is behind it.
    pub cause: Option<String>,
    /// The procedure.
    pub procedure: RecordId,
    /// What must hold before.
    pub preconditions: Vec<PlannedTask>,
    /// What is done.
    pub steps: Vec<PlannedTask>,
    /// What is done when a step has failed.
    pub rollback: Vec<PlannedTask>,
    /// True when every proposal waits for the user where this is done.
    pub always_asks: bool,
}

/// A declared task as it is about to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTask {
    /// The task.
    pub task: TaskName,
    /// The values for its parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<TaskArg>,
    /// The program and its arguments, values included.
    pub argv: Vec<String>,
    /// The hosts that it reaches: an effect there is real at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network: Vec<String>,
    /// The files of which what it writes is proposed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<WorkspacePath>,
}

impl Remedy {
    pub(super) fn of(
        operations: &Operations,
        known: &KnownFailure<'_>,
        tasks: &TaskSet,
    ) -> Result<Self, String> {
        let mode = format!("failure mode `{}` of runbook `{}`", known.failure.id, known.runbook.id);
        // Which environment's rules hold must not be a guess.
        if known.service.is_none()
            && let services @ [_, _, ..] = operations.services_with(&known.runbook.id).as_slice()
        {
            let services: Vec<&str> = services.iter().map(|service| service.id.as_str()).collect();
            return Err(format!(
                "{mode} is known, and several services have it: {}; give a place in the one that fails",
                services.join(", ")
            ));
        }
        let environment = known.service.and_then(|service| match &service.body {
            super::Body::Service(service) => service.environment.clone(),
            _ => None,
        });
        let rules = match &environment {
            None => None,
            Some(id) => Some(operations.environment(id).ok_or_else(|| {
                format!(
                    "there is no environment `{id}`, so nobody knows what may be done there; write it down"
                )
            })?),
        };
        if rules.is_some_and(|rules| rules.sandbox == Some(SandboxMode::ReadOnly)) {
            return Err(format!(
                "{mode} is known, but environment `{}` lets nothing be changed",
                environment.as_ref().map_or("", RecordId::as_str)
            ));
        }
        let allowed = |id: &&RecordId| {
            rules.and_then(|rules| rules.actions.as_ref()).is_none_or(|actions| actions.contains(id))
        };
        let Some(id) = known.failure.remediations.iter().find(allowed) else {
            return Err(match known.failure.remediations.as_slice() {
                [] => format!("{mode} is known, and no remediation is approved for it"),
                _ => format!("{mode} is known, and its environment allows none of its remediations"),
            });
        };
        let procedure = operations
            .procedure(id)
            .ok_or_else(|| format!("{mode} names procedure `{id}`, and there is none; write it down"))?;
        let Procedure { preconditions, steps, rollback, .. } = procedure;
        if steps.is_empty() {
            return Err(format!("procedure `{id}` has no step"));
        }
        let planned = |calls: &[TaskCall]| -> Result<Vec<PlannedTask>, String> {
            calls.iter().map(|call| PlannedTask::of(call, tasks)).collect()
        };
        Ok(Self {
            service: known.service.map(|service| service.id.clone()),
            runbook: known.runbook.id.clone(),
            failure: known.failure.id.clone(),
            known_by: known.known_by.to_owned(),
            cause: known.failure.cause.clone(),
            procedure: id.clone(),
            preconditions: planned(preconditions)?,
            steps: planned(steps)?,
            rollback: planned(rollback)?,
            always_asks: rules.is_some_and(|rules| rules.approval_mode == Some(ApprovalMode::Always)),
            environment,
        })
    }

    /// Names exactly this: what an approval binds.
    pub fn digest(&self) -> Digest {
        Digest::of_json(&("remedy", self))
    }

    /// Every task in it, in the order in which they may run.
    pub fn tasks(&self) -> impl Iterator<Item = &PlannedTask> {
        self.preconditions.iter().chain(&self.steps).chain(&self.rollback)
    }

    /// In one line.
    pub fn gist(&self) -> String {
        format!(
            "runbook `{}` knows this as `{}` (by `{}`); procedure `{}` is approved for it",
            self.runbook, self.failure, self.known_by, self.procedure
        )
    }

    /// For people, who are to agree to it: a line each.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.gist()];
        let place = self.service.iter().map(|it| format!("service `{it}`"));
        let place = place.chain(self.environment.iter().map(|it| format!("environment `{it}`")));
        let place: Vec<String> = place.collect();
        if !place.is_empty() {
            lines.push(place.join(", "));
        }
        if let Some(cause) = &self.cause {
            lines.push(format!("cause: {}", cause.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
        for (part, tasks) in [
            ("first must succeed", &self.preconditions),
            ("step", &self.steps),
            ("if a step fails", &self.rollback),
        ] {
            for (at, task) in tasks.iter().enumerate() {
                // Only what steps make of files is taken over.
                let effects = task.effects(part == "step");
                lines.push(format!("{part} {}: {task}{effects}", at + 1));
            }
        }
        lines
    }
}

impl std::fmt::Display for Remedy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl PlannedTask {
    fn of(call: &TaskCall, tasks: &TaskSet) -> Result<Self, String> {
        let task = tasks.named(&call.task).ok_or_else(|| {
            format!("task `{}` is not declared; declare it in .openexec/tasks.yaml", call.task)
        })?;
        let is_kept = |path: &&WorkspacePath| {
            let classes = classify(path);
            classes.contains(&PathClass::Secret) || classes.contains(&PathClass::Never)
        };
        if let Some(path) = task.writes.iter().find(is_kept) {
            return Err(format!(
                "task `{}` declares to write `{path}`, which no run touches; take it out of its `writes`",
                call.task
            ));
        }
        let argv = task
            .argv_with(&call.args)
            .map_err(|error| format!("the arguments of task `{}` do not fit: {error}", call.task))?;
        Ok(Self {
            task: call.task.clone(),
            args: call.args.clone(),
            argv,
            network: task.network.clone(),
            writes: task.writes.clone(),
        })
    }
}

impl PlannedTask {
    /// Where it has an effect that outlives it.
    fn effects(&self, is_step: bool) -> String {
        let mut effects = String::new();
        if is_step && !self.writes.is_empty() {
            let files: Vec<&str> = self.writes.iter().map(WorkspacePath::as_str).collect();
            let _ = write!(effects, "; what it writes to {} is proposed", files.join(", "));
        }
        if !self.network.is_empty() {
            let _ = write!(effects, "; it reaches {}, at once", self.network.join(", "));
        }
        effects
    }
}

impl std::fmt::Display for PlannedTask {
    /// For people: the task, and what is executed, on one line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let argv = self.argv.iter().map(|piece| match piece.chars().any(|it| it.is_control() || it == ' ') {
            true => format!("{piece:?}"),
            false => piece.clone(),
        });
        write!(f, "{}: {}", self.task, argv.collect::<Vec<_>>().join(" "))
    }
}
