//! Whole runs in a real VS Code: our packaged extension, installed into a workbench that is
//! served to a real browser.
//!
//! Each test is a script in `tests/vscode`, which is the user: it opens, chooses, types, and ends
//! with an error where something is not as it must be. What the user saw is kept as pictures
//! under `tests/.cache/screenshots`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// A workbench and a browser take all of a small machine, so that there is one at a time.
static WORKBENCH: Mutex<()> = Mutex::new(());

/// The platform that the package is for, in VS Code's words.
const PLATFORM: &str = if cfg!(target_arch = "aarch64") { "linux-arm64" } else { "linux-x64" };

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn cache() -> PathBuf {
    let cache = match std::env::var_os("OPENEXEC_TEST_CACHE") {
        Some(cache) => PathBuf::from(cache),
        None => repository().join("tests/.cache"),
    };
    cache.join("vscode")
}

/// The machine's programs, with the Node that the workbench wants before them.
fn path() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap();
    let first = cache().join("node/bin");
    std::env::join_paths(std::iter::once(first).chain(std::env::split_paths(&path))).unwrap()
}

fn succeed(command: &mut Command, what: &str) {
    let output = command.env("PATH", path()).stdin(Stdio::null()).output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{what}: {}\n{said}", output.status);
}

/// The folder in which our extension is installed, from a package with the server in it.
fn extensions() -> &'static Path {
    static INSTALLED: OnceLock<tempfile::TempDir> = OnceLock::new();
    let place = INSTALLED.get_or_init(|| {
        let tools = cache().join("tools");
        let sources = repository().join("editors/vscode");
        for needed in [tools.join("made-from"), sources.join("node_modules/.made-from")] {
            assert!(
                needed.exists(),
                "`{}` is missing; `bash tests/prepare-vscode` makes it",
                needed.display()
            );
        }
        let place = tempfile::tempdir().unwrap();
        let (server, package) = (place.path().join("openexec"), place.path().join("openexec.vsix"));
        // Names for debuggers are nine tenths of the program.
        succeed(
            Command::new("objcopy").arg("--strip-debug").arg(env!("CARGO_BIN_EXE_openexec")).arg(&server),
            "the server is copied",
        );
        succeed(
            Command::new("node")
                .args(["package.mjs", "--target", PLATFORM, "--server"])
                .arg(&server)
                .arg("--out")
                .arg(&package)
                .current_dir(&sources),
            "the extension is packaged",
        );
        let explorer = place.path().join("explorer.vsix");
        succeed(
            Command::new("node")
                .arg(sources.join("node_modules/@vscode/vsce/vsce"))
                .args([
                    "package",
                    "--no-dependencies",
                    "--allow-missing-repository",
                    "--skip-license",
                    "--out",
                ])
                .arg(&explorer)
                .current_dir(repository().join("tests/vscode/explorer")),
            "the test runner is packaged",
        );
        succeed(
            Command::new("node")
                .arg(tools.join("node_modules/code-server/out/node/entry.js"))
                .arg("--install-extension")
                .arg(&package)
                .arg("--install-extension")
                .arg(&explorer)
                .arg("--extensions-dir")
                .arg(place.path().join("extensions"))
                .arg("--user-data-dir")
                .arg(place.path().join("user"))
                .env("HOME", place.path()),
            "the extension is installed",
        );
        place
    });
    Box::leak(place.path().join("extensions").into_boxed_path())
}

fn workbench(script: &str) {
    let _turn = WORKBENCH.lock().unwrap_or_else(PoisonError::into_inner);
    let place = tempfile::tempdir().unwrap();
    let place = place.path().canonicalize().unwrap();
    succeed(
        Command::new("node")
            .arg(repository().join("tests/vscode").join(script))
            .env("OPENEXEC_TEST_PLACE", &place)
            .env("OPENEXEC_TEST_PROGRAM", env!("CARGO_BIN_EXE_openexec"))
            .env("OPENEXEC_TEST_TOOLS", cache().join("tools"))
            .env("OPENEXEC_TEST_EXTENSIONS", extensions())
            .env("OPENEXEC_TEST_SCREENSHOTS", cache().with_file_name("screenshots").join("vscode"))
            .current_dir(&place),
        script,
    );
}

#[test]
fn a_first_user_gets_from_a_red_test_to_a_green_one_and_back() {
    workbench("loop.mjs");
}

#[test]
fn what_is_said_in_words_finds_its_workflow() {
    workbench("words.mjs");
}

#[test]
fn a_run_is_cancelled_from_the_view() {
    workbench("cancel.mjs");
}

#[test]
fn typing_during_a_run_loses_nothing() {
    workbench("typing.mjs");
}

#[test]
fn a_waiting_proposal_survives_a_dead_server_and_a_new_window_and_is_taken_in_part() {
    workbench("restart.mjs");
}

#[test]
fn single_hunks_and_files_are_accepted_and_left_out_in_the_diff_and_in_the_view() {
    workbench("decide.mjs");
}

#[test]
fn a_reason_is_asked_for_and_stands_above_its_symbol() {
    workbench("remember.mjs");
}

#[test]
fn a_terminal_finds_the_program_of_the_extension() {
    workbench("terminal.mjs");
}

#[test]
fn the_test_explorer_offers_the_repair() {
    workbench("explorer.mjs");
}

#[test]
fn nothing_runs_in_a_workspace_that_is_not_trusted() {
    workbench("restricted.mjs");
}

#[test]
fn a_missing_server_is_told_with_the_remedy() {
    workbench("missing.mjs");
}
