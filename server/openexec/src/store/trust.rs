//! What the user has trusted. The database lies outside every repository, so that no
//! repository can trust itself.

use super::{StoreError, database};
use crate::limits::STORE_BYTES_MAX;
use openexec_engine::digest::Digest;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::path::{Path, PathBuf};

/// What the user has trusted, by canonical workspace root. Lives outside every repository.
pub struct TrustStore {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl TrustStore {
    /// Opens or creates the database.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(database: &Path) -> Result<Self, StoreError> {
        let connection = database::open(database, &database::TRUST, STORE_BYTES_MAX)?;
        Ok(Self { path: database.to_path_buf(), connection: Mutex::new(connection) })
    }

    /// The content that was trusted for this root.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn trusted(&self, root: &Path) -> Result<Option<Digest>, StoreError> {
        let content: Option<String> = self.with(|connection| {
            connection
                .prepare_cached("SELECT content FROM trust WHERE root = ?1")?
                .query_row([key(root)], |row| row.get(0))
                .optional()
        })?;
        // What cannot be read as a digest trusts nothing.
        Ok(content.and_then(|content| content.parse().ok()))
    }

    /// Trusts this root at exactly this content.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn trust(&self, root: &Path, content: Digest) -> Result<(), StoreError> {
        self.with(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO trust (root, content) VALUES (?1, ?2)
                     ON CONFLICT (root) DO UPDATE SET content = excluded.content",
                )?
                .execute(params![key(root), content.to_string()])
        })?;
        Ok(())
    }

    /// Takes trust back.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn revoke(&self, root: &Path) -> Result<(), StoreError> {
        self.with(|connection| {
            connection.prepare_cached("DELETE FROM trust WHERE root = ?1")?.execute([key(root)])
        })?;
        Ok(())
    }

    fn with<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        query(&self.connection.lock()).map_err(|error| database::explained(&self.path, error.into()))
    }
}

/// The canonical root. One that does not exist any more keeps its spelling, so that trust
/// can be taken back after the directory is gone.
fn key(root: &Path) -> Vec<u8> {
    let canonical = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
    canonical.into_os_string().into_encoded_bytes()
}
