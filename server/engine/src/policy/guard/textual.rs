//! Judges that are not understood: tests in other languages, and what tests compare with. Lines
//! that are added hurt nobody; lines that are changed or gone may.

use super::words::shown;
use super::{Changed, Weakening};
use crate::path::WorkspacePath;
use regex::Regex;
use std::sync::LazyLock;

/// Extensions of programs, beyond the languages that are understood.
const CODE: &[&str] = &[
    "c", "cc", "cpp", "cxx", "c++", "h", "hh", "hpp", "hxx", "m", "mm", "rb", "cs", "fs", "vb", "kt", "kts",
    "php", "swift", "scala", "groovy", "dart", "ex", "exs", "erl", "hs", "ml", "lua", "jl", "clj", "zig",
    "sh", "bats", "t", "pl", "r", "vue", "svelte", "feature", "rs", "py", "js", "jsx", "ts", "tsx", "mjs",
    "cjs", "mts", "cts", "go", "java",
];

pub(super) fn is_code(path: &WorkspacePath) -> bool {
    CODE.contains(&path.extension().as_str())
}

/// What tests compare their results with.
pub(super) fn is_snapshot(path: &WorkspacePath) -> bool {
    const FOLDERS: [&str; 9] = [
        "__snapshots__",
        "__image_snapshots__",
        "snapshots",
        "golden",
        "goldens",
        "golden_files",
        "expected",
        "approved",
        "expectations",
    ];
    const ENDS: [&str; 8] = [
        ".snap",
        ".snap.new",
        ".golden",
        ".expected",
        ".approved.txt",
        ".approved.json",
        ".approved.xml",
        ".stdout",
    ];
    let name = path.file_name().to_ascii_lowercase();
    let in_folder =
        path.components().rev().skip(1).any(|part| FOLDERS.contains(&part.to_ascii_lowercase().as_str()));
    ENDS.iter().any(|end| name.ends_with(end)) || (in_folder && !is_code(path))
}

/// A snapshot that is changed or gone.
pub(super) fn snapshot(change: &Changed<'_>) -> Option<Weakening> {
    let before = change.before?;
    let sentence = match change.after {
        None => "what tests compare their results with is deleted".to_owned(),
        Some(after) => match first_difference(before, after) {
            (Some(old), Some(new)) => {
                format!("what tests expect goes from {} to {}", shown(old.trim()), shown(new.trim()))
            }
            (Some(old), None) => format!("tests no longer expect {}", shown(old.trim())),
            (None, _) => return None,
        },
    };
    Some(Weakening {
        path: change.path.clone(),
        place: "the file".to_owned(),
        rule: "guard.snapshot",
        sentence,
    })
}

/// A test whose language is not understood: everything but pure additions is unknown.
pub(super) fn weakening(change: &Changed<'_>) -> Option<Weakening> {
    let before = change.before.filter(|before| !before.trim().is_empty())?;
    let (place, sentence) = match change.after {
        None => {
            ("the file".to_owned(), "the test file is deleted, and what it tested is not known".to_owned())
        }
        Some(after) => {
            let Some(line) = first_lost_line(before, after) else { return disabling(change, before, after) };
            let text = before.lines().nth(line).unwrap_or_default();
            let sentence = format!(
                "{} is changed or removed, and what that does to the tests is not known",
                shown(text.trim())
            );
            (format!("line {}", line + 1), sentence)
        }
    };
    Some(Weakening { path: change.path.clone(), place, rule: "guard.unknown", sentence })
}

/// Lines that begin a comment, a skip or an end.
static DISABLES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^\s*(?:#if\s+(?:0|false)\b|=begin\b|__END__\s*$|/\*|--\[\[|<!--|skip\b|pending\b|xit\b|xdescribe\b|exit\b|abort\b|\[(?:Ignore|Fact\(Skip|Explicit|Skip)|@(?:Ignore|Disabled|skip)|GTEST_SKIP|XCTSkip|throw XCTSkip|\$this->markTest)",
    )
    .ok()
});

/// An added line that may take those after it out of the run.
fn disabling(change: &Changed<'_>, before: &str, after: &str) -> Option<Weakening> {
    let had = |line: &str| before.lines().any(|old| old.trim_end() == line.trim_end());
    let is_doc = |line: &str| line.trim_start().starts_with("/**") || line.contains("*/");
    let mut lines = after.lines().enumerate();
    let (at, line) = lines.find(|(_, line)| {
        DISABLES.as_ref().is_some_and(|disables| disables.is_match(line)) && !had(line) && !is_doc(line)
    })?;
    Some(Weakening {
        path: change.path.clone(),
        place: format!("line {}", at + 1),
        rule: "guard.unknown",
        sentence: format!("{} is added, which may keep tests from being run", shown(line.trim())),
    })
}

/// The first line, counted from 0, that the text before has and the text after does not have in
/// the same order. Blanks at the ends of lines say nothing.
fn first_lost_line(before: &str, after: &str) -> Option<usize> {
    let mut rest = after.lines();
    let lines = before.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| (at, line.trim_end()))
        .find_map(|(at, line)| rest.by_ref().all(|candidate| candidate.trim_end() != line).then_some(at))
}

/// The first line that is gone, and the first that is another now.
fn first_difference<'a>(before: &'a str, after: &'a str) -> (Option<&'a str>, Option<&'a str>) {
    let Some(lost) = first_lost_line(before, after) else { return (None, None) };
    let common = before.lines().zip(after.lines()).take_while(|(old, new)| old == new).count();
    (before.lines().nth(lost), after.lines().nth(common))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(before: &str, after: &str) -> Option<String> {
        let path = WorkspacePath::parse("spec/a_spec.rb").unwrap();
        weakening(&Changed { path: &path, before: Some(before), after: Some(after) }).map(|found| found.place)
    }

    #[test]
    fn lines_may_be_added_and_nothing_else() {
        let base = "describe 'a' do\n  it 'b' do\n    expect(1).to eq 1\n  end\nend\n";
        assert_eq!(rule(base, &base.replace("  end\n", "    expect(2).to eq 2\n  end\n")), None);
        assert_eq!(rule(base, &base.replace("\n", "\r\n")), None);
        assert_eq!(rule(base, &base.replace("eq 1", "eq 2")).as_deref(), Some("line 3"));
        assert_eq!(rule(base, &base.replace("  it", "  xit")).as_deref(), Some("line 2"));
        assert_eq!(rule(base, ""), Some("line 1".to_owned()));
        assert_eq!(rule(base, &format!("=begin\n{base}=end\n")).as_deref(), Some("line 1"));
        assert!(DISABLES.is_some());
    }

    #[test]
    fn snapshots_are_known_by_name_and_place() {
        for (path, is) in [
            ("tests/snapshots/render.snap", true),
            ("src/__snapshots__/a.test.js.snap", true),
            ("testdata/golden/a.json", true),
            ("tests/expected/a.txt", true),
            ("tests/snapshots/mod.rs", false),
            ("tests/a.json", false),
        ] {
            assert_eq!(is_snapshot(&WorkspacePath::parse(path).unwrap()), is, "{path}");
        }
    }
}
