//! Real repositories: pointers through commits into a working tree.

use super::*;
use crate::history::repository::Repository;
use openexec_engine::digest::Digest;
use openexec_engine::ids::{BlueprintName, RecordId, RunId};
use openexec_engine::memory::{Body, Fingerprints, Origin, PointerState, Standing, SymbolNote};

const TOTAL: &str = "pub fn total(items: &[Item]) -> u64 {\n    let mut sum = 0;\n    for item in items {\n        sum += item.price * item.count;\n    }\n    sum\n}\n";
const OTHER: &str = "pub fn parse(text: &str) -> Tree {\n    Parser::new(text).run()\n}\n";

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

/// Steps that are small each, and leave next to nothing of the first text together.
fn steps() -> [String; 4] {
    let renamed = TOTAL.replace("fn total", "fn amount_due");
    let taxed = renamed.replace(
        "        sum += item.price * item.count;\n",
        "        let taxed = item.price * item.rate.of(item.region);\n        sum += taxed * item.count;\n",
    );
    let checked = taxed
        .replace("let mut sum = 0", "let mut sum = Money::zero(items.currency())")
        .replace("-> u64", "-> Result<Money, Overflow>")
        .replace("    sum\n}", "    Ok(sum)\n}");
    let cart = checked
        .replace("items: &[Item]", "cart: &Cart")
        .replace("for item in items", "for item in cart.lines()")
        .replace("items.currency()", "cart.currency()");
    [renamed, taxed, checked, cart]
}

/// How an anchor stands to the files of a repository's working tree.
fn standing_in(repository: &Repository, pointers: &Pointers, anchor: &Anchor) -> Resolution {
    let read = |path: &WorkspacePath| std::fs::read_to_string(repository.root().join(path.as_str())).ok();
    let names = repository.git(&["ls-files", "--cached", "--others"]);
    let present = Present::new(&read, names.lines().map(path));
    pointers.look().standing(anchor, &present)
}

#[test]
fn what_moves_and_is_renamed_over_several_commits_is_found_where_a_comparison_gives_up() {
    let repository = Repository::new();
    let first = repository.commit(&[("src/sums.rs", Some(&format!("{TOTAL}\n{OTHER}")))]);
    let pointer = repository.pointer(&first, "src/sums.rs", "total", 0);
    let [renamed, taxed, checked, cart] = steps();
    repository.commit(&[("src/sums.rs", Some(&format!("{renamed}\n{OTHER}")))]);
    repository.commit(&[("src/sums.rs", Some(&format!("{taxed}\n{OTHER}")))]);
    repository.commit(&[("src/sums.rs", Some(OTHER)), ("src/cart.rs", Some(&taxed))]);
    repository.commit(&[("src/cart.rs", Some(&checked))]);
    // The last step is not committed.
    repository.write("src/cart.rs", &format!("{OTHER}\n{cart}"));

    let pointers = Pointers::of(&repository.root());
    let anchor = Anchor::to(pointer.clone());
    let walked = standing_in(&repository, &pointers, &anchor);
    let place = walked.place.clone().expect(&walked.why);
    assert_eq!(walked.state, PointerState::Renamed, "{}", walked.why);
    assert_eq!((place.path.as_str(), place.symbol.as_str(), place.lines.0), ("src/cart.rs", "amount_due", 5));
    assert_eq!(place.commit, None, "no commit holds this text yet");
    // Without its commit, the same pointer is nowhere for certain.
    let read = |path: &WorkspacePath| std::fs::read_to_string(repository.root().join(path.as_str())).ok();
    let alone = Anchor::to(SymbolPointer { commit: None, ..pointer });
    let compared = standing(&alone, &Present::new(&read, [path("src/cart.rs"), path("src/sums.rs")]));
    assert!(!compared.state.is_certain(), "{}", compared.why);
    // Git knows in which it held.
    let found = standing_in(&repository, &pointers, &alone);
    assert_eq!((found.state, found.why), (PointerState::Renamed, walked.why));
    // Once committed, the place is bound, and the pointer that took it goes on from there.
    let last = repository.commit(&[]);
    let place = standing_in(&repository, &pointers, &anchor).place.unwrap();
    assert_eq!(place.commit.as_ref(), Some(&last));
    let exact = standing_in(&repository, &pointers, &Anchor::to(place.clone()));
    assert_eq!((exact.state, exact.place), (PointerState::Exact, Some(place)));
}

#[test]
fn what_a_commit_rewrote_is_suspect_and_what_it_removed_is_stale() {
    let repository = Repository::new();
    let first = repository.commit(&[("sums.rs", Some(TOTAL))]);
    let anchor = Anchor::to(repository.pointer(&first, "sums.rs", "total", 0));
    let pointers = Pointers::of(&repository.root());
    repository.commit(&[("sums.rs", Some("pub fn total(path: &Path) -> Key {\n    Key::of(path)\n}\n"))]);
    assert_eq!(standing_in(&repository, &pointers, &anchor).state, PointerState::Suspect);
    repository.commit(&[("sums.rs", Some(OTHER))]);
    assert_eq!(standing_in(&repository, &pointers, &anchor).state, PointerState::Stale);
    // What comes back as it was, is what it was.
    repository.commit(&[("sums.rs", Some(TOTAL))]);
    assert_eq!(standing_in(&repository, &pointers, &anchor).state, PointerState::Exact);
}

#[test]
fn what_stood_beside_it_when_it_was_committed_is_not_taken_for_it() {
    let repository = Repository::new();
    let like = TOTAL.replace("fn total", "fn weight").replace("price", "weight");
    let first = repository.commit(&[("sums.rs", Some(&format!("{TOTAL}\n{like}")))]);
    let pointer = repository.pointer(&first, "sums.rs", "total", 0);
    repository.write("sums.rs", &like);
    let pointers = Pointers::of(&repository.root());
    let walked = standing_in(&repository, &pointers, &Anchor::to(pointer.clone()));
    assert_eq!(walked.state, PointerState::Stale);
    // Nor for one that is bound to no commit, where the one that is checked out holds it.
    let alone = Anchor::to(SymbolPointer { commit: None, ..pointer });
    assert_eq!(standing_in(&repository, &pointers, &alone).state, PointerState::Stale);
    // Where nothing is known but the present, likeness is all there is.
    let elsewhere = tempfile::tempdir().unwrap();
    let compared = standing_in(&repository, &Pointers::of(elsewhere.path()), &alone);
    assert_eq!(compared.place.map(|place| place.symbol).as_deref(), Some("weight"));
}

#[test]
fn where_git_does_not_have_the_commit_the_present_is_all_there_is() {
    let absent = CommitId::parse(&"1".repeat(40)).unwrap();
    let file = path("sums.rs");
    let pointer = Fingerprints::of(&file, TOTAL).symbols()[0].clone().at_commit(absent);
    let renamed = TOTAL.replace("fn total", "fn amount_due");
    let repository = Repository::new();
    repository.commit(&[("sums.rs", Some(&renamed))]);
    let pointers = Pointers::of(&repository.root());
    let found = standing_in(&repository, &pointers, &Anchor::to(pointer.clone()));
    assert_eq!(found.state, PointerState::Renamed);
    // And where there is no repository.
    let place = tempfile::tempdir().unwrap();
    let read = |_: &WorkspacePath| Some(renamed.clone());
    let look = Pointers::of(place.path()).look();
    let found = look.standing(&Anchor::to(pointer), &Present::new(&read, []));
    assert_eq!(found.state, PointerState::Renamed);
    assert_eq!(found.place.unwrap().commit, None);
}

#[test]
fn a_place_is_bound_to_a_commit_only_where_its_file_holds_exactly_this() {
    let repository = Repository::new();
    let pointers = Pointers::of(&repository.root());
    let bound = |text: &str| {
        let symbols = Fingerprints::of(&path("sums.rs"), text);
        pointers.look().bound(symbols.named("total").next().unwrap().clone()).commit
    };
    assert_eq!(bound(TOTAL), None, "there is no commit yet");
    let first = repository.commit(&[("sums.rs", Some(TOTAL))]);
    assert_eq!(bound(TOTAL), Some(first));
    assert_eq!(bound(&TOTAL.replace("sum = 0", "sum = 1")), None);
    assert_eq!(bound(&format!("{OTHER}{TOTAL}")), None, "it stands in other lines there");
}

#[test]
fn what_was_seen_before_is_one_small_step_away() {
    let place = tempfile::tempdir().unwrap();
    let pointers = Pointers::of(place.path());
    let file = path("sums.rs");
    let [renamed, _, checked, _] = steps();
    let pointer = Fingerprints::of(&file, &renamed).symbols()[0].clone();
    let read = |_: &WorkspacePath| Some(checked.clone());
    let present = Present::new(&read, []);
    let sources = Source::of(&file, renamed.clone()).map(|source| (file.clone(), source));
    let before = Seen { commit: None, sources: sources.into_iter().collect() };
    let anchor = Anchor::to(pointer);
    let seen = pointers.look().after(Some(before)).standing(&anchor, &present);
    assert_eq!(seen.state, PointerState::Edited, "{}", seen.why);
    let unseen = pointers.look().standing(&anchor, &present);
    assert_eq!(unseen.state, PointerState::Suspect, "{}", unseen.why);
}

#[test]
fn what_moved_and_was_committed_since_somebody_looked_is_new_where_it_is() {
    let (repository, file) = (Repository::new(), path("sums.rs"));
    let [renamed, ..] = steps();
    let first = repository.commit(&[("sums.rs", Some(TOTAL))]);
    // Seen, but in no commit.
    let pointer = Fingerprints::of(&file, &renamed).symbols()[0].clone();
    let sources = Source::of(&file, renamed.clone()).map(|source| (file, source));
    let before = Seen { commit: Some(first), sources: sources.into_iter().collect() };
    let last = repository.commit(&[("sums.rs", Some(OTHER)), ("cart.rs", Some(&renamed))]);
    let read = |path: &WorkspacePath| std::fs::read_to_string(repository.root().join(path.as_str())).ok();
    let present = Present::new(&read, [path("cart.rs"), path("sums.rs")]);
    let look = Pointers::of(&repository.root()).look().after(Some(before));
    let found = look.standing(&Anchor::to(pointer), &present);
    let place = found.place.expect(&found.why);
    assert_eq!(found.state, PointerState::Moved);
    assert_eq!((place.path.as_str(), place.commit), ("cart.rs", Some(last)));
}

#[test]
fn a_twin_that_had_always_been_there_is_not_taken_for_what_a_commit_removed() {
    let repository = Repository::new();
    let first = repository.commit(&[("a.rs", Some(TOTAL)), ("b.rs", Some(TOTAL))]);
    let bound = repository.pointer(&first, "a.rs", "total", 0);
    let unbound = SymbolPointer { commit: None, ..bound.clone() };
    let lost = SymbolPointer { commit: CommitId::parse(&"1".repeat(40)).ok(), ..bound.clone() };
    repository.commit(&[("a.rs", None)]);
    let pointers = Pointers::of(&repository.root());
    for pointer in [bound, unbound, lost] {
        let found = standing_in(&repository, &pointers, &Anchor::to(pointer));
        assert_eq!((found.state, found.place), (PointerState::Stale, None), "{}", found.why);
    }
}

#[test]
fn records_are_bound_to_the_commit_that_holds_what_they_point_at() {
    let repository = Repository::new();
    let first = repository.commit(&[("sums.rs", Some(TOTAL))]);
    let pointer = repository.pointer(&first, "sums.rs", "total", 0);
    let unbound = SymbolPointer { commit: None, ..pointer.clone() };
    let look = Pointers::of(&repository.root()).look();
    let note = SymbolNote { at: Anchor::to(unbound.clone()), why: "so".into() };
    let record = Record {
        id: RecordId::new("a"),
        origin: Origin::Private,
        author: None,
        written: None,
        source: None,
        labels: Default::default(),
        redact: Vec::new(),
        body: Body::Symbol(note),
    };
    assert_eq!(look.bound_record(record).anchors()[0].pointer.as_deref(), Some(&pointer));
    let edited = Fingerprints::of(&path("sums.rs"), &TOTAL.replace("sum = 0", "sum = 1"));
    let lesson = MaintenanceRecord {
        run: RunId::new("run-1"),
        blueprint: BlueprintName::new("fix"),
        at_ms: 1,
        standing: Standing::Done,
        instruction: String::new(),
        summary: String::new(),
        files: vec![path("sums.rs")],
        symbols: vec![unbound, edited.symbols()[0].clone()],
        repaired_tests: Vec::new(),
        errors: Vec::new(),
        evidence: Vec::new(),
        tree: Digest::of(b""),
        notes: Vec::new(),
    };
    let symbols = look.bound_lesson(lesson).symbols;
    assert_eq!(symbols[0], pointer);
    assert_eq!(symbols[1].commit, None, "no commit holds this text yet");
}

#[test]
fn what_a_commit_removed_and_another_brings_back_is_followed_on() {
    let repository = Repository::new();
    let first = repository.commit(&[("sums.rs", Some(TOTAL))]);
    let anchor = Anchor::to(repository.pointer(&first, "sums.rs", "total", 0));
    let pointers = Pointers::of(&repository.root());
    let state = || standing_in(&repository, &pointers, &anchor).state;
    repository.commit(&[("sums.rs", None)]);
    assert_eq!(state(), PointerState::Stale);
    let edited = TOTAL.replace("sum = 0", "sum = 0u64");
    repository.write("sums.rs", &edited);
    assert_eq!(state(), PointerState::Suspect, "it is back, but not as it was");
    repository.commit(&[("sums.rs", Some(TOTAL))]);
    repository.write("sums.rs", &edited);
    assert_eq!(state(), PointerState::Edited);
    repository.commit(&[]);
    assert_eq!(state(), PointerState::Edited, "committing the same bytes makes no difference");
}
