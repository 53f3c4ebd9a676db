//! A whole run in a real Neovim in a terminal, with the plugin and nothing else: what the user sees,
//! which scripts in a Neovim without a screen (`neovim`) cannot look at.

use crate::terminal::{DEADLINE, Terminal, assert_success, cache};
use crate::wire::{Call, ModelServer, Reply, Wire};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const SOURCE: &str = "export function add(a, b) {\n  return a - b;\n}\n";
const TEST: &str = "import test from 'node:test';\nimport assert from 'node:assert';\n\
                    import { add } from '../sums.js';\n\ntest('adds', () => assert.equal(add(2, 3), 5));\n";
/// What the README tells a user to write.
const STATUS_LINE: &str = r#"vim.o.statusline = "%f %m%=%{%v:lua.require'openexec'.statusline()%}""#;
/// How long a menu may take; it is opened anew after that.
const MENU: Duration = Duration::from_secs(2);

struct Neovim {
    place: tempfile::TempDir,
    /// None between one Neovim and the next.
    terminal: Option<Terminal>,
}

impl Neovim {
    fn open(model: &ModelServer) -> Self {
        let place = tempfile::tempdir().unwrap();
        let mut neovim = Self { place, terminal: None };
        let plugin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../editors/nvim").canonicalize().unwrap();
        let init = format!("vim.opt.runtimepath:prepend('{}')\n{STATUS_LINE}\n", plugin.display());
        let models = json!({ "models": {
            "served": { "api": "anthropic_messages", "model": "scripted", "base_url": model.base_url() } } });
        for (path, text) in [
            ("project/package.json", "{ \"name\": \"sums\", \"type\": \"module\" }\n"),
            (
                "project/.openexec/tasks.yaml",
                "version: 1\ntasks:\n  - { name: test, kind: test, argv: [node, --test, --test-reporter=tap], report: tap }\n",
            ),
            ("project/sums.js", SOURCE),
            ("project/test/sums.test.js", TEST),
            ("config/openexec/config.yaml", &models.to_string()),
            ("config/nvim/init.lua", &init),
        ] {
            let path = neovim.place.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let mut trust = Command::new(env!("CARGO_BIN_EXE_openexec"));
        for (name, folder) in [("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("HOME", "home")] {
            trust.env(name, neovim.place.path().join(folder));
        }
        assert_success(trust.arg("trust").current_dir(neovim.project()), "openexec trust");
        neovim.start("test/sums.test.js");
        neovim
    }

    fn start(&mut self, file: &str) {
        let nvim = cache().join("venv/bin/nvim");
        assert!(nvim.exists(), "`{}` is missing; `bash tests/run` installs it", nvim.display());
        let editor = format!("'{}' '{file}'", nvim.display());
        self.terminal = Some(Terminal::open(self.place.path(), &self.project(), &editor));
        // The status line says that the server runs.
        self.wait("OpenExec");
    }

    fn project(&self) -> PathBuf {
        self.place.path().join("project")
    }

    fn terminal(&self) -> &Terminal {
        self.terminal.as_ref().unwrap()
    }

    fn command(&self, line: &str) {
        self.terminal().write(&format!(":{line}"));
        self.terminal().press(&["Enter"]);
    }

    fn wait(&self, part: &str) {
        if !self.terminal().shows(part, DEADLINE) {
            let log = std::fs::read_to_string(self.place.path().join("state/nvim/lsp.log"));
            panic!("`{part}` is not shown:\n{}\n{}", self.terminal().screen(), log.unwrap_or_default());
        }
    }

    /// Opens the menu until it offers this. Answers the number before it.
    fn offered(&self, part: &str) -> String {
        let since = Instant::now();
        loop {
            self.terminal().write("gra");
            if self.terminal().shows(part, MENU) {
                break;
            }
            assert!(since.elapsed() < DEADLINE, "`{part}` is not offered:\n{}", self.terminal().screen());
            // An empty answer closes a menu; on the last line it is nothing else.
            self.terminal().press(&["Enter"]);
        }
        self.wait("Type number and <Enter>");
        let screen = self.terminal().screen();
        let row = screen.lines().find(|row| row.contains(part)).unwrap();
        row.split_once(':').unwrap().0.trim().to_owned()
    }

    fn picture(&self, name: &str) {
        self.terminal().picture("neovim", name);
    }

    /// Waits until a file holds this.
    fn wait_for_file(&self, path: &str, text: &str) {
        let held = || std::fs::read_to_string(self.project().join(path)).unwrap_or_default();
        let holds = self.terminal().until(DEADLINE, || held() == text);
        assert!(holds, "`{path}` holds {:?}:\n{}", held(), self.terminal().screen());
    }
}

#[test]
fn a_proposal_outlives_its_neovim_and_is_reviewed_cut_down_applied_and_undone() {
    let call = |name, arguments| Call { name, arguments };
    let calls = vec![
        call("replace_text", json!({ "path": "sums.js", "old": "a - b", "new": "a + b" })),
        // What judges the work is changed as well, so that the user is asked.
        call(
            "replace_text",
            json!({ "path": "test/sums.test.js", "old": "add(2, 3), 5", "new": "add(3, 2), 5" }),
        ),
        call("finish", json!({ "summary": "That is what was asked for." })),
    ];
    let model = ModelServer::start(Wire::AnthropicMessages, vec![Reply { text: "A sign is wrong.", calls }]);
    model.think();
    let mut neovim = Neovim::open(&model);
    neovim.wait("assert.equal");
    neovim.terminal().write("G");
    let number = neovim.offered("Fix failing test `adds`");
    neovim.picture("menu");
    neovim.terminal().write(&number);
    neovim.terminal().press(&["Enter"]);
    neovim.wait("fix, stage 3 of 8, turn 1");
    neovim.picture("working");
    model.reply();
    neovim.wait("1 run waits for you");
    // The line for messages holds a part of what was said, so that nothing asks for a key.
    neovim.wait("OpenExec: Review or apply in the code-action menu");
    assert!(!neovim.terminal().screen().contains("Press ENTER"), "{}", neovim.terminal().screen());
    neovim.picture("waiting");
    neovim.command("quitall!");
    neovim.terminal.take().unwrap().wait_for_end();

    neovim.start("sums.js");
    neovim.wait("1 run waits for you");
    neovim.command("OpenExec review");
    neovim.wait("guard.assertion_changed");
    neovim.wait("return a + b");
    neovim.picture("review");
    neovim.command("OpenExec reject test/sums.test.js:1");
    neovim.wait("1 file would change");
    neovim.picture("rest");
    neovim.command("OpenExec apply");
    neovim.wait("undo with `openexec.undo`");
    let closes = || !neovim.terminal().screen().contains("[Quickfix List]");
    assert!(neovim.terminal().until(DEADLINE, closes), "the review stays:\n{}", neovim.terminal().screen());
    neovim.wait("return a + b");
    neovim.picture("applied");
    neovim.wait_for_file("sums.js", SOURCE);
    neovim.command("wall");
    neovim.wait_for_file("sums.js", &SOURCE.replace("a - b", "a + b"));
    neovim.command("OpenExec undo");
    neovim.wait("was undone");
    neovim.wait("return a - b");
    neovim.command("wall");
    neovim.wait_for_file("sums.js", SOURCE);
    neovim.wait_for_file("test/sums.test.js", TEST);
    neovim.picture("undone");
}
