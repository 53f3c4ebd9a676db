//! Do pointers survive? Functions of public repositories with their true places hundreds of
//! commits later: how often the cascade, which compares two commits, and the walk, which goes
//! through those between, find them again, and how long that takes.
//!
//! `cargo bench -p openexec --features openexec/large-grammars --bench pointers -- [--classes]
//! [--misses] [--suspects] [--repo OWNER/NAME] [--walk | --cascade]`
//!
//! `POINTER_CASES` names the cases (a file, or the directory of `pointers_dev.json`), `MIRROR` the directory with the repositories as
//! `OWNER+NAME/repo`. Missing data ends the bench. Each figure is one line that begins with
//! `bench NAME:`; nothing is asserted.
//!
//! An answer is *right* when it is the true place, or none where the function is gone; *wrong*
//! when it is another place; *falsely lost* when there is none although the function lives; a
//! *ghost* when there is one although it is gone. A suspect is offered to a person and never
//! used silently: the first line counts what is offered, the second only what is used silently.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement that cannot be made must end the bench"
)]

use openexec::history::{History, Past};
use openexec_engine::memory::{CommitId, PointerState, Resolution, SymbolPointer};
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::{Language, symbols_of};
use rayon::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    repo: String,
    class: String,
    commit_a: String,
    commit_b: String,
    a: Function,
    b: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    file: String,
    name: String,
    qual: String,
    name_line: u32,
}

/// How an answer stands to the truth.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Right,
    Wrong,
    Lost,
    Ghost,
}

/// One way to find symbols again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Cascade,
    Walk,
}

/// What came of one case.
struct Answered<'a> {
    case: &'a Case,
    /// Nothing where the function is no symbol of ours.
    resolution: Option<Resolution>,
    took: Duration,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let repo =
        arguments.iter().position(|argument| argument == "--repo").and_then(|at| arguments.get(at + 1));
    let place = |name: &str, default: &str| {
        let default = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(default);
        std::env::var_os(name).map_or(default, PathBuf::from)
    };
    let named = place("POINTER_CASES", "../shared/pointers");
    let file = if named.is_dir() { named.join("pointers_dev.json") } else { named };
    let text = std::fs::read(&file).expect("name the cases in POINTER_CASES");
    let mut cases = serde_json::from_slice::<Cases>(&text).unwrap().cases;
    cases.retain(|case| repo.is_none_or(|repo| repo == &case.repo));
    let mirror = place("MIRROR", "../.mirror");
    for (strategy, name) in [(Strategy::Cascade, "cascade"), (Strategy::Walk, "walk")] {
        if has("--cascade") && strategy == Strategy::Walk || has("--walk") && strategy == Strategy::Cascade {
            continue;
        }
        let began = Instant::now();
        let answers = answers(&cases, &mirror, strategy);
        report(name, &answers, began.elapsed());
        if has("--classes") {
            classes(name, &answers);
        }
        if has("--misses") {
            misses(name, &answers);
        }
        if has("--suspects") {
            suspects(name, &answers);
        }
    }
}

/// All answers of one strategy, with a fresh past for each repository.
fn answers<'a>(cases: &'a [Case], mirror: &std::path::Path, strategy: Strategy) -> Vec<Answered<'a>> {
    let mut pasts: BTreeMap<&str, Past> = BTreeMap::new();
    for case in cases {
        pasts.entry(&case.repo).or_insert_with(|| {
            let root = mirror.join(case.repo.replace('/', "+")).join("repo");
            let history = History::open(&root);
            let missing = || format!("fetch {} into MIRROR, as {}", case.repo, root.display());
            Past::new(history.ok_or_else(missing).unwrap())
        });
    }
    cases.par_iter().map(|case| answer(case, pasts.get(case.repo.as_str()).unwrap(), strategy)).collect()
}

fn answer<'a>(case: &'a Case, past: &Past, strategy: Strategy) -> Answered<'a> {
    let (from, to) = (CommitId::parse(&case.commit_a).unwrap(), CommitId::parse(&case.commit_b).unwrap());
    let Some(pointer) = pointer(case, past, &from) else {
        return Answered { case, resolution: None, took: Duration::ZERO };
    };
    let began = Instant::now();
    let resolution = match strategy {
        Strategy::Cascade => past.compare(&pointer, &to),
        Strategy::Walk => past.walk(&pointer, &to),
    };
    Answered { case, resolution: resolution.unwrap(), took: began.elapsed() }
}

/// The pointer to a case's function, if it is a symbol of ours.
fn pointer(case: &Case, past: &Past, from: &CommitId) -> Option<SymbolPointer> {
    let path = WorkspacePath::parse(&case.a.file).unwrap();
    let text = past.history().file_at(from, &path).unwrap().expect("the case's file is in its commit");
    let symbols = symbols_of(Language::of_path(&path)?, &text);
    let line_of = |byte: usize| 1 + text.bytes().take(byte).filter(|byte| *byte == b'\n').count();
    let is_it = |index: &usize| {
        let symbol = symbols.get(*index).unwrap();
        // The name of an assigned function is the whole left side.
        let first = line_of(symbol.name_range.start) as u32;
        let last = line_of(symbol.name_range.end) as u32;
        (first..=last).contains(&case.a.name_line)
            && SymbolPointer::bare(path.clone(), symbol.name.clone(), pointer_text()).own_name()
                == case.a.name
    };
    let index = (0..symbols.len()).find(is_it)?;
    SymbolPointer::of(&path, &text, &symbols, index).map(|pointer| pointer.at_commit(from.clone()))
}

fn pointer_text() -> openexec_engine::digest::Digest {
    openexec_engine::digest::Digest::of(b"")
}

impl Answered<'_> {
    fn state(&self) -> PointerState {
        self.resolution.as_ref().map_or(PointerState::Stale, |resolution| resolution.state)
    }

    fn place(&self) -> Option<&SymbolPointer> {
        self.resolution.as_ref()?.place.as_ref()
    }

    /// With suspects as answers, or as losses.
    fn outcome(&self, suspects_answer: bool) -> Outcome {
        let offered = suspects_answer || self.state().is_certain();
        match (self.place().filter(|_| offered), &self.case.b) {
            (None, None) => Outcome::Right,
            (None, Some(_)) => Outcome::Lost,
            (Some(_), None) => Outcome::Ghost,
            (Some(place), Some(truth)) => {
                let (first, last) = place.lines;
                let there = place.path.as_str() == truth.file && (first..=last).contains(&truth.name_line);
                if there && place.own_name() == truth.name { Outcome::Right } else { Outcome::Wrong }
            }
        }
    }
}

fn percent(count: usize, of: usize) -> f64 {
    100.0 * count as f64 / of.max(1) as f64
}

/// `right 96.2 %, wrong 0.7 %, falsely lost 2.5 %, ghost 0.7 %`.
fn shares<'a>(answers: impl Iterator<Item = &'a Answered<'a>> + Clone, suspects_answer: bool) -> String {
    let count = |outcome| answers.clone().filter(|answer| answer.outcome(suspects_answer) == outcome).count();
    let all = answers.clone().count();
    let share = |outcome| percent(count(outcome), all);
    format!(
        "right {:.1} %, wrong {:.1} %, falsely lost {:.1} %, ghost {:.1} %",
        share(Outcome::Right),
        share(Outcome::Wrong),
        share(Outcome::Lost),
        share(Outcome::Ghost)
    )
}

fn report(name: &str, answers: &[Answered<'_>], whole: Duration) {
    let mut took: Vec<Duration> =
        answers.iter().filter(|answer| answer.resolution.is_some()).map(|answer| answer.took).collect();
    took.sort();
    let at =
        |percent: usize| took.get(took.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default();
    let unknown = answers.iter().filter(|answer| answer.resolution.is_none()).count();
    println!(
        "bench pointers-{name}: {}; {} cases, {unknown} of them no symbol of ours, p50 {:.2} ms, p95 {:.2} ms a pointer, {:.1} s in all",
        shares(answers.iter(), true),
        answers.len(),
        at(50).as_secs_f64() * 1e3,
        at(95).as_secs_f64() * 1e3,
        whole.as_secs_f64(),
    );
    println!("bench pointers-{name}-silently: {}", shares(answers.iter(), false));
    let suspects = || answers.iter().filter(|answer| answer.state() == PointerState::Suspect);
    println!("bench pointers-{name}-suspects: {} of them {}", shares(suspects(), true), suspects().count());
}

fn classes(name: &str, answers: &[Answered<'_>]) {
    let by = |key: fn(&Case) -> &str| {
        let mut groups: BTreeMap<&str, Vec<&Answered<'_>>> = BTreeMap::new();
        for answer in answers {
            groups.entry(key(answer.case)).or_default().push(answer);
        }
        for (key, group) in groups {
            let (offered, silent) =
                (shares(group.iter().copied(), true), shares(group.iter().copied(), false));
            println!("bench pointers-{name}-of: {key} ({}): {offered}; silently {silent}", group.len());
        }
    };
    by(|case| &case.class);
    by(|case| &case.repo);
}

fn misses(name: &str, answers: &[Answered<'_>]) {
    for answer in answers {
        let Case { id, class, a, b, .. } = answer.case;
        let kind = match answer.outcome(true) {
            Outcome::Right => continue,
            Outcome::Wrong => "wrong",
            Outcome::Lost => "lost",
            Outcome::Ghost => "ghost",
        };
        let truth = b.as_ref().map(|b| format!("{}:{} {}", b.file, b.name_line, b.qual)).unwrap_or_default();
        let got = match (&answer.resolution, answer.place()) {
            (None, _) => "no symbol of ours".to_owned(),
            (Some(found), None) => found.why.clone(),
            (Some(found), Some(place)) => format!(
                "{}:{} {} ({:?}, {} %)",
                place.path, place.lines.0, place.symbol, found.state, found.similarity_percent
            ),
        };
        println!("{name} {kind} {class} {id}: {}:{} {} -> {truth} | {got}", a.file, a.name_line, a.qual);
    }
}

/// How often suspects are right, by how alike they are.
fn suspects(name: &str, answers: &[Answered<'_>]) {
    let mut groups: BTreeMap<u8, Vec<&Answered<'_>>> = BTreeMap::new();
    for answer in answers.iter().filter(|answer| answer.state() == PointerState::Suspect) {
        let percent = answer.resolution.as_ref().map_or(0, |resolution| resolution.similarity_percent);
        groups.entry(percent / 10 * 10).or_default().push(answer);
    }
    for (percent, group) in groups {
        let shares = shares(group.iter().copied(), true);
        println!("bench pointers-{name}-alike: {percent} % and more ({}): {shares}", group.len());
    }
}
