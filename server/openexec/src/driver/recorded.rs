//! Runs as their journals tell them, whoever has driven them.
//!
//! To fold a journal costs as much as the run's own decisions did, context packs included. So what
//! it came to is kept until the journal grows; of a run that this process drives it is said anew
//! after each event, and nobody folds.

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

/// A run as far as its events have been applied.
#[derive(Debug, Default)]
pub struct Folded {
    /// What they came to.
    pub state: RunState,
    /// The number of the last of them.
    pub seq: u64,
    reports: Reports,
}

impl Folded {
    /// Applies the next event, which is durable.
    pub(super) fn apply(&mut self, seq: u64, event: &Event) -> Vec<Command> {
        self.seq = seq;
        self.reports.take(event);
        self.state.apply(event)
    }

    /// What a user sees of the run.
    pub fn view(&self, run: &RunId) -> RunView {
        view_of(run, &self.state, self.seq)
    }

    pub(super) fn standing(&self, run: &RunId) -> Standing {
        let view = self.view(run);
        // The first report is on the files as they were, the last on what was applied.
        let report = if view.applied { &self.reports.last } else { &self.reports.first };
        Standing { view, failing: report.clone() }
    }
}

/// The tests that were red in the reports of a run that could be read.
#[derive(Debug, Default)]
struct Reports {
    first: Option<Arc<[TestFailure]>>,
    last: Option<Arc<[TestFailure]>>,
}

impl Reports {
    fn take(&mut self, event: &Event) {
        let Event::TaskFinished { report, .. } = event else { return };
        if report.kind == TaskKind::Test && report.tests.is_some() {
            let failures = Arc::from(report.failures.as_slice());
            self.first.get_or_insert_with(|| Arc::clone(&failures));
            self.last = Some(failures);
        }
    }
}

/// What a run has come to.
#[derive(Debug)]
pub struct Standing {
    /// Where it stands.
    pub view: RunView,
    /// The tests that are red by its report on what stands in the user's files; `None` where it has
    /// no report on tests.
    failing: Option<Arc<[TestFailure]>>,
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

    pub(super) fn keep(&self, standing: Arc<Standing>) {
        self.0.lock().insert(standing.view.run.clone(), standing);
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

    /// A run as its journal tells it.
    ///
    /// # Errors
    /// When the journal is damaged, or does not agree with the engine.
    pub fn fold(&self, root: &Path, run: &RunId) -> Result<Folded, DriverError> {
        let mut folded = Folded::default();
        for record in self.journal(root, run)? {
            for command in folded.apply(record.seq, &record.event) {
                if let Command::Halt { reason } = command {
                    return Err(DriverError(anyhow!(
                        "run {run} cannot go on after event {}: {reason}",
                        record.seq
                    )));
                }
            }
        }
        Ok(folded)
    }

    /// What a run has come to. Reads its journal, unless that has been done since its last event.
    ///
    /// # Errors
    /// When the journal is damaged, or does not agree with the engine.
    pub fn standing(&self, root: &Path, run: &RunSummary) -> Result<Arc<Standing>, DriverError> {
        if let Some(known) = self.standings.at(&run.run, run.events) {
            return Ok(known);
        }
        let standing = Arc::new(self.fold(root, &run.run)?.standing(&run.run));
        self.standings.keep(Arc::clone(&standing));
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
        runs.iter().find_map(failing).map(|found| found.to_vec()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SCRIPTED_PREFIX, UserConfig, UserDirs};
    use crate::driver::Landing;
    use crate::driver::{StartRequest, Surface};
    use openexec_engine::edit::ChangeSet;
    use openexec_engine::run::{Inputs, OpenDocument};

    /// Nothing is open anywhere.
    struct Nowhere;

    #[async_trait::async_trait]
    impl Surface for Nowhere {
        fn name(&self) -> String {
            "test".to_owned()
        }

        fn open_documents(&self, _: &Path) -> Vec<OpenDocument> {
            Vec::new()
        }

        async fn apply(&self, _: &Path, _: &ChangeSet, _: &str) -> Option<Landing> {
            None
        }
    }

    #[tokio::test]
    async fn what_a_driven_run_has_come_to_is_known_without_its_journal() {
        let place = tempfile::tempdir().unwrap();
        let [root, config, state] = ["root", "config", "state"].map(|name| place.path().join(name));
        std::fs::create_dir(&root).unwrap();
        let script = place.path().join("replies.yaml");
        let reply = "{stage: answer, reply: {actions: [{id: a1, kind: finish, summary: Nothing.}]}}";
        std::fs::write(&script, format!("replies:\n  - {reply}\n")).unwrap();
        let runtime = Runtime::new(UserDirs { config, state }, UserConfig::default()).unwrap();
        let request = StartRequest {
            root: root.clone(),
            blueprint: Some("answer".into()),
            inputs: Inputs { instruction: Some("what does main call?".to_owned()), ..Inputs::default() },
            model: Some(format!("{SCRIPTED_PREFIX}{}", script.display()).as_str().into()),
        };
        let handle = runtime.start(request, Arc::new(Nowhere)).await.unwrap();
        handle.over().await;
        let events = handle.view().events;
        let known = runtime.standings.at(&handle.run, events).unwrap();
        assert_eq!(known.view, runtime.fold(&handle.root, &handle.run).unwrap().view(&handle.run));
        assert!(matches!(known.view.status, crate::driver::RunStatus::Ended { .. }), "{known:?}");
        let summary = runtime.store(&root).unwrap().summary(&handle.run).unwrap();
        assert_eq!(summary.events, events);
        // Another process has to read once.
        runtime.standings.0.lock().clear();
        let [read, again] = [(); 2].map(|()| runtime.standing(&root, &summary).unwrap());
        assert_eq!(read.view, known.view);
        assert!(Arc::ptr_eq(&read, &again));
    }
}
