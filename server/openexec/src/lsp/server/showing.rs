//! Documents for people: they are written below the user's state, and the editor is asked to
//! open them.

use super::super::actions::{RunLine, short};
use super::super::commands::{OfRequest, OfRun, meant, standing};
use super::super::protocol::{MessageType, Range};
use super::super::review::{
    evidence, model_fact, request_markdown, review_markdown, status_markdown, trust_markdown, write_document,
    write_readonly, write_review, write_status,
};
use super::super::trust::TrustState;
use super::offering::trust_state;
use super::{Shared, blocking};
use crate::disclosure;
use crate::driver::{Asked, DriverError, RunHandle, RunStatus, Runtime};
use openexec_engine::text::visible;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Shared {
    pub(super) async fn review(self: &Arc<Self>, of: &OfRun) -> Result<Value, String> {
        let runtime = Arc::clone(self.runtime()?);
        let lines = self.lines();
        let line = self.to_review(&runtime, &lines, of).await?;
        let (diff, reasons) = match line.view.status.clone() {
            RunStatus::AwaitingApproval { what: Asked::Proposal { diff, reasons, .. }, .. } => {
                (diff, reasons)
            }
            RunStatus::AwaitingApproval { what: Asked::Request(request), .. } => {
                let number = usize::try_from(request.number).ok();
                let run = Some(line.view.run.to_string());
                return self.request(OfRequest { run, number }).await;
            }
            RunStatus::Active | RunStatus::Paused { .. } | RunStatus::Ended { .. } => {
                return Err("the run waits for no decision any more; look at `openexec.status`".to_owned());
            }
        };
        let files = blocking(move || {
            let run = &line.view.run;
            let store = runtime.store(&line.root).map_err(|error| error.to_string())?;
            let recorded = store.events(run).map_err(|error| error.to_string())?;
            let folder = runtime.run_dir(&line.root, run);
            let markdown = review_markdown(&line.view, &diff, &reasons, &evidence(&recorded));
            write_review(&folder, &visible(&diff), &markdown).map_err(|error| {
                format!("the review could not be written to `{}`: {error}", folder.display())
            })
        })
        .await?;
        self.show(files.markdown.clone());
        Ok(json!({ "review": files.markdown, "diff": files.diff }))
    }

    /// The run whose proposal is meant. What this process does not drive is looked up, since
    /// another one may have gone on with it.
    async fn to_review(
        self: &Arc<Self>,
        runtime: &Runtime,
        lines: &[RunLine],
        of: &OfRun,
    ) -> Result<RunLine, String> {
        let meant = meant(lines, of.run.as_deref(), RunLine::awaits_approval, "reviewed");
        let (root, run) = match (&meant, of.run.as_deref()) {
            (Ok(line), _) if runtime.handle(&line.view.run).is_some() => return Ok((*line).clone()),
            (Ok(line), _) => (line.root.clone(), line.view.run.clone()),
            (Err(reason), None) => return Err(reason.clone()),
            (Err(reason), Some(named)) => {
                let elsewhere = self.recorded_anywhere(named);
                elsewhere.filter(|(_, run)| runtime.handle(run).is_none()).ok_or_else(|| reason.clone())?
            }
        };
        match (Arc::clone(self).looked_up(&root, &run).await, meant) {
            (Some(line), _) if line.awaits_approval() => Ok(line),
            (Some(line), _) => {
                let run = short(&line.view.run);
                Err(format!("run {run} cannot be reviewed now: {}", standing(&line)))
            }
            (None, Err(reason)) => Err(reason),
            (None, Ok(_)) => Err("the run's journal cannot be read; look at `openexec show`".to_owned()),
        }
    }

    /// Shows what a run sends, or would send.
    pub(super) async fn request(self: &Arc<Self>, of: OfRequest) -> Result<Value, String> {
        let runtime = Arc::clone(self.runtime()?);
        let lines = self.lines();
        let line = match of.run.as_deref() {
            None => lines.iter().find(|line| line.awaits_sending()).or_else(|| lines.first()),
            Some(_) => meant(&lines, of.run.as_deref(), |_| true, "shown").ok(),
        };
        let (root, run) = match line {
            Some(line) => (line.root.clone(), line.view.run.clone()),
            None => self.any_run(&OfRun { run: of.run.clone(), proposal: None }, &lines)?,
        };
        let (file, shown) = blocking(move || {
            let told = |error: DriverError| error.to_string();
            let recorded = runtime.journal(&root, &run).map_err(told)?;
            let requests = disclosure::requests(recorded.iter().map(|record| &record.event))?;
            let number = of.number.unwrap_or(requests.len());
            let request = number.checked_sub(1).and_then(|at| requests.get(at));
            let request =
                request.ok_or_else(|| format!("run {} has {} requests", short(&run), requests.len()))?;
            let view = runtime.fold(&root, &run).map_err(told)?.view(&run);
            let wire = runtime.preview(&root, &request.request).map_err(told);
            let markdown = request_markdown(&view, request, &wire);
            let folder = runtime.run_dir(&root, &run);
            let file =
                write_readonly(&folder, &format!("request-{number}.md"), &markdown).map_err(|error| {
                    format!("the request could not be written to `{}`: {error}", folder.display())
                })?;
            let shown = json!({ "request": file, "run": run, "number": number, "digest": request.digest });
            Ok((file, shown))
        })
        .await?;
        self.show(file);
        Ok(shown)
    }

    pub(super) async fn status(self: &Arc<Self>) -> Result<Value, String> {
        let lines = self.lines();
        let roots = self.session.roots();
        let known = |root: &Path| Some((root.to_owned(), self.session.offers(root).trust.clone()?));
        let trust: Vec<(PathBuf, TrustState)> = roots.all().into_iter().filter_map(known).collect();
        let trouble = |root: &Path| self.session.offers(root).trouble.as_deref().map(visible);
        let mut facts: Vec<String> = roots.all().into_iter().filter_map(trouble).collect();
        let (state, runtime) = (self.state.clone(), self.runtime.clone());
        let (file, markdown) = blocking(move || {
            if let Ok(runtime) = &runtime {
                facts.push(model_fact(runtime.default_model().as_ref(), &runtime.config_path()));
                let today = runtime.spent_today().ok();
                facts.extend(today.map(|taken| format!("all your runs of today (UTC) have taken {taken}")));
            }
            let trouble = runtime.as_ref().err().map(String::as_str);
            let markdown = status_markdown(&lines, &trust, trouble, &facts);
            let file = write_status(&state, &markdown).map_err(|error| {
                format!("the status could not be written below `{}`: {error}", state.display())
            })?;
            Ok((file, markdown))
        })
        .await?;
        self.show(file.clone());
        Ok(json!({ "status": file, "markdown": markdown }))
    }

    /// Shows what trusting the workspace would agree to.
    pub(super) async fn review_trust(self: &Arc<Self>, root: PathBuf) -> Result<Value, String> {
        let runtime = Arc::clone(self.runtime()?);
        let (file, seen) = blocking(move || {
            let state = trust_state(&runtime, &root)?;
            let markdown = trust_markdown(&root, &state);
            let folder = runtime.journal_path(&root).with_file_name("trust");
            let file = write_document(&folder, "trust.md", &markdown).map_err(|error| {
                format!("the review could not be written to `{}`: {error}", folder.display())
            })?;
            Ok((file, state))
        })
        .await?;
        self.show(file.clone());
        Ok(match seen {
            // What trust would bind, for a client that asks for it while the document is read.
            TrustState::Untrusted { content, commands, loads, .. } => {
                json!({ "review": file, "content": content, "commands": commands, "loads": loads })
            }
            TrustState::Trusted | TrustState::NothingDeclared => json!({ "review": file }),
        })
    }

    /// Opens a document where the editor can, else names it.
    pub(super) fn show(self: &Arc<Self>, path: PathBuf) {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let shown = shared.session.traits().show_document && shared.editor.show_document(&path).await;
            if !shown {
                shared.editor.show_message(MessageType::INFO, format!("Open {}", path.display())).await;
            }
        });
    }

    /// Opens a document for its reader to write at a place.
    pub(super) fn show_at(self: &Arc<Self>, path: PathBuf, at: Range) {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let shown = shared.session.traits().show_document && shared.editor.show_place(&path, at).await;
            if !shown {
                let line = at.start.line.saturating_add(1);
                let message = format!("Open {} at line {line}", path.display());
                shared.editor.show_message(MessageType::INFO, message).await;
            }
        });
    }

    /// Opens a page in the user's browser where the editor can, else names it.
    pub(super) fn show_outside(self: &Arc<Self>, path: PathBuf) {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let shown = shared.session.traits().show_document && shared.editor.show_outside(&path).await;
            if !shown {
                let message = format!("Open {} in a browser", path.display());
                shared.editor.show_message(MessageType::INFO, message).await;
            }
        });
    }

    /// Shows what a run has found out that changes nothing: the answer to a question, a review.
    pub(super) async fn show_report(self: Arc<Self>, handle: RunHandle) {
        let Ok(runtime) = self.runtime().map(Arc::clone) else { return };
        let written = blocking(move || {
            let folded = runtime.fold(&handle.root, &handle.run).map_err(|error| error.to_string())?;
            let Some(report) = folded.state.artifact("review_report") else { return Ok(None) };
            let folder = runtime.run_dir(&handle.root, &handle.run);
            let file = write_document(&folder, "report.md", &visible(report));
            file.map(Some).map_err(|error| {
                format!("the report could not be written to `{}`: {error}", folder.display())
            })
        });
        match written.await {
            Ok(None) => {}
            Ok(Some(file)) => self.show(file),
            Err(reason) => self.editor.show_message(MessageType::WARNING, reason).await,
        }
    }
}
