//! The driver: carries out the engine's commands, appends the events they lead to, and
//! holds the active runs of this process. It decides nothing.

mod surface;

pub use surface::Surface;

use crate::config::{UserConfig, UserDirs};
use crate::store::Recorded;
use openexec_engine::digest::Digest;
use openexec_engine::ids::{BlueprintName, ModelName, RunId};
use openexec_engine::run::Inputs;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::broadcast;

/// What the user wants of a run.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// The workspace root.
    pub root: PathBuf,
    /// Which workflow.
    pub blueprint: BlueprintName,
    /// For what.
    pub inputs: Inputs,
    /// With which model; the configured default when absent. `scripted:FILE` is always there.
    pub model: Option<ModelName>,
}

/// What the user says to a run that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Say {
    /// Exactly this proposal may be applied.
    Approve(Digest),
    /// This proposal may not.
    Refuse(Digest),
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
    /// What it is doing: `run_tests (attempt 2)`.
    pub activity: String,
    /// How it stands.
    pub status: RunStatus,
    /// Events so far.
    pub events: u64,
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunStatus {
    /// It is going on.
    Active,
    /// A change set waits for the user.
    AwaitingApproval {
        /// What an approval must name.
        proposal: Digest,
        /// The unified diff.
        diff: String,
        /// Why it was asked, for people; one line each.
        reasons: Vec<String>,
    },
    /// It halts until the user acts.
    Paused {
        /// Why, and what to do.
        reason: String,
    },
    /// It is over.
    Ended {
        /// How.
        outcome: openexec_engine::run::Outcome,
        /// For people.
        summary: String,
    },
}

/// Whether the user has trusted what a workspace declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustStatus {
    /// The workspace declares no task, so there is nothing to trust.
    NothingDeclared,
    /// Trusted at exactly the content that stands there now.
    Trusted,
    /// Never trusted, or changed since.
    Untrusted {
        /// What trust would bind.
        content: Digest,
        /// The commands that would run, one line each: `cargo test`.
        commands: Vec<String>,
        /// The files that decide what runs, relative to the root.
        files: Vec<String>,
    },
}

/// Why a run could not be started, resumed or spoken to.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub struct DriverError(pub anyhow::Error);

/// All runs of this process.
pub struct Runtime {}

/// A run that this process drives.
#[derive(Clone)]
pub struct RunHandle {
    /// Its id.
    pub run: RunId,
    events: broadcast::Sender<Arc<Recorded>>,
}

impl RunHandle {
    /// Every event from now on, after it is durable.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Recorded>> {
        self.events.subscribe()
    }

    /// Where it stands now.
    pub fn view(&self) -> RunView {
        todo!()
    }

    /// Says something to it. What makes no sense in its state is refused with a reason.
    ///
    /// # Errors
    /// Says why it was refused.
    pub async fn say(&self, _what: Say, _by: &str) -> Result<(), DriverError> {
        todo!()
    }

    /// Waits until it needs the user (approval, pause) or is over.
    pub async fn settled(&self) -> RunView {
        todo!()
    }
}

impl Runtime {
    /// A runtime over user scope.
    ///
    /// # Errors
    /// When the state directory cannot be used.
    pub fn new(_dirs: UserDirs, _config: UserConfig) -> Result<Arc<Self>, DriverError> {
        todo!()
    }

    /// Starts a run. Answers as soon as its first event is durable; the run goes on in the background.
    ///
    /// # Errors
    /// When blueprint, model or workspace cannot be used. Nothing is recorded then.
    pub async fn start(
        self: &Arc<Self>,
        _request: StartRequest,
        _surface: Arc<dyn Surface>,
    ) -> Result<RunHandle, DriverError> {
        todo!()
    }

    /// Takes a recorded run up again: unfinished, paused, or ended (to undo it). Whatever was
    /// recorded is not done again.
    ///
    /// # Errors
    /// When the journal is damaged or another process drives the run.
    pub async fn take_up(
        self: &Arc<Self>,
        _root: &std::path::Path,
        _run: &RunId,
        _surface: Arc<dyn Surface>,
    ) -> Result<RunHandle, DriverError> {
        todo!()
    }

    /// The run, if this process drives it.
    pub fn handle(&self, _run: &RunId) -> Option<RunHandle> {
        todo!()
    }

    /// All runs that this process drives, newest first.
    pub fn handles(&self) -> Vec<RunHandle> {
        todo!()
    }

    /// The blueprints that can be started in this workspace: the shipped ones, and those of
    /// `.openexec/blueprints`. Malformed ones are left out. Reads the disk.
    pub fn blueprints(&self, _root: &std::path::Path) -> Vec<openexec_engine::blueprint::Blueprint> {
        todo!()
    }

    /// The model that a run gets when nobody names one.
    pub fn default_model(&self) -> Option<ModelName> {
        todo!()
    }

    /// Recorded runs of this workspace that are not over and that this process does not
    /// drive, newest first. Reads the journal.
    pub fn pending(&self, _root: &std::path::Path) -> Vec<RunView> {
        todo!()
    }

    /// Everything recorded of a run.
    ///
    /// # Errors
    /// When there is no such run, or its journal is damaged.
    pub fn journal(&self, _root: &std::path::Path, _run: &RunId) -> Result<Vec<Recorded>, DriverError> {
        todo!()
    }

    /// Whether the user has trusted what this workspace declares. Reads the disk.
    ///
    /// # Errors
    /// When the declarations are malformed, or the trust database cannot be read.
    pub fn trust_status(&self, _root: &std::path::Path) -> Result<TrustStatus, DriverError> {
        todo!()
    }

    /// Trusts exactly this content of the workspace.
    ///
    /// # Errors
    /// When the content is another one by now, or the database refuses.
    pub fn trust(&self, _root: &std::path::Path, _content: Digest) -> Result<(), DriverError> {
        todo!()
    }
}
