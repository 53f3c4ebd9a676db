//! Real trees, real databases, real processes: what is kept between sessions equals what a first
//! session finds out.

use super::*;
use crate::workspace::Indexed;
use openexec_engine::index::FileSummary;
use openexec_engine::path::WorkspacePath;
use proptest::prelude::*;
use std::fs;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A workspace whose index is kept in a database beside it.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("root")).unwrap();
        Self { directory }
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let place = Self::new();
        files.iter().for_each(|(path, text)| place.put(path, text));
        place
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("state/index.db")
    }

    fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let file = self.root().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    /// As in a session that begins now.
    fn session(&self) -> Workspace {
        session(&self.root(), &self.database())
    }

    /// What is on disk, by path.
    fn rows(&self) -> Vec<String> {
        let mut paths = Vec::new();
        let store = IndexStore::open(&self.database()).unwrap();
        store.read((0, 1), &mut |path, _| paths.push(path.to_owned())).unwrap();
        paths.sort();
        paths
    }
}

fn session(root: &Path, database: &Path) -> Workspace {
    let known = Knowledge::on(IndexShelf::at(database.to_owned()));
    Workspace::open(root).unwrap().knowing(&known)
}

fn listed(indexed: &Indexed) -> Vec<(WorkspacePath, Arc<FileSummary>)> {
    assert!(indexed.is_complete);
    indexed.corpus.files().map(|(path, entry)| (path.clone(), Arc::clone(&entry.summary))).collect()
}

/// What somebody finds out who knows nothing yet.
fn afresh(root: &Path) -> Vec<(WorkspacePath, Arc<FileSummary>)> {
    listed(&Workspace::open(root).unwrap().indexed(&[]))
}

fn names(workspace: &Workspace) -> Vec<String> {
    let indexed = workspace.indexed(&[]);
    let definitions = indexed.corpus.files().flat_map(|(path, entry)| {
        entry.summary.definitions.iter().map(move |definition| format!("{path} {}", definition.name))
    });
    definitions.collect()
}

/// Something that happens to a tree.
#[derive(Debug, Clone)]
enum Happening {
    Write(usize, usize),
    Rename(usize, usize),
    Delete(usize),
    Ignore(usize),
    /// The session ends, another one begins.
    Restart,
}

const PATHS: [&str; 7] =
    ["a.rs", "src/b.rs", "src/deep/c.py", "d.py", "src/e.ts", "notes.md", "src/deep/id_rsa.py"];
const TEXTS: [&str; 6] = [
    "fn one() { two(); }\n",
    "fn one() { three(); }\n",
    "def four(x):\n    return five(x)\n",
    "export function six() { return 7 }\n",
    "",
    "\u{feff}fn broken( {{{\n",
];
const IGNORED: [&str; 4] = ["", "*.py\n", "src/deep\n", "/a.rs\n"];

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        5 => (0..PATHS.len(), 0..TEXTS.len()).prop_map(|(path, text)| Happening::Write(path, text)),
        2 => (0..PATHS.len(), 0..PATHS.len()).prop_map(|(from, to)| Happening::Rename(from, to)),
        2 => (0..PATHS.len()).prop_map(Happening::Delete),
        1 => (0..IGNORED.len()).prop_map(Happening::Ignore),
        1 => Just(Happening::Restart),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_index_is_as_a_fresh_one(
        happenings in prop::collection::vec((happening(), any::<bool>()), 1..24),
    ) {
        let place = Place::new();
        let mut workspace = place.session();
        for (happening, is_looked_at) in happenings {
            match happening {
                Happening::Write(path, text) => place.put(PATHS[path], TEXTS[text]),
                Happening::Rename(from, to) => {
                    let (from, to) = (place.root().join(PATHS[from]), place.root().join(PATHS[to]));
                    fs::create_dir_all(to.parent().unwrap()).unwrap();
                    // Where there is nothing to be renamed, nothing happens.
                    let _ = fs::rename(from, to);
                }
                Happening::Delete(path) => {
                    let _ = fs::remove_file(place.root().join(PATHS[path]));
                }
                Happening::Ignore(rules) => place.put(".gitignore", IGNORED[rules]),
                Happening::Restart => workspace = place.session(),
            }
            if is_looked_at {
                prop_assert_eq!(listed(&workspace.indexed(&[])), afresh(&place.root()));
            }
        }
        let last = listed(&workspace.indexed(&[]));
        prop_assert_eq!(&last, &afresh(&place.root()));
        // And what was kept of it is as good, and no more than it.
        prop_assert_eq!(&last, &listed(&place.session().indexed(&[])));
        let paths: Vec<String> = last.iter().map(|(path, _)| path.to_string()).collect();
        prop_assert_eq!(place.rows(), paths);
    }
}

#[test]
fn what_no_model_may_see_never_enters_the_index() {
    let place = Place::with(&[
        ("a.py", "def seen(): pass\n"),
        ("id_rsa.py", "def hidden(): pass\n"),
        (".env.py", "def hidden(): pass\n"),
        (".openexec/x.py", "def hidden(): pass\n"),
        (".gitignore", "!.env.py\n!.openexec\n"),
    ]);
    assert_eq!(names(&place.session()), ["a.py seen"]);
    assert_eq!(place.rows(), ["a.py"]);
    // Nor is taken from a database that an OpenExec with other rules has left.
    let mut row = Vec::new();
    let store = IndexStore::open(&place.database()).unwrap();
    store.read((0, 1), &mut |_, bytes| row = bytes.to_vec()).unwrap();
    store.write(&[("id_rsa.py".to_owned(), Some(row))]).unwrap();
    assert_eq!(names(&place.session()), ["a.py seen"]);
    assert_eq!(place.rows(), ["a.py"]);
}

#[test]
fn a_damaged_index_is_made_anew_and_disturbs_nobody() {
    let place = Place::with(&[("a.rs", "fn a() {}\n"), ("b.rs", "fn b() {}\n")]);
    let as_it_is = afresh(&place.root());
    let database = place.database();
    let other_program = |path: &Path| {
        fs::remove_file(path).unwrap();
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.execute_batch("CREATE TABLE theirs (a); PRAGMA application_id = 7;").unwrap();
    };
    let of_a_later_version = |path: &Path| {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.execute_batch("PRAGMA user_version = 99;").unwrap();
    };
    let with_holes = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let from = bytes.len() / 2;
        bytes[from..].fill(0xa5);
        fs::write(path, bytes).unwrap();
    };
    let with_a_changed_entry = |path: &Path| {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.execute("UPDATE file SET body = zeroblob(length(body))", []).unwrap();
    };
    let damages: [&dyn Fn(&Path); 6] = [
        &|path| fs::write(path, "no database").unwrap(),
        &|path| fs::write(path, fs::read(path).unwrap().split_at(600).0).unwrap(),
        &other_program,
        &of_a_later_version,
        &with_holes,
        &with_a_changed_entry,
    ];
    for (at, damage) in damages.iter().enumerate() {
        assert_eq!(listed(&place.session().indexed(&[])), as_it_is);
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(place.directory.path().join(format!("state/index.db{end}")));
        }
        damage(&database);
        assert_eq!(listed(&place.session().indexed(&[])), as_it_is, "damage {at}");
        // The session after that has it from the disk again, or finds it out once more.
        assert_eq!(listed(&place.session().indexed(&[])), as_it_is, "after damage {at}");
        assert_eq!(place.rows(), ["a.rs", "b.rs"], "damage {at}");
    }
    fs::remove_file(&database).unwrap();
    fs::create_dir(&database).unwrap();
    assert_eq!(listed(&place.session().indexed(&[])), as_it_is, "without any database");
}

/// This test again, as another process.
fn second_process(test: &str, variable: &str, value: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("driver::knowledge::tests::{test}"), "--nocapture"])
        .env(variable, value)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn processes_share_one_index() {
    const VARIABLE: &str = "OPENEXEC_TEST_INDEX";
    if let Some(directory) = std::env::var_os(VARIABLE) {
        let directory = PathBuf::from(directory);
        for _ in 0..5 {
            let workspace = session(&directory.join("root"), &directory.join("state/index.db"));
            assert_eq!(workspace.indexed(&[]).corpus.len(), 60);
        }
        return;
    }
    let place = Place::new();
    for number in 0..60 {
        place.put(&format!("f{number}.rs"), format!("fn f{number}() {{}}\n"));
    }
    let children: Vec<Child> = (0..4)
        .map(|_| second_process("processes_share_one_index", VARIABLE, place.directory.path()))
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(place.rows().len(), 60);
    assert_eq!(listed(&place.session().indexed(&[])), afresh(&place.root()));
}

#[test]
fn the_background_follows_what_it_is_told_and_ends_with_the_session() {
    let place = Place::with(&[("a.rs", "fn a() {}\n")]);
    let known = Knowledge::on(IndexShelf::at(place.database()));
    let workspace = || Workspace::open(&place.root()).unwrap().knowing(&known);
    let keeper = Keeper::start(workspace()).unwrap();
    place.put("new/b.rs", "fn b() {}\n");
    let mut changed = Changed::default();
    changed.add(place.root().canonicalize().unwrap().join("new"));
    keeper.tell(changed);
    // Whoever asks gets the disk as it is, whatever the background has come to.
    assert_eq!(names(&workspace()), ["a.rs a", "new/b.rs b"]);
    drop(keeper);
    assert_eq!(place.rows(), ["a.rs", "new/b.rs"]);
}

#[test]
fn a_change_that_is_told_is_caught_up_with() {
    let place = Place::with(&[("a.rs", "fn a() {}\n"), ("b.rs", "fn b() {}\n")]);
    let workspace = place.session();
    assert_eq!(names(&workspace), ["a.rs a", "b.rs b"]);
    let root = place.root().canonicalize().unwrap();
    place.put("a.rs", "fn other() {}\n");
    fs::rename(place.root().join("b.rs"), place.root().join("c.rs")).unwrap();
    let mut changed = Changed::default();
    ["a.rs", "b.rs", "c.rs", "target/x"].into_iter().for_each(|path| changed.add(root.join(path)));
    workspace.catch_up(&changed);
    assert_eq!(place.rows(), ["a.rs", "c.rs"]);
    assert_eq!(names(&workspace), ["a.rs other", "c.rs b"]);
}
