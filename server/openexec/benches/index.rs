//! How long it takes to know a large workspace, and how much memory.
//!
//! `cargo bench -p openexec --features openexec/large-grammars --bench index`
//!
//! `MIRROR` names the directory with the repositories as `OWNER+NAME/repo` (bare); their newest
//! commits are checked out into a temporary directory. `ctags` must be universal-ctags
//! (`apt install universal-ctags`). Missing data or tools end the bench. Each figure is one line
//! that begins with `bench NAME:`, with the median of several attempts; nothing is asserted.
//! Aider's map is not measured here: it brings hundreds of packages.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot be made must end the bench"
)]

use openexec::driver::IndexShelf;
use openexec::workspace::{Changed, Keeper, Knowledge, Sources, Workspace};
use openexec_engine::edit::ChangeSet;
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::{ContextQuery, Target};
use openexec_engine::syntax::{Language, SyntaxTree};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A repository, and a place in it that somebody could be working at.
struct Subject {
    name: &'static str,
    repository: &'static str,
    place: (&'static str, u32),
}

const SUBJECTS: [Subject; 2] = [
    Subject {
        name: "rust-analyzer",
        repository: "rust-lang+rust-analyzer",
        place: ("crates/hir-ty/src/infer.rs", 400),
    },
    Subject {
        name: "kafka",
        repository: "apache+kafka",
        place: ("core/src/main/scala/kafka/server/ReplicaManager.scala", 400),
    },
];
/// Attempts at each figure.
const ATTEMPTS: usize = 3;
/// Lets a child measure its own memory.
const MEMORY: &str = "--memory";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, root, database] = arguments.as_slice()
        && flag == MEMORY
    {
        return memory(Path::new(root), Path::new(database));
    }
    let default = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../.mirror"));
    let mirror = std::env::var_os("MIRROR").map_or(default, PathBuf::from);
    println!("bench load: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    for subject in &SUBJECTS {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let root = check_out(&mirror, subject.repository, scratch.path());
        measure(subject, &root, scratch.path());
    }
    println!("bench load: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
}

/// Checks the newest commit out.
fn check_out(mirror: &Path, repository: &str, scratch: &Path) -> PathBuf {
    let bare = mirror.join(repository).join("repo");
    assert!(bare.is_dir(), "fetch {repository} into MIRROR, as {}", bare.display());
    let root = scratch.join("root");
    std::fs::create_dir(&root).unwrap();
    let mut archive = Command::new("git")
        .arg("--git-dir")
        .arg(&bare)
        .args(["archive", "HEAD"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("git is installed");
    let mut unpacked = Command::new("tar");
    unpacked.arg("x").arg("-C").arg(&root).stdin(archive.stdout.take().unwrap());
    assert!(unpacked.status().expect("tar is installed").success());
    assert!(archive.wait().unwrap().success());
    // A state that is older than the ticks of the clock, as in a checkout that somebody works on.
    wait_until_settled();
    root
}

/// Waits until files that were just written can be told from later states of them.
fn wait_until_settled() {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(5) {
        std::thread::park_timeout(Duration::from_secs(1));
    }
}

fn measure(subject: &Subject, root: &Path, scratch: &Path) {
    let name = subject.name;
    let place = WorkspacePath::parse(subject.place.0).unwrap();
    let database = scratch.join("index.db");

    let known = Knowledge::default();
    let workspace = open(root, &known);
    let indexed = workspace.indexed(&[]);
    let files: Vec<(WorkspacePath, PathBuf)> =
        indexed.corpus.files().map(|(path, _)| (path.clone(), root.join(path.as_str()))).collect();
    let bytes: u64 = files.iter().map(|(_, file)| std::fs::metadata(file).unwrap().len()).sum();
    let summaries: usize = indexed.corpus.files().map(|(_, entry)| entry.summary.bytes()).sum();
    println!(
        "bench {name} size: {} files, {:.1} MB of source, {:.1} MB of summaries",
        files.len(),
        mega(bytes as usize),
        mega(summaries)
    );
    drop((indexed, workspace, known));

    // Turn by turn, so that a change of the machine's load meets all of them.
    let (mut bare, mut cold, mut unsaved) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ATTEMPTS {
        bare.push(time(|| parse_bare(&files)));
        unsaved.push(time(|| open(root, &Knowledge::default()).indexed(&[]).corpus.len()));
        remove_database(&database);
        cold.push(time(|| {
            let shelf = IndexShelf::at(database.clone());
            open(root, &Knowledge::on(shelf)).indexed(&[]).corpus.len()
        }));
    }
    let (bare, cold, unsaved) = (median(bare), median(cold), median(unsaved));
    println!("bench {name} bare parallel tree-sitter: {} ms", bare.as_millis());
    println!(
        "bench {name} full index, cold: {} ms, {:.2} times bare parsing ({} ms, {:.2} times, without saving)",
        cold.as_millis(),
        cold.as_secs_f64() / bare.as_secs_f64(),
        unsaved.as_millis(),
        unsaved.as_secs_f64() / bare.as_secs_f64(),
    );
    println!(
        "bench {name} index on disk: {:.1} MB",
        mega(std::fs::metadata(&database).unwrap().len() as usize)
    );

    let list = scratch.join("files");
    let paths: Vec<&str> = files.iter().filter_map(|(_, file)| file.to_str()).collect();
    std::fs::write(&list, paths.join("\n")).unwrap();
    let ctags = median((0..ATTEMPTS).map(|_| time(|| run_ctags(&list))).collect());
    println!(
        "bench {name} universal-ctags: {} ms; the full index takes {:.2} times as long",
        ctags.as_millis(),
        cold.as_secs_f64() / ctags.as_secs_f64()
    );

    let first = (0..ATTEMPTS).map(|_| first_answer(root, &place)).collect();
    println!("bench {name} first useful answer, cold: {} ms", median(first).as_millis());

    let warm = |_| {
        time(|| {
            let shelf = IndexShelf::at(database.clone());
            open(root, &Knowledge::on(shelf)).indexed(&[]).corpus.len()
        })
    };
    let warm = median((0..ATTEMPTS).map(warm).collect());
    println!(
        "bench {name} warm start, nothing changed: {} ms, {} ms for 5,000 files",
        warm.as_millis(),
        (warm.as_secs_f64() * 5_000_000.0 / files.len() as f64) as u64
    );

    let known = Knowledge::on(IndexShelf::at(database.clone()));
    let workspace = open(root, &known);
    workspace.indexed(&[]);
    let again = median((0..ATTEMPTS).map(|_| time(|| workspace.indexed(&[]).corpus.len())).collect());
    println!("bench {name} look for changes where there are none: {:.1} ms", milli(again));

    let place_on_disk = root.join(place.as_str());
    let saved = (0..ATTEMPTS).map(|turn| save(&workspace, &place_on_disk, turn)).collect();
    println!(
        "bench {name} re-index of one saved file of {} KB: {:.1} ms",
        std::fs::metadata(&place_on_disk).unwrap().len() / 1000,
        milli(median(saved))
    );
    let usual = median_file(&files);
    let saved = (0..ATTEMPTS).map(|turn| save(&workspace, usual, turn)).collect();
    println!(
        "bench {name} re-index of one saved file of {} KB: {:.1} ms",
        std::fs::metadata(usual).unwrap().len() / 1000,
        milli(median(saved))
    );

    wait_until_settled();
    workspace.indexed(&[]);
    let query = query(&place, subject.place.1);
    let pack = median((0..ATTEMPTS).map(|_| time(|| gathered(&workspace, &query))).collect());
    println!("bench {name} candidates of a pack for a position, warm: {:.1} ms", milli(pack));
    drop((workspace, known));

    for state in ["cold", "warm"] {
        if state == "cold" {
            remove_database(&database);
        }
        let child = Command::new(std::env::current_exe().unwrap())
            .arg(MEMORY)
            .args([root, &database])
            .output()
            .expect("the bench can start itself");
        println!("bench {name} memory, {state}: {}", String::from_utf8_lossy(&child.stdout).trim());
    }
}

fn open(root: &Path, known: &Knowledge) -> Workspace {
    Workspace::open(root).expect("the checkout is there").knowing(known)
}

fn remove_database(database: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut file = database.as_os_str().to_owned();
        file.push(end);
        if let Err(error) = std::fs::remove_file(&file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            panic!("{error}");
        }
    }
}

/// Reads and parses the files and does nothing with them.
fn parse_bare(files: &[(WorkspacePath, PathBuf)]) -> usize {
    let parsed = files.par_iter().filter_map(|(path, file)| {
        let text = std::fs::read_to_string(file).ok()?;
        SyntaxTree::parse(Language::of_path(path)?, &ropey::Rope::from_str(&text))
    });
    parsed.count()
}

fn run_ctags(list: &Path) -> usize {
    let ctags = Command::new("ctags")
        // A long list of tags is cut at the end, which `/dev/null` does not bear.
        .args(["--quiet=yes", "-f", "-", "-L"])
        .arg(list)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("install universal-ctags");
    assert!(ctags.success(), "ctags failed; is it universal-ctags?");
    0
}

/// What somebody gets who asks in the moment in which the session begins.
fn first_answer(root: &Path, place: &WorkspacePath) -> Duration {
    let known = Knowledge::default();
    let began = Instant::now();
    let keeper = Keeper::start(open(root, &known)).expect("a thread");
    let indexed = open(root, &known).indexed(&[place]);
    let took = began.elapsed();
    let entry = indexed.corpus.get(place).expect("the file that is asked about is known");
    assert!(entry.summary.language.is_some() && !entry.summary.definitions.is_empty());
    assert!(!indexed.is_complete, "the workspace is too small to tell anything");
    drop(keeper);
    took
}

/// Saves a file with another line at its end, and catches up.
fn save(workspace: &Workspace, file: &Path, turn: usize) -> Duration {
    let mut text = std::fs::read_to_string(file).unwrap();
    text.push_str(&format!("// {turn}\n"));
    std::fs::write(file, text).unwrap();
    let mut changed = Changed::default();
    changed.add(file.canonicalize().unwrap());
    let began = Instant::now();
    workspace.catch_up(&changed);
    began.elapsed()
}

/// The file that half of all are smaller than.
fn median_file(files: &[(WorkspacePath, PathBuf)]) -> &Path {
    let mut sized: Vec<(u64, &Path)> =
        files.iter().map(|(_, file)| (std::fs::metadata(file).unwrap().len(), file.as_path())).collect();
    sized.sort_unstable();
    sized.get(sized.len() / 2).expect("there are files").1
}

fn query(path: &WorkspacePath, line: u32) -> ContextQuery {
    ContextQuery {
        target: Some(Target { path: path.clone(), lines: (line, line) }),
        instruction: Some("handle the case in which the leader changes while a request waits".to_owned()),
        failures: Vec::new(),
        output: String::new(),
        diagnostics: Vec::new(),
        open_documents: Vec::new(),
        changes: ChangeSet::default(),
        may_edit: true,
    }
}

fn gathered(workspace: &Workspace, query: &ContextQuery) -> usize {
    let candidates = workspace.gather(query, &Sources::NONE);
    assert!(!candidates.is_empty());
    candidates.len()
}

/// The child: brings the index up to date as a session does, and says what that took.
fn memory(root: &Path, database: &Path) {
    let known = Knowledge::on(IndexShelf::at(database.to_owned()));
    let workspace = open(root, &known);
    let files = workspace.indexed(&[]).corpus.len();
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux");
    let of = |key: &str| -> usize {
        let line = status.lines().find(|line| line.starts_with(key)).expect("Linux says it");
        line.split_whitespace().nth(1).and_then(|kilo| kilo.parse().ok()).expect("a number")
    };
    println!(
        "{:.0} MB resident, {:.0} MB at most, with {files} files",
        of("VmRSS:") as f64 / 1024.0,
        of("VmHWM:") as f64 / 1024.0
    );
}

fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    let done = work();
    let took = began.elapsed();
    drop(done);
    took
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all.get(all.len() / 2).copied().expect("attempts")
}

fn mega(bytes: usize) -> f64 {
    bytes as f64 / 1_000_000.0
}

fn milli(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
