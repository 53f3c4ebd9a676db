//! What was answered is there afterwards: on a full disk, after a crash.

use super::*;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// Room for a few hundred pages.
const SMALL_BYTES: u64 = 1024 * 1024;

#[tokio::test]
async fn a_full_database_says_so_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let store = Store::open_within(&path, SMALL_BYTES).unwrap();
    let run = RunId::new("r1");
    let event = paused("x".repeat(50_000));
    let mut recorded = 0;
    let error = loop {
        match store.append(&run, recorded + 1, 0, &event).await {
            Ok(_) => recorded += 1,
            Err(error) => break error.to_string(),
        }
    };
    assert!(
        error.contains("no room left; nothing was recorded") && error.contains("resume the run"),
        "{error}"
    );
    assert!((5..30).contains(&recorded), "{recorded}");
    assert_eq!(store.events(&run).unwrap().len() as u64, recorded);
    assert_eq!(store.runs().unwrap()[0].events, recorded);
    drop(store);
    // With room again, the run goes on where it stood.
    let store = Store::open(&path).unwrap();
    store.append(&run, recorded + 1, 0, &event).await.unwrap();
    assert_eq!(store.events(&run).unwrap().len() as u64, recorded + 1);
}

#[tokio::test]
async fn one_that_does_not_fit_does_not_take_its_group_along() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open_within(&directory.path().join("state.db"), SMALL_BYTES).unwrap();
    let (small, huge) = (step_started(1), paused("x".repeat(2 * SMALL_BYTES as usize)));
    let append = |run: &'static str, event: Event| {
        let store = store.clone();
        tokio::spawn(async move { store.append(&RunId::new(run), 1, 0, &event).await.is_ok() })
    };
    let waiting = [append("a", small.clone()), append("b", huge), append("c", small)];
    let outcomes = futures::future::try_join_all(waiting).await.unwrap();
    assert_eq!(outcomes, [true, false, true]);
    assert_eq!(store.events(&RunId::new("a")).unwrap().len(), 1);
    assert!(matches!(store.events(&RunId::new("b")), Err(StoreError::NoRun(_))));
    assert_eq!(store.events(&RunId::new("c")).unwrap().len(), 1);
}

/// The test is its own second process: with the variable set it appends until it is killed,
/// and prints each number after it was answered.
#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_answered() {
    const VARIABLE: &str = "OPENEXEC_TEST_APPEND_TO";
    let run = RunId::new("r1");
    if let Some(path) = std::env::var_os(VARIABLE) {
        let store = Store::open(Path::new(&path)).unwrap();
        for seq in 1.. {
            store.append(&run, seq, 0, &model_replied("text")).await.unwrap();
            println!("recorded {seq}");
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    for wanted in [1, 40] {
        let _ = std::fs::remove_file(&path);
        for left_over in ["state.db-wal", "state.db-shm"] {
            let _ = std::fs::remove_file(directory.path().join(left_over));
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "store::tests::durability::a_killed_process_loses_nothing_that_was_answered",
                "--nocapture",
            ])
            .env(VARIABLE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut answered =
            lines.filter_map(|line| line.unwrap().strip_prefix("recorded ")?.parse::<u64>().ok());
        assert!(answered.any(|seq| seq == wanted), "the second process recorded too little");
        child.kill().unwrap();
        child.wait().unwrap();
        let answered = answered.last().unwrap_or(wanted);
        let store = Store::open(&path).unwrap();
        let found = store.events(&run).unwrap().len() as u64;
        assert!(found >= answered, "{found} found, {answered} answered");
        store.append(&run, found + 1, 0, &step_started(1)).await.unwrap();
    }
}
