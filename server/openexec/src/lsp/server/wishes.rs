//! What the user wants done with runs: start one, or say something to the one that is meant.

use super::super::actions::{RunLine, short};
use super::super::commands::{self, OfRun, Wish, meant, obvious_root, standing, to_undo};
use super::super::uri;
use super::Shared;
use crate::driver::{RunHandle, RunStatus, Say, Surface};
use openexec_engine::ids::RunId;
use serde_json::{Value, json};
use std::sync::Arc;

impl Shared {
    pub(super) async fn fulfil(self: Arc<Self>, wish: Wish) -> Result<Value, String> {
        match wish {
            Wish::Run(arguments) => self.start(*arguments).await,
            Wish::Cancel(of) => self.say(of, RunLine::can_cancel, "cancelled", |_| Ok(Say::Cancel)).await,
            Wish::Resume(of) => self.resume(of).await,
            Wish::Remember(arguments) => self.remember(arguments).await,
            Wish::Known(place) => self.known(&place),
            Wish::Confirm(of) => self.confirm(of).await,
            Wish::Forget(of) => self.forget(of).await,
            Wish::Undo(of) => self.undo(of).await,
            Wish::Apply(of) => {
                let seen = of.proposal;
                let approve = move |status: &RunStatus| match status {
                    RunStatus::AwaitingApproval { proposal, .. }
                        if seen.is_none_or(|seen| seen == *proposal) =>
                    {
                        Ok(Say::Approve(*proposal))
                    }
                    _ => Err("the proposal has changed since it was shown; review it again".to_owned()),
                };
                self.say(of, RunLine::awaits_approval, "applied", approve).await
            }
            Wish::Discard(of) => {
                let seen = of.proposal;
                let refuse = move |status: &RunStatus| match status {
                    RunStatus::AwaitingApproval { proposal, .. }
                        if seen.is_none_or(|seen| seen == *proposal) =>
                    {
                        Ok(Say::Refuse(*proposal))
                    }
                    RunStatus::AwaitingApproval { .. } => {
                        Err("the proposal has changed since it was shown; review it again".to_owned())
                    }
                    RunStatus::Paused { .. } => Ok(Say::Discard),
                    RunStatus::Active | RunStatus::Ended { .. } => {
                        Err("the run waits for no decision any more; look at `openexec.status`".to_owned())
                    }
                };
                // Whoever names no run means the question that is open, if there is one.
                let is_asked = of.run.is_none() && self.lines().iter().any(RunLine::awaits_approval);
                let fits = if is_asked { RunLine::awaits_approval } else { RunLine::can_discard };
                self.say(of, fits, "discarded", refuse).await
            }
            Wish::Accept(of) => self.accept(of).await,
            Wish::Reject(of) => {
                let (seen, parts) = (of.proposal, of.parts()?);
                let reject = move |status: &RunStatus| match status {
                    RunStatus::AwaitingApproval { proposal, .. }
                        if seen.is_none_or(|seen| seen == *proposal) =>
                    {
                        Ok(Say::Reject { proposal: *proposal, parts })
                    }
                    _ => Err("the proposal has changed since it was shown; review it again".to_owned()),
                };
                let of = OfRun { run: of.run, proposal: of.proposal };
                self.say(of, RunLine::awaits_approval, "cut down", reject).await
            }
            Wish::Review(of) => self.review(&of).await,
            Wish::Request(of) => self.request(of).await,
            Wish::Status(OfRun { run: None, .. }) => self.status().await,
            Wish::Status(of) => self.timeline(of).await,
            Wish::Report(of) => self.page(of).await,
            Wish::Trust(arguments) => self.trust(arguments).await,
            Wish::Graph(arguments) => self.graph(arguments).await,
        }
    }

    pub(super) async fn start(
        self: Arc<Self>,
        mut arguments: commands::RunArguments,
    ) -> Result<Value, String> {
        let runtime = self.runtime()?;
        let session = &self.session;
        let named = arguments.uri.take();
        let file = named.as_deref().and_then(|uri| session.document(uri));
        let path = match (&file, &named) {
            (Some(file), _) => Some(file.path.clone()),
            (None, Some(uri)) => Some(uri::canonical(&uri::path_of(uri).map_err(|error| error.to_string())?)),
            (None, None) => None,
        };
        let focus = session.focus();
        let request =
            commands::start_request(arguments, &session.roots(), file.as_deref(), path, focus.as_deref())?;
        let surface: Arc<dyn Surface> = self.surface.clone();
        let handle = runtime.start(request, surface).await.map_err(|error| error.to_string())?;
        let run = handle.run.clone();
        self.follow(handle);
        Ok(json!({ "run": run }))
    }

    /// Says something to the run that is meant, which is taken up first if nobody drives it.
    async fn say(
        self: &Arc<Self>,
        of: OfRun,
        fits: fn(&RunLine) -> bool,
        purpose: &str,
        what: impl FnOnce(&RunStatus) -> Result<Say, String>,
    ) -> Result<Value, String> {
        let mut handle = self.meant_handle(&of, fits, purpose).await?;
        let said = what(&handle.view().status)?;
        let mut answer = handle.say(said.clone(), &self.surface.name()).await;
        if answer.is_err() && !handle.is_driven() {
            // It came to its end at this very moment; it is taken up again.
            handle = self.meant_handle(&of, fits, purpose).await?;
            answer = handle.say(said, &self.surface.name()).await;
        }
        answer.map_err(|error| error.to_string())?;
        let run = handle.run.clone();
        self.follow(handle);
        Ok(json!({ "run": run }))
    }

    /// Takes back the run that is meant; or takes that back.
    async fn undo(self: &Arc<Self>, mut of: OfRun) -> Result<Value, String> {
        if of.run.is_none() {
            let mut lines = self.lines();
            let roots = self.session.roots();
            // What stands in another folder than the one in the user's hands is not meant.
            if let Ok(root) = obvious_root(&roots, self.session.focus().as_deref()) {
                lines.retain(|line| line.root == root);
                of.run = to_undo(&lines, &self.undone.lock()).map(|line| line.view.run.to_string());
            }
        }
        let said = self.say(of, RunLine::can_undo, "undone", |_| Ok(Say::Undo)).await?;
        if let Some(run) = said.get("run").and_then(Value::as_str) {
            self.undone.lock().push(RunId::new(run));
        }
        Ok(said)
    }

    async fn resume(self: &Arc<Self>, of: OfRun) -> Result<Value, String> {
        let handle = self.meant_handle(&of, RunLine::can_resume, "resumed").await?;
        // One that was interrupted goes on by being taken up.
        if matches!(handle.view().status, RunStatus::Paused { .. }) {
            handle.say(Say::Resume, &self.surface.name()).await.map_err(|error| error.to_string())?;
        }
        let run = handle.run.clone();
        self.follow(handle);
        Ok(json!({ "run": run }))
    }

    /// The run that is meant, which this process drives from here on.
    pub(super) async fn meant_handle(
        self: &Arc<Self>,
        of: &OfRun,
        fits: fn(&RunLine) -> bool,
        purpose: &str,
    ) -> Result<RunHandle, String> {
        let runtime = self.runtime()?;
        let lines = self.lines();
        let (root, run, shown) = match meant(&lines, of.run.as_deref(), fits, purpose) {
            Ok(line) => (line.root.clone(), line.view.run.clone(), Some(&line.view.status)),
            Err(reason) => {
                let recorded = of.run.as_deref().and_then(|named| self.recorded_anywhere(named));
                let elsewhere = recorded.filter(|(_, run)| runtime.handle(run).is_none());
                let (root, run) = elsewhere.ok_or(reason)?;
                (root, run, None)
            }
        };
        if let Some(handle) = runtime.handle(&run) {
            return Ok(handle);
        }
        // Another process may have gone on with it since it was looked at.
        if let Some(now) = Arc::clone(self).looked_up(&root, &run).await
            && !fits(&now)
        {
            return Err(format!("run {} cannot be {purpose} now: {}", short(&run), standing(&now)));
        }
        let surface: Arc<dyn Surface> = self.surface.clone();
        let handle = runtime.take_up(&root, &run, surface).await.map_err(|error| error.to_string())?;
        self.session.run_driven(&run, &root);
        // An undo of what another process has undone would redo it.
        if let Some(ended @ RunStatus::Ended { .. }) = shown
            && handle.view().status != *ended
        {
            return Err("the run has gone on since it was shown; look at `openexec.status`".to_owned());
        }
        Ok(handle)
    }
}
