//! The journal's table: appending to its chain, and reading it back with every link checked.

use super::{Recorded, RunSummary, StoreError};
use crate::limits::STORE_AMBIGUOUS_LISTED_MAX;
use openexec_engine::digest::Digest;
use openexec_engine::ids::RunId;
use openexec_engine::run::Event;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

/// Thirty-two bytes as they stand in the database.
#[derive(PartialEq)]
struct Link([u8; 32]);

impl FromSql for Link {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_blob()?.try_into().map(Self).map_err(|_| FromSqlError::InvalidType)
    }
}

/// The digest of a record and, through `before` (the digest of the record before, or the
/// run's id), of all records before it.
fn chain(before: &[u8], seq: u64, at_ms: u64, body: &[u8]) -> Digest {
    Digest::of_parts([before, &seq.to_be_bytes(), &at_ms.to_be_bytes(), body])
}

pub(super) fn append(
    transaction: &Transaction<'_>,
    run: &RunId,
    seq: u64,
    at_ms: u64,
    name: &str,
    body: &str,
) -> Result<Digest, StoreError> {
    let last: Option<(u64, Link)> = transaction
        .prepare_cached("SELECT events, head FROM run WHERE id = ?1")?
        .query_row([run.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let found = last.as_ref().map_or(0, |(events, _)| *events);
    if found.checked_add(1) != Some(seq) {
        return Err(StoreError::Overtaken { run: run.clone(), expected: seq, found });
    }
    let before = last.as_ref().map_or(run.as_str().as_bytes(), |(_, head)| &head.0);
    let chain = chain(before, seq, at_ms, body.as_bytes());
    transaction
        .prepare_cached(
            "INSERT INTO run (id, started_at_ms, events, last_event, head) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET events = ?3, last_event = ?4, head = ?5",
        )?
        .execute(params![run.as_str(), at_ms, seq, name, chain.as_bytes()])?;
    transaction
        .prepare_cached(
            "INSERT INTO journal (run, seq, at_ms, name, body, chain) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![run.as_str(), seq, at_ms, name, body, chain.as_bytes()])?;
    Ok(chain)
}

/// All events of a run, each verified.
pub(super) fn events(connection: &mut Connection, run: &RunId) -> Result<Vec<Recorded>, StoreError> {
    // One transaction: the list of runs and the journal are seen at the same moment.
    let transaction = connection.transaction()?;
    let listed: Option<(u64, Link)> = transaction
        .prepare_cached("SELECT events, head FROM run WHERE id = ?1")?
        .query_row([run.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(|error| unreadable(run, 1, error))?;
    let mut records: Vec<Recorded> = Vec::new();
    let mut statement = transaction
        .prepare_cached("SELECT seq, at_ms, name, body, chain FROM journal WHERE run = ?1 ORDER BY seq")?;
    let mut rows = statement.query([run.as_str()])?;
    loop {
        let seq = records.len() as u64 + 1;
        let Some(row) = rows.next().map_err(|error| unreadable(run, seq, error))? else {
            break;
        };
        let before = records.last().map_or(run.as_str().as_bytes(), |record| record.chain.as_bytes());
        let record = verified(row, seq, before).map_err(|reason| StoreError::Damaged {
            run: run.clone(),
            seq,
            reason,
        })?;
        records.push(record);
    }
    ends_as_listed(run, &records, listed)?;
    Ok(records)
}

/// A row that SQLite itself cannot read is damage at this place, unless nothing can be read.
fn unreadable(run: &RunId, seq: u64, error: rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => {
            StoreError::Damaged { run: run.clone(), seq, reason: format!("its row cannot be read ({error})") }
        }
        error if seq > 1 && error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
            StoreError::Damaged {
                run: run.clone(),
                seq,
                reason: format!("the database file is damaged there ({error})"),
            }
        }
        error => error.into(),
    }
}

fn verified(row: &Row<'_>, seq: u64, before: &[u8]) -> Result<Recorded, String> {
    let strange = |error: rusqlite::Error| format!("its row cannot be read ({error})");
    let found: u64 = row.get(0).map_err(strange)?;
    if found != seq {
        return Err(format!("it is missing; the next one there is {found}"));
    }
    let at_ms: u64 = row.get(1).map_err(strange)?;
    let name: String = row.get(2).map_err(strange)?;
    // Bytes, not text: a flipped bit may have left something that is not UTF-8.
    let body = row.get_ref(3).map_err(strange)?.as_bytes().map_err(|error| strange(error.into()))?;
    let Link(link) = row.get(4).map_err(strange)?;
    let chain = chain(before, seq, at_ms, body);
    if chain.as_bytes() != &link {
        return Err("its content or an earlier one's was changed after it was recorded (the digests differ)"
            .to_owned());
    }
    let event: Event = serde_json::from_slice(body)
        .map_err(|error| format!("it is not an event that this version knows ({error}); update OpenExec"))?;
    if event.name() != name {
        return Err(format!("it is filed as `{name}`, but is `{}`", event.name()));
    }
    Ok(Recorded { seq, at_ms, event, chain })
}

/// The chain itself cannot say that its end is missing; the list of runs can.
fn ends_as_listed(run: &RunId, records: &[Recorded], listed: Option<(u64, Link)>) -> Result<(), StoreError> {
    let count = records.len() as u64;
    let damaged = |seq: u64, reason: &str| {
        Err(StoreError::Damaged { run: run.clone(), seq, reason: reason.to_owned() })
    };
    match listed {
        None if count == 0 => Err(StoreError::NoRun(run.to_string())),
        None => damaged(1, "its run is missing in the list of runs"),
        Some((events, _)) if count < events => damaged(count + 1, "it is missing"),
        Some((events, _)) if count > events => damaged(events + 1, "the list of runs ends before it"),
        Some((_, Link(head))) if records.last().is_none_or(|last| last.chain.as_bytes() != &head) => {
            damaged(count, "the list of runs holds another digest for it")
        }
        Some(_) => Ok(()),
    }
}

/// All runs, newest first.
pub(super) fn runs(connection: &mut Connection) -> Result<Vec<RunSummary>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, events, started_at_ms, last_event FROM run ORDER BY started_at_ms DESC, id DESC",
    )?;
    let summaries = statement.query_map([], listed)?;
    Ok(summaries.collect::<Result<_, _>>()?)
}

/// The newest runs, at most so many.
pub(super) fn latest(connection: &mut Connection, most: usize) -> Result<Vec<RunSummary>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, events, started_at_ms, last_event FROM run ORDER BY started_at_ms DESC, id DESC LIMIT ?1",
    )?;
    let summaries = statement.query_map([most], listed)?;
    Ok(summaries.collect::<Result<_, _>>()?)
}

/// The runs that are not over, newest first.
pub(super) fn unfinished(connection: &mut Connection) -> Result<Vec<RunSummary>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, events, started_at_ms, last_event FROM run WHERE last_event <> ?1
         ORDER BY started_at_ms DESC, id DESC",
    )?;
    let summaries = statement.query_map([RunSummary::END], listed)?;
    Ok(summaries.collect::<Result<_, _>>()?)
}

/// One run.
pub(super) fn summary(connection: &mut Connection, run: &RunId) -> Result<RunSummary, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id, events, started_at_ms, last_event FROM run WHERE id = ?1")?;
    let summary = statement.query_row([run.as_str()], listed).optional()?;
    summary.ok_or_else(|| StoreError::NoRun(run.to_string()))
}

fn listed(row: &Row<'_>) -> rusqlite::Result<RunSummary> {
    Ok(RunSummary {
        run: RunId::new(row.get::<_, String>(0)?),
        events: row.get(1)?,
        started_at_ms: row.get(2)?,
        last_event: row.get(3)?,
    })
}

/// The run whose id is, begins with or ends with this text.
pub(super) fn find_run(connection: &mut Connection, text: &str) -> Result<RunId, StoreError> {
    let none = || StoreError::NoRun(text.to_owned());
    if text.is_empty() {
        return Err(none());
    }
    let mut statement = connection.prepare_cached(
        "SELECT id FROM run
         WHERE id = ?1 OR substr(id, 1, length(?1)) = ?1 OR substr(id, -length(?1)) = ?1
         ORDER BY id = ?1 DESC, started_at_ms DESC, id DESC LIMIT ?2",
    )?;
    let found =
        statement.query_map(params![text, STORE_AMBIGUOUS_LISTED_MAX], |row| row.get::<_, String>(0))?;
    let found: Vec<String> = found.collect::<Result<_, _>>()?;
    match found.as_slice() {
        [] => Err(none()),
        [only] => Ok(RunId::new(only)),
        [exact, ..] if exact == text => Ok(RunId::new(exact)),
        _ => Err(StoreError::AmbiguousRun { prefix: text.to_owned(), runs: found }),
    }
}
