//! Real build tools in the sandbox, from the build file to the counted tests.

use super::{Place, changes, listing, path, succeeded, task};
use openexec_engine::edit::ChangeSet;
use openexec_engine::task::{ReportFormat, TaskExit, TaskKind};

#[tokio::test]
async fn cargo_works_offline_with_a_dependency_and_the_users_target_stays_warm() {
    let place = Place::new(&[
        ("Cargo.toml", "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\ncfg-if = \"1\"\n"),
        ("src/lib.rs", "cfg_if::cfg_if! { if #[cfg(unix)] { pub fn two() -> i32 { 2 } } else { pub fn two() -> i32 { 0 } } }\n\n#[test]\nfn adds() {\n    assert_eq!(two(), 2);\n}\n"),
    ])
    .await;
    // The user's own build, outside.
    let built = std::process::Command::new("cargo")
        .args(["test", "--offline", "--no-run", "-q"])
        .current_dir(place.root())
        .env_remove("CARGO_TARGET_DIR")
        // A task sees none of this test's own settings.
        .env_remove("CARGO_INCREMENTAL")
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let before = listing(&place.root());
    let mut test = task(&["cargo", "test"]);
    test.kind = TaskKind::Test;
    test.report = ReportFormat::Libtest;
    let report = place.shadow.run(&test, 120_000, &[]).await;
    succeeded(&report);
    assert_eq!(report.tests.map(|counts| (counts.passed, counts.failed)), Some((1, 0)), "{}", report.output);
    assert!(!report.output.contains("Compiling"), "the cache is warm: {}", report.output);
    let base = std::fs::read_to_string(place.root().join("src/lib.rs")).unwrap();
    let broken = base.replace("-> i32 { 2 }", "-> i32 { 3 }");
    place.shadow.write(&[], &changes(&[("src/lib.rs", Some(&base), Some(&broken))])).await.unwrap();
    let report = place.shadow.run(&test, 120_000, &[]).await;
    assert_eq!(report.tests.map(|counts| (counts.passed, counts.failed)), Some((0, 1)), "{}", report.output);
    let failure = &report.failures[0];
    assert_eq!(
        (failure.name.as_str(), failure.path.clone(), failure.line),
        ("adds", Some(path("src/lib.rs")), Some(5))
    );
    // Back at the base: built anew, not taken for fresh.
    place.shadow.write(&[], &ChangeSet::default()).await.unwrap();
    let report = place.shadow.run(&test, 120_000, &[]).await;
    assert_eq!(report.tests.map(|counts| (counts.passed, counts.failed)), Some((1, 0)), "{}", report.output);
    assert_eq!(listing(&place.root()), before);
}

/// From the build file to the counted tests, with the runners that every machine with the
/// toolchains has.
#[tokio::test]
async fn detected_tasks_run_and_report() {
    let place = Place::new(&[
        ("package.json", r#"{"scripts": {"test": "node --test"}}"#),
        ("sum.test.mjs", "import test from 'node:test';\nimport assert from 'node:assert';\ntest('adds', () => assert.equal(1 + 1, 2));\ntest('differs', () => assert.equal(1, 2));\n"),
        ("tests/__init__.py", ""),
        ("tests/test_sum.py", "import unittest\n\nclass Sum(unittest.TestCase):\n    def test_adds(self):\n        self.assertEqual(1 + 1, 2)\n    def test_differs(self):\n        self.assertEqual(1, 2)\n"),
        ("Makefile", "test:\n\ttrue\n"),
        (".openexec/tasks.yaml", "version: 1\ntasks:\n- {name: test-python, kind: test, argv: [python3, -m, unittest, discover]}\n"),
    ])
    .await;
    let declared = openexec::tasks::declared(&place.root()).unwrap();
    let names: Vec<&str> = declared.tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names, ["test", "test-python"]);
    for (task, file, line) in [(0, "sum.test.mjs", 4), (1, "tests/test_sum.py", 7)] {
        let report = place.shadow.run(&declared.tasks[task], 60_000, &[]).await;
        assert_eq!(report.exit, TaskExit::Exited { code: 1 }, "{}", report.output);
        assert_eq!(
            report.tests.map(|counts| (counts.passed, counts.failed)),
            Some((1, 1)),
            "{}",
            report.output
        );
        assert_eq!(
            (report.failures[0].path.clone(), report.failures[0].line),
            (Some(path(file)), Some(line))
        );
    }
}
