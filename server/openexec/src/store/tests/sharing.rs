//! Several stores and several processes at one database, and the leases between them.

use super::*;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_and_many_tasks_at_one_database() {
    const RUNS: u64 = 8;
    const EVENTS: u64 = 25;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let stores = [Store::open(&path).unwrap(), Store::open(&path).unwrap()];
    let tasks = (0..RUNS).map(|number| {
        let store = stores[usize::try_from(number % 2).unwrap()].clone();
        let reader = stores[usize::try_from((number + 1) % 2).unwrap()].clone();
        tokio::spawn(async move {
            let run = RunId::new(format!("run-{number}"));
            for seq in 1..=EVENTS {
                store.append(&run, seq, seq, &model_replied("text")).await.unwrap();
                // What one store has answered, the other one sees.
                assert_eq!(reader.events(&run).unwrap().len() as u64, seq);
            }
        })
    });
    futures::future::try_join_all(tasks).await.unwrap();
    let runs = stores[0].runs().unwrap();
    assert_eq!(runs.len() as u64, RUNS);
    assert!(runs.iter().all(|run| run.events == EVENTS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_that_drive_one_run_each_number_goes_to_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let stores = [Store::open(&path).unwrap(), Store::open(&path).unwrap()];
    let run = RunId::new("r1");
    for seq in 1..=20 {
        let attempts = stores.iter().map(|store| {
            let (store, run) = (store.clone(), run.clone());
            tokio::spawn(async move { store.append(&run, seq, 0, &step_started(1)).await })
        });
        let outcomes = futures::future::try_join_all(attempts).await.unwrap();
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let lost = outcomes.iter().any(|outcome| {
            matches!(outcome, Err(StoreError::Overtaken { expected, found, .. }) if *expected == seq && *found == seq)
        });
        assert!(won == 1 && lost, "{outcomes:?}");
    }
    assert_eq!(stores[0].events(&run).unwrap().len(), 20);
}

#[tokio::test]
async fn who_drives_a_run_and_whether_anybody_wrote_can_be_seen_from_elsewhere() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let stores = [Store::open(&path).unwrap(), Store::open(&path).unwrap()];
    let run = RunId::new("r1");
    let before = stores[1].version().unwrap();
    assert_eq!((stores[1].driver(&run), stores[1].version().unwrap()), (None, before));
    let lease = stores[0].lease(&run).unwrap();
    stores[0].append(&run, 1, 0, &step_started(1)).await.unwrap();
    assert_eq!(stores[1].driver(&run), Some(std::process::id()));
    let after = stores[1].version().unwrap();
    assert_ne!(after, before);
    assert_eq!(stores[1].version().unwrap(), after);
    drop(lease);
    assert_eq!(stores[1].driver(&run), None);
    // What a process that was killed has left: its id without its lock.
    let left = directory.path().join("leases/r1.lock");
    std::fs::write(left, "4711").unwrap();
    assert_eq!(stores[1].driver(&run), None);
    stores[1].lease(&run).unwrap();
}

#[test]
fn many_threads_may_create_one_database() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    std::thread::scope(|scope| {
        let opening: Vec<_> = (0..8).map(|_| scope.spawn(|| Store::open(&path).map(|_| ()))).collect();
        for opened in opening {
            opened.join().unwrap().unwrap();
        }
    });
}

#[test]
fn whoever_needs_a_database_to_itself_waits_for_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    drop(Store::open(&path).unwrap());
    let other = Connection::open(&path).unwrap();
    let mode: String = other.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete");
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| Store::open(&path).map(|_| ()));
        let until = std::time::Instant::now() + std::time::Duration::from_millis(300);
        while std::time::Instant::now() < until {
            assert!(!opening.is_finished(), "{:?}", opening.join());
            std::thread::yield_now();
        }
        other.execute_batch("COMMIT").unwrap();
        opening.join().unwrap().unwrap();
    });
}

/// This test again, as another process that does what the variable says.
fn second_process(test: &str, variable: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("store::tests::sharing::{test}"), "--nocapture"])
        .env(variable, path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn processes_that_create_and_fill_one_database_do_not_disturb_each_other() {
    const VARIABLE: &str = "OPENEXEC_TEST_FILL";
    const EVENTS: u64 = 40;
    if let Some(path) = std::env::var_os(VARIABLE) {
        let store = Store::open(Path::new(&path)).unwrap();
        let run = RunId::new(format!("run-{}", std::process::id()));
        for seq in 1..=EVENTS {
            store.append(&run, seq, 0, &step_started(1)).await.unwrap();
        }
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let test = "processes_that_create_and_fill_one_database_do_not_disturb_each_other";
    let children: Vec<Child> = (0..8).map(|_| second_process(test, VARIABLE, &path)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let store = Store::open(&path).unwrap();
    let runs = store.runs().unwrap();
    assert_eq!(runs.len(), 8);
    assert!(runs.iter().all(|run| store.events(&run.run).unwrap().len() as u64 == EVENTS));
}

#[test]
fn a_run_is_leased_once() {
    let (directory, store) = store();
    let other = Store::open(&directory.path().join("state.db")).unwrap();
    let run = RunId::new("r1");
    let lease = store.lease(&run).unwrap();
    for store in [&store, &other] {
        match store.lease(&run) {
            Err(StoreError::Leased { pid, .. }) => assert_eq!(pid, std::process::id()),
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("leased twice"),
        }
    }
    assert!(other.lease(&RunId::new("../../r 2")).is_ok(), "a strange id is no path");
    drop(lease);
    assert!(other.lease(&run).is_ok());
}

#[test]
fn a_lease_dies_with_its_process() {
    const VARIABLE: &str = "OPENEXEC_TEST_LEASE";
    let run = RunId::new("r1");
    if let Some(path) = std::env::var_os(VARIABLE) {
        let store = Store::open(Path::new(&path)).unwrap();
        let _lease = store.lease(&run).unwrap();
        println!("holding");
        std::io::stdout().flush().unwrap();
        // Until it is killed: the other end of this pipe stays open.
        let _ = std::io::stdin().read_line(&mut String::new());
        return;
    }
    let (directory, store) = store();
    let mut child =
        second_process("a_lease_dies_with_its_process", VARIABLE, &directory.path().join("state.db"));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The harness has printed the test's name on this line already.
    assert!(lines.any(|line| line.unwrap().ends_with("holding")), "the second process holds no lease");
    match store.lease(&run) {
        Err(StoreError::Leased { pid, .. }) => assert_eq!(pid, child.id()),
        other => panic!("{other:?}"),
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(store.lease(&run).is_ok());
}
