use super::*;
use openexec_engine::digest::Digest;
use openexec_engine::edit::FileChange;
use openexec_engine::limits::{READ_BYTES_MAX, SEARCH_MATCHES_MAX};
use openexec_engine::run::ReadScope;

fn lines(at: &str, first: u32, last: u32) -> Read {
    Read::File { path: path(at), scope: ReadScope::Lines { first, last } }
}

fn symbol(at: &str, name: &str) -> Read {
    Read::File { path: path(at), scope: ReadScope::Symbol { name: name.to_owned() } }
}

fn search(text: &str, below: Option<&str>) -> Read {
    Read::Search { text: text.to_owned(), below: below.map(path) }
}

fn hydrated(tree: &Tree, read: Read) -> HydratedText {
    over(tree, read, &ChangeSet::default(), &[])
}

fn over(tree: &Tree, read: Read, changes: &ChangeSet, open: &[OpenDocument]) -> HydratedText {
    tree.workspace.hydrate(&[read], changes, open).remove(0)
}

fn proposed(at: &str, text: Option<&str>) -> ChangeSet {
    let change = FileChange { base: None, proposed: text.map(str::to_owned), renamed_from: None };
    ChangeSet { files: [(path(at), change)].into() }
}

#[test]
fn ranges_are_cut_at_the_files_end() {
    let tree = Tree::with(&[("a.txt", "one\r\ntwo\rthree\nfour\n"), ("empty", ""), ("open.txt", "x\ny")]);
    for (read, title, text) in [
        (lines("a.txt", 2, 3), "a.txt, lines 2-3 of 4", Ok("two\rthree\n")),
        (lines("a.txt", 3, u32::MAX), "a.txt, lines 3-4 of 4", Ok("three\nfour\n")),
        (lines("a.txt", 0, 1), "a.txt, lines 1-1 of 4", Ok("one\r\n")),
        (lines("open.txt", 1, 9), "open.txt, lines 1-2 of 2", Ok("x\ny")),
        (lines("empty", 1, 9), "empty, empty", Ok("")),
        (lines("a.txt", 5, 9), "a.txt", Err("there are only 4 lines")),
        (lines("a.txt", 3, 2), "a.txt", Err("line 3 comes after line 2")),
        (lines("b.txt", 1, 2), "b.txt", Err("there is no such file")),
        (symbol("a.txt", "f"), "a.txt", Err("symbols of this kind of file are not known; read it by lines")),
    ] {
        let text = text.map(str::to_owned).map_err(str::to_owned);
        let found = hydrated(&tree, read);
        assert_eq!((found.title.as_str(), &found.text), (title, &text));
        // An edit by position names the text it was chosen in: the whole file's.
        let file = title.split(',').next().unwrap_or_default();
        let base = std::fs::read(tree.at(file)).ok().map(|bytes| Digest::of(&bytes));
        assert_eq!(found.base, base.filter(|_| text.is_ok()));
    }
}

#[test]
fn symbols_are_found_by_name() {
    let tree = Tree::with(&[("a.rs", "/// Doc.\nfn one() {}\n\nimpl T {\n    fn two() {}\n}\n")]);
    let one = hydrated(&tree, symbol("a.rs", "one"));
    assert_eq!(one.title, "a.rs, `one`, lines 1-2");
    assert_eq!(one.text, Ok("/// Doc.\nfn one() {}".to_owned()));
    let missing = hydrated(&tree, symbol("a.rs", "tow")).text.unwrap_err();
    assert!(missing.starts_with("there is no symbol `tow`"), "{missing}");
}

#[test]
fn a_long_answer_ends_with_a_line_and_says_where_to_read_on() {
    let line = "0123456789abcde\n";
    let tree = Tree::with(&[("long.txt", &line.repeat(10_000)), ("wide.txt", &"ü".repeat(READ_BYTES_MAX))]);
    let text = hydrated(&tree, lines("long.txt", 11, 10_000)).text.unwrap();
    let kept = READ_BYTES_MAX / line.len();
    let note = format!("[cut here, at {READ_BYTES_MAX} bytes; read on from line {}]\n", 11 + kept);
    assert_eq!(text, line.repeat(kept) + &note);
    let text = hydrated(&tree, lines("wide.txt", 1, 1)).text.unwrap();
    let note = format!("\n[cut here, within a line of more than {READ_BYTES_MAX} bytes]\n");
    assert_eq!(text, "ü".repeat(READ_BYTES_MAX / 2) + &note);
}

#[test]
fn proposed_texts_go_before_buffers_and_these_before_the_disk() {
    let tree = Tree::with(&[("a.txt", "disk\n")]);
    let open = [buffer("a.txt", "typed\n"), buffer("new.txt", "unsaved\n")];
    let read = |changes: &ChangeSet, at: &str| over(&tree, lines(at, 1, 9), changes, &open).text;
    assert_eq!(read(&ChangeSet::default(), "a.txt").unwrap(), "typed\n");
    assert_eq!(read(&ChangeSet::default(), "new.txt").unwrap(), "unsaved\n");
    assert_eq!(read(&proposed("a.txt", Some("proposed\n")), "a.txt").unwrap(), "proposed\n");
    assert_eq!(read(&proposed("a.txt", None), "a.txt").unwrap_err(), "there is no such file");
    let found = over(&tree, search("e", None), &proposed("b/c.txt", Some("made\n")), &open);
    assert_eq!(found.text.unwrap(), "a.txt:1: typed\nb/c.txt:1: made\nnew.txt:1: unsaved\n");
}

#[test]
fn secrets_and_the_tools_own_files_are_not_shown() {
    let tree = Tree::with(&[(".env", "KEY=needle"), (".git/config", "needle"), ("sub/.env.local", "needle")]);
    tree.put("keys/server.pem", "needle");
    tree.link(".env", "innocent.txt");
    tree.link(".git", "innocent");
    for at in [".env", ".git/config", "sub/.env.local", "keys/server.pem", "innocent.txt", "innocent/config"]
    {
        let reason = hydrated(&tree, lines(at, 1, 9)).text.unwrap_err();
        assert!(reason.contains("never shown"), "{at}: {reason}");
        assert!(over(&tree, search("needle", Some(at)), &ChangeSet::default(), &[]).text.is_err(), "{at}");
    }
    assert_eq!(hydrated(&tree, search("needle", None)).text.unwrap(), "[no match]\n");
    // Nor are they when an editor has them open.
    let open = [buffer(".env", "needle")];
    let found = over(&tree, search("needle", None), &ChangeSet::default(), &open).text.unwrap();
    assert_eq!(found, "[no match]\n");
}

#[test]
fn a_search_is_literal_ordered_and_heeds_ignore_files() {
    let tree = Tree::with(&[
        ("src/b.rs", "a.c\nabc\n  a.c a.c\n"),
        ("src/a.rs", "// a.c\n"),
        ("src/sub/c.rs", "a.c"),
        (".gitignore", "/generated\n*.log\n"),
        ("generated/x.rs", "a.c"),
        ("x.log", "a.c"),
        ("node_modules/m/i.js", "a.c"),
        ("target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55"),
        ("target/x.rs", "a.c"),
        ("venv/pyvenv.cfg", ""),
        ("venv/lib/x.py", "a.c"),
        (".hidden/x", "a.c"),
    ]);
    tree.put("binary", b"a.c\0a.c");
    tree.put("latin1", b"\xfc a.c");
    tree.put("huge", "a.c\n".repeat(1_000_000));
    tree.link("src/a.rs", "link.rs");
    let all = "src/a.rs:1: // a.c\nsrc/b.rs:1: a.c\nsrc/b.rs:3: a.c a.c\nsrc/sub/c.rs:1: a.c\n";
    for (read, found) in [
        (search("a.c", None), Ok(all)),
        (search("a.c", Some("src")), Ok(all)),
        (search("a.c", Some("src/sub")), Ok("src/sub/c.rs:1: a.c\n")),
        (search("a.c", Some("src/b.rs")), Ok("src/b.rs:1: a.c\nsrc/b.rs:3: a.c a.c\n")),
        // Whoever names an ignored file means it.
        (search("a.c", Some("x.log")), Ok("x.log:1: a.c\n")),
        (search("a.c\nabc", None), Ok("src/b.rs:1: a.c\n")),
        (search("nowhere", None), Ok("[no match]\n")),
        (search("a.c", Some("sr")), Err("there is no file or folder `sr`")),
        (search("  ", None), Err("a search needs a text to look for")),
    ] {
        let text = hydrated(&tree, read.clone()).text;
        assert_eq!(text.as_deref().map_err(String::as_str), found, "{read:?}");
    }
}

#[test]
fn a_search_stops_at_its_limit_and_says_so() {
    let tree = Tree::with(&[("a.txt", &"x\n".repeat(60)), ("b.txt", &"y".repeat(1000))]);
    let text = hydrated(&tree, search("x", None)).text.unwrap();
    let note = format!(
        "[there are more than {SEARCH_MATCHES_MAX} matches; search for a longer text, or below a folder]"
    );
    assert_eq!(text.lines().count(), SEARCH_MATCHES_MAX + 1);
    assert_eq!(text.lines().last(), Some(note.as_str()));
    let text = hydrated(&tree, search("y", None)).text.unwrap();
    assert_eq!(text, format!("b.txt:1: {}…\n", "y".repeat(300)));
}

/// Ignore files above the workspace count where they belong to the same repository only.
#[test]
fn ignore_files_above_the_root_count_within_one_repository() {
    let tree = Tree::with(&[(".gitignore", "*.txt\n"), ("below/a.txt", "x")]);
    let below = Workspace::open(&tree.at("below")).unwrap();
    let found = || {
        let mut texts = below.hydrate(&[search("x", None)], &ChangeSet::default(), &[]);
        texts.remove(0).text.unwrap()
    };
    assert_eq!(found(), "a.txt:1: x\n");
    fs::create_dir(tree.at(".git")).unwrap();
    assert_eq!(found(), "[no match]\n");
}
