//! Deterministic stages that are not gates: context, patch, format, reports.

use super::agent::Conversation;
use super::gate::Purpose;
use super::state::{Active, Phase, record};
use super::{Command, ContextQuery, Event};
use crate::action::{Action, ActionRequest, CreateFile, DeleteFile, ReplaceText};
use crate::blueprint::{DeterministicAction, Stage};
use crate::budget;
use crate::context::{self, Candidate};
use crate::digest::Digest;
use crate::edit::{self, ChangeSet};
use crate::ids::{ActionId, TaskName};
use crate::path::{RequestedPath, WorkspacePath};
use crate::policy::{self, Entry, Facts, Situation, Toolset, Verdict};
use crate::task::{Expectation, TaskReport, TestFailure};
use std::collections::BTreeSet;

impl Active {
    pub(super) fn start_action(
        &mut self,
        action: DeterministicAction,
        task: Option<TaskName>,
        expect: Expectation,
        out: &mut Vec<Command>,
    ) {
        match action {
            DeterministicAction::BuildContextPack => self.gather_context(out),
            DeterministicAction::ApplyPatch => self.start_patch(out),
            DeterministicAction::RunLinters
            | DeterministicAction::RunTests
            | DeterministicAction::RunTask
            | DeterministicAction::Format => {
                self.start_gate(action, task.as_ref(), expect, Purpose::Stage, out);
            }
            DeterministicAction::GenerateDiffReport => {
                self.artifacts.insert("diff_report".into(), edit::unified_diff(&self.changes));
                let files = self.changes.effective().count();
                self.succeed(format!("{files} changed files in the diff"), out);
            }
            DeterministicAction::PrepareReviewBundle => {
                let bundle = self.review_bundle();
                self.artifacts.insert("review_bundle".into(), bundle);
                self.succeed("diff, verdict and evidence are together", out);
            }
            DeterministicAction::Propose => self.propose(out),
            DeterministicAction::ApplyEdit => self.start_apply(out),
            DeterministicAction::Remember => self.start_remember(out),
            DeterministicAction::FindRunbook => self.find_runbook(out),
            DeterministicAction::RunProcedure => self.start_procedure(out),
            DeterministicAction::RecordDecision => self.start_decision(out),
            DeterministicAction::SummarizeRun => {
                let summary = self.run_summary();
                self.artifacts.insert("summary".into(), summary.clone());
                self.succeed(summary, out);
            }
        }
    }

    fn gather_context(&mut self, out: &mut Vec<Command>) {
        let targets = self.targets();
        let reports: Vec<&TaskReport> =
            if self.red.is_empty() { self.baseline.values().collect() } else { self.red.iter().collect() };
        let wanted = |failure: &&TestFailure| targets.is_empty() || targets.contains(&failure.name);
        let query = ContextQuery {
            target: self.start.inputs.target.clone(),
            instruction: self.start.inputs.instruction.clone(),
            failures: reports.iter().flat_map(|report| &report.failures).filter(wanted).cloned().collect(),
            output: reports.iter().map(|report| report.output.as_str()).collect::<Vec<_>>().join("\n"),
            diagnostics: self.start.inputs.diagnostics.clone(),
            open_documents: self.start.open_documents.clone(),
            changes: self.changes.clone(),
            may_edit: self.start.blueprint.stages.iter().any(Stage::edits),
        };
        let command = self.next_command();
        out.push(Command::GatherContext { id: command, query: Box::new(query) });
        self.phase = Phase::Context { command };
    }

    pub(super) fn build_pack(&mut self, candidates: &[Candidate], out: &mut Vec<Command>) {
        let (tokens, cut) = self.pack_limit();
        let vocabulary = self.start.models.vocabulary();
        // What is known of the system is looked up; nothing about it is ranked by text.
        let mut all = self.known_of_system(candidates);
        all.extend_from_slice(candidates);
        let pack = context::build_allowed(
            &all,
            (&self.policy, self.start.models.are_local()),
            context::Budget { tokens, vocabulary },
            &mut self.redactions,
            &mut self.envelopes,
        );
        record(
            Event::ContextBuilt {
                step: self.step_id(),
                pack: pack.digest(),
                tokens: pack.tokens,
                parts: pack.parts.clone(),
            },
            out,
        );
        let shown = pack.parts.iter().filter(|part| part.shown != context::Shown::LeftOut).count();
        let about = if vocabulary.is_estimated() { "about " } else { "" };
        let mut summary = format!("{shown} parts, {about}{} of {tokens} tokens", pack.tokens);
        if let Some(cause) = cut {
            summary.push_str(&format!(" (cut to {cause})"));
        }
        self.artifacts.insert("context_pack".into(), pack.text.clone());
        self.pack = Some(pack);
        self.succeed(summary, out);
    }

    /// Without an input patch there is only the shadow to bring up to date, which the next
    /// gate does by itself.
    fn start_patch(&mut self, out: &mut Vec<Command>) {
        let Some(patch) = self.start.inputs.patch.clone() else {
            return self.succeed("the run's own edits are in the shadow", out);
        };
        match patched_paths(&patch) {
            Ok(paths) => {
                let command = self.next_command();
                out.push(Command::GatherFacts { id: command, paths });
                self.phase = Phase::Patch { command };
            }
            Err(reason) => self.fail(reason, out),
        }
    }

    /// Takes in what was found out about the workspace, and what has been redacted by now.
    pub(super) fn learn(&mut self, facts: &Facts) {
        self.known.learn(facts);
        self.redactions.expect(&facts.taint);
        let salt = Digest::of(self.start.entropy.as_bytes());
        let (values, placeholders): (Vec<&str>, Vec<&str>) = self.redactions.known().unzip();
        let taint = policy::fingerprints(values, salt.as_bytes());
        let placeholders = placeholders.into_iter().map(str::to_owned).collect();
        self.known.learn_redacted(policy::Redacted::new(taint, placeholders));
    }

    /// What a batch is judged on.
    pub(super) fn situation<'a>(&'a self, toolset: &'a Toolset, facts: &'a Facts) -> Situation<'a> {
        Situation { toolset, tasks: &self.start.tasks, facts, changes: &self.changes, known: &self.known }
    }

    /// A patch goes through the same gate as the actions of a model.
    pub(super) fn take_patch(&mut self, facts: &Facts, out: &mut Vec<Command>) {
        let patch = self.start.inputs.patch.clone().unwrap_or_default();
        let batch = match patch_actions(&patch, facts, &self.changes) {
            Ok(batch) => batch,
            Err(reason) => return self.fail(reason, out),
        };
        let Some(toolset) = policy::toolset(&"coding_backend".into()) else {
            return self.action_failed("the toolset `coding_backend` is missing".into(), out);
        };
        self.learn(facts);
        let decision = policy::evaluate(&batch, self.situation(&toolset, facts), &self.policy);
        record(
            Event::PolicyDecided {
                step: self.step_id(),
                subject: "patch".into(),
                decision: decision.clone(),
            },
            out,
        );
        if decision.verdict == Verdict::Block {
            let reasons: Vec<String> = decision
                .reasons
                .iter()
                .map(|reason| format!("{}: {}", reason.matched, reason.remedy))
                .collect();
            return self.fail(format!("the policy blocks the patch: {}", reasons.join("; ")), out);
        }
        match edit::plan(&self.changes, &batch, facts) {
            Ok(changes) => {
                self.take_changes(changes, out);
                self.succeed("the patch applies", out);
            }
            Err(error) => self.fail(error.to_string(), out),
        }
    }

    /// Takes over what a formatter rewrote, within the files that the run has changed anyway.
    pub(super) fn take_formatted(&mut self, reports: &[TaskReport], out: &mut Vec<Command>) {
        for report in reports {
            if let crate::task::Judgement::Red { summary } = report.judge() {
                return self.fail(summary, out);
            }
            if let crate::task::Judgement::Blocked { reason } = report.judge()
                && matches!(report.exit, crate::task::TaskExit::NotStarted { .. })
            {
                return self.action_failed(reason, out);
            }
        }
        let mut changes = self.changes.clone();
        let rewritten: BTreeSet<WorkspacePath> =
            reports.iter().flat_map(|report| &report.rewritten).map(|(path, _)| path.clone()).collect();
        for (path, text) in reports.iter().flat_map(|report| &report.rewritten) {
            if let Some(change) = changes.files.get_mut(path) {
                change.proposed = Some(text.clone());
            }
        }
        let decision = policy::evaluate_changes(&changes, &self.known, &self.policy);
        if decision.verdict == Verdict::Block {
            return self.fail("the policy blocks what the formatter wrote", out);
        }
        if changes != self.changes {
            self.take_changes(changes, out);
        }
        self.succeed(format!("{} files reformatted", rewritten.len()), out);
    }

    pub(super) fn take_changes(&mut self, changes: ChangeSet, out: &mut Vec<Command>) {
        self.changes = changes;
        self.record_planned(out);
    }

    fn review_bundle(&self) -> String {
        let decision = policy::evaluate_changes(&self.changes, &self.known, &self.policy);
        let reasons: Vec<String> = decision
            .reasons
            .iter()
            .map(|reason| format!("- {}: {}", reason.matched, reason.remedy))
            .collect();
        let evidence: Vec<String> =
            self.evidence_for(self.changes.tree()).into_iter().map(|line| format!("- {line}")).collect();
        format!(
            "verdict: {:?}\n{}\nevidence:\n{}\n\n{}",
            decision.verdict,
            reasons.join("\n"),
            evidence.join("\n"),
            edit::unified_diff(&self.changes)
        )
    }

    fn run_summary(&self) -> String {
        let files: Vec<&str> = self.changes.effective().map(|(path, _)| path.as_str()).collect();
        format!(
            "blueprint {}, {}: {} steps, {} model calls, {}; changed: {}; {}",
            self.start.blueprint.name,
            self.start.models,
            self.steps(),
            self.model_calls,
            budget::told(&self.usage, self.spent, &self.start.models),
            if files.is_empty() { "nothing".to_owned() } else { files.join(", ") },
            self.evidence_for(self.changes.tree()).join("; "),
        )
    }
}

impl Conversation {
    /// For people: `turn 2`.
    pub(super) fn progress(&self) -> String {
        format!("turn {}", self.turn())
    }
}

type FilePatch<'a> = (Option<RequestedPath>, Option<RequestedPath>, diffy::Patch<'a, str>);

/// The files of a unified diff. `a/` and `b/` are dropped, `/dev/null` is no file.
fn file_patches(patch: &str) -> Result<Vec<FilePatch<'_>>, String> {
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    for line in patch.split_inclusive('\n') {
        let rest = patch.get(at + line.len()..).unwrap_or_default();
        if line.starts_with("--- ") && rest.starts_with("+++ ") {
            starts.push(at);
        }
        at += line.len();
    }
    starts.push(patch.len());
    let mut files = Vec::new();
    for window in starts.windows(2) {
        let [start, end] = window else { continue };
        let section = patch.get(*start..*end).unwrap_or_default();
        // The next file's `diff --git` header belongs to nobody here.
        let section = section.split("\ndiff --git ").next().unwrap_or(section);
        let parsed =
            diffy::Patch::from_str(section).map_err(|error| format!("the patch cannot be read: {error}"))?;
        let path = |name: Option<&str>, prefix: &str| {
            name.filter(|name| *name != "/dev/null")
                .map(|name| RequestedPath::new(name.strip_prefix(prefix).unwrap_or(name)))
        };
        files.push((path(parsed.original(), "a/"), path(parsed.modified(), "b/"), parsed));
    }
    if files.is_empty() {
        return Err("the patch names no file; give a unified diff with `---` and `+++` lines".into());
    }
    Ok(files)
}

fn patched_paths(patch: &str) -> Result<Vec<RequestedPath>, String> {
    let files = file_patches(patch)?;
    let paths: BTreeSet<RequestedPath> =
        files.into_iter().flat_map(|(old, new, _)| old.into_iter().chain(new)).collect();
    Ok(paths.into_iter().collect())
}

fn patch_actions(patch: &str, facts: &Facts, changes: &ChangeSet) -> Result<Vec<ActionRequest>, String> {
    let text_of = |path: &RequestedPath| -> Option<String> {
        let proposed =
            WorkspacePath::parse(path.as_str()).ok().and_then(|path| changes.files.get(&path).cloned());
        match (proposed, facts.paths.get(path).map(|facts| &facts.entry)) {
            (Some(change), _) => change.proposed,
            (None, Some(Entry::Text { text, .. })) => Some(text.clone()),
            (None, _) => None,
        }
    };
    let mut batch = Vec::new();
    for (number, (old, new, parsed)) in file_patches(patch)?.into_iter().enumerate() {
        let action = match (old, new) {
            (None, None) => return Err("the patch has a file that neither was nor will be".into()),
            (None, Some(path)) => {
                let text = diffy::apply("", &parsed).map_err(|error| format!("`{path}`: {error}"))?;
                Action::CreateFile(CreateFile { path, text, overwrite: false })
            }
            (Some(path), None) => Action::DeleteFile(DeleteFile { path, base_hash: None }),
            (Some(_), Some(path)) => {
                let old =
                    text_of(&path).ok_or_else(|| format!("`{path}`: there is no such text file to patch"))?;
                let new = diffy::apply(&old, &parsed)
                    .map_err(|error| format!("`{path}`: {error}; the file is not what the patch expects"))?;
                Action::ReplaceText(ReplaceText { path, old, new })
            }
        };
        batch.push(ActionRequest { id: ActionId::new(format!("patch-{}", number + 1)), action });
    }
    Ok(batch)
}
