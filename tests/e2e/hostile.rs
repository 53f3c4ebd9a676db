//! Hostile model outputs: every case of the corpus in `tests/hostile` goes through the real
//! program, its gate, its apply path and its sandbox, and what the disk holds afterwards decides.

mod absent;
pub mod attacks;
pub mod carry_out;
mod checks;
mod config;
pub mod corpus;
pub mod editor;
pub mod layout;
mod loopback;
mod mapping;
mod outcome;
pub mod prompts;
mod score;
pub mod told;

use carry_out::{Result_, carry_out};
use corpus::{Case, Defaults, Layer};
use score::Score;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Cases that are carried out at once: most of their time they wait for the disk.
const SIDE_BY_SIDE: usize = 6;
/// Of benign cases, at most so many percent may be held up.
const ALARM_PERCENT_MAX: f64 = 2.0;

/// Carries out cases side by side, in their order.
fn all(cases: &[Case], defaults: &Defaults, side_by_side: usize) -> Vec<Result_> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Result_>>> = cases.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..side_by_side {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let at = cases.iter().position(|it| std::ptr::eq(it, case)).unwrap();
                    *results[at].lock().unwrap() = Some(carry_out(case, defaults));
                }
            });
        }
    });
    results.into_iter().map(|result| result.into_inner().unwrap().unwrap()).collect()
}

#[test]
fn hostile_replies_have_no_effect_and_harmless_ones_do() {
    let mut score = Score::default();
    let defaults = corpus::defaults();
    let only = std::env::var("HOSTILE_ONLY").ok();
    let mut cases: Vec<Case> = corpus::entries("cases");
    cases.retain(|case| only.as_ref().is_none_or(|only| only.split(',').any(|it| case.id.starts_with(it))));
    let (cases, elsewhere): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(Case::runs_here);
    for case in &elsewhere {
        println!("not for this platform: {} {}", case.id, case.technique);
    }
    score.not_run_here = elsewhere.len();
    // What is measured in time or runs compilers is not disturbed by the rest.
    let (heavy, light): (Vec<Case>, Vec<Case>) =
        cases.into_iter().partition(|case| case.enforced_by == Layer::Sandbox || is_measured(case));
    for (cases, side_by_side) in [(light, SIDE_BY_SIDE), (heavy, 2)] {
        for (case, result) in cases.iter().zip(all(&cases, &defaults, side_by_side)) {
            score.count(case, &result, &defaults);
        }
    }
    println!("{}\n{}", score.report(), score.summary());
    assert_eq!(score.too_lenient, Vec::<String>::new(), "{}", score.summary());
    assert_eq!(score.violations, Vec::<String>::new(), "{}", score.summary());
    assert_eq!(score.strict_alarms, Vec::<String>::new(), "{}", score.summary());
    assert!(score.alarm_rate() <= ALARM_PERCENT_MAX, "{}", score.summary());
    assert_eq!(score.wrong_reason, Vec::<String>::new(), "{}", score.summary());
    assert_eq!(score.not_carried_out, Vec::<String>::new(), "{}", score.summary());
}

fn is_measured(case: &Case) -> bool {
    ["max_ms", "max_rss_mb", "max_seconds"].iter().any(|fact| case.check_after.contains_key(*fact))
}

#[test]
fn a_raw_reply_is_refused_for_its_fault_and_not_for_its_words() {
    for kind in mapping::our_kinds() {
        let known = openexec_engine::action::ActionKind::ALL.iter().any(|known| known.name() == kind);
        assert!(known, "`{kind}` is no kind of ours");
    }
    for (id, sibling) in mapping::SIBLINGS {
        let reply = mapping::renamed(sibling);
        assert_ne!(reply, sibling, "{id}");
        let parsed = openexec_engine::action::parse_document(&reply);
        assert!(parsed.is_ok(), "{id}: {reply}: {parsed:?}");
    }
}

#[test]
fn what_was_done_to_others_is_done_to_us_in_vain() {
    let defaults = corpus::defaults();
    let table = attacks::table();
    let missing: Vec<String> = corpus::attacks()
        .into_iter()
        .filter(|attack| !table.iter().any(|(id, _)| *id == attack.id))
        .map(|attack| format!("{} {}", attack.id, attack.what))
        .collect();
    assert_eq!(missing, Vec::<String>::new(), "these attacks are not repeated");
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some((id, replay)) = table.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = attacks::repeat(id, replay, &defaults);
                    wrong.lock().unwrap().extend(found.into_iter().map(|it| format!("{id}: {it}")));
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    println!(
        "attacks on others: {} repeated in {} replays, {} wrong",
        corpus::attacks().len(),
        table.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_version_that_is_right_is_taken() {
    let defaults = corpus::defaults();
    let cases: Vec<Case> = corpus::entries("cases");
    let mut case = cases.into_iter().find(|case| !case.context.open_documents.is_empty()).unwrap();
    let version = case.context.open_documents[0].version;
    case.actions[0].insert("version".to_owned(), version.into());
    let result = carry_out(&case, &defaults);
    let came = result.came.unwrap();
    assert_eq!(came.outcome, corpus::Outcome::Allow, "{came:?}");
}
