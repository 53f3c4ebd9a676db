//! A further real client over the wire: pytest-lsp, with the capabilities that VS Code, Neovim and
//! Emacs send. What happens is written in `tests/pytest_lsp/test_editor.py`.

use crate::client::NO_SERVERS;
use crate::project::{CHECK, ONE_ATTEMPT, Project, said};
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_whole_loop_with_a_client_that_others_have_written() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").canonicalize().unwrap();
    let pytest = tests.join(".cache/venv/bin/pytest");
    let has_plugin = Command::new(tests.join(".cache/venv/bin/python"))
        .args(["-c", "import pytest_lsp"])
        .status()
        .is_ok_and(|status| status.success());
    assert!(
        pytest.exists() && has_plugin,
        "pytest-lsp is missing in `{}`; `bash tests/run` installs it",
        tests.join(".cache/venv").display()
    );
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.ask_always().trust();
    let scripts = tests.join("pytest_lsp");
    let output = Command::new(&pytest)
        .args(["-q", "-p", "no:cacheprovider", "--rootdir"])
        .args([&scripts, &scripts])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("OPENEXEC_TEST_PROGRAM", env!("CARGO_BIN_EXE_openexec"))
        .env("OPENEXEC_TEST_PLACE", project.place().canonicalize().unwrap())
        .env("OPENEXEC_TEST_MODEL", project.model())
        .envs(NO_SERVERS)
        .current_dir(project.place())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let text = said(&output);
    assert!(text.contains("15 passed"), "{text}");
}
