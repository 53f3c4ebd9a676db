//! The context benchmark on a small repository of our own, which the test makes with git from
//! the files in `context/repository`. What is measured, and how, is the bench's own code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../server/openexec/benches/context/measure.rs"]
mod measure;
#[path = "../server/openexec/benches/context/pack.rs"]
mod pack;
#[path = "../server/openexec/benches/context/repository.rs"]
mod repository;
#[path = "../server/openexec/benches/context/score.rs"]
mod score;
#[path = "../server/openexec/benches/context/task.rs"]
mod task;

use measure::{Line, Prepared};
use repository::Repository;
use std::path::Path;
use std::process::Command;

/// Tokens in which a third of the repository has room.
const TIGHT: usize = 420;
/// Tokens in which nearly all of it has.
const WIDE: usize = 2_048;

fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .status()
        .expect("git must be installed");
    assert!(status.success(), "git {arguments:?}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place)
        } else {
            std::fs::copy(entry.path(), place).map(drop).unwrap()
        }
    }
}

fn measured() -> Vec<(String, Line)> {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/context");
    let mirror = tempfile::tempdir().unwrap();
    let folder = mirror.path().join("example+shop/repo");
    copy(&fixture.join("repository"), &folder);
    git(&folder, &["init", "--quiet"]);
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "--quiet", "--message", "everything"]);
    let mut prepared = Prepared::new(Repository::open(mirror.path(), "example/shop"));
    let tasks = task::tasks(&fixture);
    let lines = tasks.iter().flat_map(|task| {
        let lines = prepared.measure(task, &[TIGHT, WIDE]);
        lines.into_iter().map(|(line, _)| (task.id.clone(), line)).collect::<Vec<_>>()
    });
    lines.collect()
}

#[test]
fn what_a_fix_needs_stands_in_its_pack() {
    let lines = measured();
    assert_eq!(lines.len(), 3 * 3 * 2 * 2);
    for (task, line) in lines {
        let Line { repository, language, milliseconds, .. } = &line;
        let (view, form) = (line.view.name(), line.form.name());
        let what = format!(
            "{task} of {repository} ({language}), {view} view, {form}, {} tokens, {milliseconds:.0} ms: {:?}",
            line.budget, line.score
        );
        assert!(line.is_same, "built twice it differs: {what}");
        assert!(line.score.tokens <= line.budget, "it is over its budget: {what}");
        assert!(line.score.files.unwrap_or(1.0) == 1.0, "a file is missing: {what}");
        assert!(line.score.signatures.unwrap_or(1.0) == 1.0, "a signature is missing: {what}");
        assert!(line.score.bodies.unwrap_or(1.0) == 1.0, "a body is missing: {what}");
    }
}
