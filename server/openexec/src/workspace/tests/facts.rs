use super::*;
use openexec_engine::policy::{Entry, PathFacts, Resolved};
use std::os::unix::net::UnixListener;

fn facts(tree: &Tree, requested: &str, open: &[OpenDocument]) -> PathFacts {
    facts_in(&tree.workspace, requested, open)
}

fn facts_in(workspace: &Workspace, requested: &str, open: &[OpenDocument]) -> PathFacts {
    let requested = RequestedPath::new(requested);
    workspace.facts(std::slice::from_ref(&requested), open).paths.remove(&requested).unwrap()
}

fn text(text: &str, links: u64) -> Entry {
    Entry::Text { text: text.to_owned(), links, version: None }
}

/// The text of an open buffer, at its first version.
fn typed(text: &str, links: u64) -> Entry {
    Entry::Text { text: text.to_owned(), links, version: Some(1) }
}

fn other(what: &str) -> Entry {
    Entry::Other { what: what.to_owned() }
}

#[test]
fn plain_entries_are_what_they_are() {
    let tree = Tree::with(&[("src/lib.rs", "fn f() {}\n"), ("bom.txt", "\u{feff}x")]);
    tree.put("big", vec![b'x'; openexec_engine::limits::FILE_BYTES_MAX + 1]);
    tree.put("latin1.txt", b"gr\xfc\xdfe");
    for (requested, entry) in [
        ("src/lib.rs", text("fn f() {}\n", 1)),
        ("bom.txt", text("\u{feff}x", 1)),
        ("src", Entry::Directory),
        ("src/new.rs", Entry::Missing),
        ("a/b/c.rs", Entry::Missing),
        ("big", Entry::Opaque { bytes: openexec_engine::limits::FILE_BYTES_MAX as u64 + 1 }),
        ("latin1.txt", Entry::Opaque { bytes: 5 }),
        ("bom.txt/x", other("`bom.txt` is not a directory")),
    ] {
        let found = facts(&tree, requested, &[]);
        assert_eq!(found, PathFacts { entry, resolved: Resolved::Direct, executed_by: None }, "{requested}");
    }
}

#[test]
fn what_is_no_path_leads_outside() {
    let tree = Tree::with(&[]);
    for requested in ["", ".", "../x", "/etc/passwd", "a//b", "C:/x", "a\0b", "x\u{202e}y"] {
        let found = facts(&tree, requested, &[]);
        assert_eq!(found.resolved, Resolved::Outside, "{requested:?}");
        assert!(matches!(found.entry, Entry::Other { .. }), "{requested:?}");
    }
}

#[test]
fn a_farm_of_symbolic_links_never_leads_out() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "s3cret").unwrap();
    let tree = Tree::with(&[("src/a.rs", "a"), ("deep/er/b.rs", "b")]);
    tree.link(outside.path(), "out");
    tree.link(outside.path().join("secret"), "out-file");
    tree.link("../../../../../../../../etc/passwd", "climb");
    tree.link("nowhere", "dangling");
    tree.link("loop-b", "loop-a");
    tree.link("loop-a", "loop-b");
    tree.link("self/self", "self");
    tree.link(".", "root");
    tree.link("src/../..", "above");
    tree.link(format!("../{}/src", tree.dir.path().file_name().unwrap().display()), "out-and-in");
    tree.link("out", "chain-2");
    tree.link("chain-2/secret", "chain-1");
    for requested in [
        "out",
        "out/secret",
        "out/new.txt",
        "out-file",
        "climb",
        "dangling",
        "dangling/x",
        "loop-a",
        "loop-b/x",
        "self",
        "root",
        "above",
        "above/x",
        "out-and-in/a.rs",
        "chain-1",
    ] {
        let found = facts(&tree, requested, &[]);
        assert_eq!(found.resolved, Resolved::Outside, "{requested}");
        assert!(matches!(found.entry, Entry::Other { .. }), "{requested}");
        assert!(tree.workspace.read(&path(requested)).is_err(), "{requested}");
        assert!(tree.workspace.write(&path(requested), Some("x")).is_err(), "{requested}");
        assert!(tree.workspace.write(&path(requested), None).is_err(), "{requested}");
    }
    assert_eq!(fs::read_to_string(outside.path().join("secret")).unwrap(), "s3cret");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn links_within_the_workspace_name_the_real_place() {
    let tree = Tree::with(&[("src/a.rs", "a"), (".git/config", "c"), ("deep/er/b.rs", "b")]);
    tree.link("src", "link");
    tree.link("../src/a.rs", "deep/up");
    tree.link(tree.workspace.root().join("src/a.rs"), "absolute");
    tree.link(".git", "innocent");
    tree.link("link/a.rs", "chain");
    tree.link("deep/er/../up", "around");
    for (requested, to, entry) in [
        ("link", "src", Entry::Directory),
        ("link/a.rs", "src/a.rs", text("a", 1)),
        ("link/new.rs", "src/new.rs", Entry::Missing),
        ("link/new/x.rs", "src/new/x.rs", Entry::Missing),
        ("deep/up", "src/a.rs", text("a", 1)),
        ("absolute", "src/a.rs", text("a", 1)),
        ("innocent/config", ".git/config", text("c", 1)),
        ("chain", "src/a.rs", text("a", 1)),
        ("around", "src/a.rs", text("a", 1)),
        ("root/x", "", Entry::Missing),
    ] {
        let found = facts(&tree, requested, &[]);
        let resolved = match to {
            "" => Resolved::Direct,
            to => Resolved::Linked { to: path(to) },
        };
        assert_eq!(found, PathFacts { entry, resolved, executed_by: None }, "{requested}");
    }
}

#[test]
fn a_root_that_is_a_link_is_made_canonical() {
    let tree = Tree::with(&[("real/a.txt", "a")]);
    tree.link("real", "linked");
    let workspace = Workspace::open(&tree.at("linked")).unwrap();
    assert_eq!(workspace.root(), tree.at("real").canonicalize().unwrap());
    assert_eq!(facts_in(&workspace, "a.txt", &[]).resolved, Resolved::Direct);
}

#[test]
fn pipes_sockets_and_devices_are_not_opened() {
    let tree = Tree::with(&[]);
    rustix::fs::mkfifoat(rustix::fs::CWD, tree.at("pipe"), rustix::fs::Mode::RUSR).unwrap();
    let _socket = UnixListener::bind(tree.at("socket")).unwrap();
    for (requested, what) in [("pipe", "a named pipe"), ("socket", "a socket")] {
        assert_eq!(facts(&tree, requested, &[]).entry, other(what));
        // An editor that claims to have it open changes nothing.
        assert_eq!(facts(&tree, requested, &[buffer(requested, "x")]).entry, other(what));
        assert!(tree.workspace.read(&path(requested)).is_err());
        assert!(tree.workspace.write(&path(requested), Some("x")).is_err());
    }
    let devices = Workspace::open(Path::new("/dev")).unwrap();
    assert_eq!(facts_in(&devices, "zero", &[]).entry, other("a device"));
    assert_eq!(devices.read(&path("zero")).unwrap_err().to_string(), "`zero`: a device");
}

#[test]
fn hard_links_are_counted() {
    let tree = Tree::with(&[("a.txt", "a")]);
    fs::hard_link(tree.at("a.txt"), tree.at("b.txt")).unwrap();
    assert_eq!(facts(&tree, "a.txt", &[]).entry, text("a", 2));
    assert_eq!(facts(&tree, "a.txt", &[buffer("a.txt", "typed")]).entry, typed("typed", 2));
}

/// The memory of a process is a regular file that cannot be read at its start, for anybody.
#[test]
fn an_unreadable_file_is_examined_and_not_guessed() {
    let process = Workspace::open(Path::new("/proc/self")).unwrap();
    let Entry::Other { what } = facts_in(&process, "mem", &[]).entry else {
        panic!("an unreadable file passed for something else");
    };
    assert!(what.starts_with("could not be read: "), "{what}");
    assert!(process.read(&path("mem")).is_err());
}

#[test]
fn open_buffers_go_before_the_disk() {
    let tree = Tree::with(&[("a.txt", "disk"), ("src/a.rs", "disk")]);
    tree.put("latin1.txt", b"\xfc");
    tree.link("src", "link");
    let open = [
        buffer("a.txt", "typed"),
        buffer("new.txt", "unsaved"),
        buffer("latin1.txt", "ü"),
        buffer("src/a.rs", "typed"),
    ];
    for (requested, entry) in [
        ("a.txt", typed("typed", 1)),
        ("new.txt", typed("unsaved", 1)),
        ("latin1.txt", typed("ü", 1)),
        ("link/a.rs", typed("typed", 1)),
    ] {
        assert_eq!(facts(&tree, requested, &open).entry, entry, "{requested}");
    }
    let huge = "x".repeat(openexec_engine::limits::FILE_BYTES_MAX + 1);
    let opaque = Entry::Opaque { bytes: huge.len() as u64 };
    assert_eq!(facts(&tree, "a.txt", &[buffer("a.txt", &huge)]).entry, opaque);
}

#[test]
fn a_new_name_that_some_file_system_takes_for_an_old_one_is_told() {
    let tree = Tree::with(&[("README.md", "x"), ("src/a.rs", "a"), ("caf\u{e9}.txt", "x")]);
    tree.put("e\u{301}t\u{e9}.txt", "decomposed");
    for (requested, twin) in [
        ("readme.md", "README.md"),
        ("SRC/new.rs", "src"),
        ("src/A.rs", "a.rs"),
        ("CAF\u{c9}.txt", "caf\u{e9}.txt"),
        ("\u{e9}t\u{e9}.txt", "e\u{301}t\u{e9}.txt"),
    ] {
        let what = format!("differs only by case or form from `{twin}`");
        assert_eq!(facts(&tree, requested, &[]).entry, other(&what), "{requested}");
    }
    assert_eq!(facts(&tree, "README.md", &[]).entry, text("x", 1));
}
