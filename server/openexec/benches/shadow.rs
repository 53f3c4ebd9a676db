//! The shadow of 5,000 files: preparing it the first time and later, beside a plain copy and
//! `git worktree add` of the same tree; and starting `true` in the sandbox, beside a plain spawn.
//!
//! `cargo bench -p openexec --bench shadow`
//!
//! Each figure is one line that begins with `bench NAME:`; nothing is asserted on time. Where
//! there are no user namespaces the shadow is a copy, and the line says so.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made must end the bench")]

#[expect(dead_code, reason = "the bench of the editor uses more of it")]
#[path = "editor/project.rs"]
mod project;

use openexec::process::Launcher;
use openexec::shadow::Shadow;
use openexec_engine::edit::{ChangeSet, FileChange};
use openexec_engine::ids::{RunId, TaskName};
use openexec_engine::path::WorkspacePath;
use openexec_engine::task::{ReportFormat, Task, TaskExit, TaskKind, TimeoutClass};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Files of the tree.
const FILES: usize = 5_000;
/// Repetitions of each figure.
const ROUNDS: usize = 10;
/// Repetitions of the peers', which take long.
const PEER_ROUNDS: usize = 3;
/// Between two tasks of a run lie edits, a model's answer or at least a report.
const PAUSE: Duration = Duration::from_millis(50);
/// Milliseconds that a task may take.
const TIMEOUT_MS: u64 = 60_000;

fn main() {
    let place = tempfile::tempdir().unwrap();
    let base = place.path().canonicalize().unwrap();
    let root = base.join("workspace");
    project::generate(&root, FILES).unwrap();
    preparation(&root, &base);
    sandbox(&root, &base);
    peers(&root, &base);
}

fn launcher() -> Launcher {
    Launcher::at(env!("CARGO_BIN_EXE_openexec"))
}

fn prepared(runtime: &Runtime, root: &Path, state: &Path, run: &str) -> Shadow {
    runtime.block_on(Shadow::prepare(&launcher(), root, state, &RunId::new(run), true)).unwrap()
}

/// One edit, as a run proposes it.
fn change(root: &Path, version: usize) -> ChangeSet {
    let path = WorkspacePath::parse(&project::chosen(FILES).path).unwrap();
    let base = std::fs::read_to_string(root.join(path.as_str())).unwrap();
    let proposed = Some(format!("{base}// version {version}\n"));
    let mut changes = ChangeSet::default();
    changes.files.insert(path, FileChange { base: Some(base), proposed, renamed_from: None });
    changes
}

fn preparation(root: &Path, base: &Path) {
    let runtime = Runtime::new().unwrap();
    let state = base.join("state");
    let (mut first, mut again, mut later) = (Vec::new(), Vec::new(), Vec::new());
    let mut confinement = String::new();
    for round in 0..ROUNDS {
        let run = format!("run-{round}");
        let began = Instant::now();
        let shadow = prepared(&runtime, root, &state, &run);
        runtime.block_on(shadow.write(&[], &change(root, 0))).unwrap();
        first.push(began.elapsed());
        let began = Instant::now();
        runtime.block_on(shadow.write(&[], &change(root, 1))).unwrap();
        later.push(began.elapsed());
        let began = Instant::now();
        let taken_over = prepared(&runtime, root, &state, &run);
        runtime.block_on(taken_over.write(&[], &change(root, 2))).unwrap();
        again.push(began.elapsed());
        confinement = shadow.confinement().name.clone();
        runtime.block_on(shadow.remove()).unwrap();
    }
    let what = format!("{FILES} files, {confinement}");
    say("shadow/prepare-and-write-first", &first, &what);
    say("shadow/prepare-and-write-again", &again, &format!("{what}; target < 300 ms"));
    say("shadow/write-next-edit", &later, &what);
}

/// Starts `true` in the sandbox and without one.
fn sandbox(root: &Path, base: &Path) {
    let runtime = Runtime::new().unwrap();
    let shadow = prepared(&runtime, root, &base.join("state"), "run-sandbox");
    let task = Task {
        name: TaskName::new("nothing"),
        kind: TaskKind::Other,
        argv: vec!["true".to_owned()],
        cwd: None,
        env: Default::default(),
        report: ReportFormat::ExitCode,
        report_file: None,
        timeout: TimeoutClass::Fast,
        network: Vec::new(),
        origin: "bench".to_owned(),
        params: Vec::new(),
        writes: Vec::new(),
    };
    let (mut confined, mut plain, mut at_once) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS * 3 {
        // As in a run: the shadow is put in order before each task, and something comes between.
        runtime.block_on(shadow.write(&[], &ChangeSet::default())).unwrap();
        runtime.block_on(async { tokio::time::sleep(PAUSE).await });
        let began = Instant::now();
        let report = runtime.block_on(shadow.run(&task, TIMEOUT_MS, &[]));
        confined.push(began.elapsed());
        assert_eq!(report.exit, TaskExit::Exited { code: 0 });
        let began = Instant::now();
        let output = runtime.block_on(async { tokio::process::Command::new("true").output().await }).unwrap();
        plain.push(began.elapsed());
        assert!(output.status.success());
    }
    for _ in 0..ROUNDS * 3 {
        let began = Instant::now();
        let report = runtime.block_on(shadow.run(&task, TIMEOUT_MS, &[]));
        at_once.push(began.elapsed());
        assert_eq!(report.exit, TaskExit::Exited { code: 0 });
    }
    let more = median(&confined) - median(&plain);
    say("sandbox/true", &confined, &format!("{more:.2} ms more than the plain spawn"));
    say(
        "sandbox/true-without-a-pause",
        &at_once,
        "one after the other, each waiting for the last one's mounts",
    );
    say("sandbox/plain-spawn-of-true", &plain, "the peer");
    runtime.block_on(shadow.remove()).unwrap();
}

/// What others do for the same purpose.
fn peers(root: &Path, base: &Path) {
    let (mut copies, mut worktrees) = (Vec::new(), Vec::new());
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=bench", "-c", "user.email=bench@localhost"]);
        run(command.args(["-c", "gc.auto=0"]).args(arguments).current_dir(root))
    };
    for round in 0..PEER_ROUNDS {
        let copy = base.join(format!("copy-{round}"));
        copies.push(run(Command::new("cp").arg("-a").arg(root).arg(&copy)));
        std::fs::remove_dir_all(&copy).unwrap();
    }
    say("shadow/peer-cp-a", &copies, "the peer");
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "base"]);
    for round in 0..PEER_ROUNDS {
        let tree = base.join(format!("tree-{round}"));
        let tree = tree.to_str().unwrap();
        worktrees.push(git(&["worktree", "add", "--quiet", "--detach", tree]));
        git(&["worktree", "remove", "--force", tree]);
    }
    say("shadow/peer-git-worktree-add", &worktrees, "the peer");
}

fn run(command: &mut Command) -> Duration {
    let began = Instant::now();
    let output = command.output().unwrap();
    let time = began.elapsed();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    time
}

/// The median in milliseconds.
fn median(times: &[Duration]) -> f64 {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}

fn say(name: &str, times: &[Duration], what: &str) {
    let most = times.iter().max().map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    println!(
        "bench {name}: p50 {:.2} ms, max {most:.2} ms of {}; {what}; load {load}",
        median(times),
        times.len()
    );
}
