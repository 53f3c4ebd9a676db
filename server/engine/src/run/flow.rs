//! Routing: which stage comes next, how often it may be attempted, how a run ends.
//! The model has no part in any of this.

use super::agent::Conversation;
use super::state::{Active, Phase, Step, record};
use super::{Command, Event, Outcome, StepOutcome};
use crate::blueprint::{DeterministicAction, Route, Stage, Work};
use crate::budget::{Budget, Spent};
use crate::ids::{CommandId, StageId};
use crate::limits::RUN_STEPS_MAX;
use crate::model::ModelRequest;
use crate::task::Expectation;

impl Active {
    /// Starts the first stage, once it is certain that the gates can be asked at all.
    pub(super) fn begin(&mut self, out: &mut Vec<Command>) {
        if let Some(reason) = self.missing_gate() {
            return self.end(Outcome::Failed, reason, out);
        }
        self.start_background(out);
        match self.start.blueprint.stages.first().map(|stage| stage.id.clone()) {
            Some(first) => self.enter(&first, out),
            None => self.end(Outcome::Failed, "the blueprint has no stage".into(), out),
        }
    }

    /// Enters a stage, unless its attempts are used up.
    pub(super) fn enter(&mut self, id: &StageId, out: &mut Vec<Command>) {
        let Some(stage) = self.find_stage(id) else {
            return self.end(Outcome::Failed, format!("there is no stage `{id}`"), out);
        };
        let attempts = self.attempts.get(id).copied().unwrap_or(0);
        let bounded = matches!(stage.work, Work::Agent { .. });
        if bounded && attempts > stage.retry_limit {
            let reason = match &self.red_summary {
                Some(red) => format!("stage `{id}` has used its {attempts} attempts; {red}"),
                None => format!("stage `{id}` has used its {attempts} attempts"),
            };
            return self.exhausted(&stage, reason, out);
        }
        if self.steps() >= RUN_STEPS_MAX {
            return self
                .pause(format!("the run has taken {RUN_STEPS_MAX} steps, the most a run may take"), out);
        }
        let attempt = attempts + 1;
        self.attempts.insert(id.clone(), attempt);
        if !self.entered.contains(id) {
            self.entered.push(id.clone());
        }
        let step = Step { id: self.next_step(), stage, attempt, tree: self.changes.tree() };
        record(Event::StepStarted { step: step.id, stage: id.clone(), attempt }, out);
        let work = step.stage.work.clone();
        self.step = Some(step);
        match work {
            Work::Agent { goal, toolset, edits } => self.start_agent(&goal, &toolset, edits, out),
            Work::Deterministic { action, task, expect } => self.start_action(action, task, expect, out),
        }
    }

    /// The step's work is done: on to approval, where the stage demands one, then on.
    pub(super) fn succeed(&mut self, summary: impl Into<String>, out: &mut Vec<Command>) {
        let Some(step) = self.step.clone() else {
            return;
        };
        record(
            Event::StepFinished {
                step: step.id,
                outcome: StepOutcome::Succeeded { summary: summary.into() },
            },
            out,
        );
        if step.stage.approval_required && !self.stage_is_approved(&step) {
            return self.ask_for_stage(&step, out);
        }
        self.follow(&step.stage.on_success, out);
    }

    /// The step's work is not done. An agent stage is attempted again while it may be;
    /// otherwise the blueprint says where to go.
    pub(super) fn fail(&mut self, reason: impl Into<String>, out: &mut Vec<Command>) {
        let reason = reason.into();
        let Some(step) = self.step.clone() else {
            return self.end(Outcome::Failed, reason, out);
        };
        record(
            Event::StepFinished { step: step.id, outcome: StepOutcome::Failed { reason: reason.clone() } },
            out,
        );
        let is_agent = matches!(step.stage.work, Work::Agent { .. });
        if is_agent {
            self.red_summary = Some(reason.clone());
            if step.attempt <= step.stage.retry_limit {
                return self.enter(&step.stage.id, out);
            }
            return self.exhausted(&step.stage, reason, out);
        }
        match &step.stage.on_failure {
            Route::Fail => self.end(Outcome::Failed, format!("stage `{}`: {reason}", step.stage.id), out),
            Route::Paused => self.pause(format!("stage `{}`: {reason}", step.stage.id), out),
            route => self.follow(route, out),
        }
    }

    /// An action could not be carried out at all. That is not a judgement of the work: an
    /// idempotent one is tried again as often as its stage allows, then the run waits.
    pub(super) fn action_failed(&mut self, reason: String, out: &mut Vec<Command>) {
        let Some(step) = self.step.clone() else {
            return self.end(Outcome::Failed, reason, out);
        };
        let retries = match &step.stage.work {
            Work::Deterministic { action, .. } => {
                action.is_idempotent() && step.attempt <= step.stage.retry_limit
            }
            Work::Agent { .. } => false,
        };
        if retries {
            record(Event::StepFinished { step: step.id, outcome: StepOutcome::Failed { reason } }, out);
            return self.enter(&step.stage.id, out);
        }
        self.pause(format!("stage `{}`: {reason}", step.stage.id), out);
    }

    fn exhausted(&mut self, stage: &Stage, reason: String, out: &mut Vec<Command>) {
        match &stage.on_failure {
            Route::Fail => self.end(Outcome::Failed, reason, out),
            Route::Paused => self.pause(reason, out),
            route => self.follow(route, out),
        }
    }

    pub(super) fn follow(&mut self, route: &Route, out: &mut Vec<Command>) {
        match route {
            Route::Stage { id } => self.enter(id, out),
            Route::Fail => {
                let reason =
                    self.red_summary.clone().unwrap_or_else(|| "the blueprint routed to `fail`".into());
                self.end(Outcome::Failed, reason, out);
            }
            Route::Paused => self.pause("the blueprint routed to `paused`".into(), out),
            Route::Done if self.must_still_apply() => {
                self.enter(&implicit_stage_id(DeterministicAction::Propose), out)
            }
            Route::Done => {
                let summary = self.closing_summary();
                self.end(Outcome::Done, summary, out);
            }
        }
    }

    /// True on the way to `done` of a blueprint that leaves the applying to the runtime.
    pub(super) fn must_still_apply(&self) -> bool {
        !self.start.blueprint.applies_explicitly() && !self.changes.is_empty() && self.applied.is_none()
    }

    pub(super) fn find_stage(&self, id: &StageId) -> Option<Stage> {
        self.start.blueprint.stage(id).cloned().or_else(|| implicit_stage(id))
    }

    pub(super) fn pause(&mut self, reason: String, out: &mut Vec<Command>) {
        record(Event::RunPaused { reason: reason.clone() }, out);
        self.phase = Phase::Paused { reason, talk: None };
    }

    /// The user has read why the run paused and wants it to go on: the conversation where it
    /// stands, else the stage once more. The budget of a run is granted again with that.
    pub(super) fn resume(
        &mut self,
        talk: Option<Box<Conversation>>,
        budget: Option<Budget>,
        out: &mut Vec<Command>,
    ) {
        self.spent_since_resume = Spent::default();
        self.budget = budget.unwrap_or(self.budget);
        match (talk, self.step.clone()) {
            (Some(talk), _) => self.ask_model(talk, out),
            (None, Some(step)) => {
                // Attempts that were used up are granted anew: the user asked.
                let attempts = self.attempts.entry(step.stage.id.clone()).or_default();
                *attempts = (*attempts).min(step.stage.retry_limit);
                self.enter(&step.stage.id, out);
            }
            (None, None) => self.begin(out),
        }
    }

    /// What the user does not want to be sent is not sent, and nothing goes on without it.
    pub(super) fn request_refused(&mut self, request: &ModelRequest, by: &str, out: &mut Vec<Command>) {
        let (model, stands) = (&request.model, self.what_stands());
        let summary = format!("the request to `{model}` was refused by {by} and not sent; {stands}");
        self.end(Outcome::Discarded, summary, out);
    }

    pub(super) fn end(&mut self, outcome: Outcome, summary: String, out: &mut Vec<Command>) {
        self.stop_background(out);
        record(Event::RunEnded { outcome, summary: summary.clone() }, out);
        self.phase = Phase::Ended { outcome, summary };
    }

    /// Edits that are just being applied are not interrupted: half of them would be worse.
    pub(super) fn cancel(&mut self, phase: Phase, by: &str, out: &mut Vec<Command>) {
        let command = match &phase {
            Phase::Applying | Phase::Reversing(_) | Phase::Ended { .. } => {
                self.phase = phase;
                return;
            }
            Phase::Between | Phase::Approval { .. } | Phase::Request { .. } | Phase::Paused { .. } => None,
            Phase::Context { command }
            | Phase::Patch { command }
            | Phase::Bases { command, .. }
            | Phase::Deciding { command }
            | Phase::Remembering { command } => Some(*command),
            Phase::Agent(talk) => talk.waits_for(),
            Phase::Verifying(verification) => verification.waits_for(),
            Phase::Proceeding(proceeding) => Some(proceeding.waits_for()),
        };
        if let Some(command) = command {
            out.push(Command::Abandon { ids: vec![command] });
        }
        self.end(Outcome::Cancelled, format!("by {by}"), out);
    }

    pub(super) fn command_failed(
        &mut self,
        phase: Phase,
        command: CommandId,
        reason: &str,
        out: &mut Vec<Command>,
    ) {
        match phase {
            Phase::Ended { .. } | Phase::Paused { .. } | Phase::Approval { .. } | Phase::Request { .. } => {
                self.phase = phase
            }
            Phase::Reversing(reversal) => self.reversal_failed(*reversal, reason, out),
            Phase::Proceeding(proceeding) => self.procedure_interrupted(*proceeding, reason, out),
            Phase::Verifying(verification) if verification.waits_for() != Some(command) => {
                self.phase = Phase::Verifying(verification);
            }
            Phase::Between
            | Phase::Context { .. }
            | Phase::Agent(_)
            | Phase::Patch { .. }
            | Phase::Verifying(_)
            | Phase::Bases { .. }
            | Phase::Applying
            | Phase::Deciding { .. }
            | Phase::Remembering { .. } => self.action_failed(reason.to_owned(), out),
        }
    }

    fn closing_summary(&self) -> String {
        if self.artifacts.contains_key("decision") {
            return "the reason is kept among your own records".into();
        }
        let Some(applied) = &self.applied else {
            return match &self.red_summary {
                None if !self.start.blueprint.stages.iter().any(Stage::edits) => {
                    "nothing was to be changed".into()
                }
                None if self.changes.is_empty() => "nothing had to be changed".into(),
                _ => "the run ended without applying an edit".into(),
            };
        };
        let gates: Vec<&str> = self.gates.values().map(|gate| gate.summary.as_str()).collect();
        let files = applied.files_changed();
        format!("{files} {} changed; {}", if files == 1 { "file" } else { "files" }, gates.join("; "))
    }

    /// Why the gates could not even be asked, before a model is paid for anything.
    fn missing_gate(&self) -> Option<String> {
        let blueprint = &self.start.blueprint;
        if !blueprint.stages.iter().any(Stage::edits) {
            return None;
        }
        blueprint.gates.iter().find_map(|gate| match self.gate_tasks(*gate, None) {
            Ok(tasks) if tasks.is_empty() => Some(no_task(*gate)),
            Ok(_) => None,
            Err(reason) => Some(reason),
        })
    }
}

/// What is said when a gate has no task to ask.
pub(super) fn no_task(gate: DeterministicAction) -> String {
    format!(
        "no task is declared for `{}`, and a gate that judges nothing does not pass; declare one in .openexec/tasks.yaml",
        gate.name()
    )
}

/// The stages that follow a blueprint that leaves the applying to the runtime. Their ids
/// cannot be written in a file.
fn implicit_stage(id: &StageId) -> Option<Stage> {
    use DeterministicAction::{ApplyEdit, Propose, Remember};
    let (action, next) = [(Propose, Some(ApplyEdit)), (ApplyEdit, Some(Remember)), (Remember, None)]
        .into_iter()
        .find(|(action, _)| &implicit_stage_id(*action) == id)?;
    Some(Stage {
        id: id.clone(),
        work: Work::Deterministic { action, task: None, expect: Expectation::Green },
        inputs: Vec::new(),
        outputs: Vec::new(),
        retry_limit: 0,
        timeout: action.timeout(),
        approval_required: false,
        on_success: next.map_or(Route::Done, |next| Route::Stage { id: implicit_stage_id(next) }),
        on_failure: Route::Paused,
    })
}

pub(super) fn implicit_stage_id(action: DeterministicAction) -> StageId {
    StageId::new(format!("({})", action.name()))
}
