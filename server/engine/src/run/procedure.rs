//! From a failure to what is approved for it, and the carrying out: declared tasks in the
//! shadow, one after the other, each through the policy, with rollback. And the recording of a
//! decision.
//!
//! No model has a part in this. What a task has made of the files that it declares becomes a
//! proposal like any edit: it passes the gates and waits for the user. Where a task reaches a
//! host, its effect there is real at once; so nothing starts before the user has agreed to
//! exactly this procedure, and no such task is repeated of itself.

use super::apply::{reason_text, reasons_text};
use super::gate::Repetition;
use super::state::{Active, AfterApproval, Phase, record};
use super::{Command, Event, ProcedurePart};
use crate::context::{Candidate, Relevance};
use crate::edit::{ChangeSet, FileChange};
use crate::ids::{CommandId, RecordId};
use crate::memory::{Anchor, Body, Origin, PlannedTask, Record, SymbolNote, SymbolPointer};
use crate::path::{RequestedPath, WorkspacePath};
use crate::policy::{self, Capability, Decision, Entry, Facts, Reason, SandboxMode, Verdict};
use crate::syntax::{self, Language};
use crate::task::{Content, Judgement, Task, TaskReport, WrittenFile};
use std::collections::{BTreeSet, VecDeque};

/// A procedure that is being carried out.
#[derive(Debug)]
pub(super) struct Proceeding {
    part: ProcedurePart,
    /// What is left of the part.
    queue: VecDeque<PlannedTask>,
    /// The task that runs.
    now: PlannedTask,
    command: CommandId,
    /// The edits before the first step.
    before: ChangeSet,
    /// What has been done, a line each.
    done: Vec<String>,
    /// Why the rollback is under way.
    failed: Option<String>,
}

impl Proceeding {
    pub(super) fn waits_for(&self) -> CommandId {
        self.command
    }

    pub(super) fn progress(&self) -> String {
        format!("{} `{}`", self.part.name(), self.now.task)
    }
}

/// A procedure that was agreed to, began, and did not succeed.
#[derive(Debug)]
pub(super) struct Mishap {
    /// What has run to its end, a line each, rollback included.
    done: Vec<String>,
    /// What went wrong.
    why: String,
}

impl Mishap {
    pub(super) fn why(&self) -> &str {
        &self.why
    }

    /// What somebody must know who is asked to agree once more.
    fn question(&self) -> String {
        let done = match self.done.as_slice() {
            [] => "nothing of it has run to its end".to_owned(),
            done => format!("this has run: {}", done.join(", ")),
        };
        format!("agree to exactly these tasks once more; {done}; {}", self.why)
    }
}

impl Active {
    /// The records of the system that matter to what a pack is built for.
    pub(super) fn known_of_system(&self, candidates: &[Candidate]) -> Vec<Candidate> {
        if self.start.operations.is_empty() {
            return Vec::new();
        }
        self.start.operations.candidates(&self.failing_text(), &self.touched(candidates))
    }

    /// What the failure says: what the user has handed in, and what the tasks printed.
    fn failing_text(&self) -> String {
        let instruction = self.start.inputs.instruction.as_deref();
        let reports: Vec<&TaskReport> =
            if self.red.is_empty() { self.baseline.values().collect() } else { self.red.iter().collect() };
        let messages = reports.iter().flat_map(|report| &report.failures).map(|it| it.message.as_str());
        let outputs = reports.iter().map(|report| report.output.as_str());
        let said = self.start.inputs.diagnostics.iter().map(|it| it.message.as_str());
        instruction.into_iter().chain(messages).chain(outputs).chain(said).collect::<Vec<_>>().join("\n")
    }

    /// The files that the run is about, the surest first.
    fn touched(&self, candidates: &[Candidate]) -> Vec<WorkspacePath> {
        let inputs = &self.start.inputs;
        let reports = self.red.iter().chain(self.baseline.values());
        let named = reports.flat_map(|report| &report.failures).filter_map(|failure| failure.path.as_ref());
        let is_meant = |candidate: &&Candidate| match candidate.relevance {
            Relevance::Target | Relevance::FailingTest { .. } | Relevance::Reported { .. } => true,
            Relevance::Memory | Relevance::Convention | Relevance::Ranked { .. } | Relevance::Neighbour => {
                false
            }
        };
        let shown = candidates.iter().filter(is_meant).filter_map(|candidate| candidate.path.as_ref());
        let paths = inputs.target.iter().map(|target| &target.path);
        let paths = paths.chain(inputs.diagnostics.iter().map(|it| &it.path)).chain(named).chain(shown);
        let mut seen = BTreeSet::new();
        paths.filter(|path| seen.insert(*path)).cloned().collect()
    }

    pub(super) fn find_runbook(&mut self, out: &mut Vec<Command>) {
        let (text, paths) = (self.failing_text(), self.touched(&[]));
        match self.start.operations.remedy(&text, &paths, &self.start.tasks) {
            Ok(remedy) => {
                record(Event::RunbookFound { step: self.step_id(), remedy: Box::new(remedy.clone()) }, out);
                self.artifacts.insert("remediation".into(), remedy.to_string());
                let gist = remedy.gist();
                self.remedy = Some(remedy);
                self.succeed(gist, out);
            }
            Err(reason) => self.fail(reason, out),
        }
    }

    /// INVARIANT: no task of a procedure runs before the user has agreed to exactly this one.
    pub(super) fn start_procedure(&mut self, out: &mut Vec<Command>) {
        let Some(remedy) = self.remedy.clone() else {
            let reason = "no remediation was found; a stage `find_runbook` comes before `run_procedure`";
            return self.action_failed(reason.into(), out);
        };
        if self.policy.snapshot().sandbox == SandboxMode::ReadOnly {
            return self.action_failed("the sandbox is `read_only`; nothing is carried out".into(), out);
        }
        for task in remedy.tasks() {
            let decision = self.judge_call(task);
            if decision.verdict != Verdict::Allow {
                let reason = format!("task `{}` may not run: {}", task.task, reasons_text(&decision));
                return self.action_failed(reason, out);
            }
        }
        let proposal = remedy.digest();
        if !self.approved.contains(&proposal) {
            let reason = Reason {
                rule: "procedure.approval".into(),
                verdict: Verdict::Ask,
                matched: format!("procedure {}", remedy.procedure),
                remedy: match &self.mishap {
                    None => "agree to exactly these tasks; nothing of it has run".into(),
                    Some(mishap) => mishap.question(),
                },
            };
            let mut reasons = vec![reason_text(&reason)];
            reasons.extend(remedy.lines());
            let decision = Decision { verdict: Verdict::Ask, reasons: vec![reason] };
            let diff = String::new();
            record(Event::Proposed { step: self.step_id(), proposal, decision, diff: diff.clone() }, out);
            self.phase = Phase::Approval { proposal, diff, reasons, then: AfterApproval::Proceed };
            return;
        }
        // A baseline run would share the shadow; a procedure compares with nothing.
        self.stop_background(out);
        let before = self.changes.clone();
        let state = Carried { before, done: Vec::new(), failed: None };
        self.begin_part(ProcedurePart::Precondition, state, out);
    }

    fn judge_call(&self, task: &PlannedTask) -> Decision {
        policy::evaluate_call(&task.task, &task.args, &self.start.tasks, &self.policy)
    }

    fn begin_part(&mut self, part: ProcedurePart, state: Carried, out: &mut Vec<Command>) {
        let Some(remedy) = &self.remedy else { return };
        let tasks = match part {
            ProcedurePart::Precondition => &remedy.preconditions,
            ProcedurePart::Step => &remedy.steps,
            ProcedurePart::Rollback => &remedy.rollback,
        };
        self.next_task(part, tasks.clone().into(), state, out);
    }

    /// Runs the next task of a part, or goes on behind it.
    fn next_task(
        &mut self,
        part: ProcedurePart,
        mut queue: VecDeque<PlannedTask>,
        state: Carried,
        out: &mut Vec<Command>,
    ) {
        let Some(now) = queue.pop_front() else {
            return match (part, state.failed.clone()) {
                (ProcedurePart::Precondition, _) => self.begin_part(ProcedurePart::Step, state, out),
                (ProcedurePart::Step, _) => self.procedure_done(&state, out),
                (ProcedurePart::Rollback, why) => self.rolled_back(&state, why.unwrap_or_default(), out),
            };
        };
        // The policy is asked again for each, with the reason in the journal.
        let decision = self.judge_call(&now);
        let verdict = decision.verdict;
        let subject = format!("task {} ({})", now.task, part.name());
        let reasons = reasons_text(&decision);
        record(Event::PolicyDecided { step: self.step_id(), subject, decision }, out);
        let declared = self.start.tasks.named(&now.task).cloned();
        let (Verdict::Allow, Some(task)) = (verdict, declared) else {
            return self.part_failed(part, state, format!("task `{}` may not run: {reasons}", now.task), out);
        };
        let task = Task { argv: now.argv.clone(), ..task };
        let want = if part == ProcedurePart::Step { now.writes.clone() } else { Vec::new() };
        let repetition = match now.network.is_empty() {
            true => Repetition::Harmless,
            false => Repetition::Unknown,
        };
        let command = self.run_task_for(&task, &self.changes.clone(), want, repetition, out);
        let Carried { before, done, failed } = state;
        self.phase =
            Phase::Proceeding(Box::new(Proceeding { part, queue, now, command, before, done, failed }));
    }

    pub(super) fn proceed(&mut self, proceeding: Box<Proceeding>, event: &Event, out: &mut Vec<Command>) {
        let Event::TaskFinished { report, .. } = event else {
            self.phase = Phase::Proceeding(proceeding);
            return;
        };
        let Proceeding { part, queue, now, before, mut done, failed, .. } = *proceeding;
        let judgement = report.judge();
        record(
            Event::ProcedureStepped {
                step: self.step_id(),
                part,
                task: now.task.clone(),
                judgement: judgement.clone(),
            },
            out,
        );
        let trouble = match &judgement {
            Judgement::Passed { .. } if part == ProcedurePart::Step => {
                self.take_written(&report.written, out).err()
            }
            Judgement::Passed { .. } => None,
            Judgement::Red { summary: why } | Judgement::Blocked { reason: why } => Some(told(why, report)),
        };
        match trouble {
            None => {
                done.push(format!("{} {}", part.name(), now));
                self.next_task(part, queue, Carried { before, done, failed }, out);
            }
            Some(why) => self.part_failed(part, Carried { before, done, failed }, why, out),
        }
    }

    /// Takes over what a step has made of the files that its task declares to write.
    fn take_written(&mut self, written: &[WrittenFile], out: &mut Vec<Command>) -> Result<(), String> {
        let mut changes = self.changes.clone();
        for WrittenFile { path, before, after } in written {
            if before == after {
                continue;
            }
            let text = |content: &Content| match content {
                Content::Nothing => Ok(None),
                Content::Text { text } => Ok(Some(text.clone())),
                Content::Other => Err(format!(
                    "what stands at `{path}` is no text or too large, so it cannot be proposed; write text files only"
                )),
            };
            let (before, proposed) = (text(before)?, text(after)?);
            let base = changes.files.get(path).map_or(before, |change| change.base.clone());
            let change = FileChange { base, proposed, renamed_from: None };
            changes.files.insert(path.clone(), change);
        }
        if changes == self.changes {
            return Ok(());
        }
        let decision = policy::evaluate_changes(&changes, &self.known, &self.policy);
        if decision.verdict == Verdict::Block {
            return Err(format!("the policy blocks what it wrote: {}", reasons_text(&decision)));
        }
        self.take_changes(changes, out);
        Ok(())
    }

    /// A precondition that does not hold ends it before anything was done; a step that fails is
    /// rolled back; a rollback that fails is the user's.
    fn part_failed(&mut self, part: ProcedurePart, state: Carried, why: String, out: &mut Vec<Command>) {
        match part {
            ProcedurePart::Precondition => {
                self.fail(format!("a precondition does not hold, and nothing was done: {why}"), out);
            }
            ProcedurePart::Step => {
                if self.changes != state.before {
                    self.take_changes(state.before.clone(), out);
                }
                let failed = Some(format!("step {} failed: {why}", steps(&state.done) + 1));
                self.begin_part(ProcedurePart::Rollback, Carried { failed, ..state }, out);
            }
            ProcedurePart::Rollback => {
                let failed = state.failed.unwrap_or_default();
                let why = format!("{failed}; the rollback failed as well: {why}");
                let told = format!("{why}; your files are as they were, but look at what the tasks reach");
                self.forget_approval(state.done, why);
                self.pause(told, out);
            }
        }
    }

    fn procedure_done(&mut self, state: &Carried, out: &mut Vec<Command>) {
        self.artifacts.insert("procedure_report".into(), state.done.join("\n"));
        self.mishap = None;
        if self.summary.is_empty()
            && let Some(remedy) = &self.remedy
        {
            let cause = remedy.cause.iter().map(|cause| format!("; cause: {}", one_line(cause)));
            self.summary = std::iter::once(remedy.gist()).chain(cause).collect();
        }
        let files = self.changes.effective().count();
        let steps = steps(&state.done);
        self.succeed(format!("{steps} steps succeeded; {files} files are changed in the shadow"), out);
    }

    fn rolled_back(&mut self, state: &Carried, why: String, out: &mut Vec<Command>) {
        let undone =
            state.done.iter().filter(|line| line.starts_with(ProcedurePart::Rollback.name())).count();
        let how = match undone {
            0 => "nothing had to be rolled back but the shadow".to_owned(),
            1 => "rolled back by 1 task".to_owned(),
            undone => format!("rolled back by {undone} tasks"),
        };
        let why = format!("{why}; {how}");
        self.forget_approval(state.done.clone(), why.clone());
        self.fail(format!("{why}; your files are as they were"), out);
    }

    /// Whoever wants it once more agrees once more, and is told what has run.
    fn forget_approval(&mut self, done: Vec<String>, why: String) {
        self.mishap = Some(Mishap { done, why });
        if let Some(remedy) = &self.remedy {
            self.approved.remove(&remedy.digest());
        }
    }

    /// Nobody knows what a task has done that broke off: the user looks, and agrees anew.
    pub(super) fn procedure_interrupted(
        &mut self,
        proceeding: Proceeding,
        reason: &str,
        out: &mut Vec<Command>,
    ) {
        if self.changes != proceeding.before {
            self.take_changes(proceeding.before.clone(), out);
        }
        let (part, task) = (proceeding.part.name(), &proceeding.now.task);
        let why = format!("{part} `{task}` broke off: {reason}; what it reaches may have been changed");
        let told = format!("{why}; look there, then resume to be asked again, or discard the run");
        self.forget_approval(proceeding.done, why);
        self.action_failed(told, out);
    }

    /// Why a proposal waits, where the environment of the service wants every one to wait.
    pub(super) fn environment_asks(&self) -> Option<Reason> {
        let remedy = self.remedy.as_ref().filter(|remedy| remedy.always_asks)?;
        let environment = remedy.environment.as_ref().map_or("", RecordId::as_str);
        Some(Reason {
            rule: "environment.approval".into(),
            verdict: Verdict::Ask,
            matched: format!("environment {environment}"),
            remedy: "its record wants every proposal to wait for you".into(),
        })
    }

    pub(super) fn start_decision(&mut self, out: &mut Vec<Command>) {
        if !self.policy.snapshot().capabilities.contains(&Capability::MemoryWrite) {
            let reason = "the policy does not let records be written; it lacks `memory_write`";
            return self.action_failed(reason.into(), out);
        }
        let inputs = &self.start.inputs;
        let reason = inputs.instruction.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        let (Some(target), Some(_)) = (&inputs.target, reason) else {
            return self.fail("a decision needs a place and a reason", out);
        };
        let paths = vec![RequestedPath::new(target.path.as_str())];
        let command = self.next_command();
        out.push(Command::GatherFacts { id: command, paths });
        self.phase = Phase::Deciding { command };
    }

    /// Keeps the reason, with a pointer to the symbol around the target.
    pub(super) fn keep_decision(&mut self, facts: &Facts, out: &mut Vec<Command>) {
        match self.decision(facts) {
            Ok(decision) => {
                self.artifacts.insert("decision".into(), decision.describe());
                let command = self.next_command();
                out.push(Command::Keep { id: command, record: Box::new(decision) });
                self.phase = Phase::Remembering { command };
            }
            Err(reason) => self.fail(reason, out),
        }
    }

    fn decision(&self, facts: &Facts) -> Result<Record, String> {
        let inputs = &self.start.inputs;
        let target = inputs.target.as_ref().ok_or("a decision needs a place")?;
        let entry = facts.paths.get(&RequestedPath::new(target.path.as_str())).map(|facts| &facts.entry);
        let Some(Entry::Text { text, .. }) = entry else {
            return Err(format!("`{}` is no text file that can be read", target.path));
        };
        let language = Language::of_path(&target.path)
            .ok_or_else(|| format!("`{}` is in no language whose symbols are known", target.path))?;
        let symbols = syntax::symbols_of(language, text);
        let (first, last) = target.lines;
        let around = symbols.iter().enumerate().filter(|(_, it)| it.lines.0 <= first && last <= it.lines.1);
        let (index, symbol) = around.min_by_key(|(_, it)| it.lines.1 - it.lines.0).ok_or_else(|| {
            format!("no symbol stands around lines {first} to {last} of `{}`; select one", target.path)
        })?;
        let pointer = SymbolPointer::of(&target.path, text, &symbols, index);
        Ok(Record {
            id: decision_id(&symbol.name, self.start.run.as_str()),
            origin: Origin::Private,
            author: None,
            written: None,
            source: Some(format!("run {}", self.start.run)),
            labels: BTreeSet::new(),
            redact: Vec::new(),
            body: Body::Symbol(SymbolNote {
                at: Anchor {
                    path: target.path.clone(),
                    symbol: symbol.name.clone(),
                    pointer: pointer.map(Box::new),
                },
                why: inputs.instruction.clone().unwrap_or_default().trim().to_owned(),
            }),
        })
    }
}

/// What goes along from task to task.
struct Carried {
    before: ChangeSet,
    done: Vec<String>,
    failed: Option<String>,
}

fn steps(done: &[String]) -> usize {
    done.iter().filter(|line| line.starts_with(ProcedurePart::Step.name())).count()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Why a task failed, with the last line that it printed.
fn told(why: &str, report: &TaskReport) -> String {
    match report.output.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(line) => format!("{why} ({})", line.trim()),
        None => why.to_owned(),
    }
}

/// `cache_key-1a2b3c`: a name that says what it is about, unique by its run.
fn decision_id(symbol: &str, run: &str) -> RecordId {
    let own = symbol.rsplit([':', '.', ' ']).find(|part| !part.is_empty()).unwrap_or("symbol");
    let own: String = own.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '_').take(40).collect();
    let own = if own.is_empty() { "symbol".to_owned() } else { own };
    let run: String = run.chars().filter(char::is_ascii_alphanumeric).collect();
    let end = run.char_indices().rev().nth(5).map_or(0, |(at, _)| at);
    RecordId::new(format!("{own}-{}", run.get(end..).unwrap_or(&run)))
}
