//! The Test Anything Protocol, versions 12 to 14, with subtests by indentation. No maintained
//! crate reads it.
//!
//! Only leaves are counted: a test with subtests stands for them, unless it fails while all
//! of them pass.

use super::{Locate, ParsedReport, failure, pattern, place};
use openexec_engine::task::{TestCounts, TestFailure};

pattern!(POINT, r"^( *)(ok|not ok)\b(?: +(\d+))?(?: +-)? *(.*)$");
pattern!(PLAN, r"^( *)1\.\.(\d+)(?: *#.*)?$");
pattern!(DIRECTIVE, r"(?i)(?:^|[^\\])# *(skip|todo)\b");
/// Spaces of one level of subtests.
const INDENT: usize = 4;

pub(super) fn recognises(text: &str) -> bool {
    text.lines().any(|line| PLAN.is_match(line)) && text.lines().any(|line| POINT.is_match(line))
}

/// The points of one level that have not yet been claimed by a parent.
#[derive(Default)]
struct Level {
    points: usize,
    plan: Option<usize>,
    failures: Vec<TestFailure>,
}

struct Tap<'a> {
    locate: Locate<'a>,
    counts: TestCounts,
    levels: Vec<Level>,
    doubt: bool,
    /// The last `# comment` of the top level: what tape and its kin print before the points of
    /// one test, whose own names are often all the same.
    heading: Option<&'a str>,
}

pub(super) fn parse(text: &str, locate: Locate) -> ParsedReport {
    let levels = vec![Level::default()];
    let mut tap = Tap { locate, counts: TestCounts::default(), levels, doubt: false, heading: None };
    // Where subtests have titles of their own, a comment is what a test printed.
    let has_headings = !text.contains("# Subtest");
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        if line.trim_start().starts_with("Bail out!") {
            tap.doubt = true;
        } else if let Some(found) = PLAN.captures(line) {
            tap.plan(indent(&found), found.get(2).and_then(|digits| digits.as_str().parse().ok()));
        } else if let Some(found) = POINT.captures(line) {
            let (diagnostics, next) = diagnostics(&lines, at, indent(&found));
            at = next;
            let passed = found.get(2).is_some_and(|word| word.as_str() == "ok");
            let name = found.get(4).map_or("", |name| name.as_str());
            tap.point(indent(&found) / INDENT, passed, name, &diagnostics);
        } else if has_headings && let Some(heading) = line.strip_prefix("# ") {
            tap.heading = Some(heading.trim());
        }
    }
    let top = tap.levels.first();
    let whole = top.is_some_and(|level| level.points > 0 || level.plan.is_some())
        && top.is_some_and(|level| level.plan == Some(level.points))
        && tap.levels.len() == 1
        && !tap.doubt;
    let failures = tap.levels.into_iter().flat_map(|level| level.failures).collect();
    ParsedReport { counts: whole.then_some(tap.counts), failures }
}

fn indent(found: &regex::Captures) -> usize {
    found.get(1).map_or(0, |spaces| spaces.len())
}

/// What belongs to a point: its YAML block, or the indented and commented lines behind it.
fn diagnostics(lines: &[&str], from: usize, indent: usize) -> (String, usize) {
    let rest = lines.get(from..).unwrap_or_default();
    let in_block = rest.first().is_some_and(|line| line.trim() == "---");
    let mut text = String::new();
    let mut taken = 0;
    for line in rest {
        let trimmed = line.trim();
        if !in_block {
            let deeper = line.len() - line.trim_start().len() > indent && !POINT.is_match(line);
            if !deeper || trimmed.starts_with("# Subtest") || PLAN.is_match(line) {
                break;
            }
        }
        taken += 1;
        if in_block && trimmed == "..." {
            break;
        }
        if trimmed != "---" {
            text.push_str(line.get(indent..).unwrap_or(trimmed));
            text.push('\n');
        }
    }
    (text, from + taken)
}

impl Tap<'_> {
    fn level(&mut self, depth: usize) -> Option<&mut Level> {
        // Depth is bounded by the length of a line of spaces; deeper nesting is a doubt.
        if depth > 64 {
            self.doubt = true;
            return None;
        }
        while self.levels.len() <= depth {
            self.levels.push(Level::default());
        }
        self.levels.get_mut(depth)
    }

    fn plan(&mut self, indent: usize, plan: Option<usize>) {
        if let Some(level) = self.level(indent / INDENT) {
            match level.plan {
                // Several documents in one output: their plans are added up.
                Some(before) if indent == 0 => level.plan = plan.map(|plan| before + plan),
                _ => level.plan = plan,
            }
        }
    }

    fn point(&mut self, depth: usize, passed: bool, name: &str, diagnostics: &str) {
        if self.level(depth).is_none() {
            return;
        }
        let directive = DIRECTIVE.find(name);
        let title = name.get(..directive.map_or(name.len(), |found| found.start())).unwrap_or(name).trim();
        let title_is_file = (self.locate)(title).is_some();
        let mut subtests = 0;
        let mut below = Vec::new();
        for level in self.levels.drain(depth + 1..) {
            subtests += level.points;
            if level.plan.is_some_and(|plan| plan != level.points) {
                self.doubt = true;
            }
            below.extend(level.failures);
        }
        for failure in below.iter_mut().filter(|_| !title_is_file) {
            failure.name = format!("{title} > {}", failure.name);
        }
        let failed = !passed && directive.is_none();
        let failed_below = below.len();
        let Some(level) = self.levels.get_mut(depth) else { return };
        level.points += 1;
        level.failures.extend(below);
        if failed && failed_below == 0 {
            self.counts.failed = self.counts.failed.saturating_add(1);
            let at = place(diagnostics, self.locate).map(|(path, line)| (path, Some(line)));
            let at = at.or_else(|| (self.locate)(title).map(|path| (path, None)));
            let name = match self.heading.filter(|_| depth == 0) {
                Some(heading) => format!("{heading} > {title}"),
                None => title.to_owned(),
            };
            level.failures.push(failure(&name, at, diagnostics));
        } else if subtests > 0 {
            // Counted below.
        } else if directive.is_some() {
            self.counts.skipped = self.counts.skipped.saturating_add(1);
        } else if passed && !title_is_file {
            // Node reports a file without a single test as a test that passed. It is none.
            self.counts.passed = self.counts.passed.saturating_add(1);
        }
    }
}
