//! Memory, trust, and what of proposals is accepted.

use super::*;
use openexec_engine::memory::{Anchor, Body, Maintained, Note, Origin, Standing, SymbolNote, SymbolPointer};
use std::collections::{BTreeMap, BTreeSet};

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

fn record(run: &str, at_ms: u64, files: &[&str], symbols: &[(&str, &str)]) -> MaintenanceRecord {
    MaintenanceRecord {
        run: run.into(),
        blueprint: "fix_tests".into(),
        at_ms,
        standing: Standing::Done,
        errors: Vec::new(),
        instruction: "mend `größe`".into(),
        summary: "done".into(),
        files: files.iter().map(|file| path(file)).collect(),
        symbols: symbols
            .iter()
            .map(|(file, symbol)| SymbolPointer::bare(path(file), *symbol, Digest::of(b"x")))
            .collect(),
        repaired_tests: vec!["t".into()],
        evidence: vec!["run_tests: 1 test passed".into()],
        tree: Digest::of(b"tree"),
        notes: vec![Note { key: Some("style".into()), text: "two spaces".into() }],
    }
}

fn recalled(store: &Store, places: &[(&str, Option<&str>)], limit: usize) -> Vec<String> {
    let places: Vec<_> =
        places.iter().map(|(file, symbol)| (path(file), symbol.map(str::to_owned))).collect();
    let records = store.recall(&places, &[], limit).unwrap();
    for record in &records {
        assert!(places.iter().any(|(path, symbol)| record.concerns(path, symbol.as_deref())));
    }
    records.iter().map(|record| record.run.to_string()).collect()
}

#[tokio::test]
async fn records_are_recalled_by_symbol_and_by_file_newest_first() {
    let (_directory, store) = store();
    for record in [
        record("r1", 1, &["a.rs", "b.rs"], &[("a.rs", "f"), ("b.rs", "g")]),
        record("r3", 3, &["a.rs"], &[("a.rs", "f"), ("a.rs", "h")]),
        record("r2", 2, &["a.rs", "a.rs"], &[("a.rs", "h"), ("a.rs", "h")]),
    ] {
        store.remember(&record).await.unwrap();
    }
    assert_eq!(recalled(&store, &[("a.rs", None)], 9), ["r3", "r2", "r1"]);
    assert_eq!(recalled(&store, &[("a.rs", None)], 2), ["r3", "r2"]);
    assert_eq!(recalled(&store, &[("a.rs", Some("f"))], 9), ["r3", "r1"]);
    assert_eq!(recalled(&store, &[("b.rs", Some("g")), ("a.rs", Some("h"))], 9), ["r3", "r2", "r1"]);
    assert!(recalled(&store, &[("b.rs", Some("f")), ("c.rs", None)], 9).is_empty());
    assert!(recalled(&store, &[], 9).is_empty());
    assert!(recalled(&store, &[("a.rs", None)], 0).is_empty());
}

#[tokio::test]
async fn of_each_symbol_the_newest_records_are_read_and_no_others() {
    let (_directory, store) = store();
    for record in [
        record("r1", 1, &["a.rs"], &[("a.rs", "f")]),
        record("r2", 2, &["a.rs"], &[("a.rs", "f"), ("b.rs", "f")]),
        record("r3", 3, &["a.rs"], &[("a.rs", "f")]),
        // Known of a file only: no symbol has it.
        record("r4", 4, &["a.rs"], &[]),
        // One symbol twice is one.
        record("r5", 5, &["a.rs"], &[("a.rs", "g"), ("a.rs", "g")]),
    ] {
        store.remember(&record).await.unwrap();
    }
    let read = |each, limit| -> Vec<String> {
        let records = store.lessons_of_symbols(each, limit).unwrap();
        records.iter().map(|record| record.run.to_string()).collect()
    };
    assert_eq!(read(1, 9), ["r5", "r3", "r2"]);
    assert_eq!(read(2, 9), ["r5", "r3", "r2"]);
    assert_eq!(read(3, 9), ["r5", "r3", "r2", "r1"]);
    assert_eq!(read(3, 2), ["r5", "r3"]);
    assert!(read(0, 9).is_empty());
}

fn repairing(run: &str, at_ms: u64, tests: &[&str]) -> MaintenanceRecord {
    let repaired_tests = tests.iter().map(|test| (*test).to_owned()).collect();
    MaintenanceRecord { repaired_tests, ..record(run, at_ms, &["a.rs"], &[("a.rs", "f")]) }
}

fn runs_for(store: &Store, tests: &[&str], limit: usize) -> Vec<String> {
    let records = store.lessons_of_tests(tests, limit).unwrap();
    records.iter().map(|record| record.run.to_string()).collect()
}

#[tokio::test]
async fn a_record_is_found_by_the_tests_that_its_run_made_green() {
    let (_directory, store) = store();
    store.remember(&repairing("r1", 1, &["one", "two"])).await.unwrap();
    store.remember(&repairing("r2", 2, &["two", "two"])).await.unwrap();
    assert_eq!(runs_for(&store, &["one", "two"], 9), ["r2", "r1"]);
    assert_eq!(runs_for(&store, &["one"], 9), ["r1"]);
    assert_eq!(runs_for(&store, &["two"], 1), ["r2"]);
    assert!(runs_for(&store, &["tw", "three"], 9).is_empty());
    // One that was undone has made nothing green.
    store.remember(&repairing("r2", 2, &[])).await.unwrap();
    assert_eq!(runs_for(&store, &["two"], 9), ["r1"]);
}

#[tokio::test]
async fn records_of_an_older_state_are_found_by_their_tests() {
    let (directory, store) = store();
    store.remember(&repairing("r1", 1, &["one", "two"])).await.unwrap();
    store.remember(&repairing("r2", 2, &[])).await.unwrap();
    drop(store);
    let path = directory.path().join("state.db");
    let older = "DROP TABLE memory_test; DROP TRIGGER accepted_ends_with_its_run; DROP TABLE accepted;
                 PRAGMA user_version = 2;";
    Connection::open(&path).unwrap().execute_batch(older).unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(runs_for(&store, &["one", "two"], 9), ["r1"]);
}

#[tokio::test]
async fn a_second_record_of_a_run_replaces_the_first_and_its_places() {
    let (_directory, store) = store();
    store.remember(&record("r1", 1, &["a.rs"], &[("a.rs", "f")])).await.unwrap();
    let second = record("r1", 2, &["b.rs"], &[]);
    store.remember(&second).await.unwrap();
    assert!(recalled(&store, &[("a.rs", None), ("a.rs", Some("f"))], 9).is_empty());
    assert_eq!(store.recall(&[(path("b.rs"), None)], &[], 9).unwrap(), [second]);
}

#[test]
fn trust_binds_a_root_to_a_content() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("state/trust.db");
    let root = directory.path().join("project");
    std::fs::create_dir(&root).unwrap();
    let (content, changed) = (Digest::of(b"1"), Digest::of(b"2"));
    let text = TrustedFile { digest: content.to_string(), text: Some("test:\n".to_owned()) };
    let blob = TrustedFile { digest: changed.to_string(), text: None };
    let files = BTreeMap::from([("Makefile".to_owned(), text), ("build".to_owned(), blob)]);
    let trust = TrustStore::open(&database).unwrap();
    assert_eq!(trust.trusted(&root).unwrap(), None);
    trust.trust(&root, content, &files).unwrap();
    assert_eq!(trust.files(&root).unwrap(), files);
    assert_eq!(trust.trusted(&root).unwrap(), Some(content));
    // Another spelling is the same root; a link leads to it; its parent is another one.
    assert_eq!(trust.trusted(&root.join("../project/.")).unwrap(), Some(content));
    std::os::unix::fs::symlink(&root, directory.path().join("link")).unwrap();
    assert_eq!(trust.trusted(&directory.path().join("link")).unwrap(), Some(content));
    assert_eq!(trust.trusted(directory.path()).unwrap(), None);
    trust.trust(&root, changed, &BTreeMap::new()).unwrap();
    assert!(trust.files(&root).unwrap().is_empty());
    drop(trust);
    let trust = TrustStore::open(&database).unwrap();
    assert_eq!(trust.trusted(&root).unwrap(), Some(changed));
    trust.revoke(&root).unwrap();
    assert_eq!(trust.trusted(&root).unwrap(), None);
}

#[test]
fn a_trust_that_cannot_be_read_trusts_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("trust.db");
    let trust = TrustStore::open(&database).unwrap();
    trust.trust(directory.path(), Digest::of(b"1"), &BTreeMap::new()).unwrap();
    Connection::open(&database).unwrap().execute("UPDATE trust SET content = 'yes'", []).unwrap();
    assert_eq!(trust.trusted(directory.path()).unwrap(), None);
}

#[tokio::test]
async fn a_record_is_found_by_the_error_that_its_run_met() {
    let (_directory, store) = store();
    let met = |run: &str, at_ms: u64, errors: &[&str]| MaintenanceRecord {
        errors: errors.iter().map(|error| (*error).to_owned()).collect(),
        ..record(run, at_ms, &[], &[])
    };
    store.remember(&met("r1", 1, &["lock <path> is stale", "port <n> refused"])).await.unwrap();
    store.remember(&met("r2", 2, &["lock <path> is stale"])).await.unwrap();
    let found = |errors: &[&str]| -> Vec<String> {
        let errors: Vec<String> = errors.iter().map(|error| (*error).to_owned()).collect();
        let records = store.recall(&[], &errors, 9).unwrap();
        records.iter().map(|record| record.run.to_string()).collect()
    };
    assert_eq!(found(&["lock <path> is stale"]), ["r2", "r1"]);
    assert_eq!(found(&["port <n> refused", "else"]), ["r1"]);
    assert!(found(&["lock"]).is_empty());
    // A run that is told of again is told of anew.
    store.remember(&met("r1", 1, &[])).await.unwrap();
    assert_eq!(found(&["lock <path> is stale", "port <n> refused"]), ["r2"]);
}

#[tokio::test]
async fn the_user_s_own_records_are_kept_replaced_and_forgotten() {
    let (_directory, store) = store();
    let at = Anchor { path: path("a.rs"), symbol: "f".into(), pointer: None };
    let own = |id: &str, body: Body| Record {
        id: id.into(),
        origin: Origin::Private,
        author: None,
        written: Some("2026-03-01".into()),
        source: None,
        labels: Default::default(),
        redact: Vec::new(),
        body,
    };
    let note = |why: &str| Body::Symbol(SymbolNote { at: at.clone(), why: why.into() });
    let past = Body::Maintenance(Maintained {
        cause: "c".into(),
        change: "d".into(),
        evidence: Vec::new(),
        symbols: vec![at.clone()],
        standing: Standing::Failed,
    });
    for record in [own("a", note("first")), own("a", past.clone()), own("a", note("second"))] {
        store.keep(&record).await.unwrap();
    }
    assert_eq!(store.records().unwrap(), [own("a", past.clone()), own("a", note("second"))]);
    store.forget(Kind::Symbol, &"a".into()).await.unwrap();
    store.forget(Kind::Symbol, &"a".into()).await.unwrap();
    assert_eq!(store.records().unwrap(), [own("a", past)]);
}

#[tokio::test]
async fn what_is_accepted_is_seen_by_others_until_its_run_is_over() {
    let (directory, store) = store();
    let (waits, ends) = (RunId::new("r1"), RunId::new("r2"));
    for run in [&waits, &ends] {
        store.append(run, 1, 0, &step_started(1)).await.unwrap();
    }
    let part = |text: &[u8], number| AcceptedPart { path: path("a b.rs"), text: Digest::of(text), number };
    let first = BTreeSet::from([part(b"+1", 1), part(b"+1", 2)]);
    store.accept(&waits, &first).await.unwrap();
    store.accept(&waits, &BTreeSet::from([part(b"+1", 2), part(b"+2", 1)])).await.unwrap();
    store.accept(&ends, &first).await.unwrap();
    let all = BTreeSet::from([part(b"+1", 1), part(b"+1", 2), part(b"+2", 1)]);
    let other = Store::open(&directory.path().join("state.db")).unwrap();
    let version = other.version().unwrap();
    assert_eq!(
        other.accepted().unwrap(),
        AcceptedParts::from([(waits.clone(), all.clone()), (ends.clone(), first.clone())])
    );
    // Whoever ends a run forgets what was accepted of it; of what is over nothing is noted.
    let over = Event::RunEnded { outcome: Outcome::Done, summary: "done".into() };
    store.append(&ends, 2, 0, &over).await.unwrap();
    assert_ne!(other.version().unwrap(), version);
    other.accept(&ends, &first).await.unwrap();
    other.accept(&RunId::new("r3"), &first).await.unwrap();
    assert_eq!(store.accepted().unwrap(), AcceptedParts::from([(waits, all)]));
}
