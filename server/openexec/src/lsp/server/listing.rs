//! Requests of clients that keep a list of runs themselves; [`crate::lsp::runs`] says which.

use super::{Handlers, REQUEST_FAILED, Shared, blocking};
use crate::driver::{RunHandle, view_of};
use crate::limits::{RUNS_CHANGED_PAUSE_MS, RUNS_LISTED_MAX};
use crate::lsp::actions::RunLine;
use crate::lsp::commands::meant;
use crate::lsp::review::evidence;
use crate::lsp::runs::{Changes, ChangesOf, RunList, changes, list};
use openexec_engine::ids::RunId;
use std::collections::BTreeMap;
use std::path::PathBuf;
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
            let recorded = self.recorded_lines(&lines);
            let (more, started_at_ms): (Vec<_>, BTreeMap<_, _>) = recorded;
            let lines = lines.into_iter().chain(more).collect();
            Ok(list(lines, &started_at_ms))
        })
        .await
    }

    /// Runs of the open workspaces that are only recorded, and when each run began. Reads the
    /// journal of each run that is over once.
    fn recorded_lines(&self, known: &[RunLine]) -> (Vec<RunLine>, BTreeMap<RunId, u64>) {
        let mut lines = Vec::new();
        let mut started_at_ms = BTreeMap::new();
        let Ok(runtime) = &self.runtime else {
            return (lines, started_at_ms);
        };
        for root in self.session.roots().all() {
            // What cannot be read is told by `openexec runs`; the others are listed all the same.
            let summaries = runtime.store(root).ok().and_then(|store| store.runs().ok()).unwrap_or_default();
            for summary in summaries.into_iter().take(RUNS_LISTED_MAX) {
                started_at_ms.insert(summary.run.clone(), summary.started_at_ms);
                if known.iter().any(|line| line.view.run == summary.run) {
                    continue;
                }
                let seen = self.recorded_views.lock().get(&summary.run).cloned();
                let view = seen.filter(|view| view.events == summary.events).or_else(|| {
                    let (state, seq) = runtime.fold(root, &summary.run).ok()?;
                    let view = view_of(&summary.run, &state, seq);
                    self.recorded_views.lock().insert(summary.run.clone(), view.clone());
                    Some(view)
                });
                let line = |view| RunLine { root: root.to_owned(), view, driven: false };
                lines.extend(view.map(line));
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
            let (state, _) = runtime.fold(&root, &run).map_err(|error| error.to_string())?;
            let recorded = runtime.journal(&root, &run).map_err(|error| error.to_string())?;
            Ok(changes(&run, &state, evidence(&recorded), &root, &roots))
        })
        .await
    }

    fn recorded_anywhere(&self, named: &str) -> Option<(PathBuf, RunId)> {
        let runtime = self.runtime.as_ref().ok()?;
        self.session.roots().all().into_iter().find_map(|root| {
            let run = runtime.store(root).ok()?.find_run(named).ok()?;
            Some((root.to_owned(), run))
        })
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
