//! What the user has trusted. The database lies outside every repository, so that no
//! repository can trust itself.

use super::{StoreError, database};
use crate::limits::STORE_BYTES_MAX;
use openexec_engine::digest::Digest;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the user has trusted, by canonical workspace root. Lives outside every repository.
pub struct TrustStore {
    path: PathBuf,
    connection: Mutex<Connection>,
}

/// A file as it was trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedFile {
    /// The digest of its bytes.
    pub digest: String,
    /// Its text, where it was not too large to be kept.
    pub text: Option<String>,
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

    /// The files that were trusted with it, so that it can be said what has changed since.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn files(&self, root: &Path) -> Result<BTreeMap<String, TrustedFile>, StoreError> {
        self.with(|connection| {
            let mut query =
                connection.prepare_cached("SELECT path, digest, text FROM trusted_file WHERE root = ?1")?;
            let rows = query.query_map([key(root)], |row| {
                Ok((row.get(0)?, TrustedFile { digest: row.get(1)?, text: row.get(2)? }))
            })?;
            rows.collect()
        })
    }

    /// Trusts this root at exactly this content, which these files make up.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn trust(
        &self,
        root: &Path,
        content: Digest,
        files: &BTreeMap<String, TrustedFile>,
    ) -> Result<(), StoreError> {
        let key = key(root);
        self.with(|connection| {
            let transaction = connection.unchecked_transaction()?;
            transaction.execute(
                "INSERT INTO trust (root, content) VALUES (?1, ?2)
                 ON CONFLICT (root) DO UPDATE SET content = excluded.content",
                params![key, content.to_string()],
            )?;
            transaction.execute("DELETE FROM trusted_file WHERE root = ?1", [&key])?;
            for (path, file) in files {
                transaction.execute(
                    "INSERT INTO trusted_file (root, path, digest, text) VALUES (?1, ?2, ?3, ?4)",
                    params![key, path, file.digest, file.text],
                )?;
            }
            transaction.commit()
        })
    }

    /// A number that is another one when another process has trusted or revoked anything since
    /// it was asked for last.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn version(&self) -> Result<i64, StoreError> {
        self.with(|connection| connection.query_row("PRAGMA data_version", [], |row| row.get(0)))
    }

    /// Takes trust back.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn revoke(&self, root: &Path) -> Result<(), StoreError> {
        // The files stay: they say what has changed since, and trust nothing.
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
