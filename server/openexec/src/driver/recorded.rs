//! Runs as their journals tell them, whoever has driven them.

use super::{DriverError, RunView, Runtime, view_of};
use crate::limits::ENDED_LOOKED_AT_MAX;
use crate::store::Recorded;
use anyhow::{Context as _, anyhow};
use openexec_engine::ids::RunId;
use openexec_engine::run::{Event, RunState};
use openexec_engine::task::{TaskKind, TaskReport, TestFailure};
use std::path::Path;

impl Runtime {
    /// Everything recorded of a run.
    ///
    /// # Errors
    /// When there is no such run, or its journal is damaged.
    pub fn journal(&self, root: &Path, run: &RunId) -> Result<Vec<Recorded>, DriverError> {
        Ok(self.store(root)?.events(run).context("the journal cannot be read")?)
    }

    /// A run as its journal tells it, with the number of its last event.
    ///
    /// # Errors
    /// When the journal is damaged, or does not agree with the engine.
    pub fn fold(&self, root: &Path, run: &RunId) -> Result<(RunState, u64), DriverError> {
        let events = self.store(root)?.events(run).context("the journal cannot be read")?;
        let mut state = RunState::new();
        for recorded in &events {
            for command in state.apply(&recorded.event) {
                if let openexec_engine::run::Command::Halt { reason } = command {
                    return Err(DriverError(anyhow!(
                        "run {run} cannot go on after event {}: {reason}",
                        recorded.seq
                    )));
                }
            }
        }
        Ok((state, events.last().map_or(0, |recorded| recorded.seq)))
    }

    /// Recorded runs of a workspace that are not over and that this process does not drive,
    /// newest first. Reads the journal; a damaged one is passed over, `openexec show` tells.
    pub fn pending(&self, root: &Path) -> Vec<RunView> {
        let runs =
            self.store(root).and_then(|store| Ok(store.runs().context("the journal cannot be read")?));
        let runs = runs.unwrap_or_else(|error| {
            tracing::warn!("runs cannot be listed: {error}");
            Vec::new()
        });
        let unfinished = runs.into_iter().filter(|run| !run.is_over());
        unfinished
            .filter(|summary| self.handle(&summary.run).is_none())
            .filter_map(|summary| {
                let (state, seq) = self.fold(root, &summary.run).ok()?;
                Some(view_of(&summary.run, &state, seq))
            })
            .collect()
    }

    /// Whether another process drives this run at the moment.
    pub fn is_driven_elsewhere(&self, root: &Path, run: &RunId) -> bool {
        self.handle(run).is_none() && self.store(root).is_ok_and(|store| store.driver(run).is_some())
    }

    /// The latest run of a workspace that is over, whose edits stand in the user's files, and
    /// that this process has not driven. Reads the journal of no more than a few runs.
    pub fn latest_applied(&self, root: &Path) -> Option<RunView> {
        let runs = self.store(root).ok()?.runs().ok()?;
        let driven: Vec<RunId> = self.handles.lock().keys().cloned().collect();
        let ended = runs.into_iter().filter(|run| run.is_over() && !driven.contains(&run.run));
        let mut looked_at = ended.take(ENDED_LOOKED_AT_MAX);
        looked_at.find_map(|summary| {
            let (state, seq) = self.fold(root, &summary.run).ok()?;
            Some(view_of(&summary.run, &state, seq)).filter(|view| view.applied)
        })
    }

    /// The tests of a workspace that are red as far as is known: by the last report on what
    /// stands in the user's files. Reads the journal of no more than a few runs.
    pub fn failing_tests(&self, root: &Path) -> Vec<TestFailure> {
        let runs = self.store(root).ok().and_then(|store| store.runs().ok()).unwrap_or_default();
        let mut looked_at = runs.into_iter().take(ENDED_LOOKED_AT_MAX);
        let report = looked_at.find_map(|summary| {
            let (state, seq) = self.fold(root, &summary.run).ok()?;
            let applied = view_of(&summary.run, &state, seq).applied;
            let recorded = self.journal(root, &summary.run).ok()?;
            let mut reports = recorded.into_iter().filter_map(|record| tested(record.event));
            // The first report is on the files as they were, the last on what was applied.
            if applied { reports.next_back() } else { reports.next() }
        });
        report.map(|report| report.failures).unwrap_or_default()
    }
}

/// The report of tests that could be read.
fn tested(event: Event) -> Option<TaskReport> {
    let Event::TaskFinished { report, .. } = event else { return None };
    Some(*report).filter(|report| report.kind == TaskKind::Test && report.tests.is_some())
}
