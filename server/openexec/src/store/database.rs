//! Opens databases: modes, pragmas that are set and read back, migrations. Turns SQLite's
//! refusals into sentences.
//!
//! It must not know what the tables are for.

use super::StoreError;
use crate::limits::{STORE_BUSY_TIMEOUT_MS, STORE_CACHE_KIB, STORE_WAL_RETRY_MS};
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

/// One sort of database.
pub(super) struct Kind {
    /// What it is called in messages.
    pub name: &'static str,
    /// Written into the file, so that another program's database is not taken for ours.
    application_id: i32,
    /// What a power failure may take from it.
    durability: Durability,
    /// Append-only: entry `n` leads from version `n` to `n + 1`. A released entry never changes.
    migrations: &'static [&'static str],
}

/// What a power failure may take from a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// Nothing that was committed.
    Committed,
    /// The last commits, of what can be made anew.
    Replaceable,
}

/// Journal and memory of one workspace.
pub(super) const STATE: Kind = Kind {
    name: "state",
    application_id: 0x4F50_4558,
    durability: Durability::Committed,
    migrations: &[include_str!("state_1.sql"), include_str!("state_2.sql"), include_str!("state_3.sql")],
};

/// What the user has trusted.
pub(super) const TRUST: Kind = Kind {
    name: "trust",
    application_id: 0x4F50_4554,
    durability: Durability::Committed,
    migrations: &[include_str!("trust_1.sql"), include_str!("trust_2.sql")],
};

/// What calls to models have taken.
pub(super) const SPENDING: Kind = Kind {
    name: "spending",
    application_id: 0x4F50_4553,
    durability: Durability::Committed,
    migrations: &[include_str!("spending_1.sql")],
};

/// What is known of the files of one workspace.
pub(super) const INDEX: Kind = Kind {
    name: "index",
    application_id: 0x4F50_4549,
    durability: Durability::Replaceable,
    migrations: &[include_str!("index_1.sql")],
};

/// POSIX drops a process's locks on a file when the process closes any of its descriptors of
/// it. Creating the file closes one, so it must not happen while SQLite opens the same file.
static OPENING: Mutex<()> = Mutex::new(());

/// Opens or creates a database for writing.
pub(super) fn open(path: &Path, kind: &Kind, bytes_max: u64) -> Result<Connection, StoreError> {
    let _opening = OPENING.lock();
    create(path).map_err(|error| refused_open(path, &files_reason(path, &error)))?;
    let mut connection = connect(path)?;
    let mut set_up = || {
        set_pragmas(&connection, path, kind, bytes_max)?;
        migrate(&mut connection, path, kind)?;
        switch_to_wal(&connection, path)
    };
    set_up().map_err(|error| explained(path, error))?;
    Ok(connection)
}

/// Opens an existing database for reading beside its writer.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path)?;
    let set_up = || -> Result<(), StoreError> {
        // A reader takes part in the write-ahead log's locks, so the file is opened for
        // writing; the pragma is what keeps it from changing anything.
        set(&connection, path, "query_only", 1)?;
        set(&connection, path, "cache_size", -STORE_CACHE_KIB)?;
        set(&connection, path, "trusted_schema", 0)?;
        set(&connection, path, "cell_size_check", 1)
    };
    set_up().map_err(|error| explained(path, error))?;
    Ok(connection)
}

/// Turns a refusal of SQLite's into what it means for the user and what to do.
pub(super) fn explained(path: &Path, error: StoreError) -> StoreError {
    let StoreError::Sqlite(error) = error else {
        return error;
    };
    let refused = |reason: String| StoreError::Refused { path: path.display().to_string(), reason };
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => refused(
            "has no room left; nothing was recorded: free space on its disk, then resume the run".to_owned(),
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            let reason = format!(
                "is damaged ({error}); nothing was changed in it: move it aside, and let `sqlite3 FILE .recover` save what it holds"
            );
            StoreError::Broken { path: path.display().to_string(), reason }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => refused(format!(
            "was kept busy by another process for {} s; nothing was recorded: end that process, then try again",
            STORE_BUSY_TIMEOUT_MS / 1000
        )),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            refused(format!("cannot be written ({error}); make the file and its directory writable for you"))
        }
        Some(ErrorCode::SystemIoFailure) => refused(format!(
            "could not be read or written ({error}); nothing was recorded: look after its disk, then resume the run"
        )),
        _ => StoreError::Sqlite(error),
    }
}

fn refused_open(path: &Path, reason: &str) -> StoreError {
    StoreError::Open { path: path.display().to_string(), reason: reason.to_owned() }
}

fn files_reason(path: &Path, error: &std::io::Error) -> String {
    let directory = path.parent().unwrap_or(Path::new("")).display();
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            format!(
                "{error}; make `{directory}` writable for you, or set `XDG_STATE_HOME` to a directory that is"
            )
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            format!("{error}; free space on the disk of `{directory}`")
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            format!(
                "{error}; something in `{directory}` is a file where a directory should be: move it aside"
            )
        }
        _ => error.to_string(),
    }
}

/// Creates directories (0700) and file (0600) where they are missing. SQLite gives its
/// `-wal` and `-shm` files the mode of the database.
fn create(path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(directory) = directory {
        private_directory(directory)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => tighten(path),
        Err(error) => Err(error),
    }
}

/// Creates a directory that only the user can enter.
pub(super) fn private_directory(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Takes the rights of others away from a database that is there already.
#[cfg(unix)]
fn tighten(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o700))
}

#[cfg(not(unix))]
fn tighten(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connect = || -> Result<Connection, StoreError> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_millis(STORE_BUSY_TIMEOUT_MS))?;
        expect(&connection, path, "busy_timeout", i64::try_from(STORE_BUSY_TIMEOUT_MS).unwrap_or(i64::MAX))?;
        Ok(connection)
    };
    connect().map_err(|error| explained(path, error))
}

/// A database with another program's mark, or with tables but without any, is not ours.
pub(super) fn check_owner(connection: &Connection, path: &Path, kind: &Kind) -> Result<(), StoreError> {
    let owner: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if owner == kind.application_id || (owner == 0 && tables == 0) {
        return Ok(());
    }
    Err(refused_open(path, &format!("it is not OpenExec's {} database; move it aside", kind.name)))
}

/// Switching needs the file for itself, so it is done only where it was not yet done. SQLite
/// does not wait for that: whoever is in the way is refused at once, so the waiting is done here.
#[expect(
    clippy::disallowed_methods,
    reason = "SQLite tells of no end of that wait, and this runs on threads that may block"
)]
fn switch_to_wal(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let query = |sql| connection.query_row(sql, [], |row| row.get::<_, String>(0));
    let since = Instant::now();
    let mode = loop {
        if query("PRAGMA journal_mode")? == "wal" {
            return Ok(());
        }
        match query("PRAGMA journal_mode = WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && since.elapsed() < Duration::from_millis(STORE_BUSY_TIMEOUT_MS) =>
            {
                std::thread::sleep(Duration::from_millis(STORE_WAL_RETRY_MS));
            }
            mode => break mode?,
        }
    };
    if mode == "wal" {
        return Ok(());
    }
    Err(refused_open(
        path,
        "its file system has no shared memory for SQLite's write-ahead log; set `XDG_STATE_HOME` to a local disk",
    ))
}

fn set_pragmas(connection: &Connection, path: &Path, kind: &Kind, bytes_max: u64) -> Result<(), StoreError> {
    match kind.durability {
        Durability::Committed => {
            // FULL (2): a commit is on the disk before it is answered, also when the power fails.
            set(connection, path, "synchronous", 2)?;
            // On macOS only this reaches the disk itself; elsewhere it changes nothing.
            set(connection, path, "fullfsync", 1)?;
        }
        // NORMAL (1): only a checkpoint waits for the disk.
        Durability::Replaceable => set(connection, path, "synchronous", 1)?,
    }
    set(connection, path, "cache_size", -STORE_CACHE_KIB)?;
    set(connection, path, "foreign_keys", 1)?;
    // Without it, INSERT OR REPLACE would pass by the triggers that forbid deletion.
    set(connection, path, "recursive_triggers", 1)?;
    set(connection, path, "trusted_schema", 0)?;
    set(connection, path, "cell_size_check", 1)?;
    let page_bytes: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = (bytes_max / page_bytes.max(1)).min(u64::from(u32::MAX - 1));
    // A file that is larger already keeps its size: then this reads back as what is there.
    let _: i64 = connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get(0))?;
    Ok(())
}

fn set(connection: &Connection, path: &Path, pragma: &str, value: i64) -> Result<(), StoreError> {
    connection.pragma_update(None, pragma, value)?;
    expect(connection, path, pragma, value)
}

fn expect(connection: &Connection, path: &Path, pragma: &str, value: i64) -> Result<(), StoreError> {
    let found: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0))?;
    if found == value {
        return Ok(());
    }
    Err(refused_open(
        path,
        &format!("SQLite keeps `{pragma}` at {found}, which must be {value}; reinstall OpenExec"),
    ))
}

fn migrate(connection: &mut Connection, path: &Path, kind: &Kind) -> Result<(), StoreError> {
    let newest = kind.migrations.len();
    // All is looked at within the transaction: another process may be migrating, too.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    check_owner(&transaction, path, kind)?;
    let version: usize = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > newest {
        let reason =
            format!("it is of version {version}, and this OpenExec knows {newest} at most; update OpenExec");
        return Err(refused_open(path, &reason));
    }
    for migration in kind.migrations.iter().skip(version) {
        transaction.execute_batch(migration)?;
    }
    if version < newest {
        transaction.pragma_update(None, "application_id", kind.application_id)?;
        transaction.pragma_update(None, "user_version", newest)?;
    }
    Ok(transaction.commit()?)
}
