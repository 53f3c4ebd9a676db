//! The runs that the user is told about, each by one follower at a time.

use super::super::actions::short;
use super::super::commands::OfRun;
use super::super::editor::Answer;
use super::super::follow::follow;
use super::super::protocol::MessageType;
use super::Shared;
use crate::driver::{RunHandle, RunStatus, RunView};
use openexec_engine::ids::RunId;
use openexec_engine::run::Outcome;
use serde_json::Value;
use std::sync::Arc;

/// The one choice of a question about a proposal: to look at it.
const REVIEW: &str = "Review";

impl Shared {
    /// Tells the user about a run, once at a time. A run that is taken up while the user is
    /// still being told of its last end is followed after that.
    pub(super) fn follow(self: &Arc<Self>, handle: RunHandle) {
        let mut followed = self.followed.lock();
        if let Some((now, next)) = followed.get_mut(&handle.run) {
            *next = (!now.is_same(&handle)).then_some(handle);
            return;
        }
        followed.insert(handle.run.clone(), (handle.clone(), None));
        drop(followed);
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let traits = shared.session.traits();
            let stands = |handle: &RunHandle, view: &RunView| {
                let shared = Arc::clone(&shared);
                if matches!(view.status, RunStatus::Ended { .. }) {
                    // Its edits are new to the menus and to what is known about symbols.
                    shared.session.annotations_may_have_changed();
                    shared.forget_accepted(&handle.run);
                }
                // So are the tests that it has found red, which one that halts has reported, too.
                if matches!(view.status, RunStatus::Ended { .. } | RunStatus::Paused { .. }) {
                    tokio::spawn(Arc::clone(&shared).refresh_offers());
                }
                // What lenses say of its reviews is another thing now.
                let told = Arc::clone(&shared);
                tokio::spawn(async move { told.refresh_reviews().await });
                match &view.status {
                    // A client that lists runs asks and shows by itself.
                    _ if traits.lists_runs => {}
                    RunStatus::AwaitingApproval { .. } if traits.questions => {
                        tokio::spawn(shared.offer_review(handle.clone()));
                    }
                    RunStatus::Ended { outcome: Outcome::Done, .. } if !view.applied => {
                        tokio::spawn(shared.show_report(handle.clone()));
                    }
                    RunStatus::AwaitingApproval { .. }
                    | RunStatus::Active
                    | RunStatus::Paused { .. }
                    | RunStatus::Ended { .. } => {}
                }
            };
            let editor = if traits.lists_runs { shared.editor.quiet() } else { shared.editor.clone() };
            let mut following = Some(handle);
            while let Some(handle) = following {
                shared.tell_of_changes(&handle);
                follow(editor.clone(), traits.progress, handle.clone(), &stands).await;
                // What the run leaves is known from now on.
                shared.memory.refresh();
                following = shared.next_to_follow(&handle.run);
            }
        });
    }

    fn next_to_follow(&self, run: &RunId) -> Option<RunHandle> {
        let mut followed = self.followed.lock();
        let (_, next) = followed.remove(run)?;
        let next = next?;
        followed.insert(run.clone(), (next.clone(), None));
        Some(next)
    }

    /// Offers the review beside the user's work. Nothing that is answered here consents.
    async fn offer_review(self: Arc<Self>, handle: RunHandle) {
        let run = &handle.run;
        let message = format!("OpenExec run {} waits for you", short(run));
        let asked = self.editor.ask(message, &[REVIEW]);
        let answer = tokio::select! {
            answer = asked => answer,
            () = handle.over() => return,
        };
        let Ok(Answer::Said(chosen)) = answer else {
            return;
        };
        if chosen.get("title").and_then(Value::as_str) != Some(REVIEW) {
            return;
        }
        let of = OfRun { run: Some(run.to_string()), proposal: None };
        if let Err(reason) = self.review(&of).await {
            self.editor.show_message(MessageType::WARNING, reason).await;
        }
    }
}
