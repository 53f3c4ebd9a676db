//! Data in, values out, on real databases in real directories.

mod durability;
mod opening;
mod records;
mod sharing;
mod spending;
mod tampering;

use super::*;
use openexec_engine::blueprint::Blueprint;
use openexec_engine::budget::Budget;
use openexec_engine::ids::{CommandId, StageId, StepId};
use openexec_engine::model::{ChosenModel, ModelReply, Models, StopReason, ToolCall, Usage};
use openexec_engine::policy::{ApprovalMode, PolicySnapshot, SandboxMode};
use openexec_engine::run::{HydratedText, Inputs, Outcome, RunStarted};
use openexec_engine::task::TaskSet;
use tempfile::TempDir;

/// A store in a directory that is removed afterwards.
fn store() -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("state.db")).unwrap();
    (directory, store)
}

fn step_started(number: u32) -> Event {
    Event::StepStarted { step: StepId(number), stage: StageId::new("fix"), attempt: 1 }
}

/// An event whose text is as long as wanted.
fn paused(reason: String) -> Event {
    Event::RunPaused { reason }
}

/// One of the events with the most deeply nested contents.
fn run_started(run: &RunId) -> Event {
    Event::RunStarted(Box::new(RunStarted {
        run: run.clone(),
        workspace: "/home/ü/p".into(),
        at_ms: 7,
        blueprint: Blueprint {
            name: "fix_tests".into(),
            description: "d".into(),
            toolset: "coding_backend".into(),
            sandbox: SandboxMode::WorkspaceWrite,
            approval_mode: ApprovalMode::Always,
            triggers: Vec::new(),
            inputs: Vec::new(),
            gates: Vec::new(),
            stages: Vec::new(),
        },
        policy: PolicySnapshot::built_in(SandboxMode::WorkspaceWrite, ApprovalMode::Always),
        models: Models::only(ChosenModel::named("m")),
        budget: Budget::default(),
        approve_requests: false,
        tasks: TaskSet::default(),
        operations: Default::default(),
        inputs: Inputs { instruction: Some("größer".into()), ..Inputs::default() },
        route: None,
        open_documents: Vec::new(),
        open_versions: std::collections::BTreeMap::new(),
        environment: openexec_engine::policy::Taint::default(),
        masked: std::collections::BTreeSet::new(),
        entropy: "00".repeat(32),
        context_tokens_max: 8192,
    }))
}

fn model_replied(text: &str) -> Event {
    Event::ModelReplied {
        command: CommandId(3),
        reply: ModelReply {
            text: text.to_owned(),
            tool_calls: vec![ToolCall {
                id: "a1".into(),
                name: "finish".into(),
                arguments: "{\"x\": ".into(),
            }],
            stop: StopReason::ToolUse,
            usage: Usage {
                input_tokens: u64::from(u32::MAX) + 1,
                output_tokens: 2,
                cached_tokens: 0,
                cache_write_tokens: 0,
            },
            opaque: vec![serde_json::json!({"type": "thinking", "thinking": "t", "signature": "s=="})],
        },
        duration_ms: 12,
    }
}

fn hydrated(text: Result<String, String>) -> Event {
    Event::Hydrated {
        command: CommandId(4),
        texts: vec![HydratedText { title: "a.rs".into(), text, base: None, path: None, hidden: Vec::new() }],
    }
}

#[tokio::test]
async fn what_was_appended_is_read_back() {
    let (_directory, store) = store();
    let run = RunId::new("r1");
    let events = [
        run_started(&run),
        step_started(1),
        model_replied("line\nline\u{2028}\0\u{1F600}"),
        hydrated(Ok("text".into())),
        hydrated(Err("there is no such file".into())),
    ];
    let mut appended = Vec::new();
    for (event, seq) in events.iter().zip(1..) {
        appended.push(store.append(&run, seq, 1000 + seq, event).await.unwrap());
    }
    let read = store.events(&run).unwrap();
    assert_eq!(read, appended);
    assert_eq!(
        read.iter().map(|record| &record.event).collect::<Vec<_>>(),
        events.iter().collect::<Vec<_>>()
    );
    assert_eq!(read.iter().map(|record| record.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn the_chain_is_what_the_documentation_says() {
    let (_directory, store) = store();
    let run = RunId::new("r1");
    let (first, second) = (step_started(1), step_started(2));
    let one = store.append(&run, 1, 5, &first).await.unwrap().chain;
    let two = store.append(&run, 2, 6, &second).await.unwrap().chain;
    let link = |before: &[u8], seq: u64, at_ms: u64, event: &Event| {
        let body = serde_json::to_string(event).unwrap();
        Digest::of_parts([before, &seq.to_be_bytes(), &at_ms.to_be_bytes(), body.as_bytes()])
    };
    assert_eq!(one, link(b"r1", 1, 5, &first));
    assert_eq!(two, link(one.as_bytes(), 2, 6, &second));
}

#[tokio::test]
async fn only_the_next_number_is_taken() {
    let (_directory, store) = store();
    let run = RunId::new("r1");
    let refused = async |seq: u64| match store.append(&run, seq, 0, &step_started(1)).await.unwrap_err() {
        StoreError::Overtaken { expected, found, .. } => (expected, found),
        other => panic!("{other}"),
    };
    assert_eq!(refused(0).await, (0, 0));
    assert_eq!(refused(2).await, (2, 0));
    store.append(&run, 1, 0, &step_started(1)).await.unwrap();
    assert_eq!(refused(1).await, (1, 1));
    assert_eq!(refused(3).await, (3, 1));
    assert_eq!(refused(u64::MAX).await, (u64::MAX, 1));
    assert_eq!(store.events(&run).unwrap().len(), 1);
}

#[tokio::test]
async fn a_time_that_sqlite_cannot_hold_is_refused() {
    let (_directory, store) = store();
    let run = RunId::new("r1");
    assert!(store.append(&run, 1, u64::MAX, &step_started(1)).await.is_err());
    assert!(matches!(store.events(&run), Err(StoreError::NoRun(_))));
}

#[tokio::test]
async fn an_event_beyond_the_limit_is_refused_and_not_recorded() {
    let (_directory, store) = store();
    let run = RunId::new("r1");
    let error = store.append(&run, 1, 0, &paused("x".repeat(EVENT_BYTES_MAX))).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { limit: EVENT_BYTES_MAX, .. }), "{error}");
    assert!(matches!(store.events(&run), Err(StoreError::NoRun(_))));
}

#[tokio::test]
async fn runs_are_listed_newest_first() {
    let (_directory, store) = store();
    for (run, at_ms) in [("a", 10), ("c", 30), ("b", 20)] {
        store.append(&RunId::new(run), 1, at_ms, &run_started(&RunId::new(run))).await.unwrap();
    }
    store.append(&RunId::new("a"), 2, 99, &step_started(1)).await.unwrap();
    let runs = store.runs().unwrap();
    let found: Vec<_> =
        runs.iter().map(|it| (it.run.as_str(), it.events, it.started_at_ms, &*it.last_event)).collect();
    assert_eq!(
        found,
        [("c", 1, 30, "run_started"), ("b", 1, 20, "run_started"), ("a", 2, 10, "step_started")]
    );
}

#[tokio::test]
async fn parts_of_the_list_are_read_alone() {
    let (_directory, store) = store();
    for (run, at_ms) in [("a", 10), ("c", 30), ("b", 20)] {
        store.append(&RunId::new(run), 1, at_ms, &run_started(&RunId::new(run))).await.unwrap();
    }
    let ended = Event::RunEnded { outcome: Outcome::Cancelled, summary: String::new() };
    store.append(&RunId::new("b"), 2, 99, &ended).await.unwrap();
    let ids = |runs: Vec<RunSummary>| runs.iter().map(|it| it.run.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(store.latest_runs(2).unwrap()), ["c", "b"]);
    assert_eq!(ids(store.unfinished_runs().unwrap()), ["c", "a"]);
    let all = store.runs().unwrap();
    assert!(all.iter().all(|it| store.summary(&it.run).unwrap() == *it));
    assert!(matches!(store.summary(&RunId::new("d")), Err(StoreError::NoRun(_))));
}

#[tokio::test]
async fn a_run_is_found_by_its_beginning_or_its_end() {
    let (_directory, store) = store();
    for run in ["0190-aaaa-11", "0190-bbbb-22", "0190-bbbb-2233", "%_"] {
        store.append(&RunId::new(run), 1, 0, &step_started(1)).await.unwrap();
    }
    let find = |text: &str| store.find_run(text).map(|run| run.to_string());
    assert_eq!(find("0190-aaaa-11").unwrap(), "0190-aaaa-11");
    assert_eq!(find("0190-a").unwrap(), "0190-aaaa-11");
    assert_eq!(find("33").unwrap(), "0190-bbbb-2233");
    // A whole id is that run, though another one begins with it.
    assert_eq!(find("0190-bbbb-22").unwrap(), "0190-bbbb-22");
    assert_eq!(find("%").unwrap(), "%_");
    for nothing in ["", "x", "190-", "_%", "0190-aaaa-11-"] {
        assert!(matches!(find(nothing), Err(StoreError::NoRun(_))), "{nothing}");
    }
    match find("0190").unwrap_err() {
        StoreError::AmbiguousRun { prefix, runs } => {
            assert_eq!((prefix.as_str(), runs.len()), ("0190", 3));
        }
        other => panic!("{other}"),
    }
}
