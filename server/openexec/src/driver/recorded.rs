//! Runs as their journals tell them, whoever has driven them.
//!
//! To fold a journal costs as much as the run's own decisions did, context packs included, so what
//! it came to is kept until the journal grows.

use super::{DriverError, RunView, Runtime, view_of};
use crate::limits::{ENDED_LOOKED_AT_MAX, RUNS_LISTED_MAX, STANDINGS_KEPT_MAX};
use crate::store::{Recorded, RunSummary, Store};
use anyhow::{Context as _, anyhow};
use hashlink::LruCache;
use openexec_engine::ids::RunId;
use openexec_engine::run::{Command, Event, RunState};
use openexec_engine::task::{TaskKind, TestFailure};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;

/// What a recorded run has come to.
#[derive(Debug)]
pub struct Standing {
    /// Where it stands.
    pub view: RunView,
    /// The tests that are red by its report on what stands in the user's files; `None` where it has
    /// no report on tests.
    failing: Option<Vec<TestFailure>>,
}

impl Standing {
    fn of(run: &RunId, state: &RunState, recorded: &[Recorded]) -> Self {
        let view = view_of(run, state, last_seq(recorded));
        let mut reports = recorded.iter().filter_map(|record| tested(&record.event));
        // The first report is on the files as they were, the last on what was applied.
        let report = if view.applied { reports.next_back() } else { reports.next() };
        let failing = report.map(<[TestFailure]>::to_vec);
        Self { view, failing }
    }
}

/// The standings that were found out, by run; those that nobody has asked for lately are forgotten.
pub(super) struct Standings(Mutex<LruCache<RunId, Arc<Standing>>>);

impl Default for Standings {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(STANDINGS_KEPT_MAX)))
    }
}

impl Standings {
    /// The one as of this many events, if it is known.
    fn at(&self, run: &RunId, events: u64) -> Option<Arc<Standing>> {
        self.0.lock().get(run).filter(|known| known.view.events == events).cloned()
    }

    fn keep(&self, standing: &Arc<Standing>) {
        self.0.lock().insert(standing.view.run.clone(), Arc::clone(standing));
    }
}

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
        let recorded = self.journal(root, run)?;
        Ok((folded(run, &recorded)?, last_seq(&recorded)))
    }

    /// What a recorded run has come to. Reads its journal once after each of its events.
    ///
    /// # Errors
    /// When the journal is damaged, or does not agree with the engine.
    pub fn standing(&self, root: &Path, run: &RunSummary) -> Result<Arc<Standing>, DriverError> {
        if let Some(known) = self.standings.at(&run.run, run.events) {
            return Ok(known);
        }
        let recorded = self.journal(root, &run.run)?;
        let state = folded(&run.run, &recorded)?;
        let standing = Arc::new(Standing::of(&run.run, &state, &recorded));
        self.standings.keep(&standing);
        Ok(standing)
    }

    /// Where a run stands that this process need not drive; none when its journal cannot be read.
    pub fn recorded_view(&self, root: &Path, run: &RunId) -> Option<RunView> {
        let summary = self.store(root).ok()?.summary(run).ok()?;
        Some(self.standing(root, &summary).ok()?.view.clone())
    }

    /// Recorded runs of a workspace that are not over and that this process does not drive,
    /// newest first. Reads the journal; a damaged one is passed over, `openexec show` tells.
    pub fn pending(&self, root: &Path) -> Vec<RunView> {
        let read = |store: Store| Ok(store.unfinished_runs().context("the journal cannot be read")?);
        let unfinished = self.store(root).and_then(read).unwrap_or_else(|error| {
            tracing::warn!("runs cannot be listed: {error}");
            Vec::new()
        });
        unfinished
            .into_iter()
            .filter(|summary| self.handle(&summary.run).is_none())
            .filter_map(|summary| Some(self.standing(root, &summary).ok()?.view.clone()))
            .collect()
    }

    /// Whether another process drives this run at the moment.
    pub fn is_driven_elsewhere(&self, root: &Path, run: &RunId) -> bool {
        self.handle(run).is_none() && self.store(root).is_ok_and(|store| store.driver(run).is_some())
    }

    /// The latest run of a workspace that is over, whose edits stand in the user's files, and
    /// that this process has not driven. Looks at no more than a few runs.
    pub fn latest_applied(&self, root: &Path) -> Option<RunView> {
        let driven: Vec<RunId> = self.handles.lock().keys().cloned().collect();
        let runs = self.store(root).ok()?.latest_runs(driven.len() + RUNS_LISTED_MAX).ok()?;
        let ended = runs.into_iter().filter(|run| run.is_over() && !driven.contains(&run.run));
        let mut looked_at = ended.take(ENDED_LOOKED_AT_MAX);
        looked_at.find_map(|summary| {
            let standing = self.standing(root, &summary).ok()?;
            Some(&standing.view).filter(|view| view.applied).cloned()
        })
    }

    /// The tests of a workspace that are red as far as is known: by the last report on what
    /// stands in the user's files. Looks at no more than a few runs.
    pub fn failing_tests(&self, root: &Path) -> Vec<TestFailure> {
        let latest = |store: Store| store.latest_runs(ENDED_LOOKED_AT_MAX).ok();
        let runs = self.store(root).ok().and_then(latest).unwrap_or_default();
        let failing = |summary| self.standing(root, summary).ok()?.failing.clone();
        runs.iter().find_map(failing).unwrap_or_default()
    }
}

fn folded(run: &RunId, recorded: &[Recorded]) -> Result<RunState, DriverError> {
    let mut state = RunState::new();
    for record in recorded {
        for command in state.apply(&record.event) {
            if let Command::Halt { reason } = command {
                return Err(DriverError(anyhow!(
                    "run {run} cannot go on after event {}: {reason}",
                    record.seq
                )));
            }
        }
    }
    Ok(state)
}

fn last_seq(recorded: &[Recorded]) -> u64 {
    recorded.last().map_or(0, |record| record.seq)
}

/// The failures of tests by a report that could be read.
fn tested(event: &Event) -> Option<&[TestFailure]> {
    let Event::TaskFinished { report, .. } = event else { return None };
    let is_read = report.kind == TaskKind::Test && report.tests.is_some();
    is_read.then_some(report.failures.as_slice())
}
