//! Several files at once.

use super::*;

fn over(changes: &[(&str, Option<&str>, Option<&str>)]) -> Vec<(&'static str, String)> {
    let paths: Vec<WorkspacePath> = changes.iter().map(|(at, _, _)| path(at)).collect();
    let changes: Vec<Changed<'_>> = changes
        .iter()
        .zip(&paths)
        .map(|((_, before, after), path)| Changed { path, before: *before, after: *after })
        .collect();
    weakenings(&changes).into_iter().map(|found| (found.rule, found.sentence)).collect()
}

const PYTHON: &str = "def test_a():\n    assert f(1) == 2\n\n\ndef test_b():\n    assert f(2) == 3\n";
const RUST: &str = "#[test]\nfn a() {\n    assert_eq!(f(1), 2);\n}\n";

#[test]
fn a_deleted_file_takes_its_tests_along() {
    assert_eq!(
        over(&[("tests/test_a.py", Some(PYTHON), None)]),
        [("guard.deleted", "tests `test_a`, `test_b` are deleted with the file".to_owned())]
    );
}

#[test]
fn tests_may_move_to_where_they_are_found() {
    for (from, to, text) in [
        ("tests/test_a.py", "tests/unit/test_a.py", PYTHON),
        ("tests/a.rs", "tests/b.rs", RUST),
        ("test/a.test.js", "test/unit/a.test.js", "test('a', () => {\n  expect(f(1)).toBe(2);\n});\n"),
        (
            "a/a_test.go",
            "b/b_test.go",
            "package a\n\nfunc TestA(t *testing.T) {\n\tassert.Equal(t, 1, f())\n}\n",
        ),
    ] {
        assert_eq!(over(&[(from, Some(text), None), (to, None, Some(text))]), [], "{from}");
    }
    assert_eq!(
        over(&[
            ("tests/a.rs", Some(RUST), None),
            ("src/lib.rs", Some("pub fn f() {}\n"), Some("pub fn f() {}\n\n#[cfg(test)]\nmod checks;\n")),
            ("src/checks.rs", None, Some(RUST)),
        ]),
        []
    );
    assert_eq!(
        over(&[
            ("tests/test_a.py", Some(PYTHON), Some("def test_b():\n    assert f(2) == 3\n")),
            (
                "tests/test_c.py",
                Some("import x\n"),
                Some("import x\n\n\ndef test_a():\n    assert f(1) == 2\n")
            ),
        ]),
        []
    );
}

#[test]
fn and_not_to_where_they_are_not() {
    for (from, to, text) in [
        ("tests/test_a.py", "tests/a.py", PYTHON),
        ("tests/test_a.py", "attic/test_a.py", PYTHON),
        ("tests/a.rs", "tests/old/a.rs", RUST),
    ] {
        let found = over(&[(from, Some(text), None), (to, None, Some(text))]);
        assert_eq!(found.iter().map(|(rule, _)| *rule).collect::<Vec<_>>(), ["guard.uncollected"], "{from}");
    }
}

#[test]
fn a_move_hides_no_skip() {
    let skipped = format!("import pytest\n\npytestmark = pytest.mark.skip\n\n\n{PYTHON}");
    let found = over(&[("tests/test_a.py", Some(PYTHON), None), ("tests/test_c.py", None, Some(&skipped))]);
    assert_eq!(found.iter().map(|(rule, _)| *rule).collect::<Vec<_>>(), ["guard.skipped", "guard.skipped"]);
}

#[test]
fn other_languages_may_only_grow() {
    let base = "describe 'a' do\n  it('b') { expect(1).to eq 1 }\nend\n";
    assert_eq!(rules("spec/a_spec.rb", base, &base.replace("eq 1", "eq 2")), ["guard.unknown"]);
    assert_eq!(
        rules("spec/a_spec.rb", base, &base.replace("end\n", "  it('c') { expect(2).to eq 2 }\nend\n")),
        [""; 0]
    );
    assert_eq!(rules("spec/a_spec.rb", base, ""), ["guard.unknown"]);
    assert_eq!(rules("spec/a_spec.rb", "", base), [""; 0]);
}

#[test]
fn snapshots_are_what_tests_expect() {
    assert_eq!(
        sentences("tests/snapshots/render.snap", "---\n<p>ok</p>\n", "---\n<p>undefined</p>\n"),
        [("guard.snapshot", "what tests expect goes from `<p>ok</p>` to `<p>undefined</p>`".to_owned())]
    );
    assert_eq!(rules("tests/snapshots/render.snap", "", "---\n<p>ok</p>\n"), [""; 0]);
}

#[test]
fn large_tests_are_compared_as_well() {
    let rows: String = (0..20_000).map(|row| format!("    ({row}, {row}),\n")).collect();
    let asserts: String = (0..4_000).map(|row| format!("    assert f({row}) == {row}\n")).collect();
    let text = |rows: &str| {
        format!(
            "CASES = [\n{rows}]\n\n\ndef test_a():\n    for x, y in CASES:\n        assert f(x) == y\n\n\ndef test_b():\n{asserts}"
        )
    };
    let before = text(&rows);
    let after = text(&rows.replacen("    (7, 7),\n", "", 1)).replacen("f(11) == 11", "f(11) == 12", 1);
    assert_eq!(rules("tests/test_a.py", &before, &after), ["guard.case_removed", "guard.assertion_changed"]);
}
