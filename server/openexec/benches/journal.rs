//! Events per second that reach the disk: through the store one after the other, through the
//! store from many tasks at once (where the writer commits groups), and through a bare loop
//! over SQLite with the same pragmas, as the peer of the same run.
//!
//! `cargo bench -p openexec --bench journal`

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made must end the bench")]

use divan::{Bencher, counter::ItemsCount};
use openexec::store::Store;
use openexec_engine::ids::{CommandId, RunId};
use openexec_engine::model::{ModelReply, StopReason, ToolCall, Usage};
use openexec_engine::run::Event;
use rusqlite::Connection;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Events of one measurement.
const EVENTS: u64 = 64;

fn main() {
    divan::main();
}

/// About four hundred bytes of JSON, as most events have.
fn event() -> Event {
    Event::ModelReplied {
        command: CommandId(7),
        reply: ModelReply {
            text: "I change one line.".to_owned(),
            tool_calls: vec![ToolCall {
                id: "call_1".into(),
                name: "replace_text".to_owned(),
                arguments: r#"{"path":"src/lib.rs","old":"a - b","new":"a + b"}"#.to_owned(),
            }],
            stop: StopReason::ToolUse,
            usage: Usage {
                input_tokens: 2345,
                output_tokens: 67,
                cached_tokens: 2000,
                cache_write_tokens: 0,
            },
            opaque: Vec::new(),
        },
        duration_ms: 1234,
    }
}

fn opened() -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("state.db")).unwrap();
    (directory, store)
}

/// A run that no measurement has used before.
fn new_run() -> RunId {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    RunId::new(format!("run-{}", NUMBER.fetch_add(1, Ordering::Relaxed)))
}

/// What a run does: each event is durable before the next one is begun.
#[divan::bench(sample_count = 40, sample_size = 1)]
fn store_one_per_commit(bencher: Bencher) {
    let runtime = Runtime::new().unwrap();
    let (_directory, store) = opened();
    let event = event();
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        let run = new_run();
        runtime.block_on(async {
            for seq in 1..=EVENTS {
                store.append(&run, seq, seq, &event).await.unwrap();
            }
        });
    });
}

/// As many runs at once as there are events: the writer commits what waits as a group.
#[divan::bench(sample_count = 40, sample_size = 1)]
fn store_grouped(bencher: Bencher) {
    let runtime = Runtime::new().unwrap();
    let (_directory, store) = opened();
    let event = event();
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        runtime.block_on(async {
            let runs: Vec<RunId> = (0..EVENTS).map(|_| new_run()).collect();
            let appends = runs.iter().map(|run| store.append(run, 1, 1, &event));
            futures::future::try_join_all(appends).await.unwrap();
        });
    });
}

fn peer() -> (TempDir, Connection) {
    let directory = tempfile::tempdir().unwrap();
    let connection = Connection::open(directory.path().join("peer.db")).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE event (run TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (run, seq)) STRICT",
        )
        .unwrap();
    (directory, connection)
}

fn insert(connection: &Connection, run: &RunId, seq: u64, body: &str) {
    connection
        .prepare_cached("INSERT INTO event VALUES (?1, ?2, ?3)")
        .unwrap()
        .execute((run.as_str(), seq, body))
        .unwrap();
}

/// The peer: one insert, one commit, no chain, no thread.
#[divan::bench(sample_count = 40, sample_size = 1)]
fn bare_sqlite_one_per_commit(bencher: Bencher) {
    let (_directory, connection) = peer();
    let body = serde_json::to_string(&event()).unwrap();
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        let run = new_run();
        for seq in 1..=EVENTS {
            insert(&connection, &run, seq, &body);
        }
    });
}

/// The peer: all inserts in one commit.
#[divan::bench(sample_count = 40, sample_size = 1)]
fn bare_sqlite_one_commit(bencher: Bencher) {
    let (_directory, mut connection) = peer();
    let body = serde_json::to_string(&event()).unwrap();
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        let transaction = connection.transaction().unwrap();
        for seq in 1..=EVENTS {
            insert(&transaction, &new_run(), seq, &body);
        }
        transaction.commit().unwrap();
    });
}

/// Reading a run back with its whole chain verified.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn verify_a_run(bencher: Bencher) {
    const RUN_EVENTS: u64 = 1000;
    let runtime = Runtime::new().unwrap();
    let (_directory, store) = opened();
    let run = new_run();
    let event = event();
    runtime.block_on(async {
        for seq in 1..=RUN_EVENTS {
            store.append(&run, seq, seq, &event).await.unwrap();
        }
    });
    bencher.counter(ItemsCount::new(RUN_EVENTS)).bench_local(|| store.events(&run).unwrap().len());
}
