//! How long it takes to know a large workspace, and how much memory.
//!
//! `cargo bench -p openexec --features openexec/large-grammars --bench index`
//!
//! `MIRROR` names the directory with the repositories as `OWNER+NAME/repo` (bare); their newest
//! commits are checked out into a temporary directory. `ctags` must be universal-ctags
//! (`apt install universal-ctags`). Missing data or tools end the bench. `AIDER` may name Aider's
//! program (`pip install aider-chat`, which brings hundreds of packages), whose map of the
//! repository is made for comparison then. `SUBJECT` names one of the repositories, where not both
//! are wanted.
//!
//! Each figure is one line that begins with `bench NAME:`, with the median of several attempts;
//! nothing is asserted. Where others work on the machine, the time of processors tells more than
//! the time that has passed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot be made must end the bench"
)]

use openexec::driver::IndexShelf;
use openexec::workspace::{Changed, Keeper, Knowledge, OpenTexts, Sources, Workspace};
use openexec_engine::edit::ChangeSet;
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::{ContextQuery, Target};
use openexec_engine::syntax::{Language, SyntaxTree};
use openexec_engine::text::{Document, PositionEncoding};
use rayon::prelude::*;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
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
/// Attempts at what takes milliseconds.
const SAVES: usize = 15;
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
    let wanted = std::env::var("SUBJECT").ok();
    for subject in SUBJECTS.iter().filter(|subject| wanted.as_deref().is_none_or(|it| it == subject.name)) {
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
    let (mut bare, mut cold, mut unsaved) = (Costs::default(), Costs::default(), Costs::default());
    for _ in 0..ATTEMPTS {
        bare.add(|| parse_bare(&files));
        unsaved.add(|| open(root, &Knowledge::default()).indexed(&[]).corpus.len());
        remove_database(&database);
        cold.add(|| {
            let shelf = IndexShelf::at(database.clone());
            open(root, &Knowledge::on(shelf)).indexed(&[]).corpus.len()
        });
    }
    let (bare, cold, unsaved) = (bare.median(), cold.median(), unsaved.median());
    println!("bench {name} bare parallel tree-sitter: {bare}");
    println!("bench {name} full index, cold: {cold}, {} bare parsing", cold.against(&bare));
    println!("bench {name} full index, not saved: {unsaved}, {} bare parsing", unsaved.against(&bare));
    let cold = cold.passed;
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

    match std::env::var_os("AIDER") {
        Some(aider) => {
            // Once: it takes a minute where the index takes seconds.
            let map = map_repository(&aider, root, scratch);
            println!(
                "bench {name} map by Aider, with the start of its program: {} ms, {:.2} times as long as the full index",
                map.as_millis(),
                map.as_secs_f64() / cold.as_secs_f64()
            );
        }
        None => println!("bench {name} map by Aider: not measured; name its program in AIDER"),
    }

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

    for file in [root.join(place.as_str()).as_path(), median_file(&files)] {
        let kilo = std::fs::metadata(file).unwrap().len() / 1000;
        let saved = (0..SAVES).map(|turn| save(&workspace, file, turn)).collect();
        println!(
            "bench {name} re-index of one saved file of {kilo} KB that is not open: {:.1} ms",
            milli(median(saved))
        );
        let saved = (0..SAVES).map(|turn| save_open(&workspace, &known, file, turn)).collect();
        println!(
            "bench {name} re-index of one saved file of {kilo} KB that is open: {:.1} ms",
            milli(median(saved))
        );
    }

    wait_until_settled();
    workspace.indexed(&[]);
    let query = query(&place, subject.place.1);
    let pack = median((0..SAVES).map(|_| time(|| gathered(&workspace, &query))).collect());
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
        SyntaxTree::parse_text(Language::of_path(path)?, &text)
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

/// Lets Aider make its map of a repository, with nothing kept from an earlier time. It lists the
/// files that git knows.
fn map_repository(aider: &OsStr, root: &Path, scratch: &Path) -> Duration {
    let home = scratch.join("aider");
    drop(std::fs::remove_dir_all(&home));
    std::fs::create_dir(&home).unwrap();
    for kept in std::fs::read_dir(root).unwrap().flatten() {
        if kept.file_name().to_string_lossy().starts_with(".aider") {
            std::fs::remove_dir_all(kept.path()).or_else(|_| std::fs::remove_file(kept.path())).unwrap();
        }
    }
    if !root.join(".git").exists() {
        for arguments in [&["init", "-q"] as &[&str], &["add", "-A"], &["commit", "-q", "-m", "all"]] {
            let identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"];
            let git = Command::new("git").current_dir(root).args(identity).args(arguments).status();
            assert!(git.expect("git is installed").success());
        }
    }
    let began = Instant::now();
    let made = Command::new(aider)
        .current_dir(root)
        .env("HOME", &home)
        .env("OPENAI_API_KEY", "none")
        .args(["--show-repo-map", "--map-tokens", "4096", "--model", "gpt-4o", "--no-analytics"])
        .args(["--no-check-update", "--no-show-model-warnings", "--no-gitignore", "--yes-always"])
        .stdin(Stdio::null())
        .output()
        .expect("AIDER names a program");
    let took = began.elapsed();
    assert!(
        made.status.success() && made.stdout.len() > 1_000,
        "Aider made no map: {}{}",
        String::from_utf8_lossy(&made.stdout),
        String::from_utf8_lossy(&made.stderr)
    );
    took
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

/// The same of a file that is open in an editor, whose structure was read before the change.
fn save_open(workspace: &Workspace, known: &Knowledge, file: &Path, turn: usize) -> Duration {
    let place = file.canonicalize().unwrap();
    let path = WorkspacePath::parse(place.file_name().unwrap().to_str().unwrap()).unwrap();
    let mut text = Document::new(&std::fs::read_to_string(file).unwrap());
    let mut tree = SyntaxTree::parse(Language::of_path(&path).unwrap(), text.rope()).unwrap();
    let end = text.position_of(text.rope().len_bytes(), PositionEncoding::Utf8);
    let edit = text.change(Some((end, end)), &format!("// {turn}\n"), PositionEncoding::Utf8).unwrap();
    tree.shift(&edit);
    std::fs::write(file, text.to_string()).unwrap();
    known.follow(Arc::new(Open { place: place.clone(), text, tree }));
    let mut changed = Changed::default();
    changed.add(place);
    let began = Instant::now();
    workspace.catch_up(&changed);
    began.elapsed()
}

/// One open file.
struct Open {
    place: PathBuf,
    text: Document,
    tree: SyntaxTree,
}

impl OpenTexts for Open {
    fn tree_of(&self, place: &Path, text: &str) -> Option<SyntaxTree> {
        (place == self.place && *self.text.rope() == *text).then(|| {
            let mut tree = self.tree.clone();
            tree.read_again(self.text.rope());
            tree
        })
    }

    fn typed_last(&self) -> Option<Instant> {
        None
    }
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
    let candidates = workspace.gather(query, &Sources::NONE).candidates;
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

/// What one attempt takes.
#[derive(Clone, Copy)]
struct Cost {
    passed: Duration,
    /// Of all processors together.
    worked: Duration,
}

impl Cost {
    fn against(&self, other: &Self) -> String {
        let times = |of: fn(&Self) -> Duration| of(self).as_secs_f64() / of(other).as_secs_f64();
        format!(
            "{:.2} times ({:.2} times the processors' time of)",
            times(|it| it.passed),
            times(|it| it.worked)
        )
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} ms, {} ms of processors", self.passed.as_millis(), self.worked.as_millis())
    }
}

/// What several attempts take.
#[derive(Default)]
struct Costs(Vec<Cost>);

impl Costs {
    fn add<T>(&mut self, work: impl FnOnce() -> T) {
        let before = processors();
        let passed = time(work);
        self.0.push(Cost { passed, worked: processors() - before });
    }

    fn median(&self) -> Cost {
        let median = |of: fn(&Cost) -> Duration| median(self.0.iter().map(of).collect());
        Cost { passed: median(|it| it.passed), worked: median(|it| it.worked) }
    }
}

/// The time that this process has had of all processors.
fn processors() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a Linux");
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // The 14th and 15th field are ticks, of which Linux tells a hundred for each second; the name
    // before them has been left behind with the second.
    let ticks: u64 = fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
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
