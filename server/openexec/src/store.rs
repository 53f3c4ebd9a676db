//! The state store: one SQLite database per workspace, in user scope. Journal, memory, leases, and
//! which parts of proposals the user has accepted so far.
//! Databases of their own hold what the user has trusted, what calls to models have taken, and
//! what is known of a workspace's files.
//!
//! It must not know what an event means; it keeps events and hands them back.
//!
//! All writes of a process go through one thread, which commits what waits for it as a group
//! and answers only after the commit. Reads use connections of their own. Several processes
//! may have one database open: SQLite's write-ahead log keeps them apart.

mod accepted;
mod database;
mod index;
mod journal;
mod lease;
mod memory;
mod spending;
#[cfg(test)]
mod tests;
mod trust;
mod writer;

pub use accepted::{AcceptedPart, AcceptedParts};
pub use index::{IndexSize, IndexStore};
pub use lease::Lease;
pub use spending::{Call, Reserved, Spending};
pub use trust::{TrustStore, TrustedFile};

use crate::limits::{EVENT_BYTES_MAX, JOURNAL_QUEUE_MAX, STORE_BYTES_MAX, STORE_READERS_MAX};
use openexec_engine::digest::Digest;
use openexec_engine::ids::{RecordId, RunId};
use openexec_engine::memory::{Kind, MaintenanceRecord, Record};
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::Event;
use parking_lot::Mutex;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use writer::{Job, Work};

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

impl RunSummary {
    /// The name of the event that is the end of a run.
    const END: &str = "run_ended";

    /// Whether its last event is its end.
    pub fn is_over(&self) -> bool {
        self.last_event == Self::END
    }
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
    #[error("the state database `{path}` {reason}")]
    Refused { path: String, reason: String },
    #[error("the state database `{path}` {reason}")]
    Broken { path: String, reason: String },
    #[error("the state database refused: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("an event could not be read or written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("an event of {bytes} bytes is larger than the journal takes ({limit})")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the lease `{path}` could not be taken: {reason}")]
    Lease { path: String, reason: String },
    #[error("the journal's writer has stopped; restart OpenExec and resume the run")]
    Stopped,
}

/// A handle to the store; clones share the one writer thread, which ends with the last of them.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    jobs: mpsc::Sender<Job>,
    readers: Mutex<Vec<Connection>>,
    /// The connection that looks whether anybody has written.
    watcher: Mutex<Option<Connection>>,
}

impl Store {
    /// Opens or creates the database, checks its pragmas, migrates it, starts the writer.
    /// Blocks while another process does the same.
    ///
    /// # Errors
    /// When it cannot be opened, is of a newer version, or its pragmas do not hold.
    pub fn open(database: &Path) -> Result<Self, StoreError> {
        Self::open_within(database, STORE_BYTES_MAX)
    }

    fn open_within(path: &Path, bytes_max: u64) -> Result<Self, StoreError> {
        let connection = database::open(path, &database::STATE, bytes_max)?;
        let (jobs, waiting) = mpsc::channel(JOURNAL_QUEUE_MAX);
        let writer = writer::Writer::new(connection, path.to_path_buf());
        std::thread::Builder::new()
            .name("openexec-journal".to_owned())
            .spawn(move || writer.serve(waiting))
            .map_err(|error| StoreError::Open {
                path: path.display().to_string(),
                reason: format!("no thread could be started for its writer: {error}"),
            })?;
        let (readers, watcher) = (Mutex::default(), Mutex::default());
        Ok(Self { shared: Arc::new(Shared { path: path.to_path_buf(), jobs, readers, watcher }) })
    }

    /// Appends an event as number `seq` of its run. When this returns, it is durable. When
    /// the future is dropped before, the event may have been recorded or not: the journal
    /// says which.
    ///
    /// # Errors
    /// When `seq` is not the next number, or the disk refuses; nothing is recorded then.
    pub async fn append(
        &self,
        run: &RunId,
        seq: u64,
        at_ms: u64,
        event: &Event,
    ) -> Result<Recorded, StoreError> {
        let body = serde_json::to_string(event)?;
        if body.len() > EVENT_BYTES_MAX {
            return Err(StoreError::TooLarge { bytes: body.len(), limit: EVENT_BYTES_MAX });
        }
        let work = Work::Append { run: run.clone(), seq, at_ms, name: event.name(), body };
        let chain = self.write(work).await?;
        Ok(Recorded { seq, at_ms, event: event.clone(), chain })
    }

    /// All events of a run, with the chain verified.
    ///
    /// # Errors
    /// When the chain is broken: `Damaged` names the first bad event.
    pub fn events(&self, run: &RunId) -> Result<Vec<Recorded>, StoreError> {
        self.read(|connection| journal::events(connection, run))
    }

    /// All runs, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn runs(&self) -> Result<Vec<RunSummary>, StoreError> {
        self.read(journal::runs)
    }

    /// The newest runs, newest first, at most so many: what is asked again and again must not grow
    /// with the journal.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn latest_runs(&self, most: usize) -> Result<Vec<RunSummary>, StoreError> {
        self.read(|connection| journal::latest(connection, most))
    }

    /// The runs that are not over, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn unfinished_runs(&self) -> Result<Vec<RunSummary>, StoreError> {
        self.read(journal::unfinished)
    }

    /// One run as it stands in the list.
    ///
    /// # Errors
    /// When there is no such run, or the list cannot be read.
    pub fn summary(&self, run: &RunId) -> Result<RunSummary, StoreError> {
        self.read(|connection| journal::summary(connection, run))
    }

    /// The run whose id is, begins with or ends with this text.
    ///
    /// # Errors
    /// When there is none or more than one.
    pub fn find_run(&self, text: &str) -> Result<RunId, StoreError> {
        self.read(|connection| journal::find_run(connection, text))
    }

    /// Takes the right to drive a run, until the lease is dropped or the process has died.
    ///
    /// # Errors
    /// When a living process holds it.
    pub fn lease(&self, run: &RunId) -> Result<Lease, StoreError> {
        lease::take(self.shared.path.parent().unwrap_or(Path::new("")), run)
    }

    /// The process that drives a run at the moment, as far as it can be seen.
    pub fn driver(&self, run: &RunId) -> Option<u32> {
        lease::holder(self.shared.path.parent().unwrap_or(Path::new("")), run)
    }

    /// A number that is another one when anybody has written since it was asked for last,
    /// whichever process that was.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn version(&self) -> Result<i64, StoreError> {
        let path = &self.shared.path;
        let mut watcher = self.shared.watcher.lock();
        let connection = match &mut *watcher {
            Some(connection) => connection,
            none => none.insert(database::open_reader(path)?),
        };
        // The pragma tells what others have committed since this connection looked.
        let version = connection.query_row("PRAGMA data_version", [], |row| row.get(0));
        version.map_err(|error| {
            *watcher = None;
            database::explained(path, error.into())
        })
    }

    /// Stores a record under its run's id; a second one replaces the first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remember(&self, record: &MaintenanceRecord) -> Result<(), StoreError> {
        let body = serde_json::to_string(record)?;
        self.write(Work::Remember { record: Box::new(record.clone()), body }).await.map(|_| ())
    }

    /// Records of runs that concern any of these symbols (or, with no symbol, files) or that met
    /// any of these errors, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn recall(
        &self,
        places: &[(WorkspacePath, Option<String>)],
        errors: &[String],
        limit: usize,
    ) -> Result<Vec<MaintenanceRecord>, StoreError> {
        self.read(|connection| memory::recall(connection, places, errors, limit))
    }

    /// What runs have left, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn lessons(&self, limit: usize) -> Result<Vec<MaintenanceRecord>, StoreError> {
        self.read(|connection| memory::lessons(connection, limit))
    }

    /// Records of runs that made any of these tests green, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn lessons_of_tests(
        &self,
        tests: &[&str],
        limit: usize,
    ) -> Result<Vec<MaintenanceRecord>, StoreError> {
        self.read(|connection| memory::lessons_of_tests(connection, tests, limit))
    }

    /// Of each symbol the newest `each` of what runs have left there; at most `limit` in all,
    /// newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn lessons_of_symbols(
        &self,
        each: usize,
        limit: usize,
    ) -> Result<Vec<MaintenanceRecord>, StoreError> {
        self.read(|connection| memory::lessons_of_symbols(connection, each, limit))
    }

    /// Stores one of the user's own records, in the place of one of the same kind and id.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn keep(&self, record: &Record) -> Result<(), StoreError> {
        let body = serde_json::to_string(record)?;
        self.write(Work::Keep { record: Box::new(record.clone()), body }).await.map(|_| ())
    }

    /// Removes one of the user's own records. One that is not there stays away.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget(&self, kind: Kind, id: &RecordId) -> Result<(), StoreError> {
        self.write(Work::Forget { kind, id: id.clone() }).await.map(|_| ())
    }

    /// The user's own records, by kind and id.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn records(&self) -> Result<Vec<Record>, StoreError> {
        self.read(memory::records)
    }

    /// Notes parts of a run's proposal as accepted, beside those that are. Of a run that is over
    /// nothing is noted; its end forgets them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn accept(&self, run: &RunId, parts: &BTreeSet<AcceptedPart>) -> Result<(), StoreError> {
        self.write(Work::Accept { run: run.clone(), parts: parts.clone() }).await.map(|_| ())
    }

    /// The accepted parts of all runs that are not over, whichever process they were accepted in.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn accepted(&self) -> Result<AcceptedParts, StoreError> {
        self.read(accepted::accepted)
    }

    async fn write(&self, work: Work) -> Result<Digest, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.shared.jobs.send(Job { work, reply }).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }

    fn read<T>(&self, query: impl FnOnce(&mut Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let path = &self.shared.path;
        let idle = self.shared.readers.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => database::open_reader(path)?,
        };
        let found = query(&mut connection).map_err(|error| database::explained(path, error))?;
        // After an error the connection is not kept: what it holds in memory may be wrong.
        let mut readers = self.shared.readers.lock();
        if readers.len() < STORE_READERS_MAX {
            readers.push(connection);
        }
        Ok(found)
    }
}
