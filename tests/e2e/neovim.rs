//! Whole runs in a real Neovim, through the code-action menu, the commands and the plugin.
//!
//! Each test is a Lua script in `tests/neovim`, which is the user: it opens, chooses, types,
//! and ends with an error where something is not as it must be.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Runs a script in Neovim, with a home of its own and `openexec lsp` as it was just built.
fn neovim(script: &str, arguments: &[&str]) {
    let repository = repository();
    let bin = repository.join("tests/.cache/venv/bin");
    let nvim = bin.join("nvim");
    assert!(nvim.exists(), "`{}` is missing; `bash tests/run` installs it", nvim.display());
    let place = tempfile::tempdir().unwrap();
    let home = place.path().canonicalize().unwrap();
    let scripts = repository.join("tests/neovim");
    // pytest lies beside nvim.
    let path = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path))).unwrap();
    let output = Command::new(&nvim)
        .args(["--headless", "-u", "NONE"])
        .arg("--cmd")
        .arg(format!("lua package.path = '{}/?.lua;' .. package.path", scripts.display()))
        .arg("-l")
        .arg(scripts.join(script))
        .args(arguments)
        .env("PATH", path)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("OPENEXEC_TEST_PLACE", &home)
        .env("OPENEXEC_TEST_PROGRAM", env!("CARGO_BIN_EXE_openexec"))
        .env("OPENEXEC_TEST_PLUGIN", repository.join("editors/nvim"))
        // No workspace is here, so that the server is started for the script's project only.
        .current_dir(&home)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    let log = std::fs::read_to_string(home.join("state/nvim/lsp.log")).unwrap_or_default();
    assert!(
        output.status.success(),
        "{script} {arguments:?}: {}\n{said}\nNeovim's LSP log:\n{log}",
        output.status
    );
}

#[test]
fn a_failing_rust_test_is_repaired_from_the_menu() {
    neovim("fix_test.lua", &["rust"]);
}

#[test]
fn a_failing_python_test_is_repaired_from_the_menu() {
    neovim("fix_test.lua", &["python"]);
}

#[test]
fn a_failing_javascript_test_is_repaired_from_the_menu() {
    neovim("fix_test.lua", &["javascript"]);
}

#[test]
fn a_directive_is_offered_with_its_words_and_carried_out() {
    neovim("directive.lua", &[]);
}

#[test]
fn a_diagnostic_of_another_server_is_fixed() {
    neovim("diagnostic.lua", &[]);
}

#[test]
fn a_run_is_cancelled_from_the_menu() {
    neovim("cancel.lua", &["menu"]);
}

#[test]
fn a_run_is_cancelled_by_a_command() {
    neovim("cancel.lua", &["command"]);
}

#[test]
fn a_run_is_cancelled_by_its_progress() {
    neovim("cancel.lua", &["progress"]);
}

#[test]
fn typing_elsewhere_is_rebased_upon_and_tested_again() {
    neovim("typing.lua", &["elsewhere"]);
}

#[test]
fn typing_on_the_same_line_pauses_and_loses_nothing() {
    neovim("typing.lua", &["same line"]);
}

#[test]
fn an_edit_of_a_test_waits_for_the_user_and_is_applied() {
    neovim("approval.lua", &["apply"]);
}

#[test]
fn an_edit_of_a_test_waits_for_the_user_and_is_discarded() {
    neovim("approval.lua", &["discard"]);
}

#[test]
fn an_unsaved_buffer_is_what_is_tested_and_repaired() {
    neovim("unsaved.lua", &[]);
}

#[test]
fn files_that_are_not_open_are_changed_created_and_deleted() {
    neovim("unopened.lua", &[]);
}

#[test]
fn wide_characters_before_an_edit_move_nothing() {
    for encoding in ["default", "utf-8", "utf-16", "utf-32"] {
        neovim("wide.lua", &[encoding]);
    }
}

#[test]
fn a_waiting_proposal_survives_the_end_of_its_server() {
    neovim("restart.lua", &["stopped"]);
}

#[test]
fn a_waiting_proposal_survives_the_death_of_its_server() {
    neovim("restart.lua", &["killed"]);
}
