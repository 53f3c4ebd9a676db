//! The gate itself. Every action of a batch is judged in order on the state that the actions
//! before it would have left; the batch gets the strictest verdict of all. What no rule allows
//! is blocked.
//!
//! This module looks at nothing but its arguments: what stands in the workspace is told by
//! [`Facts`], which the edge gathered.

mod gate;
mod judge;
mod note;
mod world;

use super::classes::classify;
use super::guard::{Changed, weakenings};
use super::rules::{Extent, Kinds, Policy, Subject};
use super::{ApprovalMode, Capability, Decision, Known, Situation};
use crate::action::{ActionKind, ActionRequest};
use crate::edit::{ChangeSet, FileChange, Rewriting};
use crate::ids::TaskName;
use crate::path::{RequestedPath, WorkspacePath};
use crate::task::{NetworkHost, ParamSort, Task, TaskArg, TaskSet, Trust};
use gate::Gate;
use judge::Judge;
use std::collections::BTreeSet;
use world::World;

/// Judges a batch of actions on the simulated state of the whole batch.
pub fn evaluate(batch: &[ActionRequest], situation: Situation<'_>, policy: &Policy) -> Decision {
    let mut judge = Judge::new(policy, situation.known);
    let world = World::new(situation.changes);
    let Situation { toolset, tasks, facts, changes, .. } = situation;
    let files_changed = files_changed(batch, changes);
    let mut gate = Gate { toolset, tasks, facts, world, files_changed, rewriting: Rewriting::default() };
    for request in batch {
        let before = judge.reasons();
        gate.action(&mut judge, request);
        if judge.reasons() == before {
            judge.block("default.block", request.id.as_str(), "no rule allows this; ask for something else");
        }
    }
    gate.guard(&mut judge);
    gate.world.judge_limits(&mut judge);
    if batch.is_empty() {
        judge.allow("allow.nothing", "no action");
    }
    judge.decision()
}

/// Judges a complete change set before it is proposed.
pub fn evaluate_changes(changes: &ChangeSet, known: &Known, policy: &Policy) -> Decision {
    let mut judge = Judge::new(policy, known);
    if changes.is_empty() {
        judge.allow("allow.nothing", "no file");
    } else {
        judge.capability(Capability::RepoWrite, "the change set");
        if policy.snapshot().approval_mode == ApprovalMode::Always {
            judge.ask("approval.always", "the change set", "approve it; this run asks for every proposal");
        }
    }
    let world = World::new(changes);
    let files_changed = changes.effective().count() as u64;
    let weakened = weakenings(&changed_files(changes));
    for (path, change) in changes.effective() {
        let before = judge.reasons();
        let classes = judge.edited_path(path);
        judge.weakened(weakened.iter().filter(|weakening| weakening.path == *path));
        if let Some(from) = &change.renamed_from {
            let classes = judge.edited_path(from);
            let kinds = Kinds::of([&ActionKind::RenameFile]);
            let extent = Extent::default();
            let paths = [from];
            judge.rules(before, Subject { files_changed, ..Subject::of(kinds, &paths, &classes, &extent) });
        }
        if let Some(twin) = world.twin(path).filter(|_| change.proposed.is_some()) {
            judge.twin(path, &twin);
        }
        // A renamed file is held against the text it takes over.
        let source = change.renamed_from.as_ref().and_then(|from| changes.files.get(from));
        let base = change.base.as_ref().or_else(|| source.and_then(|source| source.base.as_ref()));
        let base = base.map_or("", String::as_str);
        if let Some(from) = &change.renamed_from {
            judge.moved(from, path, base);
        }
        let (kinds, extent) = match &change.proposed {
            Some(text) => {
                judge.content(path, base, text);
                judge.placeholders(path, base, text);
                judge.size(path.as_str(), text.len());
                (outcome(change, base, text), judge.extent(path, base, text))
            }
            None if changes.effective().any(|(_, other)| other.renamed_from.as_ref() == Some(path)) => {
                (Kinds::of([&ActionKind::RenameFile]), Extent::default())
            }
            None => {
                judge.deleted(path, base);
                (Kinds::of([&ActionKind::DeleteFile]), judge.extent(path, base, ""))
            }
        };
        let paths = [path];
        judge.rules(before, Subject { files_changed, ..Subject::of(kinds, &paths, &classes, &extent) });
        if judge.reasons() == before {
            judge.allow("allow.edit", path.as_str());
        }
    }
    world.judge_limits(&mut judge);
    judge.decision()
}

/// The files of a change set as the guard of tests reads them.
fn changed_files(changes: &ChangeSet) -> Vec<Changed<'_>> {
    let files = changes.effective();
    files
        .map(|(path, change)| Changed {
            path,
            before: change.base.as_deref(),
            after: change.proposed.as_deref(),
        })
        .collect()
}

/// The kinds of action that may have led to a proposed text: of a proposal only that is known.
fn outcome(change: &FileChange, base: &str, text: &str) -> Kinds {
    match (&change.renamed_from, &change.base) {
        (Some(_), _) if base == text => Kinds::of([&ActionKind::RenameFile]),
        (Some(_), _) => Kinds::of([&ActionKind::RenameFile]).and(Kinds::edits()),
        (None, Some(_)) => Kinds::edits(),
        (None, None) => Kinds::of([&ActionKind::CreateFile]),
    }
}

/// The files that the run will have changed after the batch, at most.
fn files_changed(batch: &[ActionRequest], changes: &ChangeSet) -> u64 {
    let editing = batch.iter().filter(|request| request.action.kind().edits());
    let named = editing.flat_map(|request| request.action.paths()).map(RequestedPath::as_str);
    let changed = changes.effective().map(|(path, _)| path.as_str());
    named.chain(changed).collect::<BTreeSet<&str>>().len() as u64
}

/// Judges the running of a declared task.
pub fn evaluate_task(task: &TaskName, tasks: &TaskSet, policy: &Policy) -> Decision {
    evaluate_call(task, &[], tasks, policy)
}

/// The same, with values for its parameters.
pub fn evaluate_call(task: &TaskName, args: &[TaskArg], tasks: &TaskSet, policy: &Policy) -> Decision {
    let known = Known::default();
    let mut judge = Judge::new(policy, &known);
    judge_task(&mut judge, task, args, tasks);
    judge.decision()
}

fn judge_task(judge: &mut Judge<'_>, task: &TaskName, args: &[TaskArg], tasks: &TaskSet) {
    let before = judge.reasons();
    let shown: String = task.as_str().chars().take(80).flat_map(char::escape_debug).collect();
    judge.capability(Capability::RunTasks, &shown);
    match tasks.named(task) {
        None => {
            let known: Vec<&str> = tasks.tasks.iter().map(|task| task.name.as_str()).collect();
            let remedy = match known.as_slice() {
                [] => "no task is declared; declare one in .openexec/tasks.yaml".to_owned(),
                known => format!("run one of the declared tasks: {}", known.join(", ")),
            };
            judge.block("task.undeclared", &shown, &remedy);
        }
        Some(declared) if declared.argv.is_empty() => {
            judge.block("task.empty", &shown, "give the task a program to run in .openexec/tasks.yaml");
        }
        Some(declared) => {
            if let Err(error) = declared.argv_with(args) {
                judge.block("task.argument", &format!("{shown}: {}", error.name), &error.remedy);
            }
            judge_network(judge, declared);
            for path in args.iter().filter_map(|arg| WorkspacePath::parse(&arg.value).ok()) {
                judge.read_path(&path);
            }
            // A task that is pointed at a file shows what stands in it.
            for path in named_paths(declared, args) {
                let (before, classes) = (judge.reasons(), classify(&path));
                let kinds = Kinds::of([&ActionKind::ReadFile]);
                judge.rules(before, Subject::of(kinds, &[&path], &classes, &Extent::default()));
            }
        }
    }
    let named = tasks.named(task).map(|declared| named_paths(declared, args)).unwrap_or_default();
    let paths: Vec<&WorkspacePath> = named.iter().collect();
    let kinds = Kinds::of([&ActionKind::RunTask]);
    let extent = Extent::default();
    judge.rules(before, Subject { task: Some(task), ..Subject::of(kinds, &paths, &[], &extent) });
    match tasks.trust {
        Trust::Trusted { .. } => {}
        Trust::Untrusted => {
            judge.block(
                "task.untrusted",
                &shown,
                "trust this workspace first: `openexec trust`, or the trust action in the editor's menu",
            );
        }
    }
    if judge.reasons() == before {
        judge.allow("allow.task", &shown);
    }
}

/// The files that a task is pointed at, by parameters that are declared to be paths.
fn named_paths(task: &Task, args: &[TaskArg]) -> Vec<WorkspacePath> {
    let is_path = |arg: &&TaskArg| {
        task.params.iter().any(|param| param.name == arg.name && param.sort == ParamSort::WorkspacePath)
    };
    args.iter().filter(is_path).filter_map(|arg| WorkspacePath::parse(&arg.value).ok()).collect()
}

/// Judges the hosts that a task wants to reach. Each must be one that the user has listed.
fn judge_network(judge: &mut Judge<'_>, task: &Task) {
    if task.network.is_empty() {
        return;
    }
    judge.capability(Capability::NetworkAccess, task.name.as_str());
    for entry in &task.network {
        let host = NetworkHost::parse(entry).ok().and_then(|host| host.single());
        if !host.is_some_and(|host| judge.may_reach(&host)) {
            let shown: String = entry.chars().take(80).flat_map(char::escape_debug).collect();
            let remedy =
                "name the host in `network_allowlist` of your own policy.yaml, or take it from the task";
            judge.block("network.host", &format!("{}: {shown}", task.name), remedy);
        }
    }
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
