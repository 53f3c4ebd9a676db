//! What judges the work must not get weaker unnoticed: tests, their assertions, and the settings
//! that choose and measure them. The guard reads both sides of every changed file and says, in
//! words for an engineer, what gets weaker. It decides nothing; the gate asks about what it says.
//!
//! Assertions are compared token by token, test by test, after tests that were renamed or moved
//! have been found again by their bodies. What the guard cannot read it reports as unknown.

mod collection;
mod compare;
mod dialect;
mod judged;
mod marks;
mod reading;
mod settings;
#[cfg(test)]
mod tests;
mod textual;
mod tokens;
mod words;

use super::classes::{PathClass, classify};
use crate::limits::GUARD_DIFF_LINES_MAX;
use crate::path::WorkspacePath;
use crate::syntax::{Language, SyntaxTree};
use crate::text::ByteEdit;
use compare::File;
use dialect::{Dialect, Family};
use ropey::Rope;
use similar::{DiffTag, TextDiff};

/// One file before and after. `None` before: it is new. `None` after: it is deleted.
#[derive(Debug, Clone, Copy)]
pub struct Changed<'a> {
    /// Where it stands.
    pub path: &'a WorkspacePath,
    /// Its text before.
    pub before: Option<&'a str>,
    /// Its text after.
    pub after: Option<&'a str>,
}

/// One thing that judges the work and gets weaker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weakening {
    /// Where.
    pub path: WorkspacePath,
    /// The test's name, or the line.
    pub place: String,
    /// The rule that it breaks.
    pub rule: &'static str,
    /// What gets weaker, for an engineer: lowercase, no final period.
    pub sentence: String,
}

/// Everything in a whole change set that weakens what judges the work, ordered by path and place.
/// A renamed file is two changes: its old path without an `after`, its new one without a `before`.
pub fn weakenings(changes: &[Changed<'_>]) -> Vec<Weakening> {
    let mut found = Vec::new();
    let mut files = Vec::new();
    for change in changes.iter().filter(|change| change.before != change.after) {
        match kind(change) {
            FileKind::Code { language, is_test } => match read(change, language, is_test) {
                Some(file) => files.push(file),
                None => found.extend(textual::weakening(change)),
            },
            FileKind::Snapshot => found.extend(textual::snapshot(change)),
            FileKind::Settings => found.extend(settings::weakenings(change)),
            FileKind::OtherTest => found.extend(textual::weakening(change)),
            FileKind::Ordinary => {}
        }
    }
    found.extend(compare::weakenings(&files, changes));
    found.sort();
    found.dedup();
    found
}

enum FileKind {
    /// Code in a language whose tests we understand.
    Code {
        language: Language,
        is_test: bool,
    },
    Snapshot,
    Settings,
    /// A test in a language that we do not understand.
    OtherTest,
    Ordinary,
}

fn kind(change: &Changed<'_>) -> FileKind {
    let classes = classify(change.path);
    let judges = classes.iter().any(|class| matches!(class, PathClass::Judges | PathClass::Tests));
    if settings::concerns(change.path) {
        return FileKind::Settings;
    }
    if judges && textual::is_snapshot(change.path) {
        return FileKind::Snapshot;
    }
    let language = Language::of_path(change.path);
    if let Some((language, dialect)) = language.and_then(|it| Some((it, Dialect::of(it)?))) {
        let is_test = judges || has_tests(dialect.family, change);
        let notices = || change.after.is_some_and(|after| marks::possible_in_program(dialect.family, after));
        if is_test || notices() {
            return FileKind::Code { language, is_test: judges };
        }
        return FileKind::Ordinary;
    }
    if judges && textual::is_code(change.path) { FileKind::OtherTest } else { FileKind::Ordinary }
}

/// A cheap look for tests in a file that is not named as one.
fn has_tests(family: Family, change: &Changed<'_>) -> bool {
    let markers: &[&str] = match family {
        Family::Rust => &["test]", "#[test", "rstest", "test(", "proptest!", "test_case", "mod test"],
        Family::Java => &["@Test", "Test;", "extends TestCase"],
        Family::Python | Family::Script | Family::Go => &[],
    };
    let texts = [change.before, change.after];
    texts.iter().flatten().any(|text| markers.iter().any(|marker| text.contains(marker)))
}

fn read<'a>(change: &Changed<'a>, language: Language, is_test: bool) -> Option<File<'a>> {
    let dialect = Dialect::of(language)?;
    let before = match change.before {
        Some(text) => Some((SyntaxTree::parse(language, &Rope::from_str(text))?, text)),
        None => None,
    };
    let after = match (change.after, &before) {
        (None, _) => None,
        (Some(text), None) => Some((SyntaxTree::parse(language, &Rope::from_str(text))?, text)),
        (Some(text), Some((tree, base))) => Some((edited(tree, base, text)?, text)),
    };
    let reading = |side: Option<(SyntaxTree, &'a str)>| {
        side.map(|(tree, text)| reading::read(dialect, tree.tree(), text))
    };
    let path = change.path;
    Some(File { path, family: dialect.family, is_test, before: reading(before), after: reading(after) })
}

/// The tree of the text after: the lines that both texts have are not parsed again.
fn edited(tree: &SyntaxTree, base: &str, text: &str) -> Option<SyntaxTree> {
    let rope = Rope::from_str(text);
    let lines = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
    if lines(base) + lines(text) > GUARD_DIFF_LINES_MAX {
        return SyntaxTree::parse(tree.language(), &rope);
    }
    let diff = TextDiff::from_lines(base, text);
    let mut place = Place::default();
    let mut edits = Vec::new();
    for op in diff.ops() {
        let ((old, new), start) = ((op.old_range(), op.new_range()), place);
        (old.start..old.end).filter_map(|line| diff.old_slice(line)).for_each(|line| place.advance(line));
        if op.tag() == DiffTag::Equal {
            continue;
        }
        let mut end = start;
        (new.start..new.end).filter_map(|line| diff.new_slice(line)).for_each(|line| end.advance(line));
        edits.push(ByteEdit {
            start: start.byte,
            old_end: place.byte,
            new_end: end.byte,
            start_point: start.point,
            old_end_point: place.point,
            new_end_point: end.point,
        });
    }
    edits.reverse();
    tree.edited(&edits, &rope)
}

/// A byte of a text with its row, counted at `\n` alone, and the byte within the row.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    byte: usize,
    point: (usize, usize),
}

impl Place {
    fn advance(&mut self, text: &str) {
        self.byte += text.len();
        self.point = match text.rfind('\n') {
            Some(last) => (self.point.0 + text.matches('\n').count(), text.len() - last - 1),
            None => (self.point.0, self.point.1 + text.len()),
        };
    }
}
