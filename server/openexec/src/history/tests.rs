//! Real repositories, one of them hostile.

mod java;

use super::repository::Repository;
use super::*;
use openexec_engine::memory::{Fingerprints, PointerState, SymbolPointer};

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

const SUM: &str = "pub fn sum(items: &[Item]) -> u64 {\n    let mut sum = 0;\n    for item in items {\n        sum += item.price * item.count;\n    }\n    sum\n}\n";
const OTHER: &str = "pub fn parse(text: &str) -> Tree {\n    Parser::new(text).run()\n}\n";

#[test]
fn a_symbol_is_followed_through_renames_moves_and_edits() {
    let repository = Repository::new();
    let first = repository.commit(&[("src/a.rs", Some(SUM)), ("src/b.rs", Some(OTHER))]);
    let renamed = SUM.replace("fn sum", "fn total");
    repository.commit(&[("src/a.rs", Some(&renamed))]);
    repository.commit(&[("src/b.rs", Some("// nothing of interest\n"))]);
    let checked = renamed.replace("let mut sum = 0", "let mut sum: u64 = checked(0)");
    repository.commit(&[("src/a.rs", None), ("lib/cart.rs", Some(&format!("{OTHER}\n{checked}")))]);
    let wider =
        checked.replace("item.price * item.count", "item.price * item.count * item.rate - item.rebate");
    let last = repository.commit(&[("lib/cart.rs", Some(&format!("{OTHER}\n{wider}")))]);
    let history = repository.history();
    assert_eq!(history.head().as_ref(), Some(&last));
    assert_eq!(history.steps(&first, &last).unwrap().len(), 4);
    assert_eq!(history.commits_touching(&path("src/b.rs"), &first, &last).unwrap().len(), 1);

    let text = history.file_at(&first, &path("src/a.rs")).unwrap().unwrap();
    let pointer = Fingerprints::of(&path("src/a.rs"), &text).symbols()[0].clone().at_commit(first.clone());
    let past = Past::new(history);
    let walked = past.walk(&pointer, &last).unwrap().unwrap();
    let place = walked.place.unwrap();
    assert_eq!(walked.state, PointerState::Renamed);
    assert_eq!(
        (place.path.as_str(), place.symbol.as_str(), place.commit),
        ("lib/cart.rs", "total", Some(last.clone()))
    );
    let unmoved = past.walk(&pointer, &first).unwrap().unwrap();
    assert_eq!((unmoved.state, unmoved.place), (PointerState::Exact, Some(pointer.clone())));
    assert_eq!(past.walk(&SymbolPointer { commit: None, ..pointer }, &last).unwrap(), None);
}

#[test]
fn a_line_that_does_not_lead_there_begins_with_one_large_step() {
    let repository = Repository::new();
    let base = repository.commit(&[("a.rs", Some(SUM))]);
    repository.git(&["checkout", "-q", "-b", "side"]);
    let side = repository.commit(&[("a.rs", Some(&SUM.replace("fn sum", "fn total")))]);
    repository.git(&["checkout", "-q", "main"]);
    let last = repository.commit(&[("b.rs", Some(OTHER))]);
    let history = repository.history();
    let steps = history.steps(&side, &last).unwrap();
    let ends: Vec<_> = steps.iter().map(|step| (step.parent.clone().unwrap(), step.commit.clone())).collect();
    assert_eq!(ends, [(side.clone(), base.clone()), (base, last.clone())]);
    assert_eq!(history.steps(&last, &last).unwrap(), []);
}

#[test]
fn a_repository_without_a_work_tree_is_one() {
    let repository = Repository::new();
    let last = repository.commit(&[("a.rs", Some(SUM))]);
    let place = tempfile::tempdir().unwrap();
    let bare = place.path().join("bare");
    repository.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    assert_eq!(History::open(&bare).unwrap().head(), Some(last));
}

#[test]
fn files_are_read_as_they_were() {
    let repository = Repository::new();
    let first = repository.commit(&[("a b/ü.rs", Some(SUM)), ("deep/x.rs", Some("one"))]);
    let last =
        repository.commit(&[("a b/ü.rs", Some(OTHER)), ("deep/x.rs", None), ("deep/y.rs", Some("one"))]);
    let history = repository.history();
    assert_eq!(history.file_at(&first, &path("a b/ü.rs")).unwrap().as_deref(), Some(SUM));
    assert_eq!(history.file_at(&last, &path("deep/x.rs")).unwrap(), None);
    assert_eq!(history.renames(&first, &last).unwrap().file(&path("deep/x.rs")), Some(&path("deep/y.rs")));
    let blobs = history.blobs(&last).unwrap();
    assert_eq!(blobs.keys().map(WorkspacePath::as_str).collect::<Vec<_>>(), ["a b/ü.rs", "deep/y.rs"]);
    assert_eq!(history.blob(&blobs[&path("deep/y.rs")]).unwrap().as_deref(), Some("one"));
    // A workspace below the repository's top sees its own paths.
    let below = History::open(&repository.root().join("deep")).unwrap();
    assert_eq!(below.file_at(&last, &path("y.rs")).unwrap().as_deref(), Some("one"));
    assert_eq!(below.renames(&first, &last).unwrap().file(&path("x.rs")), Some(&path("y.rs")));
}

#[test]
fn files_that_change_together_are_counted() {
    let repository = Repository::new();
    repository.commit(&[("a.rs", Some("1")), ("b.rs", Some("1")), ("c.rs", Some("1"))]);
    repository.commit(&[("a.rs", Some("2")), ("b.rs", Some("2"))]);
    repository.commit(&[("c.rs", Some("2"))]);
    let many: Vec<_> = (0..=CO_CHANGED_FILES_MAX).map(|file| format!("many/{file}.rs")).collect();
    let mut all: Vec<_> = many.iter().map(|file| (file.as_str(), Some("x"))).collect();
    all.push(("a.rs", Some("3")));
    repository.commit(&all);
    let expected = [vec![path("a.rs"), path("b.rs")], vec![path("a.rs"), path("b.rs"), path("c.rs")]];
    assert_eq!(repository.history().commits(), expected);
    // They are asked for again only where the head has moved.
    let together = Together::default();
    let first = together.commits(&repository.root());
    assert_eq!(*first, expected);
    assert!(Arc::ptr_eq(&first, &together.commits(&repository.root())));
    repository.commit(&[("b.rs", Some("4")), ("c.rs", Some("4"))]);
    assert_eq!(together.commits(&repository.root())[0], [path("b.rs"), path("c.rs")]);
    let nowhere = tempfile::tempdir().unwrap();
    assert!(together.commits(nowhere.path()).is_empty());
}

#[test]
fn where_there_is_nothing_to_read_nothing_is_said() {
    let place = tempfile::tempdir().unwrap();
    assert!(History::open(place.path()).is_none());
    let repository = Repository::new();
    assert_eq!(repository.history().head(), None);
    let absent = CommitId::parse(&"1".repeat(40)).unwrap();
    let first = repository.commit(&[("a.rs", Some(SUM))]);
    assert!(matches!(repository.history().changes(&absent, &first), Err(HistoryError::Refused { .. })));
    assert_eq!(repository.history().file_at(&absent, &path("a.rs")).unwrap(), None);
}

/// Programs that a repository names say their names to a socket, which no restriction on
/// writing keeps them from.
#[cfg(target_os = "linux")]
struct Trap {
    listener: std::net::TcpListener,
    place: tempfile::TempDir,
}

#[cfg(target_os = "linux")]
impl Trap {
    fn new() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener, place: tempfile::tempdir().unwrap() }
    }

    /// A program that tells when it is started.
    fn program(&self, name: &str) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let port = self.listener.local_addr().unwrap().port();
        let file = self.place.path().join(name);
        std::fs::write(
            &file,
            format!("#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/{port}\necho {name} >&3\nexit 1\n"),
        )
        .unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// Who was started since the last time.
    fn started(&self) -> std::collections::BTreeSet<String> {
        use std::io::Read as _;
        let mut names = std::collections::BTreeSet::new();
        while let Ok((mut stream, _)) = self.listener.accept() {
            stream.set_nonblocking(false).unwrap();
            let mut name = String::new();
            let _ = stream.read_to_string(&mut name);
            names.insert(name.trim().to_owned());
        }
        names
    }
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_that_a_repository_configures_is_started() {
    let (repository, trap) = (Repository::new(), Trap::new());
    let first = repository.commit(&[(".gitattributes", Some("*.rs diff=evil\n")), ("a.rs", Some(SUM))]);
    let second = repository.commit(&[("a.rs", Some(OTHER))]);
    // A commit with a signature, which showing signatures would check.
    let plain = repository.git(&["cat-file", "commit", second.as_str()]);
    let signature =
        "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----\n\nchange\n";
    repository.write(".git/signed", &plain.replacen("\nchange\n", signature, 1));
    let signed = repository.git(&["hash-object", "-t", "commit", "-w", ".git/signed"]);
    repository.git(&["reset", "-q", "--hard", signed.trim()]);
    let last = CommitId::parse(signed.trim()).unwrap();
    let hooks = trap.place.path().join("hooks");
    std::fs::create_dir(&hooks).unwrap();
    for hook in ["post-index-change", "reference-transaction", "pre-auto-gc", "post-checkout"] {
        std::fs::rename(trap.program(hook), hooks.join(hook)).unwrap();
    }
    let other = Repository::new();
    other.commit(&[("x", Some("x"))]);
    let objects = other.root().join(".git/objects");
    repository.write(".git/objects/info/alternates", &format!("{}\n", objects.display()));
    for (key, value) in [
        ("core.fsmonitor", trap.program("fsmonitor")),
        ("diff.external", trap.program("external")),
        ("diff.evil.textconv", trap.program("textconv")),
        ("core.alternateRefsCommand", trap.program("alternates")),
        ("core.pager", trap.program("pager")),
        ("core.sshCommand", trap.program("ssh")),
        ("core.askPass", trap.program("askpass")),
        ("credential.helper", trap.program("credential")),
        ("gpg.program", trap.program("gpg")),
        ("log.showSignature", "true".to_owned()),
        ("core.hooksPath", hooks.to_str().unwrap().to_owned()),
        ("pager.log", "true".to_owned()),
        ("remote.origin.url", "ssh://example.invalid/x".to_owned()),
        ("remote.origin.promisor", "true".to_owned()),
        ("remote.origin.partialCloneFilter", "blob:none".to_owned()),
        ("core.repositoryFormatVersion", "1".to_owned()),
        ("extensions.partialClone", "origin".to_owned()),
    ] {
        repository.git(&["config", key, &value]);
    }
    // The trap works: asked plainly, git starts all of these.
    let absent = "1".repeat(40);
    for arguments in [
        &["status"][..],
        &["log", "-p"],
        &["diff", first.as_str(), second.as_str()],
        &["rev-list", "--alternate-refs"],
        &["cat-file", "-p", &absent],
    ] {
        repository.try_git(arguments);
    }
    let started = trap.started();
    for name in ["fsmonitor", "textconv", "gpg", "external", "alternates", "ssh"] {
        assert!(started.contains(name), "`{name}` is not among {started:?}");
    }

    let history = repository.history();
    assert_eq!(history.head(), Some(last.clone()));
    assert_eq!(history.steps(&first, &last).unwrap().len(), 1);
    assert_eq!(history.changes(&first, &last).unwrap().len(), 1);
    history.renames(&first, &last).unwrap();
    history.commits_touching(&path("a.rs"), &first, &last).unwrap();
    assert_eq!(history.commits(), [[path(".gitattributes"), path("a.rs")]]);
    history.blobs(&last).unwrap();
    assert_eq!(history.file_at(&last, &path("a.rs")).unwrap().as_deref(), Some(OTHER));
    // What is missing is not fetched.
    assert_eq!(history.file_at(&CommitId::parse(&absent).unwrap(), &path("a.rs")).unwrap(), None);
    assert!(history.changes(&CommitId::parse(&absent).unwrap(), &last).is_err());
    drop(history);
    assert_eq!(trap.started(), std::collections::BTreeSet::new());
}
