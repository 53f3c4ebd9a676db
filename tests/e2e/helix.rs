//! Whole runs in a real Helix, in a terminal, with the configuration that `editors/helix` has for
//! its users. Keys go in, and what the screen shows is what the user saw.
//!
//! `tests/prepare-helix` installs it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const SOURCE: &str = "export function add(a, b) {\n  return a - b;\n}\n";
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

/// How long anything may take that is waited for.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long a menu may take; it is opened anew after that.
const MENU: Duration = Duration::from_secs(2);
/// The chosen row of a menu is reversed, in Helix's theme for terminals with 16 colours: alone, or
/// with what ends the colours of a text to the left of the menu.
const CHOSEN: [&str; 2] = ["\u{1b}[7m", ";7m"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn cache() -> PathBuf {
    std::env::var_os("OPENEXEC_TEST_CACHE").map_or_else(|| repository().join("tests/.cache"), PathBuf::from)
}

fn program() -> PathBuf {
    let program = cache().join("helix/hx");
    assert!(program.exists(), "`{}` is missing; `bash tests/prepare-helix` makes it", program.display());
    program
}

/// A Helix in a terminal of its own, with a project whose one test fails.
struct Helix {
    place: tempfile::TempDir,
    /// A second client of the terminal, which says when something was written to the screen.
    watcher: Option<Child>,
    changes: Receiver<()>,
}

impl Helix {
    fn open(file: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let (change, changes) = channel();
        let mut helix = Self { place, watcher: None, changes };
        for (path, text) in [
            ("project/package.json", "{ \"name\": \"sums\", \"type\": \"module\" }\n"),
            (
                "project/.openexec/tasks.yaml",
                "version: 1\ntasks:\n  - { name: test, kind: test, argv: [node, --test, --test-reporter=tap], report: tap }\n",
            ),
            ("project/sums.js", SOURCE),
            ("project/test/sums.test.js", TEST),
            ("config/openexec/config.yaml", "models:\n  script: { api: scripted, file: replies.yaml }\n"),
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
        let mut session = helix.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "140", "-y", "40"]);
        let editor = format!("'{}' '{file}'", program().display());
        assert_success(session.arg("-c").arg(helix.project()).arg(editor), "tmux starts");
        let mut watcher = helix.tmux(&["-C", "attach-session", "-f", "ignore-size,read-only"]);
        let mut watcher = watcher.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let told = BufReader::new(watcher.stdout.take().unwrap());
        helix.watcher = Some(watcher);
        std::thread::spawn(move || {
            for line in told.split(b'\n').map_while(Result::ok) {
                if line.starts_with(b"%output") && change.send(()).is_err() {
                    return;
                }
            }
        });
        helix
    }

    fn project(&self) -> PathBuf {
        self.place.path().join("project")
    }

    fn tmux(&self, arguments: &[&str]) -> Command {
        let place = self.place.path();
        let openexec = Path::new(env!("CARGO_BIN_EXE_openexec")).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap();
        let path = std::iter::once(openexec.to_owned()).chain(std::env::split_paths(&path));
        let mut command = Command::new("tmux");
        command
            .args(arguments)
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("TMUX_TMPDIR", place)
            .env("HOME", place.join("home"))
            .env("XDG_CONFIG_HOME", place.join("config"))
            .env("XDG_STATE_HOME", place.join("state"))
            .env("XDG_DATA_HOME", place.join("data"))
            .env("XDG_CACHE_HOME", place.join("cache"))
            .env("LC_ALL", "C.UTF-8")
            .envs(crate::client::NO_SERVERS)
            .env_remove("TMUX")
            .env_remove("COLORTERM")
            .stdin(Stdio::null());
        command
    }

    /// Presses keys, by tmux's names for them.
    fn press(&self, keys: &[&str]) {
        assert_success(self.tmux(&["send-keys"]).args(keys), "keys are pressed");
    }

    /// Types a text.
    fn write(&self, text: &str) {
        assert_success(&mut self.tmux(&["send-keys", "-l", text]), "a text is typed");
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

    /// The screen, with the colours when `styled`.
    fn screen(&self, styled: bool) -> String {
        let mut capture = self.tmux(&["capture-pane", "-p"]);
        if styled {
            capture.arg("-e");
        }
        String::from_utf8_lossy(&assert_success(&mut capture, "the screen is read").stdout).into_owned()
    }

    /// Looks after each change of the screen until something is so, or time is up.
    fn until(&self, within: Duration, is_so: impl Fn() -> bool) -> bool {
        let end = Instant::now() + within;
        while !is_so() {
            let left = end.saturating_duration_since(Instant::now());
            if self.changes.recv_timeout(left).is_err() {
                return is_so();
            }
        }
        true
    }

    fn shows(&self, part: &str, within: Duration) -> bool {
        self.until(within, || self.screen(false).contains(part))
    }

    fn wait(&self, part: &str) {
        if !self.shows(part, DEADLINE) {
            let log = std::fs::read_to_string(self.place.path().join("cache/helix/helix.log"));
            panic!("`{part}` is not shown:\n{}\n{}", self.screen(false), log.unwrap_or_default());
        }
    }

    /// Chooses the action with this in its title from the menu, which is opened until it is offered.
    fn choose(&self, part: &str) {
        let since = Instant::now();
        loop {
            self.press(&["Space", "a"]);
            if self.shows(part, MENU) {
                break;
            }
            assert!(since.elapsed() < DEADLINE, "`{part}` is not offered:\n{}", self.screen(false));
        }
        let is_reversed = |row: &str| CHOSEN.iter().any(|chosen| row.contains(chosen));
        let is_chosen = |screen: &str| screen.lines().any(|row| is_reversed(row) && row.contains(part));
        let mut before = self.screen(true);
        while !is_chosen(&before) {
            self.press(&["Down"]);
            let moved = self.until(DEADLINE, || self.screen(true) != before);
            assert!(moved && since.elapsed() < DEADLINE, "`{part}` cannot be chosen:\n{before}");
            before = self.screen(true);
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
        let saved = self.until(DEADLINE, || held() == text);
        assert!(saved, "`{path}` holds {:?}:\n{}", held(), self.screen(false));
    }

    fn trust(&self) {
        self.openexec("trust");
    }

    /// The id of the only run.
    fn only_run(&self) -> String {
        let listed = self.openexec("runs");
        let first = listed.lines().next().and_then(|line| line.split_whitespace().next());
        first.unwrap_or_else(|| panic!("no run is listed:\n{listed}")).to_owned()
    }

    /// What the program prints.
    fn openexec(&self, subcommand: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_openexec"));
        command.arg(subcommand).current_dir(self.project());
        for (name, folder) in [("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("HOME", "home")] {
            command.env(name, self.place.path().join(folder));
        }
        String::from_utf8_lossy(&assert_success(&mut command, subcommand).stdout).into_owned()
    }

    /// Keeps the screen with its colours, for who wants to see what the user saw.
    fn picture(&self, name: &str) {
        let folder = cache().join("screenshots/helix");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name).with_extension("ansi"), self.screen(true)).unwrap();
    }
}

impl Drop for Helix {
    fn drop(&mut self) {
        // The server of this terminal, which has a socket of its own.
        let _ = self.tmux(&["kill-server"]).output();
        if let Some(mut watcher) = self.watcher.take() {
            let _ = watcher.wait();
        }
    }
}

fn assert_success(command: &mut Command, what: &str) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    output
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

    // The diff alone is a review as well.
    let review = helix.document("review-2.diff");
    helix.command(&format!("open {}", review.display()));
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
