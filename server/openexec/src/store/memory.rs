//! The memory's tables: what runs have left, with the places and the errors by which it is
//! found, and the user's own records.

use super::StoreError;
use openexec_engine::digest::Digest;
use openexec_engine::ids::RecordId;
use openexec_engine::memory::{Kind, MaintenanceRecord, Record};
use openexec_engine::path::WorkspacePath;
use rusqlite::{Connection, Transaction, params};
use std::collections::{BTreeMap, BTreeSet};

/// Stores what a run has left, in the place of what it has left before.
pub(super) fn remember(
    transaction: &Transaction<'_>,
    record: &MaintenanceRecord,
    body: &str,
) -> Result<Digest, StoreError> {
    let run = record.run.as_str();
    transaction.prepare_cached("DELETE FROM memory WHERE run = ?1")?.execute([run])?;
    transaction
        .prepare_cached("INSERT INTO memory (run, at_ms, record) VALUES (?1, ?2, ?3)")?
        .execute(params![run, record.at_ms, body])?;
    let files = record.files.iter().map(|path| (path, None));
    let symbols = record.symbols.iter().map(|pointer| (&pointer.path, Some(pointer.symbol.as_str())));
    let places: BTreeSet<(&WorkspacePath, Option<&str>)> = files.chain(symbols).collect();
    let mut insert =
        transaction.prepare_cached("INSERT INTO memory_place (run, path, symbol) VALUES (?1, ?2, ?3)")?;
    for (path, symbol) in places {
        insert.execute(params![run, path.as_str(), symbol])?;
    }
    let mut insert = transaction.prepare_cached("INSERT INTO memory_error (run, error) VALUES (?1, ?2)")?;
    for error in record.errors.iter().collect::<BTreeSet<_>>() {
        insert.execute(params![run, error])?;
    }
    let mut insert = transaction.prepare_cached("INSERT INTO memory_test (run, test) VALUES (?1, ?2)")?;
    for test in record.repaired_tests.iter().collect::<BTreeSet<_>>() {
        insert.execute(params![run, test])?;
    }
    Ok(Digest::of(body.as_bytes()))
}

/// Records that concern any of these places or met any of these errors, newest first.
pub(super) fn recall(
    connection: &mut Connection,
    places: &[(WorkspacePath, Option<String>)],
    errors: &[String],
    limit: usize,
) -> Result<Vec<MaintenanceRecord>, StoreError> {
    // One transaction: a record cannot be replaced between being found and being read.
    let transaction = connection.transaction()?;
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found: BTreeSet<(u64, String)> = BTreeSet::new();
    let mut find = transaction.prepare_cached(
        "SELECT memory.at_ms, memory.run FROM memory_place JOIN memory ON memory.run = memory_place.run
         WHERE memory_place.path = ?1 AND memory_place.symbol IS ?2
         ORDER BY memory.at_ms DESC, memory.run DESC LIMIT ?3",
    )?;
    for (path, symbol) in places {
        let mut rows = find.query(params![path.as_str(), symbol, most])?;
        while let Some(row) = rows.next()? {
            found.insert((row.get(0)?, row.get(1)?));
        }
    }
    let mut find = transaction.prepare_cached(
        "SELECT memory.at_ms, memory.run FROM memory_error JOIN memory ON memory.run = memory_error.run
         WHERE memory_error.error = ?1
         ORDER BY memory.at_ms DESC, memory.run DESC LIMIT ?2",
    )?;
    for error in errors {
        let mut rows = find.query(params![error, most])?;
        while let Some(row) = rows.next()? {
            found.insert((row.get(0)?, row.get(1)?));
        }
    }
    let mut read = transaction.prepare_cached("SELECT record FROM memory WHERE run = ?1")?;
    let mut records = Vec::new();
    for (_, run) in found.iter().rev().take(limit) {
        let body: String = read.query_row([run], |row| row.get(0))?;
        records.push(serde_json::from_str(&body)?);
    }
    Ok(records)
}

/// What runs have left, newest first.
pub(super) fn lessons(
    connection: &mut Connection,
    limit: usize,
) -> Result<Vec<MaintenanceRecord>, StoreError> {
    let mut all =
        connection.prepare_cached("SELECT record FROM memory ORDER BY at_ms DESC, run DESC LIMIT ?1")?;
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = all.query([most])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let body: String = row.get(0)?;
        records.push(serde_json::from_str(&body)?);
    }
    Ok(records)
}

/// Records of runs that made any of these tests green, newest first.
pub(super) fn lessons_of_tests(
    connection: &mut Connection,
    tests: &[&str],
    limit: usize,
) -> Result<Vec<MaintenanceRecord>, StoreError> {
    let mut find = connection.prepare_cached(
        "SELECT memory.at_ms, memory.run, memory.record
         FROM memory_test JOIN memory ON memory.run = memory_test.run
         WHERE memory_test.test = ?1
         ORDER BY memory.at_ms DESC, memory.run DESC LIMIT ?2",
    )?;
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found: BTreeMap<(u64, String), String> = BTreeMap::new();
    for test in tests {
        let mut rows = find.query(params![test, most])?;
        while let Some(row) = rows.next()? {
            found.insert((row.get(0)?, row.get(1)?), row.get(2)?);
        }
    }
    let newest = found.values().rev().take(limit);
    newest.map(|body| Ok(serde_json::from_str(body)?)).collect()
}

/// Of each symbol the newest `each` of what runs have left there; at most `limit` in all, newest
/// first. A record that several symbols share is there once.
pub(super) fn lessons_of_symbols(
    connection: &mut Connection,
    each: usize,
    limit: usize,
) -> Result<Vec<MaintenanceRecord>, StoreError> {
    let mut newest = connection.prepare_cached(
        "WITH ranked AS (
             SELECT memory.run AS run, row_number() OVER (
                 PARTITION BY memory_place.path, memory_place.symbol
                 ORDER BY memory.at_ms DESC, memory.run DESC
             ) AS place
             FROM memory_place JOIN memory ON memory.run = memory_place.run
             WHERE memory_place.symbol IS NOT NULL
         )
         SELECT record FROM memory WHERE run IN (SELECT run FROM ranked WHERE place <= ?1)
         ORDER BY at_ms DESC, run DESC LIMIT ?2",
    )?;
    let [each, limit] = [each, limit].map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    let mut rows = newest.query([each, limit])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let body: String = row.get(0)?;
        records.push(serde_json::from_str(&body)?);
    }
    Ok(records)
}

/// Stores one of the user's own records, in the place of one of the same kind and id.
pub(super) fn keep(transaction: &Transaction<'_>, record: &Record, body: &str) -> Result<Digest, StoreError> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO record (kind, id, record) VALUES (?1, ?2, ?3)")?
        .execute(params![record.kind().name(), record.id.as_str(), body])?;
    Ok(Digest::of(body.as_bytes()))
}

/// Removes one of the user's own records. One that is not there stays away.
pub(super) fn forget(transaction: &Transaction<'_>, kind: Kind, id: &RecordId) -> Result<Digest, StoreError> {
    transaction
        .prepare_cached("DELETE FROM record WHERE kind = ?1 AND id = ?2")?
        .execute(params![kind.name(), id.as_str()])?;
    Ok(Digest::of(id.as_str().as_bytes()))
}

/// The user's own records, by kind and id.
pub(super) fn records(connection: &mut Connection) -> Result<Vec<Record>, StoreError> {
    let mut all = connection.prepare_cached("SELECT record FROM record ORDER BY kind, id")?;
    let mut rows = all.query([])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let body: String = row.get(0)?;
        records.push(serde_json::from_str(&body)?);
    }
    Ok(records)
}
