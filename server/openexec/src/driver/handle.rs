//! Runs that this process drives, as others see them: where one stands, what it has recorded so
//! far, and what can be said to it.

use super::DriverError;
use crate::store::Recorded;
use anyhow::anyhow;
use openexec_engine::digest::Digest;
use openexec_engine::edit::Part;
use openexec_engine::ids::{BlueprintName, ModelName, RunId};
use openexec_engine::run::{Outcome, RunState, Status as RunStatus, Target};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// What the user says to a run that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Say {
    /// Exactly this proposal may be applied.
    Approve(Digest),
    /// This proposal may not.
    Refuse(Digest),
    /// This proposal may be asked about again without these parts.
    Reject {
        /// The proposal.
        proposal: Digest,
        /// The parts.
        parts: Vec<Part>,
    },
    /// Give it up, whatever it waits for. What it has applied is undone instead.
    Discard,
    /// Stop.
    Cancel,
    /// A paused run may go on.
    Resume,
    /// Take an applied run back, or undo the taking back.
    Undo,
}

/// Where a run stands, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunView {
    /// The run.
    pub run: RunId,
    /// Its workflow.
    pub blueprint: BlueprintName,
    /// Its model.
    pub model: ModelName,
    /// The place that it is about.
    pub target: Option<Target>,
    /// What it is doing: `run_tests, attempt 2`.
    pub activity: String,
    /// How it stands.
    pub status: RunStatus,
    /// True when edits of this run stand in the user's files.
    pub applied: bool,
    /// What its models have taken: `12,000 tokens read, 800 written, 0.0412 USD`. Empty while
    /// none was asked.
    pub taken: String,
    /// Events so far.
    pub events: u64,
}

/// A run that this process drives.
#[derive(Clone)]
pub struct RunHandle {
    /// Its id.
    pub run: RunId,
    /// The canonical root of its workspace.
    pub root: PathBuf,
    /// Whoever drives it holds the strong one: a run that is over keeps no events in memory.
    pub(super) events: broadcast::WeakSender<Arc<Recorded>>,
    pub(super) view: watch::Receiver<RunView>,
    pub(super) says: mpsc::Sender<Spoken>,
}

/// Something said to a run, and where the answer goes.
pub(super) struct Spoken {
    pub(super) what: Say,
    pub(super) by: String,
    pub(super) answer: oneshot::Sender<Result<(), DriverError>>,
}

impl RunHandle {
    /// Every event from now on, after it is durable; none when nobody drives it any more.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Recorded>> {
        let events = self.events.upgrade().unwrap_or_else(|| broadcast::Sender::new(1));
        events.subscribe()
    }

    /// Where it stands now.
    pub fn view(&self) -> RunView {
        self.view.borrow().clone()
    }

    /// Every change of its standing from now on, also those that no event tells of.
    pub fn views(&self) -> watch::Receiver<RunView> {
        self.view.clone()
    }

    /// Says something to it. When this returns, it is recorded and the view shows what it led
    /// to. What makes no sense in the run's state is refused with a reason.
    ///
    /// # Errors
    /// Says why it was refused.
    pub async fn say(&self, what: Say, by: &str) -> Result<(), DriverError> {
        let (answer, answered) = oneshot::channel();
        let spoken = Spoken { what, by: by.to_owned(), answer };
        let gone =
            || DriverError(anyhow!("run {} is over; `openexec show {0}` tells how it ended", self.run));
        self.says.send(spoken).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Waits until it needs the user (approval, pause) or is over.
    pub async fn settled(&self) -> RunView {
        let mut view = self.view.clone();
        let settled = view.wait_for(|view| view.status != RunStatus::Active).await.map(|view| view.clone());
        settled.unwrap_or_else(|_| {
            // Whoever drove it is gone without a word; nothing that was recorded is lost.
            let reason = format!("an internal error stopped the run; `openexec resume {}` goes on", self.run);
            RunView { status: RunStatus::Paused { reason }, ..self.view() }
        })
    }

    /// Waits until nothing is left to be done for it: its shadow is gone, its lease is free.
    pub async fn over(&self) {
        let mut view = self.view.clone();
        while view.changed().await.is_ok() {}
    }

    /// Whether the other handle leads to the same driving of the run.
    pub fn is_same(&self, other: &Self) -> bool {
        self.says.same_channel(&other.says)
    }

    /// Whether somebody in this process carries it on.
    pub fn is_driven(&self) -> bool {
        !self.says.is_closed()
    }
}

/// Where a folded run stands.
pub fn view_of(run: &RunId, state: &RunState, events: u64) -> RunView {
    let start = state.start();
    RunView {
        run: run.clone(),
        blueprint: start.map_or_else(|| "?".into(), |start| start.blueprint.name.clone()),
        model: start.map_or_else(|| "?".into(), |start| start.models.implement.name.clone()),
        target: start.and_then(|start| start.inputs.target.clone()),
        activity: state.activity(),
        status: state.status(),
        applied: state.applied().is_some()
            && !matches!(state.status(), RunStatus::Ended { outcome: Outcome::Undone, .. }),
        taken: state.taken(),
        events,
    }
}
