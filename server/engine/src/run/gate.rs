//! Gates: tasks that judge exactly one tree, in the shadow. A gate that was passed holds for
//! the tree it judged and for no other.

use super::flow::no_task;
use super::state::{Active, AfterApproval, OpenGate, Phase, record};
use super::{Command, Event};
use crate::blueprint::{DeterministicAction, Stage, Work};
use crate::digest::Digest;
use crate::edit::ChangeSet;
use crate::ids::{CommandId, TaskName};
use crate::path::WorkspacePath;
use crate::policy::{self, Verdict};
use crate::task::{Expectation, Judgement, Task, TaskKind, TaskReport};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What it means to run a task a second time because nobody knows how far the first time got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repetition {
    /// Nothing: its effects are the shadow's.
    Harmless,
    /// It may have had an effect elsewhere.
    Unknown,
}

/// Tasks that are being run in the shadow, one after the other.
#[derive(Debug)]
pub(super) struct Verification {
    pub action: DeterministicAction,
    pub expect: Expectation,
    pub queue: VecDeque<Task>,
    pub reports: Vec<TaskReport>,
    pub waits: Waits,
    pub purpose: Purpose,
}

/// What a verification waits for.
#[derive(Debug)]
pub(super) enum Waits {
    Task {
        command: CommandId,
        name: TaskName,
    },
    /// For the baseline, which has the shadow.
    Background,
}

/// Why something is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A stage says so.
    Stage,
    /// The edits became others; these gates come next.
    Again(VecDeque<DeterministicAction>, Then),
}

/// What comes when edits that became others have passed their gates again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Then {
    /// They were rebased so many times: they are applied.
    Apply { rounds: u32 },
    /// The user rejected a part of them: the rest is put before the user.
    Ask(Box<Whole>),
}

/// A proposal as it was before the user rejected a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whole {
    pub changes: ChangeSet,
    /// The gates that were open for it.
    pub gates: BTreeMap<DeterministicAction, OpenGate>,
    pub then: AfterApproval,
}

/// The baseline run: the tests on the unedited tree, while the model thinks.
#[derive(Debug)]
pub(super) struct Background {
    command: CommandId,
    queue: VecDeque<Task>,
}

impl Verification {
    pub(super) fn waits_for(&self) -> Option<CommandId> {
        match self.waits {
            Waits::Task { command, .. } => Some(command),
            Waits::Background => None,
        }
    }
}

impl Active {
    /// The tasks that a gate asks, or why they may not be run.
    pub(super) fn gate_tasks(
        &self,
        action: DeterministicAction,
        named: Option<&TaskName>,
    ) -> Result<Vec<Task>, String> {
        let tasks = &self.start.tasks;
        let chosen: Vec<Task> = match (action, named) {
            (DeterministicAction::RunTask, Some(name)) => match tasks.named(name) {
                Some(task) => vec![task.clone()],
                None => {
                    return Err(format!("task `{name}` is not declared; declare it in .openexec/tasks.yaml"));
                }
            },
            (DeterministicAction::RunTests, _) => tasks.of_kind(TaskKind::Test).cloned().collect(),
            (DeterministicAction::RunLinters, _) => tasks.of_kind(TaskKind::Lint).cloned().collect(),
            (DeterministicAction::Format, _) => tasks.of_kind(TaskKind::Format).cloned().collect(),
            _ => Vec::new(),
        };
        for task in &chosen {
            let decision = policy::evaluate_task(&task.name, tasks, &self.policy);
            if decision.verdict != Verdict::Allow {
                let objections = decision.reasons.iter().filter(|reason| reason.verdict > Verdict::Allow);
                let reasons: Vec<String> = objections.map(|reason| reason.remedy.clone()).collect();
                return Err(format!("task `{}` may not run: {}", task.name, reasons.join("; ")));
            }
        }
        Ok(chosen)
    }

    /// Runs the tasks of a gate on the tree as it is proposed now.
    pub(super) fn start_gate(
        &mut self,
        action: DeterministicAction,
        named: Option<&TaskName>,
        expect: Expectation,
        purpose: Purpose,
        out: &mut Vec<Command>,
    ) {
        let tasks = match self.gate_tasks(action, named) {
            Ok(tasks) => tasks,
            Err(reason) => return self.action_failed(reason, out),
        };
        for task in &tasks {
            let decision = policy::evaluate_task(&task.name, &self.start.tasks, &self.policy);
            let subject = format!("task {}", task.name);
            record(Event::PolicyDecided { step: self.step_id(), subject, decision }, out);
        }
        if tasks.is_empty() {
            // Linters and formatters are optional; what must judge is not.
            let required =
                action == DeterministicAction::RunTests || self.start.blueprint.gates.contains(&action);
            if required {
                return self.action_failed(no_task(action), out);
            }
            return self
                .succeed(format!("no task is declared for `{}`; nothing was checked", action.name()), out);
        }
        let verification = Verification {
            action,
            expect,
            queue: tasks.into(),
            reports: Vec::new(),
            waits: Waits::Background,
            purpose,
        };
        self.advance(Box::new(verification), out);
    }

    /// The next thing of a verification: a task, or the judgement.
    fn advance(&mut self, mut verification: Box<Verification>, out: &mut Vec<Command>) {
        if self.background.is_some() {
            verification.waits = Waits::Background;
        } else if let Some(task) = verification.queue.pop_front() {
            let command = self.run_task(&task, &self.changes.clone(), out);
            verification.waits = Waits::Task { command, name: task.name };
        } else {
            return self.judge_gate(*verification, out);
        }
        self.phase = Phase::Verifying(verification);
    }

    pub(super) fn verify(
        &mut self,
        mut verification: Box<Verification>,
        event: &Event,
        out: &mut Vec<Command>,
    ) {
        match (&verification.waits, event) {
            (Waits::Task { .. }, Event::TaskFinished { report, .. }) => {
                verification.reports.push(report.as_ref().clone());
                self.advance(verification, out);
            }
            _ => self.phase = Phase::Verifying(verification),
        }
    }

    fn judge_gate(&mut self, verification: Verification, out: &mut Vec<Command>) {
        if verification.action == DeterministicAction::Format {
            return self.take_formatted(&verification.reports, out);
        }
        self.keep_baseline(&verification);
        let judgements: Vec<Judgement> = verification
            .reports
            .iter()
            .map(|report| self.judge_report(report, verification.expect))
            .collect();
        let judgement = strictest(judgements);
        let tree = self.changes.tree();
        record(Event::GateJudged { step: self.step_id(), tree, judgement: judgement.clone() }, out);
        self.keep_report_artifact(&verification);
        if let (
            Purpose::Again(_, Then::Ask(whole)),
            Judgement::Red { summary: why } | Judgement::Blocked { reason: why },
        ) = (&verification.purpose, &judgement)
        {
            return self.take_whole(whole.as_ref().clone(), why, out);
        }
        match judgement {
            Judgement::Passed { summary } => {
                self.red.clear();
                self.red_summary = None;
                let summary_of_gate = format!("{}: {summary}", verification.action.name());
                self.gates.insert(verification.action, OpenGate { tree, summary: summary_of_gate });
                self.gate_passed(verification.purpose, summary, out);
            }
            Judgement::Red { summary } => {
                self.gates.remove(&verification.action);
                self.red = verification.reports;
                self.red_summary = Some(summary.clone());
                match verification.purpose {
                    Purpose::Stage => self.fail(summary, out),
                    Purpose::Again(..) => {
                        self.fail(format!("after rebasing onto your changes: {summary}"), out)
                    }
                }
            }
            Judgement::Blocked { reason } => {
                self.gates.remove(&verification.action);
                self.action_failed(reason, out);
            }
        }
    }

    fn gate_passed(&mut self, purpose: Purpose, summary: String, out: &mut Vec<Command>) {
        match purpose {
            Purpose::Stage => self.succeed(summary, out),
            Purpose::Again(gates, then) => self.pass_again(gates, then, out),
        }
    }

    /// The gates that edits which became others still have to pass, one after the other.
    pub(super) fn pass_again(
        &mut self,
        mut gates: VecDeque<DeterministicAction>,
        then: Then,
        out: &mut Vec<Command>,
    ) {
        match (gates.pop_front(), then) {
            (Some(next), then) => {
                let expect = self.expectation_of(next);
                self.start_gate(next, None, expect, Purpose::Again(gates, then), out);
            }
            (None, Then::Apply { rounds }) => self.apply_again(rounds, out),
            (None, Then::Ask(whole)) => self.ask_for_rest(whole.then, out),
        }
    }

    fn judge_report(&self, report: &TaskReport, expect: Expectation) -> Judgement {
        if let Some(test) = &self.start.inputs.failing_test
            && self.changes.is_empty()
            && let Judgement::Red { .. } = report.judge()
            && !report.failures.is_empty()
            && !report.failing().iter().any(|name| names_test(name, test))
        {
            return Judgement::Passed { summary: format!("`{test}` does not fail; other tests do") };
        }
        let baseline = self.baseline.get(&report.task).filter(|_| !self.changes.is_empty());
        report.judge_against(expect, baseline, &self.targets())
    }

    /// The tests that the run set out to fix, as the baseline names them.
    pub(super) fn targets(&self) -> BTreeSet<String> {
        let Some(test) = &self.start.inputs.failing_test else {
            return BTreeSet::new();
        };
        let failing = self.baseline.values().flat_map(TaskReport::failing);
        failing.filter(|name| names_test(name, test)).map(str::to_owned).collect()
    }

    fn keep_baseline(&mut self, verification: &Verification) {
        if self.changes.is_empty() && verification.action == DeterministicAction::RunTests {
            for report in &verification.reports {
                self.baseline.insert(report.task.clone(), report.clone());
            }
        }
    }

    fn keep_report_artifact(&mut self, verification: &Verification) {
        let name = match verification.action {
            DeterministicAction::RunTests => "test_report",
            DeterministicAction::RunLinters => "lint_report",
            _ => "task_report",
        };
        let text: Vec<String> = verification.reports.iter().map(super::prompt::report).collect();
        self.artifacts.insert(name.into(), text.join("\n"));
    }

    /// What the blueprint demands of a gate, for a verification after a rebase: the strictest
    /// of its stages after the first edit would be a guess, so the last one in the file.
    pub(super) fn expectation_of(&self, gate: DeterministicAction) -> Expectation {
        let stages = self.start.blueprint.stages.iter().rev();
        stages.filter_map(|stage| gate_of(stage, gate)).next().unwrap_or_default()
    }

    /// The gates that still have to be passed for the tree as it is proposed now.
    pub(super) fn missing_gates(&self) -> VecDeque<DeterministicAction> {
        let tree = self.changes.tree();
        let is_open = |gate| self.gates.get(gate).is_some_and(|open| open.tree == tree);
        self.start.blueprint.gates.iter().filter(|gate| !is_open(gate)).copied().collect()
    }

    pub(super) fn run_task(&mut self, task: &Task, changes: &ChangeSet, out: &mut Vec<Command>) -> CommandId {
        let want: Vec<WorkspacePath> = match task.kind {
            TaskKind::Format => changes.effective().map(|(path, _)| path.clone()).collect(),
            TaskKind::Test | TaskKind::Lint | TaskKind::Other => Vec::new(),
        };
        self.run_task_for(task, changes, want, Repetition::Harmless, out)
    }

    /// Runs a task in the shadow and wants the text of these files back.
    pub(super) fn run_task_for(
        &mut self,
        task: &Task,
        changes: &ChangeSet,
        want: Vec<WorkspacePath>,
        repetition: Repetition,
        out: &mut Vec<Command>,
    ) -> CommandId {
        let class = match &self.step {
            Some(step) if matches!(step.stage.work, Work::Deterministic { .. }) => step.stage.timeout,
            _ => task.timeout,
        };
        let id = self.next_command();
        out.push(Command::RunTask {
            id,
            task: Box::new(task.clone()),
            open_documents: self.open_documents.as_ref().unwrap_or(&self.start.open_documents).clone(),
            changes: Box::new(changes.clone()),
            timeout_ms: class.min(task.timeout).timeout_ms(),
            tree: changes.tree(),
            want,
            once: repetition == Repetition::Unknown,
        });
        id
    }

    /// Starts the baseline, where a gate will compare with it and no stage makes one first.
    pub(super) fn start_background(&mut self, out: &mut Vec<Command>) {
        let blueprint = &self.start.blueprint;
        let compares = blueprint.stages.iter().any(|stage| {
            gate_of(stage, DeterministicAction::RunTests).is_some_and(|expect| expect != Expectation::Green)
        });
        let begins_with_tests = blueprint
            .stages
            .first()
            .is_some_and(|stage| gate_of(stage, DeterministicAction::RunTests).is_some());
        if !compares || begins_with_tests {
            return;
        }
        let mut queue: VecDeque<Task> =
            self.gate_tasks(DeterministicAction::RunTests, None).unwrap_or_default().into();
        if let Some(task) = queue.pop_front() {
            let command = self.run_task(&task, &ChangeSet::default(), out);
            self.background = Some(Box::new(Background { command, queue }));
        }
    }

    pub(super) fn is_background(&self, event: &Event) -> bool {
        self.background.as_ref().is_some_and(|background| event.answers() == Some(background.command))
    }

    /// One command of the baseline was answered; it goes on, or gives the shadow free.
    pub(super) fn background_done(&mut self, event: &Event, out: &mut Vec<Command>) {
        let Some(mut background) = self.background.take() else {
            return;
        };
        match event {
            Event::TaskFinished { report, .. } => {
                self.baseline.insert(report.task.clone(), report.as_ref().clone());
            }
            // Without a baseline the gates compare with nothing: they are stricter, not laxer.
            _ => background.queue.clear(),
        }
        if let Some(task) = background.queue.pop_front() {
            background.command = self.run_task(&task, &ChangeSet::default(), out);
            self.background = Some(background);
            return;
        }
        // Whoever waited for the shadow goes on.
        match std::mem::replace(&mut self.phase, Phase::Between) {
            Phase::Verifying(verification) if matches!(verification.waits, Waits::Background) => {
                self.advance(verification, out);
            }
            Phase::Agent(talk) => self.shadow_is_free(talk, out),
            phase => self.phase = phase,
        }
    }

    pub(super) fn stop_background(&mut self, out: &mut Vec<Command>) {
        if let Some(background) = self.background.take() {
            out.push(Command::Abandon { ids: vec![background.command] });
        }
    }

    /// For evidence: the gates that hold for this tree.
    pub(super) fn evidence_for(&self, tree: Digest) -> Vec<String> {
        self.gates.values().filter(|gate| gate.tree == tree).map(|gate| gate.summary.clone()).collect()
    }
}

fn gate_of(stage: &Stage, gate: DeterministicAction) -> Option<Expectation> {
    match &stage.work {
        Work::Deterministic { action, expect, .. } if *action == gate => Some(*expect),
        Work::Deterministic { .. } | Work::Agent { .. } => None,
    }
}

/// True when a report's name means the test that an editor or a user named: the same name,
/// or the same last parts.
fn names_test(reported: &str, asked: &str) -> bool {
    let parts = |name: &str| -> Vec<String> {
        let plain = name.split(['[', '(']).next().unwrap_or(name);
        plain.split([':', '.', '/', '>', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let (reported, asked) = (parts(reported), parts(asked));
    !asked.is_empty() && (reported.ends_with(&asked) || asked.ends_with(&reported))
}

fn strictest(judgements: Vec<Judgement>) -> Judgement {
    let mut passed = Vec::new();
    let mut red = Vec::new();
    for judgement in judgements {
        match judgement {
            Judgement::Blocked { reason } => return Judgement::Blocked { reason },
            Judgement::Red { summary } => red.push(summary),
            Judgement::Passed { summary } => passed.push(summary),
        }
    }
    if red.is_empty() {
        Judgement::Passed { summary: passed.join("; ") }
    } else {
        Judgement::Red { summary: red.join("; ") }
    }
}
