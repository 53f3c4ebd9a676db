//! Whole runs in a real Helix, in a terminal, with the configuration that `editors/helix` has for
//! its users. Keys go in, and what the screen shows is what the user saw.
//!
//! `tests/prepare-helix` installs it.

use crate::terminal::{DEADLINE, Terminal, assert_success, cache};
use crate::wire::{Call, ModelServer, Reply, Wire};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const SOURCE: &str = "export function add(a, b) {\n  return a - b;\n}\n\nexport const name = 'sums';\n";
const TEST: &str = "import test from 'node:test';\nimport assert from 'node:assert';\n\
                    import { add } from '../sums.js';\n\ntest('adds', () => assert.equal(add(2, 3), 5));\n";
/// What judges the work is changed as well, so that the user is asked.
const REPLIES: &str = r#"
replies:
  - stage: fix
    attempt: 1
    reply:
      actions:
        - { id: a1, kind: replace_text, path: sums.js, old: "a - b", new: "a + b" }
        - { id: a2, kind: replace_text, path: test/sums.test.js, old: "add(2, 3), 5", new: "add(3, 2), 5" }
        - { id: a3, kind: finish, summary: That is what was asked for. }
"#;

/// How long a menu may take; it is opened anew after that.
const MENU: Duration = Duration::from_secs(2);
/// The chosen row of a menu is reversed, in Helix's theme for terminals with 16 colours: alone, or
/// with what ends the colours of a text to the left of the menu.
const CHOSEN: [&str; 2] = ["\u{1b}[7m", ";7m"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn program() -> PathBuf {
    let program = cache().join("helix/hx");
    assert!(program.exists(), "`{}` is missing; `bash tests/prepare-helix` makes it", program.display());
    program
}

/// A Helix in a terminal of its own, with a project whose one test fails.
struct Helix {
    place: tempfile::TempDir,
    /// None between one Helix and the next.
    terminal: Option<Terminal>,
}

impl Helix {
    fn open(file: &str) -> Self {
        Self::with_model(file, "script: { api: scripted, file: replies.yaml }")
    }

    /// The same with another model, as the user's configuration names it.
    fn with_model(file: &str, model: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let mut helix = Self { place, terminal: None };
        for (path, text) in [
            ("project/package.json", "{ \"name\": \"sums\", \"type\": \"module\" }\n"),
            (
                "project/.openexec/tasks.yaml",
                "version: 1\ntasks:\n  - { name: test, kind: test, argv: [node, --test, --test-reporter=tap], report: tap }\n",
            ),
            ("project/sums.js", SOURCE),
            ("project/test/sums.test.js", TEST),
            ("config/openexec/config.yaml", &format!("models:\n  {model}\n")),
            ("config/openexec/replies.yaml", REPLIES),
        ] {
            let path = helix.place.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let config = helix.place.path().join("config/helix");
        std::fs::create_dir_all(&config).unwrap();
        for file in ["languages.toml", "config.toml"] {
            std::fs::copy(repository().join("editors/helix").join(file), config.join(file)).unwrap();
        }
        // Helix takes the repository for the workspace.
        let git = Command::new("git").args(["init", "-q"]).arg(helix.project()).status().unwrap();
        assert!(git.success());
        helix.start(file);
        helix
    }

    fn start(&mut self, file: &str) {
        let editor = format!("'{}' '{file}'", program().display());
        self.terminal = Some(Terminal::open(self.place.path(), &self.project(), &editor));
    }

    /// Leaves Helix without saving. Its server has to end with it.
    fn quit(&mut self) {
        self.command("quit-all!");
        self.terminal.take().unwrap().wait_for_end();
    }

    fn terminal(&self) -> &Terminal {
        self.terminal.as_ref().unwrap()
    }

    fn project(&self) -> PathBuf {
        self.place.path().join("project")
    }

    fn press(&self, keys: &[&str]) {
        self.terminal().press(keys);
    }

    fn write(&self, text: &str) {
        self.terminal().write(text);
    }

    /// Carries out a line at Helix's prompt.
    fn command(&self, line: &str) {
        self.write(&format!(":{line}"));
        self.press(&["Enter"]);
    }

    /// Selects the next text that a pattern fits.
    fn find(&self, pattern: &str) {
        self.write(&format!("/{pattern}"));
        self.press(&["Enter"]);
    }

    /// A document of the only run.
    fn document(&self, name: &str) -> PathBuf {
        let workspaces = std::fs::read_dir(self.place.path().join("state/openexec/workspaces")).unwrap();
        let runs =
            workspaces.flat_map(|place| std::fs::read_dir(place.unwrap().path().join("runs")).unwrap());
        let found: Vec<PathBuf> = runs.map(|run| run.unwrap().path().join(name)).collect();
        let [file] = &found[..] else { panic!("there are other runs: {found:?}") };
        file.clone()
    }

    fn wait(&self, part: &str) {
        if !self.terminal().shows(part, DEADLINE) {
            let log = std::fs::read_to_string(self.place.path().join("cache/helix/helix.log"));
            panic!("`{part}` is not shown:\n{}\n{}", self.terminal().screen(), log.unwrap_or_default());
        }
    }

    /// Chooses the action with this in its title from the menu, which is opened until it is offered.
    fn choose(&self, part: &str) {
        let since = Instant::now();
        loop {
            self.press(&["Space", "a"]);
            if self.terminal().shows(part, MENU) {
                break;
            }
            assert!(since.elapsed() < DEADLINE, "`{part}` is not offered:\n{}", self.terminal().screen());
        }
        let is_reversed = |row: &str| CHOSEN.iter().any(|chosen| row.contains(chosen));
        let is_chosen = |screen: &str| screen.lines().any(|row| is_reversed(row) && row.contains(part));
        let mut before = self.terminal().styled();
        while !is_chosen(&before) {
            self.press(&["Down"]);
            let moved = self.terminal().until(DEADLINE, || self.terminal().styled() != before);
            assert!(moved && since.elapsed() < DEADLINE, "`{part}` cannot be chosen:\n{before}");
            before = self.terminal().styled();
        }
        self.press(&["Enter"]);
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.project().join(path)).unwrap()
    }

    /// Saves everything, and waits until a file holds this. For a moment there is none: Helix puts
    /// a file aside while it writes.
    fn save(&self, path: &str, text: &str) {
        self.command("write-all");
        let held = || std::fs::read_to_string(self.project().join(path)).unwrap_or_default();
        let saved = self.terminal().until(DEADLINE, || held() == text);
        assert!(saved, "`{path}` holds {:?}:\n{}", held(), self.terminal().screen());
    }

    fn trust(&self) {
        self.openexec(&["trust"]);
    }

    /// The id of the only run.
    fn only_run(&self) -> String {
        let listed = self.openexec(&["runs"]);
        let first = listed.lines().next().and_then(|line| line.split_whitespace().next());
        first.unwrap_or_else(|| panic!("no run is listed:\n{listed}")).to_owned()
    }

    /// What the program prints.
    fn openexec(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_openexec"));
        command.args(arguments).current_dir(self.project());
        for (name, folder) in [("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("HOME", "home")] {
            command.env(name, self.place.path().join(folder));
        }
        String::from_utf8_lossy(&assert_success(&mut command, "openexec").stdout).into_owned()
    }

    /// What the only run has recorded, an event on each line.
    fn journal(&self) -> String {
        self.openexec(&["show", &self.only_run(), "--json"])
    }

    /// Starts the run on the failing test, up to where its model thinks.
    fn fix(&self) {
        self.trust();
        self.wait("assert.equal");
        self.choose("Fix failing test `adds`");
        self.wait("fix, stage 3 of 8, turn 1");
    }

    /// Keeps the screen, for who wants to see what the user saw.
    fn picture(&self, name: &str) {
        self.terminal().picture("helix", name);
    }
}

#[test]
fn the_menu_is_the_whole_loop() {
    let helix = Helix::open("test/sums.test.js:5");
    helix.wait("assert.equal");
    helix.choose("Trust this workspace's tasks (node --test");
    helix.wait("trusted, may run node --test --test-reporter=tap");
    helix.choose("Fix failing test `adds`");
    helix.wait("waits for you, 2 files would change");
    helix.press(&["Space", "a"]);
    helix.wait("Review run");
    helix.picture("menu");
    helix.press(&["Escape"]);
    helix.choose("Review run");
    helix.wait("# Review of run");
    helix.wait("guard.assertion_changed");
    helix.command("open sums.js");
    helix.wait("return a - b");
    assert_eq!((helix.read("sums.js").as_str(), helix.read("test/sums.test.js").as_str()), (SOURCE, TEST));

    helix.choose("Apply run");
    helix.wait("return a + b");
    helix.wait("undo with `openexec.undo`");
    assert_eq!(helix.read("sums.js"), SOURCE, "only the user saves");
    helix.save("sums.js", &SOURCE.replace("a - b", "a + b"));
    helix.save("test/sums.test.js", &TEST.replace("add(2, 3)", "add(3, 2)"));

    helix.choose("Undo run");
    helix.wait("return a - b");
    helix.wait("was undone");
    helix.save("sums.js", SOURCE);
    helix.save("test/sums.test.js", TEST);
}

#[test]
fn the_prompt_and_the_keys_are_the_whole_loop() {
    let helix = Helix::open("sums.js");
    helix.trust();
    helix.wait("return a - b");
    // The key leaves the prompt open between the quotation marks.
    helix.press(&["Space", "o", "i"]);
    helix.wait(":lsp-workspace-command openexec.run {\"instruction\": \"\"}");
    helix.write("make the failing test pass");
    helix.wait("{\"instruction\": \"make the failing test pass\"}");
    helix.press(&["Enter"]);
    helix.wait("waits for you, 2 files would change");
    helix.command("lsp-workspace-command openexec.reject {\"parts\": [\"test/sums.test.js:1\"]}");
    helix.wait("waits for you, 1 file would change");
    helix.press(&["Space", "o", "r"]);
    helix.wait("# Review of run");
    helix.wait("+  return a + b;");
    helix.command("open sums.js");
    helix.wait(" sums.js ");
    helix.press(&["Space", "o", "a"]);
    helix.wait("return a + b");
    helix.wait("undo with `openexec.undo`");
    helix.save("sums.js", &SOURCE.replace("a - b", "a + b"));
    assert_eq!(helix.read("test/sums.test.js"), TEST, "what was left out is as it was");

    helix.press(&["Space", "o", "u"]);
    helix.wait("return a - b");
    helix.wait("was undone");
    helix.save("sums.js", SOURCE);
    helix.press(&["Space", "o", "s"]);
    helix.wait("# OpenExec");
    helix.wait("`fix_tests` in ");
    // From a document of no workspace the server is reached all the same.
    helix.command(&format!("lsp-workspace-command openexec.status \"{}\"", helix.only_run()));
    helix.wait("# ✓ `fix_tests`: undone");
    helix.wait("## What happened");
    helix.picture("timeline");
}

#[test]
fn hunks_are_decided_about_in_the_review() {
    let helix = Helix::open("test/sums.test.js:5");
    helix.trust();
    helix.wait("assert.equal");
    helix.choose("Fix failing test `adds`");
    helix.wait("waits for you, 2 files would change");
    helix.press(&["Space", "o", "r"]);
    helix.wait("# Review of run");
    // The cursor goes to a line of the hunk, and the menu is about it.
    helix.command("goto 1");
    helix.find("^\\+test");
    helix.press(&["Space", "a"]);
    helix.wait("Reject hunk of run");
    helix.picture("hunk");
    helix.press(&["Escape"]);
    helix.choose("Accept hunk of run");
    helix.wait("1 of 2 parts of run");
    helix.choose("Accepted · Reject hunk of run");
    helix.wait("waits for you, 1 file would change");

    // What is left is another review, and its diff alone is one as well.
    helix.press(&["Space", "o", "r"]);
    helix.wait("review-2.md");
    let review = helix.document("review-2.diff");
    helix.command(&format!("open {}", review.display()));
    helix.wait("review-2.diff");
    helix.wait("+  return a + b;");
    helix.choose("Apply all of run");
    helix.wait("undo with `openexec.undo`");
    helix.save("sums.js", &SOURCE.replace("a - b", "a + b"));
    assert_eq!(helix.read("test/sums.test.js"), TEST, "what was rejected is as it was");
}

#[test]
fn a_reason_is_written_where_the_cursor_waits_and_kept_by_saving() {
    let helix = Helix::open("sums.js:2");
    helix.trust();
    helix.wait("return a - b");
    helix.choose("Remember why `add` is as it is");
    helix.wait("# Why `add` in sums.js is as it is");
    helix.wait("why: >-");
    helix.picture("remember");
    // Nothing is to be deleted, and no quotation mark is in the way.
    helix.press(&["i"]);
    helix.write("\"a - b\": the ledger subtracts # really");
    helix.press(&["Escape"]);
    // A key that follows at once would be taken for one with Alt.
    helix.wait(" NOR ");
    helix.command("write");
    helix.wait("the reason in .openexec/memory/add.yaml is kept");
    // What the workspace declares is trusted as before, and the reason stands where it belongs.
    helix.command("open sums.js");
    helix.wait("return a - b");
    helix.choose("Show what is known about `add` (1)");
    helix.wait("why: \"a - b\": the ledger subtracts # really");
    helix.command("open test/sums.test.js:5");
    helix.choose("Fix failing test `adds`");
    helix.wait("waits for you, 2 files would change");
}

/// A model that thinks until it is told to reply, and then corrects what is tested.
fn thinking() -> ModelServer {
    let call = |name, arguments| Call { name, arguments };
    let calls = vec![
        call("replace_text", json!({ "path": "sums.js", "old": "a - b", "new": "a + b" })),
        call("finish", json!({ "summary": "That is what was asked for." })),
    ];
    let model = ModelServer::start(Wire::AnthropicMessages, vec![Reply { text: "A sign is wrong.", calls }]);
    model.think();
    model
}

fn named(model: &ModelServer) -> String {
    format!("served: {{ api: anthropic_messages, model: scripted, base_url: \"{}\" }}", model.base_url())
}

#[test]
fn progress_names_the_stage_and_the_menu_cancels() {
    let model = thinking();
    let helix = Helix::with_model("test/sums.test.js:5", &named(&model));
    helix.fix();
    helix.picture("working");
    helix.choose("Cancel run");
    helix.wait("was cancelled");
    helix.picture("cancelled");
    assert_eq!(model.received().len(), 1);
    helix.command("open sums.js");
    helix.wait("return a - b");
    assert_eq!(helix.read("sums.js"), SOURCE);
    assert!(helix.journal().lines().last().unwrap().contains("\"cancelled\""), "{}", helix.journal());
}

#[test]
fn a_key_cancels() {
    let model = thinking();
    let helix = Helix::with_model("test/sums.test.js:5", &named(&model));
    helix.fix();
    helix.press(&["Space", "o", "c"]);
    helix.wait("was cancelled");
    assert!(helix.journal().lines().last().unwrap().contains("\"cancelled\""), "{}", helix.journal());
}

/// Goes to a text of the other file, while the model thinks, and types before it.
fn type_before(helix: &Helix, place: &str, text: &str) {
    helix.command("open sums.js");
    helix.wait("return a - b");
    helix.find(place);
    helix.press(&["i"]);
    helix.write(text);
    helix.press(&["Escape"]);
    helix.wait(" NOR ");
    helix.wait(&format!("{text}{place}"));
    assert!(!helix.journal().contains("model_replied"), "the model has replied before the user typed");
}

#[test]
fn what_is_typed_during_a_run_is_tested_with_it_and_stays_when_it_is_undone() {
    let model = thinking();
    let helix = Helix::with_model("test/sums.test.js:5", &named(&model));
    helix.fix();
    type_before(&helix, "sums';", "small ");
    model.reply();
    helix.wait("undo with `openexec.undo`");
    helix.wait("return a + b");
    helix.wait("'small sums'");
    helix.picture("both");
    assert_eq!(helix.read("sums.js"), SOURCE, "only the user saves");
    assert!(helix.journal().contains("\"rebased\""), "{}", helix.journal());
    let typed = SOURCE.replace("sums'", "small sums'");
    helix.save("sums.js", &typed.replace("a - b", "a + b"));
    helix.choose("Undo run");
    helix.wait("was undone");
    helix.save("sums.js", &typed);
}

#[test]
fn what_is_typed_on_the_same_line_pauses_the_run_which_can_be_discarded() {
    let model = thinking();
    let helix = Helix::with_model("test/sums.test.js:5", &named(&model));
    helix.fix();
    type_before(&helix, "a - b", "1 * ");
    model.reply();
    helix.wait("`sums.js` changed meanwhile at the same lines");
    helix.wait("return 1 * a - b");
    helix.press(&["Space", "a"]);
    helix.wait("Resume run");
    helix.picture("paused");
    helix.press(&["Escape"]);
    helix.choose("Discard run");
    helix.wait("was discarded");
    helix.save("sums.js", &SOURCE.replace("a - b", "1 * a - b"));
    assert!(helix.journal().lines().last().unwrap().contains("\"discarded\""), "{}", helix.journal());
}

#[test]
fn a_waiting_proposal_is_there_after_a_restart_and_after_a_crash() {
    let mut helix = Helix::open("test/sums.test.js:5");
    helix.trust();
    helix.wait("assert.equal");
    helix.choose("Fix failing test `adds`");
    helix.wait("waits for you, 2 files would change");
    helix.quit();

    helix.start("sums.js");
    helix.wait("return a - b");
    helix.choose("Review run");
    helix.wait("# Review of run");
    helix.wait("guard.assertion_changed");
    helix.command("goto 1");
    helix.find("^\\+test");
    helix.choose("Reject hunk of run");
    helix.wait("waits for you, 1 file would change");

    // The terminal is closed under it.
    drop(helix.terminal.take());
    helix.start("sums.js");
    helix.wait("return a - b");
    helix.choose("Apply run");
    helix.wait("return a + b");
    helix.wait("undo with `openexec.undo`");
    assert_eq!(helix.read("sums.js"), SOURCE, "only the user saves");
    helix.save("sums.js", &SOURCE.replace("a - b", "a + b"));
    assert_eq!(helix.read("test/sums.test.js"), TEST, "what was rejected is as it was");
    helix.choose("Undo run");
    helix.wait("was undone");
    helix.save("sums.js", SOURCE);
}
