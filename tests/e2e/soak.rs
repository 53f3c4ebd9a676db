//! Two editors that type without a pause, each over the standard streams of a real server: as
//! many edits, menus and runs as a person who is in a great hurry makes, for a long time.
//!
//! Looked at: what the server holds is what the editor shows, after every batch of changes; no
//! answer is missing; memory stays where it is. Printed: how long answers took.
//!
//! Twenty seconds of it are a test like any other; `tests/soak` does it for half an hour.

mod figures;
mod typist;

use self::figures::{Memory, Times};
use self::typist::Typist;
use crate::client::{Abilities, Client, Manners};
use crate::project::{CHECK, FIXED, LIB, ONE_ATTEMPT, Project};
use openexec_engine::digest::Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Batches of changes of one editor in a second.
const BATCHES_PER_SECOND: u32 = 50;
/// A menu is asked for after every so many batches.
const BATCHES_PER_MENU: u64 = 10;
/// How long it lasts when nothing else is said.
const SECONDS: u64 = 20;
/// From this length on, memory is judged: before, caches and pools still fill.
const JUDGED_SECONDS: u64 = 300;
/// Samples of memory that are printed.
const SAMPLES: u32 = 30;
/// MiB by which the last third of the samples may lie above the middle one.
const GROWTH_MIB_MAX: f64 = 3.0;

/// An editor, its document, and what it has seen.
struct Desk {
    name: &'static str,
    client: Client,
    typist: Typist,
    document: String,
    lib: String,
    model: String,
    process: u32,
    /// The texts that the server must hold, by version, until it has said what it holds.
    expected: BTreeMap<i64, Digest>,
    asked: BTreeMap<i64, (Question, Instant)>,
    menus: Times,
    digests: Times,
    commands: Times,
    memory: Memory,
    batches: u64,
    work: Work,
    /// The run that is at work.
    run: Value,
    finished: u64,
    paused: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Menu,
    Digest,
    Command,
}

/// What the runs of an editor are at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Idle,
    Running,
    Undoing,
    Cancelling,
}

/// How an editor counts columns and ends lines.
struct Kind {
    name: &'static str,
    encodings: Vec<&'static str>,
    line_end: &'static str,
    file: &'static str,
    /// A function of it.
    code: fn(usize) -> String,
}

fn seconds() -> u64 {
    let said = std::env::var("SOAK_SECONDS").ok();
    said.map_or(SECONDS, |said| said.parse().expect("SOAK_SECONDS is a number of seconds"))
}

/// The server to be looked at: the one that was just built, or an optimised one.
fn program() -> PathBuf {
    std::env::var_os("SOAK_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_openexec").into(), PathBuf::from)
}

#[test]
fn two_editors_type_while_runs_go_on() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    let length = Duration::from_secs(seconds());
    let kinds = [
        Kind {
            name: "utf-16, CRLF",
            encodings: vec!["utf-16"],
            line_end: "\r\n",
            file: "src/one.rs",
            code: rust,
        },
        Kind {
            name: "utf-32, LF",
            encodings: vec!["utf-32"],
            line_end: "\n",
            file: "src/other.py",
            code: python,
        },
    ];
    let desks: Vec<Desk> = std::thread::scope(|scope| {
        let project = &project;
        let working: Vec<_> = kinds
            .into_iter()
            .enumerate()
            .map(|(seed, kind)| {
                scope.spawn(move || {
                    let mut desk = Desk::new(project, kind, seed as u64 + 1);
                    desk.work_for(length);
                    desk
                })
            })
            .collect();
        working.into_iter().map(|desk| desk.join().unwrap()).collect()
    });
    for desk in &desks {
        desk.report();
    }
    println!("soak: load {}", figures::load());
    for desk in &desks {
        assert!(desk.batches > 0 && desk.menus.len() > 0 && desk.digests.len() > 0, "{}", desk.name);
        assert!(desk.finished > 0, "{}: no run has ended", desk.name);
        if seconds() >= JUDGED_SECONDS {
            let growth = desk.memory.growth_mib();
            assert!(growth < GROWTH_MIB_MAX, "{}: memory grew by {growth:.1} MiB", desk.name);
        }
    }
}

fn rust(number: usize) -> String {
    format!(
        "/// Wide 🦀 and e\u{301}.\npub fn take_{number}(one: u32) -> u32 {{\n    one + {number} // 한\n}}\n\n"
    )
}

fn python(number: usize) -> String {
    format!(
        "def take_{number}(one):\n    \"\"\"Wide 🦀 and e\u{301}.\"\"\"\n    return one + {number}  # 한\n\n\n"
    )
}

impl Desk {
    fn new(project: &Project, kind: Kind, seed: u64) -> Self {
        let place = project.place().canonicalize().unwrap();
        let [config, state] = ["config", "state"].map(|name| place.join(name));
        let environment: [(&str, &Path); 2] = [("XDG_CONFIG_HOME", &config), ("XDG_STATE_HOME", &state)];
        let child = Client::spawn(&program(), &["lsp"], &environment);
        let process = child.id();
        let root = place.join("ws");
        let abilities = Abilities { encodings: kind.encodings.clone(), ..Abilities::all() };
        let mut client = Client::of_child(child, &root, abilities);
        client.manners = Manners::Honest;
        let typist = Typist::new(seed, kind.encodings[0], kind.line_end, kind.code);
        std::fs::write(root.join(kind.file), typist.text()).unwrap();
        let document = client.open(&root.join(kind.file));
        let lib = client.open(&root.join("src/lib.rs"));
        Self {
            name: kind.name,
            client,
            typist,
            document,
            lib,
            model: project.model(),
            process,
            expected: BTreeMap::new(),
            asked: BTreeMap::new(),
            menus: Times::default(),
            digests: Times::default(),
            commands: Times::default(),
            memory: Memory::default(),
            batches: 0,
            work: Work::Idle,
            run: Value::Null,
            finished: 0,
            paused: 0,
        }
    }

    fn work_for(&mut self, length: Duration) {
        let (began, pace) = (Instant::now(), Duration::from_secs(1) / BATCHES_PER_SECOND);
        let sampled = length / SAMPLES;
        let mut next_sample = Duration::ZERO;
        let mut next = began;
        while began.elapsed() < length {
            self.type_batch();
            if self.batches.is_multiple_of(BATCHES_PER_MENU) {
                self.ask_for_menu();
            }
            self.go_on_with_runs();
            if began.elapsed() >= next_sample {
                self.memory.sample(self.process, began.elapsed());
                next_sample += sampled;
            }
            // Where the machine is slower than the pace, nothing is made up for.
            next = (next + pace).max(Instant::now());
            self.client.listen(next);
            self.take_answers();
        }
        self.come_to_an_end();
        self.memory.sample(self.process, began.elapsed());
    }

    fn type_batch(&mut self) {
        let changes = self.typist.batch();
        self.batches += 1;
        let version = i64::try_from(self.batches).unwrap() + 1;
        self.client.notify(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": self.document, "version": version }, "contentChanges": changes }),
        );
        self.expected.insert(version, Digest::of(self.typist.text().as_bytes()));
        self.ask(Question::Digest, "openexec/documentDigest", json!({ "uri": self.document }));
    }

    fn ask_for_menu(&mut self) {
        let at = self.typist.cursor();
        let params = json!({
            "textDocument": { "uri": self.document }, "range": { "start": at, "end": at },
            "context": { "diagnostics": [], "triggerKind": 2 },
        });
        self.ask(Question::Menu, "textDocument/codeAction", params);
    }

    fn command(&mut self, command: &str, arguments: Value) {
        let params = json!({ "command": command, "arguments": arguments });
        self.ask(Question::Command, "workspace/executeCommand", params);
    }

    fn ask(&mut self, question: Question, method: &str, params: Value) {
        let id = self.client.ask(method, params);
        self.asked.insert(id, (question, Instant::now()));
    }

    fn take_answers(&mut self) {
        for id in self.asked.keys().copied().collect::<Vec<_>>() {
            let Some((answer, arrived)) = self.client.answered(id) else { continue };
            let (question, began) = self.asked.remove(&id).unwrap();
            let took = arrived.saturating_duration_since(began);
            match question {
                Question::Menu => {
                    assert!(answer.unwrap().is_array());
                    self.menus.add(took);
                }
                Question::Digest => {
                    self.compare(&answer.unwrap());
                    self.digests.add(took);
                }
                Question::Command => {
                    match answer {
                        Ok(answer) => self.run = answer["run"].clone(),
                        Err(error) => {
                            panic!("{}: a command was refused at {:?}: {error}", self.name, self.work)
                        }
                    }
                    self.commands.add(took);
                }
            }
        }
    }

    /// The server says which version it holds, which may be a later one than was asked about.
    fn compare(&mut self, held: &Value) {
        let version = held["version"].as_i64().unwrap();
        let expected = self.expected.get(&version).unwrap_or_else(|| {
            panic!("{}: version {version} is held, of {:?}", self.name, self.expected.keys())
        });
        assert_eq!(held["live"], true, "{}: a change did not fit", self.name);
        assert_eq!(held["digest"], json!(expected), "{}: another text at version {version}", self.name);
        // Answers to earlier questions may still be on their way.
        self.expected.retain(|other, _| *other + 1_000 > version);
    }

    /// One run after the other: it repairs `src/lib.rs` in the buffer, and is undone.
    fn go_on_with_runs(&mut self) {
        let said = |part: &str, client: &Client| {
            client.heard.iter().any(|message| {
                message["method"] == "window/showMessage"
                    && message["params"]["message"].as_str().is_some_and(|text| text.contains(part))
            })
        };
        self.work = match self.work {
            Work::Idle => {
                let run = json!([{ "blueprint": "fix_tests", "uri": self.lib, "model": self.model }]);
                self.command("openexec.run", run);
                Work::Running
            }
            Work::Running if said("undo with `openexec.undo`", &self.client) => {
                assert_eq!(self.client.text(&self.lib), FIXED, "{}", self.name);
                self.command("openexec.undo", json!([{ "run": self.run }]));
                Work::Undoing
            }
            Work::Running if said("is paused", &self.client) => {
                self.paused += 1;
                println!("soak: {}: {:?}", self.name, self.client.heard.last());
                self.command("openexec.cancel", json!([{ "run": self.run }]));
                Work::Cancelling
            }
            Work::Undoing if said("undo this run again to redo it", &self.client) => {
                assert_eq!(self.client.text(&self.lib), LIB, "{}", self.name);
                self.finished += 1;
                Work::Idle
            }
            Work::Cancelling if said("was cancelled", &self.client) => Work::Idle,
            as_before => {
                return self.work = as_before;
            }
        };
        self.client.heard.clear();
    }

    /// Whatever was asked is answered, and the run that is at work comes to its end.
    fn come_to_an_end(&mut self) {
        let patience = Instant::now() + crate::client::PATIENCE;
        loop {
            self.client.listen(Instant::now() + Duration::from_millis(20));
            self.take_answers();
            let is_quiet = self.asked.is_empty() && self.work == Work::Idle;
            if is_quiet {
                break;
            }
            if self.work != Work::Idle {
                self.go_on_with_runs();
            }
            assert!(
                Instant::now() < patience,
                "{}: {:?}, not answered: {:?}",
                self.name,
                self.work,
                self.asked
            );
        }
        let held = self.client.request("openexec/documentDigest", json!({ "uri": self.document })).unwrap();
        assert_eq!(held["version"], i64::try_from(self.batches).unwrap() + 1);
        self.compare(&held);
    }

    fn report(&self) {
        let (changes, undone) = self.typist.made();
        println!(
            "soak: {}: {} batches, {changes} changes ({undone} batches undone), all compared; {} runs done and \
             undone, {} paused",
            self.name, self.batches, self.finished, self.paused
        );
        println!("soak: {}: code actions {}", self.name, self.menus);
        println!("soak: {}: change and digest {}", self.name, self.digests);
        println!("soak: {}: commands {}", self.name, self.commands);
        println!("soak: {}: memory {}", self.name, self.memory);
    }
}
