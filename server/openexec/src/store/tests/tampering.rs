//! What was recorded stays recorded, and what was tampered with is found.

use super::*;
use openexec_engine::ids::CommandId;
use openexec_engine::model::ModelError;
use openexec_engine::policy::{Decision, Entry, Facts, PathFacts, Reason, Resolved, Verdict};
use openexec_engine::run::{ApplyReport, FileOutcome, StepOutcome};
use proptest::prelude::*;

fn event() -> impl Strategy<Value = Event> {
    let verdict = prop_oneof![Just(Verdict::Allow), Just(Verdict::Ask), Just(Verdict::Block)];
    let decision = (verdict, ".{0,8}").prop_map(|(verdict, matched)| Decision {
        verdict,
        reasons: vec![Reason { rule: "r".into(), verdict, matched, remedy: String::new() }],
    });
    let path = "[a-z]{1,6}/[a-z]{1,6}".prop_map(|path| {
        WorkspacePath::parse(&path).unwrap_or_else(|_| WorkspacePath::parse("reserved/name").unwrap())
    });
    prop_oneof![
        any::<u32>().prop_map(step_started),
        ".*".prop_map(paused),
        ".*".prop_map(|text| model_replied(&text)),
        proptest::result::maybe_ok(".*", ".*").prop_map(hydrated),
        any::<u64>().prop_map(|limit_ms| Event::ModelFailed {
            command: CommandId(1),
            error: ModelError::TimedOut { limit_ms, phase: "idle".into() }
        }),
        (any::<u32>(), ".*", decision.clone()).prop_map(|(step, subject, decision)| Event::PolicyDecided {
            step: StepId(step),
            subject,
            decision
        }),
        (any::<u32>(), ".*", decision).prop_map(|(step, diff, decision)| Event::Proposed {
            step: StepId(step),
            proposal: Digest::of(diff.as_bytes()),
            decision,
            diff
        }),
        (path.clone(), proptest::option::of(".*")).prop_map(|(path, text)| Event::Applied {
            command: CommandId(9),
            report: ApplyReport {
                files: vec![FileOutcome {
                    path,
                    text: text.as_ref().map(|text| Digest::of(text.as_bytes())),
                    look: None
                }],
                answer: text,
            }
        }),
        (path, ".*", any::<u64>()).prop_map(|(path, text, links)| Event::FactsGathered {
            command: CommandId(9),
            facts: Facts {
                paths: [(
                    openexec_engine::path::RequestedPath::new(path.as_str()),
                    PathFacts {
                        entry: Entry::Text { text, links, version: None },
                        resolved: Resolved::Linked { to: path },
                        executed_by: Some("a hook".into()),
                    }
                )]
                .into(),
                ..Facts::default()
            }
        }),
        ".*".prop_map(|summary| Event::StepFinished {
            step: StepId(1),
            outcome: StepOutcome::Succeeded { summary }
        }),
    ]
}

/// One way to tamper with a row, or with two.
#[derive(Debug, Clone)]
enum Tampering {
    Flip { column: &'static str, byte: prop::sample::Index, bit: u8 },
    Delete,
    Swap { with: prop::sample::Index },
    Rename,
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let column = prop_oneof![Just("body"), Just("at_ms"), Just("chain")];
    prop_oneof![
        4 => (column, any::<prop::sample::Index>(), 0..8u8)
            .prop_map(|(column, byte, bit)| Tampering::Flip { column, byte, bit }),
        1 => Just(Tampering::Delete),
        1 => any::<prop::sample::Index>().prop_map(|with| Tampering::Swap { with }),
        1 => Just(Tampering::Rename),
    ]
}

/// Tampers with event `seq` of `count`; gives the first event that is bad then.
fn tamper(database: &Path, how: &Tampering, seq: i64, count: usize) -> i64 {
    let connection = Connection::open(database).unwrap();
    connection
        .execute_batch("DROP TRIGGER journal_is_not_updated; DROP TRIGGER journal_is_not_deleted")
        .unwrap();
    let read = |sql: &str| connection.query_row(sql, [seq], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    let changed = match how {
        Tampering::Flip { column: "at_ms", bit, .. } => connection.execute(
            "UPDATE journal SET at_ms = (at_ms | ?2) - (at_ms & ?2) WHERE seq = ?1",
            (seq, 1 << bit),
        ),
        Tampering::Flip { column, byte, bit } => {
            let mut bytes = read(&format!("SELECT CAST({column} AS BLOB) FROM journal WHERE seq = ?1"));
            let at = byte.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let value = if *column == "body" { "CAST(?2 AS TEXT)" } else { "?2" };
            connection.execute(&format!("UPDATE journal SET {column} = {value} WHERE seq = ?1"), (seq, bytes))
        }
        Tampering::Delete => connection.execute("DELETE FROM journal WHERE seq = ?1", [seq]),
        Tampering::Rename => connection.execute("UPDATE journal SET name = 'approved' WHERE seq = ?1", [seq]),
        Tampering::Swap { with } => {
            let other = i64::try_from(with.index(count)).unwrap() + 1;
            // A swap with itself is a deletion's case already; take a neighbour instead.
            let other = if other == seq { seq % i64::try_from(count).unwrap() + 1 } else { other };
            for (from, to) in [(seq, 1_000_000), (other, seq), (1_000_000, other)] {
                connection.execute("UPDATE journal SET seq = ?2 WHERE seq = ?1", (from, to)).unwrap();
            }
            return seq.min(other);
        }
    };
    assert_eq!(changed.unwrap(), 1);
    seq
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_events_survive_and_any_tampering_is_found(
        events in prop::collection::vec((event(), 0..=i64::MAX as u64), 2..8),
        at in any::<prop::sample::Index>(),
        how in tampering(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (directory, store) = store();
        let run = RunId::new("r1");
        let mut appended = Vec::new();
        for ((event, at_ms), seq) in events.iter().zip(1..) {
            appended.push(runtime.block_on(store.append(&run, seq, *at_ms, event)).unwrap());
        }
        prop_assert_eq!(store.events(&run).unwrap(), appended);

        let seq = i64::try_from(at.index(events.len())).unwrap() + 1;
        let first_bad = tamper(&directory.path().join("state.db"), &how, seq, events.len());
        match store.events(&run) {
            Err(StoreError::Damaged { seq, .. }) => prop_assert_eq!(i64::try_from(seq).unwrap(), first_bad),
            other => prop_assert!(false, "{how:?} at {seq} was not found: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_journal_is_append_only() {
    let (directory, store) = store();
    let run = RunId::new("r1");
    for seq in 1..=3 {
        store.append(&run, seq, 0, &step_started(1)).await.unwrap();
    }
    let connection = Connection::open(directory.path().join("state.db")).unwrap();
    for attempt in [
        "UPDATE journal SET body = '{}' WHERE seq = 2",
        "UPDATE journal SET at_ms = 1",
        "DELETE FROM journal WHERE seq = 3",
        "DELETE FROM journal",
        "INSERT OR REPLACE INTO journal SELECT run, seq, at_ms, name, '{}', chain FROM journal WHERE seq = 3",
        "INSERT INTO journal SELECT run, seq + 2, at_ms, name, body, chain FROM journal WHERE seq = 3",
        "DELETE FROM run",
    ] {
        assert!(connection.execute(attempt, []).is_err(), "{attempt}");
    }
    assert_eq!(store.events(&run).unwrap().len(), 3);
}

#[tokio::test]
async fn a_cut_off_end_and_a_lost_or_altered_list_are_found() {
    let cases = [
        ("DELETE FROM journal WHERE seq = 3", 3),
        ("DELETE FROM journal", 1),
        ("DELETE FROM run", 1),
        ("UPDATE run SET events = 2", 3),
        ("UPDATE run SET head = zeroblob(32)", 3),
    ];
    for (tampering, first_bad) in cases {
        let (directory, store) = store();
        let run = RunId::new("r1");
        for seq in 1..=3 {
            store.append(&run, seq, 0, &step_started(1)).await.unwrap();
        }
        let connection = Connection::open(directory.path().join("state.db")).unwrap();
        let unguarded = "PRAGMA foreign_keys = 0; DROP TRIGGER journal_is_not_deleted;";
        connection.execute_batch(&format!("{unguarded} {tampering}")).unwrap();
        match store.events(&run) {
            Err(StoreError::Damaged { seq, .. }) => assert_eq!(seq, first_bad, "{tampering}"),
            other => panic!("{tampering} was not found: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_well_chained_record_that_is_no_event_is_damage() {
    let (directory, store) = store();
    let run = RunId::new("r1");
    let first = store.append(&run, 1, 0, &step_started(1)).await.unwrap();
    let body = r#"{"event":"invented"}"#;
    let seq = 2u64;
    let chain = Digest::of_parts([
        first.chain.as_bytes(),
        &seq.to_be_bytes()[..],
        &0u64.to_be_bytes(),
        body.as_bytes(),
    ]);
    let connection = Connection::open(directory.path().join("state.db")).unwrap();
    connection
        .execute("INSERT INTO journal VALUES ('r1', 2, 0, 'invented', ?1, ?2)", (body, chain.as_bytes()))
        .unwrap();
    let error = store.events(&run).unwrap_err().to_string();
    assert!(error.contains("at event 2") && error.contains("invented"), "{error}");
}
