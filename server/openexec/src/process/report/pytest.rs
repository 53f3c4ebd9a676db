//! The text of pytest, and that of Python's own unittest.

use super::{Locate, ParsedReport, failure, pattern, place, places};
use openexec_engine::task::TestCounts;

pattern!(SUMMARY, r"(?m)^(?:=+ )?((?:\d+ [a-z]+(?:, )?)+|no tests ran) in [\d.]+s(?: \([\d:]+\))?(?: =+)?$");
pattern!(PART, r"(\d+) ([a-z]+)");
pattern!(LISTED, r"(?m)^(FAILED|ERROR) (\S+?)(?: - (.*))?$");
pattern!(SECTION, r"^_{3,} (.+?) _{3,}$");
pattern!(RAN, r"(?m)^Ran (\d+) tests? in [\d.]+s$");
pattern!(ENDED, r"(?m)^(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$");
pattern!(PAIR, r"([a-z ]+)=(\d+)");
pattern!(UNITTEST_SECTION, r"^(?:FAIL|ERROR): (.+)$");
pattern!(TRACE, r#"File "([^"]+)", line (\d+)"#);

pub(super) fn recognises(text: &str) -> bool {
    SUMMARY.is_match(text)
}

pub(super) fn parse(text: &str, locate: Locate) -> ParsedReport {
    let failures = LISTED
        .captures_iter(text)
        .filter_map(|found| {
            let node = found.get(2)?.as_str();
            let file = locate(node.split("::").next()?);
            let body = section(text, node).unwrap_or_default();
            // The deepest place of the test's own file is where it failed.
            let line = places(&body, locate).filter(|(path, _)| Some(path) == file.as_ref()).last();
            let message = if body.is_empty() { found.get(3).map_or("", |rest| rest.as_str()) } else { &body };
            let at = file.map(|file| (file, line.map(|(_, line)| line)));
            Some(failure(node, at, message))
        })
        .collect();
    ParsedReport { counts: counts(text), failures }
}

/// From the last summary line. A word that is not known is a doubt.
fn counts(text: &str) -> Option<TestCounts> {
    let summary = SUMMARY.captures_iter(text).last()?;
    let mut counts = TestCounts::default();
    for part in PART.captures_iter(summary.get(1)?.as_str()) {
        let number: u32 = part.get(1)?.as_str().parse().ok()?;
        let slot = match part.get(2)?.as_str() {
            "passed" | "xpassed" => &mut counts.passed,
            "failed" | "error" | "errors" => &mut counts.failed,
            "skipped" | "xfailed" => &mut counts.skipped,
            "deselected" | "warning" | "warnings" | "rerun" | "subtests" => continue,
            _ => return None,
        };
        *slot = slot.checked_add(number)?;
    }
    Some(counts)
}

/// The lines under `____ test_x ____`, where the title is the node without its file.
fn section(text: &str, node: &str) -> Option<String> {
    let title = node.split_once("::").map_or(node, |(_, rest)| rest).replace("::", ".");
    let mut lines = text.lines().skip_while(|line| {
        SECTION
            .captures(line)
            .and_then(|found| found.get(1))
            .is_none_or(|found| found.as_str() != title && !found.as_str().ends_with(&format!(" {title}")))
    });
    lines.next()?;
    let body: Vec<&str> =
        lines.take_while(|line| !SECTION.is_match(line) && !line.starts_with("=====")).collect();
    Some(body.join("\n"))
}

pub(super) fn recognises_unittest(text: &str) -> bool {
    RAN.is_match(text)
}

/// `Ran 3 tests in 0.001s`, then `FAILED (failures=1, skipped=1)`.
pub(super) fn parse_unittest(text: &str, locate: Locate) -> ParsedReport {
    ParsedReport { counts: unittest_counts(text), failures: unittest_failures(text, locate) }
}

fn unittest_counts(text: &str) -> Option<TestCounts> {
    let mut sums = TestCounts::default();
    let (ran, ended): (Vec<_>, Vec<_>) =
        (RAN.captures_iter(text).collect(), ENDED.captures_iter(text).collect());
    if ran.len() != ended.len() {
        return None;
    }
    for (ran, ended) in ran.iter().zip(&ended) {
        let total: u32 = ran.get(1)?.as_str().parse().ok()?;
        let (mut failed, mut skipped) = (0_u32, 0_u32);
        for pair in PAIR.captures_iter(ended.get(1).map_or("", |details| details.as_str())) {
            let number: u32 = pair.get(2)?.as_str().parse().ok()?;
            match pair.get(1)?.as_str().trim() {
                "failures" | "errors" | "unexpected successes" => failed = failed.checked_add(number)?,
                "skipped" | "expected failures" => skipped = skipped.checked_add(number)?,
                _ => return None,
            }
        }
        // A module that cannot be imported is an error beside the tests that ran.
        sums.passed = sums.passed.checked_add(total.saturating_sub(failed.checked_add(skipped)?))?;
        sums.failed = sums.failed.checked_add(failed)?;
        sums.skipped = sums.skipped.checked_add(skipped)?;
    }
    Some(sums)
}

fn unittest_failures(text: &str, locate: Locate) -> Vec<openexec_engine::task::TestFailure> {
    let mut failures = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(name) = UNITTEST_SECTION.captures(line).and_then(|found| found.get(1)) else { continue };
        let mut body = String::new();
        while let Some(next) = lines.peek() {
            if next.starts_with("=====") || RAN.is_match(next) || UNITTEST_SECTION.is_match(next) {
                break;
            }
            body.push_str(next);
            body.push('\n');
            lines.next();
        }
        let deepest = TRACE
            .captures_iter(&body)
            .filter_map(|found| {
                Some((locate(found.get(1)?.as_str())?, found.get(2)?.as_str().parse::<u32>().ok()))
            })
            .last();
        let at = deepest.or_else(|| place(&body, locate).map(|(path, line)| (path, Some(line))));
        failures.push(failure(name.as_str(), at, body.trim_start_matches('-')));
    }
    failures
}
