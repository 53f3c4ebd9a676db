//! Small projects with failing tests, user scope in a temporary directory, and the program.

use crate::client::{Abilities, Client};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A workspace with everything around it in one temporary directory.
pub struct Project {
    place: tempfile::TempDir,
}

pub const LIB: &str = "/// The answer.\npub fn answer() -> u32 {\n    41\n}\n";
pub const FIXED: &str = "/// The answer.\npub fn answer() -> u32 {\n    42\n}\n";
const TESTS: &str = "#[test]\nfn is_the_answer() {\n    assert_eq!(small::answer(), 42);\n}\n";

/// Replies that first make it worse, then right.
pub const TWO_ATTEMPTS: &str = r#"
replies:
  - stage: fix
    attempt: 1
    reply:
      actions:
        - { id: a1, kind: replace_text, path: src/lib.rs, old: "    41\n", new: "    40\n" }
        - { id: a2, kind: finish, summary: made it worse }
  - stage: fix
    attempt: 2
    reply:
      actions:
        - { id: a1, kind: replace_text, path: src/lib.rs, old: "    40\n", new: "    42\n" }
        - { id: a2, kind: finish, summary: made it right }
"#;

/// Replies that are right at once.
pub const ONE_ATTEMPT: &str = r#"
replies:
  - stage: fix
    reply:
      actions:
        - { id: a1, kind: replace_text, path: src/lib.rs, old: "    41\n", new: "    42\n" }
        - { id: a2, kind: finish, summary: made it right }
"#;

/// The repair, and two changes far apart in another file, for which nobody asked.
pub const THREE_PARTS: &str = r##"
replies:
  - stage: fix
    reply:
      actions:
        - { id: a1, kind: replace_text, path: src/lib.rs, old: "    41\n", new: "    42\n" }
        - { id: a2, kind: replace_text, path: src/other.rs, old: "one", new: "ONE" }
        - { id: a3, kind: replace_text, path: src/other.rs, old: "nine", new: "NINE" }
        - { id: a4, kind: finish, summary: made it right }
"##;
/// The other file.
pub const OTHER: &str = "// one\n// two\n// three\n// four\n// five\n// six\n// seven\n// eight\n// nine\n";

impl Project {
    /// A Rust crate whose one test fails.
    pub fn rust(replies: &str) -> Self {
        let project = Self::empty(replies);
        project.write(
            "Cargo.toml",
            "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n",
        );
        project.write("src/lib.rs", LIB);
        project.write("tests/it.rs", TESTS);
        project
    }

    /// A crate whose tests are a declared program that needs no compiler: fast, and as real.
    pub fn scripted_tests(replies: &str, test_program: &str) -> Self {
        let project = Self::empty(replies);
        project.write("src/lib.rs", LIB);
        project.write("check.py", test_program);
        project.write(
            ".openexec/tasks.yaml",
            "version: 1\ntasks:\n  - name: test\n    kind: test\n    argv: [python3, check.py]\n    report: tap\n",
        );
        project
    }

    /// The same with another file, whose user is asked about every proposal.
    pub fn with_other_file(replies: &str) -> Self {
        let project = Self::scripted_tests(replies, CHECK);
        project.write("src/other.rs", OTHER);
        project.ask_always().trust();
        project
    }

    pub fn empty(replies: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(place.path().join("ws")).unwrap();
        std::fs::write(place.path().join("replies.yaml"), replies).unwrap();
        Self { place }
    }

    pub fn place(&self) -> &Path {
        self.place.path()
    }

    pub fn root(&self) -> PathBuf {
        self.place.path().join("ws")
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// The model's name for `--model`.
    pub fn model(&self) -> String {
        format!("scripted:{}", self.place.path().join("replies.yaml").display())
    }

    /// The program, with user scope in this project's own place.
    pub fn openexec(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_openexec"));
        command.args(arguments).current_dir(self.root());
        for key in KEYS {
            command.env_remove(key);
        }
        command
            .env("XDG_STATE_HOME", self.place.path().join("state"))
            .env("XDG_CONFIG_HOME", self.place.path().join("config"))
            .envs(crate::client::NO_SERVERS)
            .stdin(std::process::Stdio::null());
        command
    }

    /// An editor on the workspace, with a server process of its own and this project's user scope.
    pub fn editor(&self, abilities: Abilities) -> Client {
        self.editor_on(&self.root().canonicalize().unwrap(), abilities)
    }

    /// The same on another folder, or on the workspace by another name.
    pub fn editor_on(&self, folder: &Path, abilities: Abilities) -> Client {
        let place = self.place().canonicalize().unwrap();
        let [config, state] = ["config", "state"].map(|name| place.join(name));
        let environment = [("XDG_CONFIG_HOME", config.as_path()), ("XDG_STATE_HOME", state.as_path())];
        let child = Client::spawn(Path::new(env!("CARGO_BIN_EXE_openexec")), &["lsp"], &environment);
        Client::of_child(child, folder, abilities)
    }

    /// From now on the user is asked about every proposal.
    pub fn ask_always(&self) -> &Self {
        let config = self.place().join("config/openexec");
        std::fs::create_dir_all(&config).unwrap();
        std::fs::write(config.join("policy.yaml"), "version: 1\napproval_mode: always\n").unwrap();
        self
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.openexec(arguments).output().unwrap()
    }

    /// Runs it, and expects this exit code.
    pub fn expect(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "openexec {}\n{text}", arguments.join(" "));
        text
    }

    pub fn trust(&self) -> &Self {
        self.expect(0, &["trust"]);
        self
    }

    /// `openexec run BLUEPRINT` with the scripted model.
    pub fn run_blueprint(&self, code: i32, blueprint: &str, more: &[&str]) -> String {
        let model = self.model();
        let mut arguments = vec!["run", blueprint, "--model", &model];
        arguments.extend(more);
        self.expect(code, &arguments)
    }

    /// The only run's id.
    pub fn only_run(&self) -> String {
        let text = self.expect(0, &["runs"]);
        let mut lines = text.lines();
        let run = lines.next().and_then(|line| line.split_whitespace().next()).unwrap().to_owned();
        assert_eq!(lines.next(), None, "{text}");
        run
    }

    /// The journal of a run: each event's name and the whole event.
    pub fn journal(&self, run: &str) -> Vec<(String, serde_json::Value)> {
        let text = self.expect(0, &["show", run, "--json"]);
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines
            .map(|line| (line["event"]["event"].as_str().unwrap().to_owned(), line["event"].clone()))
            .collect()
    }

    /// Every file of the workspace with its bytes, build output aside.
    pub fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let mut tree = BTreeMap::new();
        collect(&self.root(), &self.root(), &mut tree);
        tree.retain(|path, _| !path.starts_with("target/") && path != "Cargo.lock");
        tree
    }
}

fn collect(root: &Path, dir: &Path, tree: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(root, &path, tree);
        } else if kind.is_symlink() {
            tree.insert(name, std::fs::read_link(&path).unwrap().display().to_string().into_bytes());
        } else {
            tree.insert(name, std::fs::read(&path).unwrap());
        }
    }
}

/// The variables in which keys are found where nothing is configured.
pub const KEYS: [&str; 3] = ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"];

/// Both streams of a finished program.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A test program in TAP for `src/lib.rs`: passes when it says 42.
pub const CHECK: &str = r#"
text = open("src/lib.rs").read()
good = "    42\n" in text
print("1..1")
print(("ok" if good else "not ok") + " 1 - is the answer")
raise SystemExit(0 if good else 1)
"#;
