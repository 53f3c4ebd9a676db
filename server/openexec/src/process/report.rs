//! Reports of test runners: how many tests ran and which failed.
//!
//! INVARIANT: a report that is incomplete, contradicts itself or cannot be read has no counts.
//! No parser ever makes up a test that passed.

mod go;
mod jest;
mod junit;
mod libtest;
mod pytest;
mod tap;

use openexec_engine::path::WorkspacePath;
use openexec_engine::task::{ReportFormat, TestCounts, TestFailure};
use regex::Regex;
use std::sync::LazyLock;

/// Bytes of one failure's message.
const MESSAGE_BYTES_MAX: usize = 4 * 1024;

/// What a report says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParsedReport {
    /// The counts, when the report could be read.
    pub counts: Option<TestCounts>,
    /// The failing tests.
    pub failures: Vec<TestFailure>,
}

impl ParsedReport {
    /// Two parts of one report. Where one part could not be read, the whole has no counts.
    pub(crate) fn merged(mut self, other: Self) -> Self {
        self.counts = self.counts.zip(other.counts).map(|(left, right)| TestCounts {
            passed: left.passed.saturating_add(right.passed),
            failed: left.failed.saturating_add(right.failed),
            skipped: left.skipped.saturating_add(right.skipped),
        });
        self.failures.extend(other.failures);
        self
    }
}

/// Reads one format.
type Parse = fn(&str, Locate) -> ParsedReport;

/// Turns a path as a report prints it into a workspace path, if there is such a file.
type Locate<'a> = &'a dyn Fn(&str) -> Option<WorkspacePath>;

/// Reads a report. `output` is what the task printed, `report_file` what it wrote.
/// `locate` turns a path as the report prints it into a workspace path, if it is one.
/// `ExitCode` has no report: only who has seen the exit can count it.
pub fn parse_report(
    format: ReportFormat,
    output: &str,
    report_file: Option<&str>,
    locate: &dyn Fn(&str) -> Option<WorkspacePath>,
) -> ParsedReport {
    let text = report_file.unwrap_or(output);
    match format {
        ReportFormat::Libtest => libtest::parse(text, locate),
        ReportFormat::Pytest => pytest::parse(text, locate),
        ReportFormat::GoJson => go::parse(text, locate),
        ReportFormat::Junit => junit::parse(text, locate),
        ReportFormat::Tap => tap::parse(text, locate),
        ReportFormat::JestJson => jest::parse(text, locate),
        ReportFormat::Auto => recognised(text, locate),
        ReportFormat::ExitCode => ParsedReport::default(),
    }
}

/// Everything that is recognised, added up: one `make test` may run several runners.
fn recognised(text: &str, locate: Locate) -> ParsedReport {
    let parsers: [(bool, Parse); 6] = [
        (go::recognises(text), go::parse),
        (jest::recognises(text), jest::parse),
        (libtest::recognises(text), libtest::parse),
        (tap::recognises(text), tap::parse),
        (pytest::recognises(text), pytest::parse),
        (pytest::recognises_unittest(text), pytest::parse_unittest),
    ];
    parsers
        .iter()
        .filter(|(recognised, _)| *recognised)
        .map(|(_, parse)| parse(text, locate))
        .reduce(ParsedReport::merged)
        .unwrap_or_default()
}

/// A regular expression that is known to be one.
macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| regex::Regex::new($text).expect("a valid pattern"));
    };
}
use pattern;

pattern!(PLACE, r#"((?:file://)?[^\s:()'"<>|]+\.[A-Za-z0-9]+):(\d+)"#);

/// The first place in a text that lies in the workspace: `path:line`.
fn place(text: &str, locate: Locate) -> Option<(WorkspacePath, u32)> {
    places(text, locate).next()
}

/// All places in a text that lie in the workspace.
fn places<'a>(text: &'a str, locate: Locate<'a>) -> impl Iterator<Item = (WorkspacePath, u32)> + 'a {
    let pattern: &LazyLock<Regex> = &PLACE;
    pattern.captures_iter(text).filter_map(move |found| {
        let path = locate(found.get(1)?.as_str())?;
        // The runner's own frames are nobody's fault.
        if path.components().any(|part| matches!(part, "node_modules" | "site-packages" | "vendor")) {
            return None;
        }
        Some((path, found.get(2)?.as_str().parse().ok()?))
    })
}

/// A failure with its message cut to the limit.
fn failure(name: &str, place: Option<(WorkspacePath, Option<u32>)>, message: &str) -> TestFailure {
    let message = message.trim();
    let message = match message.get(..boundary(message, MESSAGE_BYTES_MAX)) {
        Some(head) if head.len() < message.len() => format!("{head}\n[…]"),
        _ => message.to_owned(),
    };
    let (path, line) = place.map_or((None, None), |(path, line)| (Some(path), line));
    TestFailure { name: name.to_owned(), path, line, message }
}

/// The last boundary between characters that is not behind `bytes_max`.
pub(crate) fn boundary(text: &str, bytes_max: usize) -> usize {
    (0..=bytes_max.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// A count as reports give them.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the runners themselves printed, with the directory renamed.
    macro_rules! real {
        ($format:ident, $file:literal) => {
            shown(&parse_report(
                ReportFormat::$format,
                include_str!(concat!("report/real/", $file)),
                None,
                &anywhere,
            ))
        };
    }

    /// Every relative path lies in the workspace, and absolute ones below `/ws`.
    fn anywhere(path: &str) -> Option<WorkspacePath> {
        let path = path.strip_prefix("file://").unwrap_or(path).trim_start_matches("/ws/");
        // The real one looks whether there is such a file.
        WorkspacePath::parse(path)
            .ok()
            .filter(|path| !path.extension().is_empty() && !path.as_str().contains(' '))
    }

    /// A report, for snapshots.
    fn shown(report: &ParsedReport) -> String {
        let counts = match report.counts {
            Some(counts) => {
                format!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped)
            }
            None => "no counts".to_owned(),
        };
        report.failures.iter().fold(counts, |text, failure| {
            let place = failure.path.as_ref().map_or("nowhere".to_owned(), |path| {
                format!("{path}:{}", failure.line.map_or("?".to_owned(), |line| line.to_string()))
            });
            let message = failure.message.lines().next().unwrap_or_default();
            format!("{text}\n{} | {place} | {message}", failure.name)
        })
    }

    #[test]
    fn nothing_is_no_report() {
        for format in [
            ReportFormat::Libtest,
            ReportFormat::Pytest,
            ReportFormat::GoJson,
            ReportFormat::Junit,
            ReportFormat::Tap,
            ReportFormat::JestJson,
            ReportFormat::Auto,
            ReportFormat::ExitCode,
        ] {
            for text in ["", "make: nothing to be done\n", "{}", "[]", "<html></html>", "{\"a\":1}\n"] {
                assert_eq!(
                    parse_report(format, text, None, &anywhere),
                    ParsedReport::default(),
                    "{format:?} {text:?}"
                );
            }
        }
    }

    #[test]
    fn several_runners_in_one_output_are_added_up() {
        let text = "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
                    TAP version 13\nok 1 - a\n1..1\n===== 3 passed in 0.1s =====\n";
        assert_eq!(shown(&parse_report(ReportFormat::Auto, text, None, &anywhere)), "no counts");
        let text = format!("running 2 tests\n{text}");
        assert_eq!(
            shown(&parse_report(ReportFormat::Auto, &text, None, &anywhere)),
            "6 passed, 0 failed, 0 skipped"
        );
    }

    #[test]
    fn real_reports() {
        insta::assert_snapshot!(real!(Libtest, "libtest.txt"), @r#"
        2 passed, 4 failed, 1 skipped
        tests::panics_not | src/lib.rs:24 | note: test did not panic as expected at src/lib.rs:24:8
        tests::bad | src/lib.rs:20 | before
        outside | nowhere | Error: "no"
        src/lib.rs - add (line 3) | src/lib.rs:5 | Test executable failed (exit status: 101).
        "#);
        insta::assert_snapshot!(real!(Pytest, "pytest.txt"), @r#"
        1 passed, 3 failed, 2 skipped
        tests/test_a.py::test_bad | tests/test_a.py:12 | def test_bad():
        tests/test_a.py::TestC::test_deep | tests/test_a.py:5 | self = <test_a.TestC object at 0x7f22339acad0>
        tests/test_a.py::test_err | tests/test_a.py:26 | @pytest.fixture
        "#);
        insta::assert_snapshot!(real!(Junit, "pytest.xml"), @r#"
        2 passed, 4 failed, 3 skipped
        tests/test_a.py::test_bad | tests/test_a.py:12 | assert 1 == 2
        tests/test_a.py::TestC::test_deep | tests/test_a.py:5 | ValueError: deep
        tests/test_a.py::test_err | tests/test_a.py:26 | failed on setup with "RuntimeError: fixture"
        tests/test_u.py::T::test_bad | tests/test_u.py:5 | AssertionError: 1 != 2
        "#);
        insta::assert_snapshot!(real!(Pytest, "pytest_collection.txt"), @r#"
        0 passed, 1 failed, 0 skipped
        tests/test_imp.py | tests/test_imp.py:1 | ImportError while importing test module '/ws/tests/test_imp.py'.
        "#);
        insta::assert_snapshot!(real!(Auto, "unittest.txt"), @r#"
        1 passed, 1 failed, 1 skipped
        test_bad (tests.test_u.T.test_bad) | tests/test_u.py:5 | Traceback (most recent call last):
        "#);
        insta::assert_snapshot!(real!(Tap, "node.tap"), @r#"
        2 passed, 1 failed, 2 skipped
        suite > inner bad | a.test.mjs:6 | duration_ms: 1.063608
        "#);
        insta::assert_snapshot!(real!(Tap, "mocha.tap"), @r#"
        1 passed, 1 failed, 1 skipped
        suite bad one | m/a.js:4 | Expected values to be strictly equal:
        "#);
        insta::assert_snapshot!(real!(Tap, "tape.tap"), @r#"
        1 passed, 1 failed, 0 skipped
        first > differs | t/a.js:2 | operator: equal
        "#);
        insta::assert_snapshot!(real!(JestJson, "jest.json"), @r#"
        1 passed, 3 failed, 2 skipped
        v/a.test.mjs | v/a.test.mjs:? | ● Test suite failed to run
        suite bad one | j/a.test.js:3 | Error: expect(received).toBe(expected) // Object.is equality
        j/b.test.js | j/b.test.js:1 | ● Test suite failed to run
        "#);
        insta::assert_snapshot!(real!(Junit, "vitest.xml"), @r#"
        1 passed, 1 failed, 1 skipped
        v/a.test.mjs > suite > bad one | v/a.test.mjs:4 | expected 1 to be 2 // Object.is equality
        "#);
    }

    #[test]
    fn formats_are_recognised() {
        assert_eq!(real!(Auto, "libtest.txt"), real!(Libtest, "libtest.txt"));
        assert_eq!(real!(Auto, "pytest.txt"), real!(Pytest, "pytest.txt"));
        assert_eq!(real!(Auto, "node.tap"), real!(Tap, "node.tap"));
        assert_eq!(real!(Auto, "jest.json"), real!(JestJson, "jest.json"));
    }

    #[test]
    fn half_a_report_has_no_counts() {
        let halves = [
            (
                ReportFormat::Libtest,
                "running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured\n\nrunning 3 tests\ntest a ... ok\n",
            ),
            (ReportFormat::Tap, "TAP version 13\nok 1 - a\n1..2\n"),
            (ReportFormat::Tap, "TAP version 13\nok 1 - a\n"),
            (ReportFormat::Tap, "1..1\nok 1 - a\nBail out!\n"),
            (ReportFormat::Junit, "<testsuite><testcase name='a'/>"),
            (ReportFormat::Junit, "<testsuite><testcase name='a'></testsuite>"),
            (ReportFormat::JestJson, "{\"numPassedTests\":3,\"numFailedTests\":0,"),
            (ReportFormat::Pytest, "===== 3 passed, 2 exploded in 0.1s ====="),
        ];
        for (format, text) in halves {
            assert_eq!(parse_report(format, text, None, &anywhere).counts, None, "{text}");
        }
    }

    #[test]
    fn a_build_that_fails_has_no_counts() {
        let text = "error[E0308]: mismatched types\n --> src/lib.rs:1:1\nerror: could not compile `demo`\n";
        assert_eq!(shown(&parse_report(ReportFormat::Libtest, text, None, &anywhere)), "no counts");
    }

    #[test]
    fn no_tests_are_none() {
        let cases = [
            (
                ReportFormat::Libtest,
                "\nrunning 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n",
            ),
            (ReportFormat::Pytest, "\nno tests ran in 0.01s\n"),
            (ReportFormat::Junit, "<testsuites><testsuite name='pytest' tests='0'/></testsuites>"),
            (ReportFormat::Tap, "TAP version 13\n1..0\n"),
            (ReportFormat::Tap, "TAP version 13\n# Subtest: /ws/a.test.js\nok 1 - /ws/a.test.js\n1..1\n"),
            (ReportFormat::Auto, "\nRan 0 tests in 0.000s\n\nOK\n"),
        ];
        for (format, text) in cases {
            assert_eq!(
                shown(&parse_report(format, text, None, &anywhere)),
                "0 passed, 0 failed, 0 skipped",
                "{text}"
            );
        }
    }

    /// Go's events as `go doc test2json` describes them.
    #[test]
    fn events_of_go() {
        let text = r#"go: warning: something
{"Action":"start","Package":"example.com/m/calc"}
{"Action":"run","Package":"example.com/m/calc","Test":"TestAdd"}
{"Action":"output","Package":"example.com/m/calc","Test":"TestAdd","Output":"    calc_test.go:12: got 3, want 4\n"}
{"Action":"fail","Package":"example.com/m/calc","Test":"TestAdd","Elapsed":0}
{"Action":"run","Package":"example.com/m/calc","Test":"TestSub"}
{"Action":"pass","Package":"example.com/m/calc","Test":"TestSub","Elapsed":0}
{"Action":"run","Package":"example.com/m/calc","Test":"TestSkip"}
{"Action":"skip","Package":"example.com/m/calc","Test":"TestSkip","Elapsed":0}
{"Action":"fail","Package":"example.com/m/calc","Elapsed":0.01}
{"ImportPath":"example.com/m/broken [example.com/m/broken.test]","Action":"build-output","Output":"broken/b_test.go:3:5: undefined: x\n"}
{"ImportPath":"example.com/m/broken [example.com/m/broken.test]","Action":"build-fail"}
{"Action":"fail","Package":"example.com/m/broken","Elapsed":0}
{"Action":"run","Package":"example.com/m/hung","Test":"TestHung"}
"#;
        let locate = |path: &str| {
            ["calc/calc_test.go", "broken/b_test.go"].contains(&path).then(|| anywhere(path)).flatten()
        };
        insta::assert_snapshot!(shown(&parse_report(ReportFormat::GoJson, text, None, &locate)), @r#"
        1 passed, 3 failed, 1 skipped
        example.com/m/calc.TestAdd | calc/calc_test.go:12 | calc_test.go:12: got 3, want 4
        example.com/m/hung.TestHung | nowhere | 
        example.com/m/broken | broken/b_test.go:3 | broken/b_test.go:3:5: undefined: x
        "#);
    }

    /// As Surefire writes it; the class names the source.
    #[test]
    fn classes_of_java() {
        let xml = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="com.acme.CalcTest" tests="2" errors="0" skipped="0" failures="1">
  <testcase name="adds" classname="com.acme.CalcTest" time="0.01">
    <failure message="expected: &lt;4&gt; but was: &lt;3&gt;" type="AssertionError"><![CDATA[org.opentest4j.AssertionFailedError
	at org.junit.jupiter.api.AssertEquals.fail(AssertEquals.java:150)
	at com.acme.CalcTest.adds(CalcTest.java:11)
]]></failure>
  </testcase>
  <testcase name="subtracts" classname="com.acme.CalcTest" time="0.0"/>
</testsuite>"#;
        let locate =
            |path: &str| (path == "src/test/java/com/acme/CalcTest.java").then(|| anywhere(path)).flatten();
        insta::assert_snapshot!(shown(&parse_report(ReportFormat::Junit, "", Some(xml), &locate)), @r#"
        1 passed, 1 failed, 0 skipped
        com.acme.CalcTest.adds | src/test/java/com/acme/CalcTest.java:11 | expected: <4> but was: <3>
        "#);
    }

    #[test]
    fn a_parent_that_fails_alone_is_a_failure() {
        let text = "TAP version 13\n# Subtest: suite\n    ok 1 - inner\n    1..1\nnot ok 1 - suite\n  ---\n  error: 'hook'\n  ...\n1..1\n";
        insta::assert_snapshot!(shown(&parse_report(ReportFormat::Tap, text, None, &anywhere)), @r#"
        1 passed, 1 failed, 0 skipped
        suite | nowhere | error: 'hook'
        "#);
    }
}
