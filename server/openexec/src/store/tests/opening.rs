//! Opening: what is set, what is refused, and what the refusal says.

use super::*;
use std::process::{Command, Stdio};

/// The error's text; a store that opened is a failure of the test.
fn refusal(path: &Path) -> String {
    match Store::open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn the_database_is_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/state.db");
    let store = Store::open(&path).unwrap();
    store.append(&RunId::new("r1"), 1, 0, &step_started(1)).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&directory.path().join("a/b/state.db-wal")), 0o600);
    assert_eq!(mode(&directory.path().join("a/b")), 0o700);
    assert_eq!(mode(&directory.path().join("a")), 0o700);
    let _lease = store.lease(&RunId::new("r1")).unwrap();
    assert_eq!(mode(&directory.path().join("a/b/leases/r1.lock")), 0o600);
    // A database that others could read is taken away from them.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let _second = Store::open(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn the_pragmas_hold() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let writer = database::open(&path, &database::STATE, STORE_BYTES_MAX).unwrap();
    let value = |connection: &Connection, name: &str| {
        connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap()
    };
    for (name, wanted) in [
        ("journal_mode", "wal".to_owned().into()),
        ("synchronous", 2.into()),
        ("foreign_keys", 1.into()),
        ("busy_timeout", 10_000.into()),
        ("recursive_triggers", 1.into()),
        ("trusted_schema", 0.into()),
        ("user_version", 3.into()),
    ] {
        assert_eq!(value(&writer, name), wanted, "{name}");
    }
    let loose: i64 = writer
        .query_row("SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite%'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(loose, 0, "every table is STRICT");
    let reader = database::open_reader(&path).unwrap();
    assert!(reader.execute("DELETE FROM run", []).is_err());
}

#[test]
fn a_newer_version_is_left_alone() {
    let (directory, store) = store();
    drop(store);
    let path = directory.path().join("state.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = refusal(&path);
    assert!(error.contains("version 99") && error.contains("update OpenExec"), "{error}");
    let version: i64 =
        Connection::open(&path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 99);
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let foreign = directory.path().join("foreign.db");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    assert!(refusal(&foreign).contains("not OpenExec's state database"), "{}", refusal(&foreign));
    let trust = directory.path().join("trust.db");
    drop(TrustStore::open(&trust).unwrap());
    assert!(refusal(&trust).contains("not OpenExec's state database"), "{}", refusal(&trust));
    let text = directory.path().join("notes.txt");
    std::fs::write(&text, "no database at all, but long enough to have a header's length".repeat(9)).unwrap();
    assert!(refusal(&text).contains("move it aside"), "{}", refusal(&text));
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("no database"));
}

#[tokio::test]
async fn a_truncated_file_is_said_to_be_damaged_and_not_touched() {
    let (directory, store) = store();
    let path = directory.path().join("state.db");
    let run = RunId::new("r1");
    for seq in 1..=50 {
        store.append(&run, seq, 0, &paused("x".repeat(2000))).await.unwrap();
    }
    Connection::open(&path).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    // A copy, because the file itself is open in this process.
    let whole = std::fs::read(&path).unwrap();
    let copy = directory.path().join("copy.db");
    std::fs::write(&copy, &whole).unwrap();
    assert_eq!(Store::open(&copy).unwrap().events(&run).unwrap().len(), 50);

    let cut = directory.path().join("cut.db");
    let half = &whole[..whole.len() / 2];
    std::fs::write(&cut, half).unwrap();
    let error = refusal(&cut);
    assert!(error.contains("is damaged") && error.contains(".recover"), "{error}");
    assert!(std::fs::read(&cut).unwrap() == half);
}

#[tokio::test]
async fn an_overwritten_page_is_damage_with_a_place_or_a_remedy() {
    let (directory, store) = store();
    let path = directory.path().join("state.db");
    let run = RunId::new("r1");
    for seq in 1..=50 {
        store.append(&run, seq, 0, &paused("x".repeat(2000))).await.unwrap();
    }
    Connection::open(&path).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let whole = std::fs::read(&path).unwrap();
    let copy = directory.path().join("copy.db");
    for page in 1..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0xA5);
        std::fs::write(&copy, &bytes).unwrap();
        let outcome = Store::open(&copy).and_then(|store| store.events(&run));
        match outcome {
            // A page that the run does not use (memory, free pages).
            Ok(events) => assert_eq!(events.len(), 50),
            Err(StoreError::Damaged { .. }) => {}
            Err(StoreError::Broken { reason, .. }) => assert!(reason.contains("is damaged"), "{reason}"),
            Err(other) => panic!("page {page}: {other}"),
        }
        for left_over in ["copy.db-wal", "copy.db-shm"] {
            let _ = std::fs::remove_file(directory.path().join(left_over));
        }
    }
}

#[test]
fn a_file_where_a_directory_should_be_is_named() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("openexec"), "").unwrap();
    let error = refusal(&directory.path().join("openexec/state.db"));
    assert!(error.contains("move it aside"), "{error}");
}

/// The superuser may write everywhere, so the attempt is made by a process of a user who may not.
#[test]
fn a_directory_without_the_right_to_write_is_said_so() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    const VARIABLE: &str = "OPENEXEC_TEST_READ_ONLY";
    if let Some(path) = std::env::var_os(VARIABLE) {
        println!("refusal: {}", refusal(Path::new(&path)));
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mode =
        |mode| std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o555);
    // A copy of this test, where everybody can reach it.
    let program = directory.path().with_extension("test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(&program);
    command
        .args([
            "--exact",
            "store::tests::opening::a_directory_without_the_right_to_write_is_said_so",
            "--nocapture",
        ])
        .env(VARIABLE, directory.path().join("openexec/state.db"))
        .current_dir("/")
        .stdin(Stdio::null());
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    let output = command.output();
    std::fs::remove_file(&program).unwrap();
    mode(0o755);
    let output = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(output.contains("refusal: could not open the state database"), "{output}");
    assert!(output.contains("writable for you, or set `XDG_STATE_HOME`"), "{output}");
}
