//! The spending ledger, on real databases.

use super::*;
use openexec_engine::budget::{Limit, Spent};

const DAY_MS: u64 = 86_400_000;
const NOON: u64 = 20_000 * DAY_MS + DAY_MS / 2;

fn spent(tokens: u64, micro_usd: u64) -> Spent {
    Spent { tokens, micro_usd }
}

fn limit(tokens: u64) -> Limit {
    Limit { tokens: Some(tokens), micro_usd: None }
}

fn reserve(ledger: &Spending, at_ms: u64, at_most: Spent, limit: &Limit) -> Reserved {
    let (run, model) = (RunId::new("run-1"), "m".into());
    ledger.reserve(&Call { run: &run, model: &model, at_ms, at_most }, limit).unwrap()
}

fn call(reserved: Reserved) -> i64 {
    match reserved {
        Reserved::Yes { call } => call,
        Reserved::No { spent } => panic!("{spent:?}"),
    }
}

#[test]
fn a_reservation_counts_until_it_is_settled_and_survives_its_process() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("state/spending.db");
    let ledger = Spending::at(&file);
    assert!(!file.exists(), "nothing is opened before it is needed");
    let first = call(reserve(&ledger, NOON, spent(6_000, 50), &limit(10_000)));
    let refused = reserve(&ledger, NOON, spent(6_000, 50), &limit(10_000));
    assert_eq!(refused, Reserved::No { spent: spent(6_000, 50) });
    let usage = Usage { input_tokens: 900, output_tokens: 100, ..Usage::default() };
    ledger.settle(first, &usage, spent(1_000, 7)).unwrap();
    assert_eq!(ledger.spent_in_day(NOON).unwrap(), spent(1_000, 7));
    call(reserve(&ledger, NOON, spent(6_000, 50), &limit(10_000)));
    drop(ledger);
    // Whoever reserved that is gone, and nobody knows how much of it was spent.
    let later = Spending::at(&file);
    assert_eq!(later.spent_in_day(NOON).unwrap(), spent(7_000, 57));
}

#[test]
fn a_day_is_one_of_utc_and_money_counts_as_tokens_do() {
    let place = tempfile::tempdir().unwrap();
    let ledger = Spending::at(&place.path().join("spending.db"));
    let midnight = NOON + DAY_MS / 2;
    call(reserve(&ledger, midnight - 1, spent(9_000, 900), &limit(10_000)));
    let money = Limit { tokens: None, micro_usd: Some(1_000) };
    assert!(matches!(reserve(&ledger, midnight - 1, spent(1, 101), &money), Reserved::No { .. }));
    call(reserve(&ledger, midnight - 1, spent(1, 100), &money));
    assert_eq!(ledger.spent_in_day(midnight).unwrap(), spent(0, 0));
    call(reserve(&ledger, midnight, spent(10_000, 1_000), &limit(10_000)));
    assert_eq!(ledger.spent_in_day(NOON).unwrap(), spent(9_001, 1_000));
    // What no number holds is more than any limit, and no error.
    call(reserve(&ledger, midnight, spent(u64::MAX, u64::MAX), &Limit::default()));
    assert!(matches!(reserve(&ledger, midnight, spent(1, 1), &limit(u64::MAX >> 2)), Reserved::No { .. }));
}

/// Each thread has a connection of its own, as each process has.
#[test]
fn what_is_left_once_is_not_spent_twice() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("spending.db");
    let reserved: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let ledger = Spending::at(&file);
                    let tries = (0..10).map(|_| reserve(&ledger, NOON, spent(1_000, 0), &limit(10_500)));
                    tries.filter(|reserved| matches!(reserved, Reserved::Yes { .. })).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(reserved, 10);
}

#[test]
fn another_programs_database_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("spending.db");
    std::fs::write(&file, "not a database, but long enough to be looked at as one".repeat(40)).unwrap();
    let (run, model) = (RunId::new("run-1"), "m".into());
    let call = Call { run: &run, model: &model, at_ms: NOON, at_most: spent(1, 1) };
    let error = Spending::at(&file).reserve(&call, &Limit::default()).unwrap_err().to_string();
    assert!(error.contains("move it aside"), "{error}");
}
