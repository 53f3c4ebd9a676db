//! Deciding about a proposal part by part: in the documents that show it, and by commands.

use super::super::actions::{Form, RunLine, in_order, short};
use super::super::commands::{OfParts, OfRun, Wish};
use super::super::decisions::{Progress, Review, marks_of, may_be_review};
use super::super::documents::OpenFile;
use super::super::protocol::{CodeActionParams, CodeActionResponse, CodeLens, MessageType};
use super::Shared;
use crate::driver::{Asked, RunStatus, Runtime};
use crate::store::AcceptedParts;
use openexec_engine::ids::RunId;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

impl Shared {
    /// Lenses of a document that is a review; nothing for every other one.
    pub(super) async fn review_lenses(&self, uri: &str) -> Option<Vec<CodeLens>> {
        let file = self.session.document(uri).filter(|file| may_be_review(&file.path))?;
        // What waits since before this process began is read from the journals first.
        self.session.first_offers().await;
        self.in_review(&file, |review| review.lenses())
    }

    /// The menu of a document that is a review; nothing for every other one.
    pub(super) fn review_actions(
        &self,
        file: &OpenFile,
        params: &CodeActionParams,
    ) -> Option<CodeActionResponse> {
        let traits = self.session.traits();
        let form = Form { literals: traits.code_action_literals, disabled: traits.disabled_actions };
        let actions = self.in_review(file, |review| review.actions(params.range.start.line))?;
        Some(in_order(actions, params.context.only.as_deref().unwrap_or_default(), form))
    }

    fn in_review<T>(&self, file: &OpenFile, question: impl FnOnce(&Review<'_>) -> T) -> Option<T> {
        may_be_review(&file.path).then_some(())?;
        let lines = self.lines();
        Review::of(file, &lines, &self.accepted.lock()).map(|review| question(&review))
    }

    /// Notes that parts of a proposal are accepted. When all of them are, the proposal is
    /// applied: each of its bytes has been agreed to then.
    pub(super) async fn accept(self: Arc<Self>, of: OfParts) -> Result<Value, String> {
        let (parts, seen) = (of.parts()?, of.proposal);
        let named = OfRun { run: of.run, proposal: seen };
        let handle = self.meant_handle(&named, RunLine::awaits_approval, "accepted").await?;
        let run = handle.run.clone();
        let (proposal, diff, shown) = match handle.view().status {
            RunStatus::AwaitingApproval { proposal, what: Asked::Proposal { diff, parts: shown, .. } }
                if seen.is_none_or(|seen| seen == proposal) =>
            {
                (proposal, diff, shown)
            }
            RunStatus::AwaitingApproval { what: Asked::Request(_), .. } => {
                return Err("the run waits with a request, which has no parts; send or discard it".to_owned());
            }
            RunStatus::AwaitingApproval { .. }
            | RunStatus::Active
            | RunStatus::Paused { .. }
            | RunStatus::Ended { .. } => {
                return Err("the proposal has changed since it was shown; review it again".to_owned());
            }
        };
        let marks = marks_of(&parts, &diff, &shown)?;
        let store = self.runtime()?.store(&handle.root).map_err(|error| error.to_string())?;
        store.accept(&run, &marks).await.map_err(|error| error.to_string())?;
        let Progress { accepted, left } = {
            let mut known = self.accepted.lock();
            known.learn(AcceptedParts::from([(run.clone(), marks)]));
            known.progress(&run, &diff, &shown)
        };
        if left.is_empty() {
            let all = OfRun { run: Some(run.to_string()), proposal: Some(proposal) };
            return Box::pin(self.fulfil(Wish::Apply(all))).await;
        }
        let message = format!(
            "OpenExec: {} of {} parts of run {} accepted; it is applied when you have accepted all of them",
            accepted.len(),
            accepted.len().saturating_add(left.len()),
            short(&run)
        );
        let texts = |parts: &[openexec_engine::edit::Part]| -> Vec<String> {
            parts.iter().map(ToString::to_string).collect()
        };
        let answer = json!({ "run": run, "accepted": texts(&accepted), "left": texts(&left) });
        let shared = Arc::clone(&self);
        tokio::spawn(async move {
            if !shared.session.traits().lists_runs {
                shared.editor.show_message(MessageType::INFO, message).await;
            }
            shared.tell_of_decisions().await;
        });
        Ok(answer)
    }

    /// Reads what was accepted in this workspace, in whichever editor that was. May block.
    pub(super) fn learn_accepted(&self, runtime: &Runtime, root: &Path) {
        let store = runtime.store(root).map_err(|error| error.to_string());
        match store.and_then(|store| store.accepted().map_err(|error| error.to_string())) {
            Ok(accepted) => self.accepted.lock().learn(accepted),
            Err(reason) => tracing::warn!(reason, "what is accepted could not be read"),
        }
    }

    /// Forgets what was accepted of a run that is over.
    pub(super) fn forget_accepted(&self, run: &RunId) {
        self.accepted.lock().forget(run);
    }

    /// Has the editor ask anew for what it shows of proposals.
    pub(super) async fn tell_of_decisions(&self) {
        if self.session.traits().lists_runs {
            self.editor.runs_changed().await;
        }
        self.refresh_lenses().await;
    }

    /// Has the editor ask anew for the lenses of reviews, where some are open.
    pub(super) async fn refresh_reviews(&self) {
        if self.session.all_documents().iter().any(|file| may_be_review(&file.path)) {
            self.refresh_lenses().await;
        }
    }

    pub(super) async fn refresh_lenses(&self) {
        let traits = self.session.traits();
        if traits.code_lens.shows && traits.code_lens.refreshes {
            self.editor.refresh_lenses().await;
        }
    }
}
