//! The text of Rust's built-in harness, of any number of test binaries one after another.

use super::{Locate, ParsedReport, failure, pattern};
use openexec_engine::task::TestCounts;
use std::collections::BTreeMap;

pattern!(RUNNING, r"(?m)^running (\d+) tests?$");
pattern!(RESULT, r"(?m)^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;");
pattern!(PANIC, r"(?:panicked|did not panic as expected) at (?:'.*', )?([^\s:]+):(\d+)(?::\d+)?");
pattern!(DOCTEST, r"^(\S+) - .*\(line (\d+)\)$");

pub(super) fn recognises(text: &str) -> bool {
    RESULT.is_match(text)
}

pub(super) fn parse(text: &str, locate: Locate) -> ParsedReport {
    let failures = failures(text)
        .into_iter()
        .map(|(name, message)| {
            let found = PANIC.captures(&message).or_else(|| DOCTEST.captures(&name));
            let place = found.and_then(|found| {
                Some((locate(found.get(1)?.as_str())?, found.get(2)?.as_str().parse().ok()))
            });
            failure(&name, place, &message)
        })
        .collect();
    ParsedReport { counts: counts(text), failures }
}

/// The sums over all binaries. A binary that began and did not end is a doubt.
fn counts(text: &str) -> Option<TestCounts> {
    let announced = RUNNING.captures_iter(text).count();
    let mut sums = TestCounts::default();
    let mut results = 0;
    for found in RESULT.captures_iter(text) {
        let number = |group| found.get(group).and_then(|digits| digits.as_str().parse::<u32>().ok());
        sums.passed = sums.passed.checked_add(number(1)?)?;
        sums.failed = sums.failed.checked_add(number(2)?)?;
        sums.skipped = sums.skipped.checked_add(number(3)?)?;
        results += 1;
    }
    (results > 0 && results == announced).then_some(sums)
}

/// The failing tests with what they printed, in the order in which they are first named.
fn failures(text: &str) -> Vec<(String, String)> {
    let mut order: Vec<String> = Vec::new();
    let mut messages: BTreeMap<String, String> = BTreeMap::new();
    let mut name_it = |name: &str| {
        if !order.iter().any(|known| known == name) {
            order.push(name.to_owned());
        }
    };
    let mut block: Option<String> = None;
    let mut in_list = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" ----")) {
            let name = name.strip_suffix(" stdout").unwrap_or(name);
            name_it(name);
            block = Some(name.to_owned());
            in_list = false;
        } else if line == "failures:" {
            block = None;
            in_list = true;
        } else if line.starts_with("test result: ") || line.starts_with("running ") {
            block = None;
            in_list = false;
        } else if let Some(name) = &block {
            let message = messages.entry(name.clone()).or_default();
            message.push_str(line);
            message.push('\n');
        } else if let Some(name) = line.strip_prefix("    ").filter(|_| in_list) {
            name_it(name);
        } else if let Some(name) =
            line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            name_it(name.strip_suffix(" - should panic").unwrap_or(name));
        }
    }
    order
        .into_iter()
        .map(|name| {
            let message = messages.remove(&name).unwrap_or_default();
            (name, message)
        })
        .collect()
}
