//! The one thread of a store that writes. What waits is committed as a group; nothing is
//! answered before its commit.
//!
//! It must not read for others, and it must not reorder: jobs are done as they came.

use super::{AcceptedPart, StoreError, accepted, database, journal, memory};
use crate::limits::JOURNAL_QUEUE_MAX;
use openexec_engine::digest::Digest;
use openexec_engine::ids::{RecordId, RunId};
use openexec_engine::memory::{Kind, MaintenanceRecord, Record};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::collections::BTreeSet;
use std::path::PathBuf;
use tokio::sync::{mpsc, oneshot};

/// What is to be written.
pub(super) enum Work {
    Append { run: RunId, seq: u64, at_ms: u64, name: &'static str, body: String },
    Remember { record: Box<MaintenanceRecord>, body: String },
    Keep { record: Box<Record>, body: String },
    Forget { kind: Kind, id: RecordId },
    Accept { run: RunId, parts: BTreeSet<AcceptedPart> },
}

/// Work, and who waits for it. The answer is the digest of what was written.
pub(super) struct Job {
    pub work: Work,
    pub reply: oneshot::Sender<Result<Digest, StoreError>>,
}

pub(super) struct Writer {
    connection: Connection,
    path: PathBuf,
}

impl Writer {
    pub(super) fn new(connection: Connection, path: PathBuf) -> Self {
        Self { connection, path }
    }

    /// Serves until every handle to the store is gone.
    pub(super) fn serve(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let mut group = vec![first];
            while group.len() < JOURNAL_QUEUE_MAX
                && let Ok(job) = jobs.try_recv()
            {
                group.push(job);
            }
            self.write(group);
        }
    }

    fn write(&mut self, group: Vec<Job>) {
        // When a group fails, each job gets a commit of its own: one job's failure must not
        // be the others'.
        let together = if group.len() > 1 { self.commit(&group).ok() } else { None };
        match together {
            Some(outcomes) => {
                for (job, outcome) in group.into_iter().zip(outcomes) {
                    self.answer(job, outcome);
                }
            }
            None => {
                for job in group {
                    let outcome = self.commit(std::slice::from_ref(&job));
                    let outcome =
                        outcome.and_then(|mut outcomes| outcomes.pop().unwrap_or(Err(StoreError::Stopped)));
                    self.answer(job, outcome);
                }
            }
        }
    }

    /// Writes jobs in one transaction. A job that is refused for what it says leaves the
    /// others alone; anything that SQLite refuses rolls all of them back.
    fn commit(&mut self, jobs: &[Job]) -> Result<Vec<Result<Digest, StoreError>>, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut outcomes = Vec::with_capacity(jobs.len());
        for job in jobs {
            outcomes.push(match perform(&transaction, &job.work) {
                Err(StoreError::Sqlite(error)) => return Err(error.into()),
                outcome => outcome,
            });
        }
        transaction.commit()?;
        Ok(outcomes)
    }

    fn answer(&self, job: Job, outcome: Result<Digest, StoreError>) {
        // Nobody may be waiting any more; what was committed stays committed.
        let _ = job.reply.send(outcome.map_err(|error| database::explained(&self.path, error)));
    }
}

fn perform(transaction: &Transaction<'_>, work: &Work) -> Result<Digest, StoreError> {
    match work {
        Work::Append { run, seq, at_ms, name, body } => {
            journal::append(transaction, run, *seq, *at_ms, name, body)
        }
        Work::Remember { record, body } => memory::remember(transaction, record, body),
        Work::Keep { record, body } => memory::keep(transaction, record, body),
        Work::Forget { kind, id } => memory::forget(transaction, *kind, id),
        Work::Accept { run, parts } => accepted::accept(transaction, run, parts),
    }
}
