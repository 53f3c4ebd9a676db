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

/// Turns a path as a report prints it into a workspace path, if there is such a file.
type Locate<'a> = &'a dyn Fn(&str) -> Option<WorkspacePath>;

/// Reads a report. `output` is what the task printed, `report_file` what it wrote.
/// `locate` turns a path as the report prints it into a workspace path, if it is one.
///
/// `exit_code` says nothing here: only who has seen the exit can count it.
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
    let parsers: [(bool, fn(&str, Locate) -> ParsedReport); 6] = [
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
        static $name: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
            #[expect(clippy::expect_used, reason = "a literal, compiled by a test of this module")]
            regex::Regex::new($text).expect("a valid pattern")
        });
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
        Some((path, found.get(2)?.as_str().parse().ok()?))
    })
}

/// A failure with its message cut to the limit.
fn failure(name: &str, place: Option<(WorkspacePath, Option<u32>)>, message: &str) -> TestFailure {
    let message = message.trim();
    let message = match message.get(..message.floor_char_boundary(MESSAGE_BYTES_MAX)) {
        Some(head) if head.len() < message.len() => format!("{head}\n[…]"),
        _ => message.to_owned(),
    };
    let (path, line) = place.map_or((None, None), |(path, line)| (Some(path), line));
    TestFailure { name: name.to_owned(), path, line, message }
}

/// A count as reports give them.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Every relative path lies in the workspace, and absolute ones below `/ws`.
    pub(crate) fn anywhere(path: &str) -> Option<WorkspacePath> {
        WorkspacePath::parse(path.strip_prefix("file://").unwrap_or(path).trim_start_matches("/ws/")).ok()
    }

    /// A report, for snapshots.
    pub(crate) fn shown(report: &ParsedReport) -> String {
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
}
