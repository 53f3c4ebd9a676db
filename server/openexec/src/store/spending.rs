//! What calls to models have taken, of all runs of the user. One database for all workspaces.
//!
//! A call is reserved with the most that it can take before it is made, and settled with what it
//! took. Both checks and reservations happen in one transaction, so that two processes cannot
//! both spend what is left once. A process that dies in between leaves its reservation, which
//! counts as spent: nobody knows how much of it was.
//!
//! It must not know what a call is for, or what a model costs.

use super::{StoreError, database};
use crate::limits::STORE_BYTES_MAX;
use openexec_engine::budget::{Limit, Spent};
use openexec_engine::ids::{ModelName, RunId};
use openexec_engine::model::Usage;
use parking_lot::Mutex;
use rusqlite::{Connection, TransactionBehavior, params};
use std::path::{Path, PathBuf};

/// Milliseconds of a day. A day is one of UTC: it begins at the same moment for every process
/// of the user, wherever its clock is set to.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// The spending ledger. Opened when the first call is made.
pub struct Spending {
    path: PathBuf,
    connection: Mutex<Option<Connection>>,
}

/// A call that is about to be made.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// Of which run.
    pub run: &'a RunId,
    /// To which model.
    pub model: &'a ModelName,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The most that it can take.
    pub at_most: Spent,
}

/// The answer to a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// The call may be made, and is to be settled under this number.
    Yes {
        /// The number.
        call: i64,
    },
    /// It would pass the limit; nothing was reserved.
    No {
        /// What has been spent in the same day, reservations included.
        spent: Spent,
    },
}

impl Spending {
    /// The ledger in this database, which is created when it is needed.
    pub fn at(database: &Path) -> Self {
        Self { path: database.to_path_buf(), connection: Mutex::new(None) }
    }

    /// Reserves what a call can take, unless the day's limit forbids it.
    ///
    /// # Errors
    /// When the database refuses: then the call must not be made.
    pub fn reserve(&self, call: &Call<'_>, limit: &Limit) -> Result<Reserved, StoreError> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let spent = spent_in_day(&transaction, call.at_ms)?;
            let mut after = spent;
            after.add(call.at_most);
            if after.exceeds(limit) {
                return Ok(Reserved::No { spent });
            }
            transaction.execute(
                "INSERT INTO spending (at_ms, run, model, settled, input_tokens, output_tokens, cached_tokens,
                     cache_write_tokens, tokens, micro_usd)
                 VALUES (?1, ?2, ?3, 0, 0, 0, 0, 0, ?4, ?5)",
                params![
                    whole(call.at_ms),
                    call.run.as_str(),
                    call.model.as_str(),
                    whole(call.at_most.tokens),
                    whole(call.at_most.micro_usd),
                ],
            )?;
            let call = transaction.last_insert_rowid();
            transaction.commit()?;
            Ok(Reserved::Yes { call })
        })
    }

    /// Puts what a call took in the place of its reservation.
    ///
    /// # Errors
    /// When the database refuses: then the reservation stays.
    pub fn settle(&self, call: i64, usage: &Usage, spent: Spent) -> Result<(), StoreError> {
        self.with(|connection| {
            connection.execute(
                "UPDATE spending SET settled = 1, input_tokens = ?2, output_tokens = ?3, cached_tokens = ?4,
                     cache_write_tokens = ?5, tokens = ?6, micro_usd = ?7
                 WHERE call = ?1",
                params![
                    call,
                    whole(usage.input_tokens),
                    whole(usage.output_tokens),
                    whole(usage.cached_tokens),
                    whole(usage.cache_write_tokens),
                    whole(spent.tokens),
                    whole(spent.micro_usd),
                ],
            )?;
            Ok(())
        })
    }

    /// What has been spent in the day of this moment, reservations included.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn spent_in_day(&self, at_ms: u64) -> Result<Spent, StoreError> {
        if !self.path.exists() {
            return Ok(Spent::default());
        }
        self.with(|connection| spent_in_day(connection, at_ms))
    }

    fn with<T>(&self, query: impl FnOnce(&mut Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut connection = self.connection.lock();
        let connection = match connection.as_mut() {
            Some(connection) => connection,
            None => connection.insert(database::open(&self.path, &database::SPENDING, STORE_BYTES_MAX)?),
        };
        query(connection).map_err(|error| database::explained(&self.path, error))
    }
}

fn spent_in_day(connection: &Connection, at_ms: u64) -> Result<Spent, StoreError> {
    let begin = at_ms - at_ms % DAY_MS;
    let end = begin.saturating_add(DAY_MS);
    let mut query = connection
        .prepare_cached("SELECT tokens, micro_usd FROM spending WHERE at_ms >= ?1 AND at_ms < ?2")?;
    let mut rows = query.query(params![whole(begin), whole(end)])?;
    let mut spent = Spent::default();
    while let Some(row) = rows.next()? {
        // Added here, because SQLite's sum fails where ours stops at the largest number.
        spent.add(Spent { tokens: row.get(0)?, micro_usd: row.get(1)? });
    }
    Ok(spent)
}

/// SQLite's integers have a sign. What is beyond them is more than any limit.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
