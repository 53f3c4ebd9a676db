//! Which parts of proposals the user has accepted so far, for every editor on the workspace and
//! beyond the life of the one in which they were accepted.
//!
//! It must not know how a proposal is cut into parts, and agrees to nothing: a run waits until
//! somebody approves of all of its proposal.

use super::StoreError;
use openexec_engine::digest::Digest;
use openexec_engine::ids::RunId;
use openexec_engine::path::WorkspacePath;
use rusqlite::{Connection, Transaction, params};
use std::collections::{BTreeMap, BTreeSet};

/// A part of a proposal by what it says rather than by its place: it stays the same when other
/// parts are left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AcceptedPart {
    /// The file that it changes.
    pub path: WorkspacePath,
    /// The digest of the lines that show it.
    pub text: Digest,
    /// Which one it is of the file's parts with this text, counted from 1.
    pub number: u32,
}

/// The accepted parts of runs that are not over.
pub type AcceptedParts = BTreeMap<RunId, BTreeSet<AcceptedPart>>;

/// Notes parts as accepted. Of a run that is over nothing is noted.
pub(super) fn accept(
    transaction: &Transaction<'_>,
    run: &RunId,
    parts: &BTreeSet<AcceptedPart>,
) -> Result<Digest, StoreError> {
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO accepted (run, path, text, number)
         SELECT id, ?2, ?3, ?4 FROM run WHERE id = ?1 AND last_event <> 'run_ended'",
    )?;
    for AcceptedPart { path, text, number } in parts {
        insert.execute(params![run.as_str(), path.as_str(), text.to_string(), number])?;
    }
    Ok(Digest::of(run.as_str().as_bytes()))
}

/// All that is accepted. What cannot be read as a part is none.
pub(super) fn accepted(connection: &mut Connection) -> Result<AcceptedParts, StoreError> {
    let mut all = connection.prepare_cached("SELECT run, path, text, number FROM accepted")?;
    let mut rows = all.query([])?;
    let mut accepted = AcceptedParts::new();
    while let Some(row) = rows.next()? {
        let [run, path, text] = [row.get::<_, String>(0)?, row.get(1)?, row.get(2)?];
        if let (Ok(path), Ok(text)) = (WorkspacePath::parse(&path), text.parse()) {
            let part = AcceptedPart { path, text, number: row.get(3)? };
            accepted.entry(RunId::new(run)).or_default().insert(part);
        }
    }
    Ok(accepted)
}
