//! How far a run has come on its way through its blueprint. Reading only.

use super::flow::implicit_stage_id;
use super::gate::{Verification, Waits};
use super::state::{Active, Step};
use crate::blueprint::{DeterministicAction, Route, Stage, Work};
use crate::ids::StageId;

impl Active {
    /// Which stage of its way a step is, and which attempt: `fix, stage 3 of 8, attempt 2 of 4`.
    /// Stages count in the order in which the run came to them first.
    pub(super) fn place_of(&self, step: &Step) -> String {
        let stage = &step.stage;
        let number = self.entered.iter().position(|id| *id == stage.id).map_or(1, |at| at + 1);
        let mut place = format!("{}, stage {number}", stage.id);
        if let Some(stages) = self.stages_of_way(stage) {
            place.push_str(&format!(" of {stages}"));
        }
        match (&stage.work, step.attempt) {
            (_, 1) => {}
            (Work::Agent { .. }, attempt) => {
                place.push_str(&format!(", attempt {attempt} of {}", stage.retry_limit.saturating_add(1)));
            }
            (Work::Deterministic { .. }, attempt) => place.push_str(&format!(", attempt {attempt}")),
        }
        place
    }

    /// How many stages the run will have come to when all from here on succeed. Nothing as long
    /// as another way is open: where the failure of one leads to stages to which nothing else has led.
    fn stages_of_way(&self, from: &Stage) -> Option<usize> {
        let ahead = self.ahead(from)?;
        let is_known = |id: &StageId| self.entered.contains(id) || ahead.iter().any(|stage| stage.id == *id);
        let is_fork = |stage: &Stage| match &stage.on_failure {
            Route::Stage { id } => !is_known(id),
            Route::Done | Route::Fail | Route::Paused => false,
        };
        if ahead.iter().any(is_fork) {
            return None;
        }
        let new = ahead.iter().filter(|stage| !self.entered.contains(&stage.id)).count();
        Some(self.entered.len() + new)
    }

    /// The stages from one on while each of them succeeds. Nothing where that has no end, or
    /// where the end depends on whether there will be edits.
    fn ahead(&self, from: &Stage) -> Option<Vec<Stage>> {
        let mut ahead: Vec<Stage> = Vec::new();
        let mut next = Some(from.clone());
        while let Some(stage) = next {
            if ahead.iter().any(|known| known.id == stage.id) {
                return None;
            }
            let route = stage.on_success.clone();
            ahead.push(stage);
            next = match route {
                Route::Stage { id } => Some(self.find_stage(&id)?),
                Route::Fail | Route::Paused => None,
                Route::Done if ahead.iter().any(applies) => None,
                Route::Done if self.must_still_apply() => {
                    Some(self.find_stage(&implicit_stage_id(DeterministicAction::Propose))?)
                }
                Route::Done if self.may_still_apply(&ahead) => return None,
                Route::Done => None,
            };
        }
        Some(ahead)
    }

    /// True where the runtime applies what these stages may edit.
    fn may_still_apply(&self, ahead: &[Stage]) -> bool {
        !self.start.blueprint.applies_explicitly() && ahead.iter().any(Stage::edits)
    }
}

fn applies(stage: &Stage) -> bool {
    matches!(&stage.work, Work::Deterministic { action: DeterministicAction::ApplyEdit, .. })
}

impl Verification {
    /// Which of its tasks runs: ``task `test` ``, with a count where there are several.
    pub(super) fn progress(&self) -> String {
        match &self.waits {
            Waits::Background => "waits for the tests of the unedited files".into(),
            Waits::Task { name, .. } => {
                let number = self.reports.len() + 1;
                match number + self.queue.len() {
                    1 => format!("task `{name}`"),
                    tasks => format!("task `{name}`, {number} of {tasks}"),
                }
            }
        }
    }
}
