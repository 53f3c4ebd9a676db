//! Requests of clients that keep a list of runs themselves; [`crate::lsp::runs`] says which.

use super::{Handlers, REQUEST_FAILED, Shared, blocking};
use crate::driver::RunHandle;
use crate::limits::{RUNS_CHANGED_PAUSE_MS, RUNS_LISTED_MAX};
use crate::lsp::actions::RunLine;
use crate::lsp::commands::meant;
use crate::lsp::review::evidence;
use crate::lsp::runs::{Changes, ChangesOf, RunList, changes, list};
use openexec_engine::ids::RunId;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tower_lsp::jsonrpc::{self, Error, ErrorCode};

impl Handlers {
    /// `openexec/runs`.
    pub(in crate::lsp) async fn runs(&self) -> jsonrpc::Result<RunList> {
        self.0.session.first_offers().await;
        Arc::clone(&self.0).run_list().await.map_err(refused)
    }

    /// `openexec/changes`.
    pub(in crate::lsp) async fn changes(&self, of: ChangesOf) -> jsonrpc::Result<Changes> {
        Arc::clone(&self.0).changes_of(of.run).await.map_err(refused)
    }
}

fn refused(reason: String) -> Error {
    Error { code: ErrorCode::ServerError(REQUEST_FAILED), message: reason.into(), data: None }
}

impl Shared {
    async fn run_list(self: Arc<Self>) -> Result<RunList, String> {
        let lines = self.lines();
        blocking(move || {
            let (recorded, started_at_ms) = self.recorded_lines();
            // The journal knows more than what was seen of a run before.
            let is_older = |line: &RunLine| recorded.iter().any(|newer| newer.view.run == line.view.run);
            let seen = lines.into_iter().filter(|line| !is_older(line));
            Ok(list(seen.chain(recorded.clone()).collect(), &started_at_ms))
        })
        .await
    }

    /// Runs of the open workspaces that this process does not drive, and when each run began.
    fn recorded_lines(&self) -> (Vec<RunLine>, BTreeMap<RunId, u64>) {
        let mut lines = Vec::new();
        let mut started_at_ms = BTreeMap::new();
        let Ok(runtime) = &self.runtime else {
            return (lines, started_at_ms);
        };
        for root in self.session.roots().all() {
            // What cannot be read is told by `openexec runs`; the others are listed all the same.
            let latest = runtime.store(root).ok().and_then(|store| store.latest_runs(RUNS_LISTED_MAX).ok());
            for summary in latest.unwrap_or_default() {
                started_at_ms.insert(summary.run.clone(), summary.started_at_ms);
                if runtime.handle(&summary.run).is_some() {
                    continue;
                }
                let Ok(standing) = runtime.standing(root, &summary) else { continue };
                let driven = !summary.is_over() && runtime.is_driven_elsewhere(root, &summary.run);
                lines.push(RunLine {
                    root: root.to_owned(),
                    view: standing.view.clone(),
                    driven,
                    elsewhere: driven,
                });
            }
        }
        (lines, started_at_ms)
    }

    async fn changes_of(self: Arc<Self>, named: String) -> Result<Changes, String> {
        let runtime = Arc::clone(self.runtime()?);
        let lines = self.lines();
        let (root, run) = match meant(&lines, Some(&named), |_| true, "shown") {
            Ok(line) => (line.root.clone(), line.view.run.clone()),
            Err(reason) => self.recorded_anywhere(&named).ok_or(reason)?,
        };
        let roots = self.session.roots();
        blocking(move || {
            let folded = runtime.fold(&root, &run).map_err(|error| error.to_string())?;
            let recorded = runtime.journal(&root, &run).map_err(|error| error.to_string())?;
            // Another editor may just have accepted a part.
            self.learn_accepted(&runtime, &root);
            Ok(changes(&run, &folded.state, evidence(&recorded), &root, &roots, &self.accepted.lock()))
        })
        .await
    }

    pub(super) fn recorded_anywhere(&self, named: &str) -> Option<(PathBuf, RunId)> {
        let runtime = self.runtime.as_ref().ok()?;
        self.session.roots().all().into_iter().find_map(|root| {
            let run = runtime.store(root).ok()?.find_run(named).ok()?;
            Some((root.to_owned(), run))
        })
    }

    /// A run that this process does not drive, as its journal tells it now; none when that cannot
    /// be read.
    pub(super) async fn looked_up(self: Arc<Self>, root: &Path, run: &RunId) -> Option<RunLine> {
        let (root, run) = (root.to_owned(), run.clone());
        let look = move || {
            let runtime = self.runtime()?;
            let view = runtime.recorded_view(&root, &run);
            let driven = runtime.is_driven_elsewhere(&root, &run);
            Ok(view.map(|view| RunLine { root, view, driven, elsewhere: driven }))
        };
        blocking(look).await.ok().flatten()
    }

    /// Tells a client that lists runs of every change of this one, a moment apart, until nobody
    /// drives it any more.
    pub(super) fn tell_of_changes(self: &Arc<Self>, handle: &RunHandle) {
        if !self.session.traits().lists_runs {
            return;
        }
        let (shared, mut views) = (Arc::clone(self), handle.views());
        tokio::spawn(async move {
            loop {
                let is_over = views.changed().await.is_err();
                shared.editor.runs_changed().await;
                if is_over {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(RUNS_CHANGED_PAUSE_MS)).await;
            }
        });
    }
}
