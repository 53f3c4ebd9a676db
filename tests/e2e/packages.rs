//! Whole runs on real, published packages: a bug is put into each, and a scripted model repairs
//! it in its second attempt. What the packages' own tests say decides.
//!
//! `tests/prepare-packages` gets the packages; `tests/packages/` describes them.

use crate::wire::{Call, ModelServer, Reply, Wire};
use openexec::process::parse_report;
use openexec_engine::task::ReportFormat;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A run that takes longer than this hangs, on any machine.
const RUN_TIMEOUT: Duration = Duration::from_secs(300);

/// A package as `tests/packages/NAME.yaml` describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    name: String,
    version: String,
    /// Read by the preparation only.
    #[serde(rename = "sha256")]
    _sha256: Option<String>,
    bug: Bug,
    first_attempt: String,
    test: TestCommand,
    lint: Option<Vec<String>>,
    tests: u32,
    failing: Vec<String>,
    failures: u32,
    still_failing: String,
}

/// A replacement of one text in one file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bug {
    path: String,
    right: String,
    wrong: String,
}

/// How the package's own tests are run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestCommand {
    argv: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    report: ReportFormat,
}

/// A package laid out in a directory of its own.
struct Laid {
    dir: TempDir,
}

fn tests_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").canonicalize().unwrap()
}

/// Where the prepared packages lie.
fn cache() -> PathBuf {
    let cache =
        std::env::var_os("OPENEXEC_TEST_CACHE").map_or_else(|| tests_dir().join(".cache"), PathBuf::from);
    cache.join("packages")
}

impl Package {
    fn named(name: &str) -> Self {
        let file = tests_dir().join("packages").join(format!("{name}.yaml"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// A fresh copy as published, with its test command declared.
    fn lay_out(&self) -> Laid {
        let prepared = cache().join(format!("{}-{}", self.name, self.version));
        assert!(prepared.is_dir(), "`{}` is not there: run tests/prepare-packages", prepared.display());
        let laid = Laid { dir: tempfile::tempdir().unwrap() };
        copy_tree(&prepared, &laid.root());
        fs::create_dir(laid.root().join(".openexec")).unwrap();
        fs::write(laid.root().join(".openexec/tasks.yaml"), self.tasks_yaml()).unwrap();
        laid
    }

    fn argv(&self) -> Vec<String> {
        let cache = cache().display().to_string();
        self.test.argv.iter().map(|word| word.replace("{cache}", &cache)).collect()
    }

    /// JSON is YAML.
    fn tasks_yaml(&self) -> String {
        let task = json!({
            "name": "test", "kind": "test", "argv": self.argv(), "env": self.test.env,
            "report": self.test.report, "timeout": "medium",
        });
        let lint = self.lint.as_ref().map(|argv| json!({ "name": "lint", "kind": "lint", "argv": argv }));
        let tasks: Vec<Value> = std::iter::once(task).chain(lint).collect();
        json!({ "version": 1, "tasks": tasks }).to_string()
    }

    /// Runs the package's tests directly, as its own developers do.
    fn test(&self, laid: &Laid) -> Output {
        let argv = self.argv();
        Command::new(&argv[0])
            .args(&argv[1..])
            .envs(&self.test.env)
            .current_dir(laid.root())
            .output()
            .unwrap_or_else(|error| panic!("`{}` cannot be started: {error}", argv[0]))
    }
}

impl Laid {
    fn root(&self) -> PathBuf {
        self.dir.path().join("workspace")
    }

    /// Replaces a text that stands in the file exactly once.
    fn replace(&self, path: &str, old: &str, new: &str) {
        let file = self.root().join(path);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.matches(old).count(), 1, "`{old}` in {path}");
        fs::write(&file, text.replace(old, new)).unwrap();
    }
}

/// Copies files, directories and symbolic links.
fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let sort = entry.file_type().unwrap();
        if sort.is_dir() {
            copy_tree(&entry.path(), &target);
        } else if sort.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every file below a directory with its bytes; links with where they lead.
fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let sort = entry.file_type().unwrap();
            let path = entry.path();
            if sort.is_dir() {
                waiting.push(path);
                continue;
            }
            let bytes = if sort.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).unwrap()
            };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), bytes);
        }
    }
    found
}

/// The bug is one: without it all tests pass, with it those fail that the file names, and the
/// first attempt is none that could pass.
fn check_bug(name: &str) {
    let package = Package::named(name);
    let laid = package.lay_out();
    let report = |output: &Output| {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (parse_report(package.test.report, &text, None, &|_| None), text)
    };

    let published = package.test(&laid);
    let (green, said) = report(&published);
    let counts = green.counts.unwrap_or_else(|| panic!("no report: {said}"));
    assert!(published.status.success(), "{said}");
    assert_eq!((counts.passed, counts.failed), (package.tests, 0), "{said}");

    laid.replace(&package.bug.path, &package.bug.right, &package.bug.wrong);
    let broken = package.test(&laid);
    let (red, said) = report(&broken);
    assert!(!broken.status.success(), "{said}");
    assert_eq!(red.counts.map(|counts| counts.failed), Some(package.failures), "{said}");
    for name in &package.failing {
        assert!(said.contains(name.as_str()), "`{name}` is not in: {said}");
    }

    laid.replace(&package.bug.path, &package.bug.wrong, &package.first_attempt);
    let attempted = package.test(&laid);
    let (still_red, said) = report(&attempted);
    assert!(!attempted.status.success(), "{said}");
    assert!(still_red.counts.is_some_and(|counts| counts.failed > 0), "{said}");
    assert!(said.contains(&package.still_failing), "{said}");

    laid.replace(&package.bug.path, &package.first_attempt, &package.bug.right);
    assert!(package.test(&laid).status.success());
}

/// A whole run: a hasty first attempt, which the tests refuse, then the right one.
fn check_run(name: &str, wire: Wire) {
    let package = Package::named(name);
    let laid = package.lay_out();
    let fixed = contents(&laid.root());
    laid.replace(&package.bug.path, &package.bug.right, &package.bug.wrong);

    let attempt = |text, old: &str, new: &str| Reply {
        text,
        calls: vec![
            Call {
                name: "replace_text",
                arguments: json!({ "path": package.bug.path, "old": old, "new": new }),
            },
            Call { name: "finish", arguments: json!({ "summary": text }) },
        ],
    };
    let server = ModelServer::start(
        wire,
        vec![
            attempt("All tests pass now.", &package.bug.wrong, &package.first_attempt),
            attempt("Now they really pass.", &package.first_attempt, &package.bug.right),
        ],
    );
    let user = User::with_model(&server, wire);
    user.succeed(&laid, &["trust"]);
    let events = user.run(&laid, &["run", "fix_tests", "--model", "wire", "--json", "--no-input"]);

    let changed: Vec<PathBuf> = {
        let now = contents(&laid.root());
        let paths: std::collections::BTreeSet<_> = now.keys().chain(fixed.keys()).collect();
        paths.into_iter().filter(|path| now.get(*path) != fixed.get(*path)).cloned().collect()
    };
    assert_eq!(changed, Vec::<PathBuf>::new(), "these differ from the package as published");

    let requests = server.received();
    assert_eq!(requests.len(), 2, "requests to the model");
    let second = requests[1].to_string();
    assert!(second.contains(&package.still_failing), "the second request does not name the failing test");

    // The tests were red at first, red after the first attempt, and green after the second.
    let judgements: Vec<&str> = events
        .iter()
        .filter(|event| event["event"] == "gate_judged")
        .filter_map(|event| event["judgement"]["judgement"].as_str())
        .collect();
    let red = judgements.iter().filter(|judgement| **judgement == "red").count();
    assert!(red >= 2, "{judgements:?}");
    assert_eq!(judgements.last(), Some(&"passed"), "{judgements:?}");
    assert_eq!(events.last().unwrap()["event"], "run_ended");
    assert_eq!(events.last().unwrap()["outcome"], "done");
}

/// User scope in a directory of its own, with one model.
struct User {
    dir: TempDir,
}

impl User {
    fn with_model(server: &ModelServer, wire: Wire) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = json!({
            "models": { "wire": { "api": wire.api(), "model": "scripted", "base_url": server.base_url() } },
        });
        fs::create_dir_all(dir.path().join("config/openexec")).unwrap();
        fs::write(dir.path().join("config/openexec/config.yaml"), config.to_string()).unwrap();
        Self { dir }
    }

    fn succeed(&self, laid: &Laid, arguments: &[&str]) -> String {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_openexec"));
        command
            .args(arguments)
            .arg("--workspace")
            .arg(laid.root())
            .env("XDG_CONFIG_HOME", self.dir.path().join("config"))
            .env("XDG_STATE_HOME", self.dir.path().join("state"))
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let output = runtime
            .block_on(async { tokio::time::timeout(RUN_TIMEOUT, command.output()).await })
            .unwrap_or_else(|_| panic!("{arguments:?} has not ended after {} s", RUN_TIMEOUT.as_secs()))
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?} ended with {}: {said}{complained}", output.status);
        said
    }

    /// Runs with `--json`; the events of the journal, in their order.
    fn run(&self, laid: &Laid, arguments: &[&str]) -> Vec<Value> {
        self.succeed(laid, arguments)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].clone())
            .collect()
    }
}

#[test]
fn the_bug_in_a_crate_is_one() {
    check_bug("heck");
}

#[test]
fn the_bug_in_a_python_package_is_one() {
    check_bug("cachetools");
}

#[test]
fn the_bug_in_an_npm_package_is_one() {
    check_bug("qs");
}

#[test]
fn a_crate_is_repaired() {
    check_run("heck", Wire::AnthropicMessages);
}

#[test]
fn a_python_package_is_repaired() {
    check_run("cachetools", Wire::OpenaiChat);
}

#[test]
fn an_npm_package_is_repaired() {
    check_run("qs", Wire::AnthropicMessages);
}
