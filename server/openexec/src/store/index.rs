//! What is known of a workspace's files, from one session to the next. Whatever is in here can be
//! made anew from the files, so that nothing in here is ever an error of a run: a database that
//! is damaged, another program's or of another version is thrown away.
//!
//! It must not know what is known: it keeps bytes by path and hands them back.

use super::{StoreError, database};
use crate::limits::INDEX_DATABASE_BYTES_MAX;
use parking_lot::Mutex;
use rusqlite::{Connection, TransactionBehavior, params};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The index of one workspace. Several processes may have it open.
pub struct IndexStore {
    path: PathBuf,
    connection: Mutex<Connection>,
}

/// How large an index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexSize {
    /// Files that something is known of.
    pub files: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

impl IndexStore {
    /// Opens or creates the database. One that cannot be used is replaced by an empty one, which
    /// the log tells.
    ///
    /// # Errors
    /// When it cannot be created either, or another process keeps it busy.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = match database::open(path, &database::INDEX, INDEX_DATABASE_BYTES_MAX) {
            Ok(connection) => connection,
            Err(error) if is_beyond_use(&error) => {
                tracing::warn!(%error, "the index is thrown away and made anew");
                throw_away(path)?;
                database::open(path, &database::INDEX, INDEX_DATABASE_BYTES_MAX)?
            }
            Err(error) => return Err(error),
        };
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection) })
    }

    /// Hands over a part of all rows, in no particular order: `part` of `parts`, counted from 0.
    /// Parts can be read side by side.
    ///
    /// # Errors
    /// When the database refuses. A damaged one has been replaced by an empty one then.
    pub fn read(
        &self,
        (part, parts): (usize, usize),
        take: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), StoreError> {
        let mut read = || -> Result<(), StoreError> {
            let connection = database::open_reader(&self.path)?;
            let mut query = connection.prepare("SELECT path, body FROM file WHERE id % ?2 = ?1")?;
            let mut rows = query.query(params![part, parts.max(1)])?;
            while let Some(row) = rows.next()? {
                take(
                    row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?,
                    row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?,
                );
            }
            Ok(())
        };
        read().map_err(|error| self.recovered(database::explained(&self.path, error)))
    }

    /// Replaces the rows of some files, and removes those of files that are gone (`None`), in one
    /// transaction.
    ///
    /// # Errors
    /// When the database refuses; nothing has changed then. A damaged one has been replaced by
    /// an empty one.
    pub fn write(&self, rows: &[(String, Option<Vec<u8>>)]) -> Result<(), StoreError> {
        let written = self.write_rows(rows).map_err(|error| database::explained(&self.path, error));
        written.map_err(|error| self.recovered(error))
    }

    fn write_rows(&self, rows: &[(String, Option<Vec<u8>>)]) -> Result<(), StoreError> {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO file (path, body) VALUES (?1, ?2)
                 ON CONFLICT (path) DO UPDATE SET body = excluded.body",
            )?;
            let mut delete = transaction.prepare_cached("DELETE FROM file WHERE path = ?1")?;
            for (path, body) in rows {
                match body {
                    Some(body) => insert.execute(params![path, body])?,
                    None => delete.execute([path])?,
                };
            }
        }
        Ok(transaction.commit()?)
    }

    /// Replaces a damaged database; the error is what happened.
    fn recovered(&self, error: StoreError) -> StoreError {
        if !is_beyond_use(&error) {
            return error;
        }
        let mut connection = self.connection.lock();
        tracing::warn!(%error, "the index is thrown away and made anew");
        let opened = throw_away(&self.path)
            .and_then(|()| database::open(&self.path, &database::INDEX, INDEX_DATABASE_BYTES_MAX));
        match opened {
            Ok(opened) => *connection = opened,
            Err(error) => tracing::warn!(%error, "there is no index on disk in this session"),
        }
        error
    }

    /// How large the index at this place is; `None` where there is none. Changes nothing.
    ///
    /// # Errors
    /// When it cannot be used, and would be thrown away.
    pub fn size(path: &Path) -> Result<Option<IndexSize>, StoreError> {
        let Ok(metadata) = std::fs::metadata(path) else {
            return Ok(None);
        };
        let count = || -> Result<u64, StoreError> {
            let connection = database::open_reader(path)?;
            database::check_owner(&connection, path, &database::INDEX)?;
            Ok(connection.query_row("SELECT count(*) FROM file", [], |row| row.get(0))?)
        };
        let files = count().map_err(|error| database::explained(path, error))?;
        Ok(Some(IndexSize { files, bytes: metadata.len() }))
    }
}

/// True when only a new database helps: it is damaged, not ours, or of a newer version.
fn is_beyond_use(error: &StoreError) -> bool {
    matches!(error, StoreError::Broken { .. } | StoreError::Open { .. })
}

/// Removes a database. Another process that has it open goes on with what it has.
fn throw_away(path: &Path) -> Result<(), StoreError> {
    for end in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(end);
        match std::fs::remove_file(PathBuf::from(file)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let reason = format!("it cannot be used and cannot be removed: {error}");
                return Err(StoreError::Open { path: path.display().to_string(), reason });
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
