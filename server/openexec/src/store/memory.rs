//! The memory's tables: records, and the places by which they are found.

use super::StoreError;
use openexec_engine::digest::Digest;
use openexec_engine::memory::MaintenanceRecord;
use openexec_engine::path::WorkspacePath;
use rusqlite::{Connection, Transaction, params};
use std::collections::BTreeSet;

/// Stores a record, in the place of an earlier one of the same run.
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
    Ok(Digest::of(body.as_bytes()))
}

/// Records that concern any of these places, newest first.
pub(super) fn recall(
    connection: &mut Connection,
    places: &[(WorkspacePath, Option<String>)],
    limit: usize,
) -> Result<Vec<MaintenanceRecord>, StoreError> {
    // One transaction: a record cannot be replaced between being found and being read.
    let transaction = connection.transaction()?;
    let mut found: BTreeSet<(u64, String)> = BTreeSet::new();
    let mut find = transaction.prepare_cached(
        "SELECT memory.at_ms, memory.run FROM memory_place JOIN memory ON memory.run = memory_place.run
         WHERE memory_place.path = ?1 AND memory_place.symbol IS ?2
         ORDER BY memory.at_ms DESC, memory.run DESC LIMIT ?3",
    )?;
    for (path, symbol) in places {
        let mut rows =
            find.query(params![path.as_str(), symbol, i64::try_from(limit).unwrap_or(i64::MAX)])?;
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
