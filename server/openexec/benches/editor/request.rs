//! From the command to the model's request.

use crate::scene::{FILES, Scene};
use crate::{Times, load};
use openexec::store::{Recorded, Store};
use openexec::workspace::{Sources, Workspace};
use openexec_engine::edit::ChangeSet;
use openexec_engine::ids::RunId;
use openexec_engine::run::{ContextQuery, Event, Target};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Measured runs, after a first one.
const RUNS: usize = 20;

pub fn measure() {
    let mut scene = Scene::new();
    let (first, _) = one_run(&mut scene);
    // What was written this very moment is read again by every run; a project is older.
    settle();
    one_run(&mut scene);
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..RUNS {
        let (time, sent) = one_run(&mut scene);
        times.push(time);
        bytes = sent;
    }
    let times = Times::of(times);
    let target = if times.percentile(50) < 50.0 { "kept" } else { "missed" };
    println!(
        "bench editor/request: {times}; first {:.2} ms; {FILES} files, request of {bytes} bytes; \
         target < 50 ms {target}; load {}",
        milliseconds(first),
        load()
    );
    stages(&scene);
    gathering(&scene);
    floors(&scene);
}

/// Starts a run, notes when the model hears of it, and clears it away.
fn one_run(scene: &mut Scene) -> (Duration, usize) {
    let arguments = scene.run();
    scene.model.forget_arrivals();
    scene.client.heard.clear();
    let began = Instant::now();
    let id = scene
        .client
        .ask("workspace/executeCommand", json!({ "command": "openexec.run", "arguments": [arguments] }));
    let arrival = scene.model.arrival();
    scene.client.answer(id).unwrap();
    // The model refuses, so the run pauses and says so; then it is cancelled and says that.
    let paused = scene.announcement();
    if let Err(error) = scene.client.execute("openexec.cancel", Value::Null) {
        panic!("the run did not pause, it says `{paused}`: {error}");
    }
    scene.announcement();
    (arrival.at - began, arrival.bytes)
}

#[expect(clippy::disallowed_methods, reason = "the age of files is what is waited for")]
fn settle() {
    std::thread::sleep(Duration::from_secs(5));
}

/// Where the time goes, by what the journals of these runs say.
fn stages(scene: &Scene) {
    let store = Store::open(&scene.dirs.store_path(&scene.root)).unwrap();
    let mut spans: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    let mut events = 0;
    let runs: Vec<RunId> = store.runs().unwrap().into_iter().map(|summary| summary.run).collect();
    for run in runs.iter().take(RUNS) {
        let journal = store.events(run).unwrap();
        let gathered = journal.iter().position(|it| matches!(it.event, Event::ContextGathered { .. }));
        let [gathered, before] =
            [gathered, gathered.and_then(|at| at.checked_sub(1))].map(|at| journal.get(at.unwrap()).unwrap());
        let failed = journal.iter().find(|it| matches!(it.event, Event::ModelFailed { .. })).unwrap();
        spans.entry("start").or_default().push(between(journal.first().unwrap(), before));
        spans.entry("gather").or_default().push(between(before, gathered));
        spans.entry("to the model's answer").or_default().push(between(gathered, failed));
        events = failed.seq - 1;
    }
    if let Some(run) = runs.first() {
        println!("bench editor/request/timeline: {}", timeline(&store.events(run).unwrap()));
    }
    for (span, times) in spans {
        println!("bench editor/request/{span}: {}; by the journal, {events} events before", Times::of(times));
    }
}

/// The events of a run, each with its milliseconds since the first.
fn timeline(journal: &[Recorded]) -> String {
    let name = |event: &Event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
    let since = |recorded: &Recorded| between(journal.first().unwrap(), recorded).as_millis();
    let events: Vec<String> =
        journal.iter().map(|recorded| format!("{} {}", since(recorded), name(&recorded.event))).collect();
    events.join(", ")
}

fn between(one: &Recorded, other: &Recorded) -> Duration {
    Duration::from_millis(other.at_ms.saturating_sub(one.at_ms))
}

fn query(scene: &Scene) -> ContextQuery {
    let line = scene.chosen.line + 1;
    ContextQuery {
        target: Some(Target { path: scene.chosen_path(), lines: (line, line) }),
        instruction: scene.run()["instruction"].as_str().map(str::to_owned),
        failures: Vec::new(),
        output: String::new(),
        diagnostics: Vec::new(),
        open_documents: Vec::new(),
        changes: ChangeSet::default(),
        may_edit: true,
    }
}

/// Gathering alone, in this process: with a workspace just opened, and with its index filled.
fn gathering(scene: &Scene) {
    let query = query(scene);
    let timed = |workspace: &Workspace| {
        let began = Instant::now();
        let candidates = workspace.gather(&query, &Sources::NONE).candidates;
        (began.elapsed(), candidates.len())
    };
    let kept = Workspace::open(&scene.root).unwrap();
    timed(&kept);
    let (mut fresh, mut filled, mut candidates) = (Vec::new(), Vec::new(), 0);
    for _ in 0..RUNS {
        fresh.push(timed(&Workspace::open(&scene.root).unwrap()).0);
        let (time, found) = timed(&kept);
        filled.push(time);
        candidates = found;
    }
    let (fresh, filled) = (Times::of(fresh), Times::of(filled));
    println!("bench editor/gather-fresh-index: {fresh}; {candidates} candidates; load {}", load());
    println!("bench editor/gather-filled-index: {filled}; {candidates} candidates; load {}", load());
}

/// What no implementation can go below here: listing the files, reading them, one round trip.
fn floors(scene: &Scene) {
    let (mut listed, mut read, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    let client = reqwest_client();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..RUNS {
        let began = Instant::now();
        let files = files(&scene.root);
        listed.push(began.elapsed());
        let began = Instant::now();
        let bytes: usize = files.iter().map(|file| std::fs::read(file).unwrap().len()).sum();
        read.push(began.elapsed());
        std::hint::black_box(bytes);
        scene.model.forget_arrivals();
        let url = format!("{}/chat/completions", scene.model.base_url());
        let began = Instant::now();
        let body = vec![b' '; 64 * 1024];
        runtime.block_on(async { client.post(url).body(body).send().await.unwrap() });
        sent.push(scene.model.arrival().at - began);
    }
    println!("bench editor/floor-list-files: {}; plain loop over the file system", Times::of(listed));
    println!("bench editor/floor-read-files: {}; plain loop over the list", Times::of(read));
    println!("bench editor/floor-send-request: {}; 64 KiB by the same HTTP client", Times::of(sent));
}

fn reqwest_client() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn files(root: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => directories.push(entry.path()),
                false => {
                    std::hint::black_box(entry.metadata().unwrap());
                    files.push(entry.path());
                }
            }
        }
    }
    files
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
