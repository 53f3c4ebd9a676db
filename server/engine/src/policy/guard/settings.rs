//! Judges that are not code: thresholds of coverage, the test command, what chooses the tests.
//! Settings are read as data and compared value by value; a threshold that goes up is welcome.
//! Files of settings that are programs are looked at line by line.

mod read;
mod table;

use super::words::shown;
use super::{Changed, Weakening};
use crate::path::WorkspacePath;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use table::{FILES, LINES};

/// What a change of a setting means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// A number that must not go down, nor away.
    Floor,
    /// A number that must not go up.
    Ceiling,
    /// Something that must not change once it is there.
    Fixed,
    /// Something that neither changes nor appears without weakening.
    Choice,
    /// A switch that weakens with this value.
    Switch(&'static str),
}

/// One kind of setting.
struct Setting {
    /// The parts of its name; `*` stands for anything within a part, `**` for any parts.
    key: &'static [&'static str],
    meaning: Meaning,
}

/// How a file of settings is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Toml,
    Yaml,
    Ini,
    Make,
}

/// Files of one kind.
struct File {
    /// Their names in lower case, with `*`.
    names: &'static [&'static str],
    form: Form,
    settings: &'static [Setting],
}

/// A line that weakens, in settings that are programs.
struct Line {
    names: &'static [&'static str],
    pattern: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests hold the row to its examples"))]
    examples: &'static [&'static str],
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests hold the row to its examples"))]
    neighbours: &'static [&'static str],
}

/// Settings by the parts of their names. A list is one setting of several values.
type Values = BTreeMap<Vec<String>, Vec<String>>;

fn file_of(path: &WorkspacePath) -> Option<&'static File> {
    let name = path.file_name().to_ascii_lowercase();
    FILES.iter().find(|file| file.names.iter().any(|pattern| matches(pattern, &name)))
}

fn lines_of(path: &WorkspacePath) -> impl Iterator<Item = (usize, &'static Line)> {
    let name = path.file_name().to_ascii_lowercase();
    LINES.iter().enumerate().filter(move |(_, line)| line.names.iter().any(|pattern| matches(pattern, &name)))
}

/// True for files whose settings are known.
pub(super) fn concerns(path: &WorkspacePath) -> bool {
    file_of(path).is_some() || lines_of(path).next().is_some()
}

/// What gets weaker in a file of settings.
pub(super) fn weakenings(change: &Changed<'_>) -> Vec<Weakening> {
    let say = |place: String, rule, sentence| Weakening { path: change.path.clone(), place, rule, sentence };
    let Some(file) = file_of(change.path) else { return lines(change) };
    let (Some(before), after) = (change.before, change.after.unwrap_or_default()) else { return Vec::new() };
    let old = read::values(file.form, before).unwrap_or_default();
    let Some(new) = read::values(file.form, after) else {
        let sentence =
            "the settings can no longer be read, so that what they say of tests is not known".to_owned();
        return vec![say("the file".to_owned(), "guard.unknown", sentence)];
    };
    let keys: BTreeSet<&Vec<String>> = old.keys().chain(new.keys()).collect();
    let mut found = Vec::new();
    for key in keys {
        let setting = file.settings.iter().find(|setting| key_matches(setting.key, key));
        let Some(setting) = setting else { continue };
        let (was, is) = (old.get(key), new.get(key));
        if was != is && weakens(setting.meaning, was, is) {
            let name = key.join(".");
            let sentence = sentence(&name, was, is);
            found.push(say(name, rule(setting.meaning), sentence));
        }
    }
    found
}

fn rule(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Floor | Meaning::Ceiling => "guard.threshold",
        Meaning::Fixed => "guard.test_command",
        Meaning::Choice | Meaning::Switch(_) => "guard.selection",
    }
}

fn number(values: Option<&Vec<String>>) -> Option<f64> {
    values?.first()?.trim().trim_end_matches('%').parse().ok()
}

fn weakens(meaning: Meaning, was: Option<&Vec<String>>, is: Option<&Vec<String>>) -> bool {
    match meaning {
        Meaning::Floor => match (number(was), number(is)) {
            (Some(was), Some(is)) => is < was,
            _ => was.is_some(),
        },
        Meaning::Ceiling => match (number(was), number(is)) {
            (Some(was), Some(is)) => is > was,
            (None, Some(is)) => is > 0.0,
            _ => was.is_none(),
        },
        Meaning::Fixed => was.is_some(),
        Meaning::Choice => true,
        Meaning::Switch(weak) => {
            let on = |values: Option<&Vec<String>>| {
                values.is_some_and(|values| values.iter().any(|value| value == weak))
            };
            on(is) && !on(was)
        }
    }
}

fn sentence(name: &str, was: Option<&Vec<String>>, is: Option<&Vec<String>>) -> String {
    let text = |values: &Vec<String>| shown(&values.join(", "));
    match (was, is) {
        (Some(was), Some(is)) => format!("{} goes from {} to {}", shown(name), text(was), text(is)),
        (Some(was), None) => format!("{} is removed; it was {}", shown(name), text(was)),
        (None, Some(is)) => format!("{} is newly set to {}", shown(name), text(is)),
        (None, None) => String::new(),
    }
}

/// True when `*` stands for any letters.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => {
            let Some(rest) = text.strip_prefix(head) else { return false };
            if tail.is_empty() {
                return true;
            }
            let starts = (0..=rest.len()).filter_map(|at| rest.get(at..));
            starts.into_iter().any(|rest| matches(tail, rest))
        }
    }
}

fn key_matches(pattern: &[&str], key: &[String]) -> bool {
    match (pattern.split_first(), key.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => {
            (0..=key.len()).any(|at| key_matches(rest, key.get(at..).unwrap_or_default()))
        }
        (Some((part, pattern)), Some((name, key))) => matches(part, name) && key_matches(pattern, key),
        _ => false,
    }
}

static PATTERNS: LazyLock<Vec<Option<Regex>>> =
    LazyLock::new(|| LINES.iter().map(|line| Regex::new(line.pattern).ok()).collect());
/// A number with the name of a threshold before it.
static THRESHOLD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"\b(branches|functions|lines|statements|minimum|global|perFile)["']?\s*[:=]\s*["']?(-?\d+(?:\.\d+)?)"#).ok()
});

/// Settings that are programs: lines that are new and weaken, and thresholds that go down.
fn lines(change: &Changed<'_>) -> Vec<Weakening> {
    let (Some(before), Some(after)) = (change.before, change.after) else { return Vec::new() };
    let had: BTreeSet<&str> = before.lines().map(str::trim).collect();
    let has: BTreeSet<&str> = after.lines().map(str::trim).collect();
    let mut found = Vec::new();
    let mut say = |line: usize, rule, sentence| {
        let place = format!("line {line}");
        found.push(Weakening { path: change.path.clone(), place, rule, sentence });
    };
    let rows: Vec<usize> = lines_of(change.path).map(|(row, _)| row).collect();
    let patterns = || rows.iter().filter_map(|row| PATTERNS.get(*row)).flatten();
    let speaks = |line: &str| {
        !line.trim_start().starts_with(['/', '*', '#']) && patterns().any(|it| it.is_match(line))
    };
    for (at, line) in after.lines().enumerate().filter(|(_, line)| !had.contains(line.trim())) {
        if speaks(line) {
            say(at + 1, "guard.selection", format!("{} changes what is tested", shown(line.trim())));
        }
    }
    for (at, line) in before.lines().enumerate().filter(|(_, line)| !has.contains(line.trim())) {
        let Some(old) = THRESHOLD.as_ref().and_then(|it| it.captures(line)) else { continue };
        let (name, old) = (old.get(1).map_or("", |it| it.as_str()), old.get(2).map_or("", |it| it.as_str()));
        let value = |text: &str| text.parse::<f64>().ok();
        let now = after.lines().filter(|line| !had.contains(line.trim())).find_map(|line| {
            let new = THRESHOLD.as_ref()?.captures(line)?;
            (new.get(1)?.as_str() == name).then(|| new.get(2).map(|it| it.as_str()))?
        });
        match now {
            Some(new) if value(new) >= value(old) => {}
            Some(new) => say(at + 1, "guard.threshold", format!("`{name}` goes from {old} to {new}")),
            None => say(at + 1, "guard.threshold", format!("`{name}` is removed; it was {old}")),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(at: &str, before: &str, after: &str) -> Vec<(&'static str, String)> {
        let path = WorkspacePath::parse(at).unwrap();
        let change = Changed { path: &path, before: Some(before), after: Some(after) };
        assert!(concerns(&path), "{at}");
        weakenings(&change).into_iter().map(|found| (found.rule, found.sentence)).collect()
    }

    #[test]
    fn every_line_keeps_its_promises() {
        assert!(THRESHOLD.is_some());
        for (line, pattern) in LINES.iter().zip(PATTERNS.iter()) {
            let pattern = pattern.as_ref().unwrap_or_else(|| panic!("{}", line.pattern));
            assert!(!line.examples.is_empty() && !line.neighbours.is_empty(), "{}", line.pattern);
            line.examples.iter().for_each(|example| assert!(pattern.is_match(example), "{example}"));
            line.neighbours.iter().for_each(|neighbour| assert!(!pattern.is_match(neighbour), "{neighbour}"));
        }
    }

    #[test]
    fn old_and_new_values_are_named() {
        for (at, before, after, rule, sentence) in [
            (
                ".coveragerc",
                "[report]\nfail_under = 90\n",
                "[report]\nfail_under = 10\n",
                "guard.threshold",
                "`report.fail_under` goes from `90` to `10`",
            ),
            (
                "package.json",
                r#"{"scripts": {"test": "node --test"}}"#,
                r#"{"scripts": {"test": "node --test || true"}}"#,
                "guard.test_command",
                "`scripts.test` goes from `node --test` to `node --test || true`",
            ),
            (
                "package.json",
                r#"{"jest": {"coverageThreshold": {"global": {"lines": 80}}}}"#,
                r#"{"jest": {}}"#,
                "guard.threshold",
                "`jest.coverageThreshold.global.lines` is removed; it was `80`",
            ),
            (
                "pyproject.toml",
                "[tool.pytest.ini_options]\ntestpaths = [\"tests\"]\n",
                "[tool.pytest.ini_options]\ntestpaths = [\"tests\"]\naddopts = \"--deselect a\"\n",
                "guard.selection",
                "`tool.pytest.ini_options.addopts` is newly set to `--deselect a`",
            ),
            (
                "Cargo.toml",
                "[lib]\nname = \"a\"\n",
                "[lib]\nname = \"a\"\ntest = false\n",
                "guard.selection",
                "`lib.test` is newly set to `false`",
            ),
            (
                "Cargo.toml",
                "[package]\nname = \"a\"\n",
                "[package]\nname = \"a\"\nautotests = false\n",
                "guard.selection",
                "`package.autotests` is newly set to `false`",
            ),
            (
                "Cargo.toml",
                "[[test]]\nname = \"a\"\nharness = true\n",
                "[[test]]\nname = \"a\"\nharness = false\n",
                "guard.selection",
                "`test.a.harness` goes from `true` to `false`",
            ),
            (
                ".config/nextest.toml",
                "[profile.default]\nretries = 0\n",
                "[profile.default]\nretries = 5\n",
                "guard.threshold",
                "`profile.default.retries` goes from `0` to `5`",
            ),
            (
                "codecov.yml",
                "coverage:\n  status:\n    project:\n      default:\n        target: 80%\n",
                "coverage:\n  status:\n    project:\n      default:\n        target: 20%\n",
                "guard.threshold",
                "`coverage.status.project.default.target` goes from `80%` to `20%`",
            ),
            (
                "tox.ini",
                "[testenv]\ncommands =\n    pytest\n",
                "[testenv]\ncommands =\n    true\n",
                "guard.test_command",
                "`testenv.commands` goes from `pytest` to `true`",
            ),
            (
                "pytest.ini",
                "[pytest]\naddopts = -q\n",
                "[pytest]\naddopts = -q -k nothing\n",
                "guard.selection",
                "`pytest.addopts` goes from `-q` to `-q -k nothing`",
            ),
            (
                "Makefile",
                "all: x\n\ntest: x\n\tcargo test\n",
                "all: x\n\ntest: x\n\t-cargo test\n",
                "guard.test_command",
                "`test` goes from `cargo test` to `-cargo test`",
            ),
            (
                "vitest.config.ts",
                "coverage: {\n  lines: 80,\n}\n",
                "coverage: {\n  lines: 8,\n}\n",
                "guard.threshold",
                "`lines` goes from 80 to 8",
            ),
            (
                "jest.config.js",
                "module.exports = {\n};\n",
                "module.exports = {\n  testPathIgnorePatterns: ['a'],\n};\n",
                "guard.selection",
                "`testPathIgnorePatterns: ['a'],` changes what is tested",
            ),
            (
                "package.json",
                "{\"scripts\": {\"test\": \"a\"}}",
                "{\"scripts\": ",
                "guard.unknown",
                "the settings can no longer be read, so that what they say of tests is not known",
            ),
        ] {
            assert_eq!(said(at, before, after), [(rule, sentence.to_owned())], "{at}");
        }
    }

    #[test]
    fn what_gets_stronger_or_is_no_judge_is_not_spoken_of() {
        for (at, before, after) in [
            (".coveragerc", "[report]\nfail_under = 80\n", "[report]\n# more\nfail_under = 90\n"),
            (
                "package.json",
                r#"{"scripts": {"test": "x"}}"#,
                r#"{"version": "2", "scripts": {"test": "x", "build": "y"}}"#,
            ),
            ("package.json", r#"{"scripts": {}}"#, r#"{"scripts": {"test": "node --test"}}"#),
            (
                "pyproject.toml",
                "[project]\nversion = \"1\"\n",
                "[project]\nversion = \"2\"\n\n[tool.coverage.report]\nfail_under = 90\n",
            ),
            (
                "Cargo.toml",
                "[package]\nname = \"a\"\n",
                "[package]\nname = \"a\"\n\n[dependencies]\nserde = \"1\"\n",
            ),
            ("Makefile", "test:\n\tcargo test\n", "build:\n\tcargo build\n\ntest:\n\tcargo test\n"),
            ("vitest.config.ts", "lines: 80,\n", "lines: 90,\n"),
        ] {
            assert_eq!(said(at, before, after), [], "{at}");
        }
    }
}
