//! The state store: one SQLite database per workspace, in user scope. Journal, memory, leases.
//! A database of its own holds what the user has trusted.
//!
//! It must not know what an event means; it keeps events and hands them back.

use openexec_engine::digest::Digest;
use openexec_engine::ids::RunId;
use openexec_engine::memory::MaintenanceRecord;
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::Event;
use std::path::Path;

/// An event as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its number in the run, counted from 1, without gaps.
    pub seq: u64,
    /// When it was recorded, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The event.
    pub event: Event,
    /// The digest of this record and, through it, of all before it.
    pub chain: Digest,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// Its id.
    pub run: RunId,
    /// Events recorded.
    pub events: u64,
    /// When it began.
    pub started_at_ms: u64,
    /// The name of the last event.
    pub last_event: String,
}

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum StoreError {
    #[error("could not open the state database `{path}`: {reason}")]
    Open { path: String, reason: String },
    #[error("the journal of run {run} is damaged at event {seq}: {reason}; the events before it are intact")]
    Damaged { run: RunId, seq: u64, reason: String },
    #[error(
        "run {run} expected to record event {expected}, but the journal already holds {found}; another process drives it"
    )]
    Overtaken { run: RunId, expected: u64, found: u64 },
    #[error("run {run} is being driven by process {pid}")]
    Leased { run: RunId, pid: u32 },
    #[error("there is no run `{0}`; `openexec runs` lists them")]
    NoRun(String),
    #[error("`{prefix}` names several runs: {}", runs.join(", "))]
    AmbiguousRun { prefix: String, runs: Vec<String> },
    #[error("the state database refused: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("an event could not be read or written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("an event of {bytes} bytes is larger than the journal takes ({limit})")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the journal's writer has stopped")]
    Stopped,
}

/// A handle to the store; clones share the one writer thread.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Opens or creates the database, checks its pragmas, migrates it, starts the writer.
    ///
    /// # Errors
    /// When it cannot be opened, is of a newer version, or its pragmas do not hold.
    pub fn open(_database: &Path) -> Result<Self, StoreError> {
        todo!()
    }

    /// Appends an event as number `seq` of its run. When this returns, it is durable.
    ///
    /// # Errors
    /// When `seq` is not the next number, or the disk refuses; nothing is recorded then.
    pub async fn append(
        &self,
        _run: &RunId,
        _seq: u64,
        _at_ms: u64,
        _event: &Event,
    ) -> Result<Recorded, StoreError> {
        todo!()
    }

    /// All events of a run, with the chain verified.
    ///
    /// # Errors
    /// When the chain is broken: `Damaged` names the first bad event.
    pub fn events(&self, _run: &RunId) -> Result<Vec<Recorded>, StoreError> {
        todo!()
    }

    /// All runs, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn runs(&self) -> Result<Vec<RunSummary>, StoreError> {
        todo!()
    }

    /// The run whose id is, begins with or ends with this text.
    ///
    /// # Errors
    /// When there is none or more than one.
    pub fn find_run(&self, _text: &str) -> Result<RunId, StoreError> {
        todo!()
    }

    /// Takes the right to drive a run, until the lease is dropped or the process has died.
    ///
    /// # Errors
    /// When a living process holds it.
    pub fn lease(&self, _run: &RunId) -> Result<Lease, StoreError> {
        todo!()
    }

    /// Stores a record under its run's id; a second one replaces the first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remember(&self, _record: &MaintenanceRecord) -> Result<(), StoreError> {
        todo!()
    }

    /// Records that concern any of these symbols (or, with no symbol, files), newest first,
    /// at most `limit`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn recall(
        &self,
        _places: &[(WorkspacePath, Option<String>)],
        _limit: usize,
    ) -> Result<Vec<MaintenanceRecord>, StoreError> {
        todo!()
    }
}

/// The right to drive a run. Dropping it gives it back.
pub struct Lease {}

/// What the user has trusted, by canonical workspace root. Lives outside every repository.
pub struct TrustStore {}

impl TrustStore {
    /// Opens or creates the database.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(_database: &Path) -> Result<Self, StoreError> {
        todo!()
    }

    /// The content that was trusted for this root.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn trusted(&self, _root: &Path) -> Result<Option<Digest>, StoreError> {
        todo!()
    }

    /// Trusts this root at exactly this content.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn trust(&self, _root: &Path, _content: Digest) -> Result<(), StoreError> {
        todo!()
    }

    /// Takes trust back.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn revoke(&self, _root: &Path) -> Result<(), StoreError> {
        todo!()
    }
}
