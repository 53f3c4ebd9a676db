//! What a run leaves for later ones: what was asked and done, what failed, how it was shown to
//! hold. A lesson is read out of the journal and nothing else, so that it can be written again
//! at any time; what did not stand is marked, and never instructs.

use super::Outcome;
use super::apply::changed_symbols;
use super::state::{Active, Phase, RunState};
use crate::blueprint::{DeterministicAction, Work};
use crate::limits::ERROR_FORMS_MAX;
use crate::memory::{MaintenanceRecord, Standing, error_forms, normalised};
use crate::task::TaskReport;

impl RunState {
    /// What a run that is over leaves behind; nothing of one that has neither done nor met
    /// anything.
    pub fn lesson(&self) -> Option<MaintenanceRecord> {
        let run = self.run.as_ref()?;
        let Phase::Ended { outcome, summary } = &run.phase else { return None };
        let (standing, summary) = match (outcome, &run.mishap) {
            // That the run is discarded says nothing else of what was agreed to and failed.
            (Outcome::Cancelled | Outcome::Discarded, Some(mishap)) => (Standing::Failed, mishap.why()),
            // Cancelling says nothing of the work.
            (Outcome::Cancelled, None) => return None,
            (Outcome::Done, _) if run.applied.is_none() => return None,
            (Outcome::Done, _) => (Standing::Done, run.summary.as_str()),
            (Outcome::Failed, _) => (Standing::Failed, summary.as_str()),
            (Outcome::Discarded, None) => (Standing::Unapproved, summary.as_str()),
            (Outcome::Undone, _) => (Standing::Undone, run.summary.as_str()),
        };
        let record = run.maintenance_record(standing, summary);
        let has_met = !record.files.is_empty() || !record.errors.is_empty() || run.mishap.is_some();
        has_met.then_some(record)
    }
}

impl Active {
    /// The record of the run. `summary` is what the model says it did, or why the run failed.
    pub(super) fn maintenance_record(&self, standing: Standing, summary: &str) -> MaintenanceRecord {
        let changes = match (standing, &self.applied) {
            (_, Some(applied)) => applied.clone(),
            (Standing::Done, None) => Default::default(),
            (Standing::Failed | Standing::Unapproved | Standing::Undone, None) => self.changes.clone(),
        };
        let failing_before = self.baseline.values().flat_map(|report| report.failing());
        let still = |name: &str| self.red.iter().any(|report| report.failing().contains(name));
        let repaired = match standing {
            Standing::Done => failing_before.filter(|name| !still(name)).map(str::to_owned).collect(),
            Standing::Failed | Standing::Unapproved | Standing::Undone => Vec::new(),
        };
        MaintenanceRecord {
            run: self.start.run.clone(),
            blueprint: self.start.blueprint.name.clone(),
            at_ms: self.start.at_ms,
            standing,
            instruction: self.start.inputs.instruction.clone().unwrap_or_default(),
            summary: summary.to_owned(),
            files: changes.effective().map(|(path, _)| path.clone()).collect(),
            symbols: changes.effective().flat_map(|(path, change)| changed_symbols(path, change)).collect(),
            repaired_tests: repaired,
            errors: self.errors_met(),
            evidence: self.evidence_for(self.changes.tree()),
            tree: self.changes.tree(),
            notes: self.notes.clone(),
        }
    }

    /// The errors that the run met, in their normal form.
    fn errors_met(&self) -> Vec<String> {
        let reports: Vec<&TaskReport> = self.baseline.values().chain(&self.red).collect();
        let failures = reports.iter().flat_map(|report| &report.failures);
        let red = reports.iter().filter(|report| !report.failures.is_empty() || is_red(report));
        let mut errors = error_forms(failures, red.map(|report| report.output.as_str()));
        // Where a failure is what the user has handed in, every line of it is what was met.
        let given = self.start.inputs.instruction.as_deref().filter(|_| self.remediates());
        for form in given.into_iter().flat_map(str::lines).filter_map(normalised) {
            if errors.len() < ERROR_FORMS_MAX && !errors.contains(&form) {
                errors.push(form);
            }
        }
        errors
    }

    fn remediates(&self) -> bool {
        let stages = &self.start.blueprint.stages;
        stages.iter().any(|stage| {
            matches!(&stage.work, Work::Deterministic { action: DeterministicAction::FindRunbook, .. })
        })
    }
}

fn is_red(report: &TaskReport) -> bool {
    matches!(report.judge(), crate::task::Judgement::Red { .. })
}
