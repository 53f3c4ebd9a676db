//! The events of `go test -json` (`go doc test2json`), one JSON document a line. Lines that
//! are no events come from build tools and are passed over.

use super::{Locate, ParsedReport, count, failure, pattern};
use openexec_engine::path::WorkspacePath;
use openexec_engine::task::TestCounts;
use serde::Deserialize;
use std::collections::BTreeMap;

pattern!(PLACE, r"(?m)^\s*([^\s:]+\.go):(\d+)(?::\d+)?: ");

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    #[serde(default)]
    package: String,
    #[serde(default)]
    test: String,
    #[serde(default)]
    output: String,
    /// For the output of the compiler: the package in the linker's spelling.
    #[serde(default)]
    import_path: String,
}

#[derive(Default)]
struct Seen {
    end: Option<End>,
    output: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Passed,
    Failed,
    Skipped,
}

fn events(text: &str) -> impl Iterator<Item = Event> {
    text.lines().filter(|line| line.starts_with('{')).filter_map(|line| serde_json::from_str(line).ok())
}

pub(super) fn recognises(text: &str) -> bool {
    events(text).any(|event| !event.package.is_empty())
}

pub(super) fn parse(text: &str, locate: Locate) -> ParsedReport {
    // The key is (package, test); the package itself has an empty test.
    let mut seen: BTreeMap<(String, String), Seen> = BTreeMap::new();
    for event in events(text) {
        let package = match event.package.is_empty() {
            // `pkg [pkg.test]`
            true => event.import_path.split(' ').next().unwrap_or_default().to_owned(),
            false => event.package,
        };
        if package.is_empty() {
            continue;
        }
        let entry = seen.entry((package, event.test)).or_default();
        entry.output.push_str(&event.output);
        match event.action.as_str() {
            "pass" | "bench" => entry.end = Some(End::Passed),
            "fail" => entry.end = Some(End::Failed),
            "skip" => entry.end = Some(End::Skipped),
            _ => {}
        }
    }
    if seen.is_empty() {
        return ParsedReport::default();
    }
    let tests = || seen.iter().filter(|((_, test), _)| !test.is_empty());
    let with = |end| count(tests().filter(|(_, seen)| seen.end == end).count());
    let mut counts = TestCounts {
        passed: with(Some(End::Passed)),
        failed: with(Some(End::Failed)).saturating_add(with(None)),
        skipped: with(Some(End::Skipped)),
    };
    let mut failures = Vec::new();
    for ((package, test), Seen { output, .. }) in
        tests().filter(|(_, seen)| matches!(seen.end, Some(End::Failed) | None))
    {
        failures.push(failure(&format!("{package}.{test}"), at(package, output, locate), output));
    }
    // A package that fails without a failing test did not build, or died outside of its tests.
    for ((package, test), entry) in &seen {
        let failing = tests()
            .any(|((of, _), seen)| of == package && !matches!(seen.end, Some(End::Passed | End::Skipped)));
        if test.is_empty() && entry.end == Some(End::Failed) && !failing {
            counts.failed = counts.failed.saturating_add(1);
            failures.push(failure(package, at(package, &entry.output, locate), &entry.output));
        }
    }
    ParsedReport { counts: Some(counts), failures }
}

/// The first place in the output. Tests name their file without its directory, which is the
/// package's path behind the module's.
fn at(package: &str, output: &str, locate: Locate) -> Option<(WorkspacePath, Option<u32>)> {
    PLACE.captures_iter(output).find_map(|found| {
        let file = found.get(1)?.as_str();
        let line = found.get(2)?.as_str().parse().ok();
        let mut directory = package;
        loop {
            if let Some(path) = locate(&format!("{directory}/{file}")) {
                return Some((path, line));
            }
            match directory.split_once('/') {
                Some((_, rest)) => directory = rest,
                None => return locate(file).map(|path| (path, line)),
            }
        }
    })
}
