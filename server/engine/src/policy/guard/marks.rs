//! Words that stop a test, narrow a run, or end it before its end. The knowledge is data: each
//! row is a pattern over a file's tokens with examples that must match and neighbours that must
//! not; the tests hold the rows to both.
//!
//! Patterns see a text without comments, blanks and semicolons; in strings, whatever is no
//! letter, digit or `_` is written `·`, so that no pattern takes a string for code.

mod table;

use super::dialect::Family;
use super::tokens::Tokens;
use aho_corasick::AhoCorasick;
use regex::Regex;
use std::sync::LazyLock;
use table::ROWS;

/// The rule that concerns programs as well as tests.
pub(super) const EQUALITY: &str = "guard.equality";

/// The rule about what replaces the unit that is tested.
pub(super) const MOCKED: &str = "guard.mocked";

/// Whom a mark concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// The test, suite or file that it stands in.
    Own,
    /// The other tests as well, wherever it stands in a test's file.
    Others,
    /// Programs that notice that they are tested.
    Production,
}

/// A kind of mark.
struct Row {
    rule: &'static str,
    families: &'static [Family],
    reach: Reach,
    /// One of them occurs in every text that matches.
    words: &'static [&'static str],
    pattern: &'static str,
    /// What is harmless although the pattern matches it.
    except: Option<&'static str>,
    /// What it does, as the end of a sentence that begins with a test's name or the mark.
    says: &'static str,
    /// Code that must match.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests hold the row to its examples"))]
    examples: &'static [&'static str],
    /// Code that resembles the examples and must not match.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests hold the row to its examples"))]
    neighbours: &'static [&'static str],
}

/// A mark at a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub rule: &'static str,
    pub reach: Reach,
    pub says: &'static str,
    /// The code that is the mark.
    pub text: String,
    pub start: usize,
}

struct Compiled {
    row: &'static Row,
    pattern: Regex,
    except: Option<Regex>,
}

/// `None` when a pattern cannot be compiled, which a test forbids.
static COMPILED: LazyLock<Vec<Option<Compiled>>> = LazyLock::new(|| {
    let compile = |row: &'static Row| {
        let except = match row.except {
            Some(except) => Some(Regex::new(except).ok()?),
            None => None,
        };
        Some(Compiled { row, pattern: Regex::new(row.pattern).ok()?, except })
    };
    ROWS.iter().map(compile).collect()
});

/// Finds the words of all rows in one pass; with the row of each word.
static WORDS: LazyLock<(Option<AhoCorasick>, Vec<usize>)> = LazyLock::new(|| {
    let words = ROWS.iter().enumerate().flat_map(|(row, it)| it.words.iter().map(move |word| (row, *word)));
    let (rows, words): (Vec<usize>, Vec<&str>) = words.unzip();
    (AhoCorasick::new(words).ok(), rows)
});

/// The rows of a family one of whose words occurs in a text.
fn active(family: Family, source: &str) -> Vec<&'static Compiled> {
    let (Some(finder), rows) = (&WORDS.0, &WORDS.1) else { return Vec::new() };
    let mut hit = vec![false; ROWS.len()];
    for found in finder.find_overlapping_iter(source) {
        if let Some(hit) = rows.get(found.pattern().as_usize()).and_then(|row| hit.get_mut(*row)) {
            *hit = true;
        }
    }
    let compiled = COMPILED.iter().zip(hit).filter(|(_, hit)| *hit).filter_map(|(row, _)| row.as_ref());
    compiled.filter(|compiled| compiled.row.families.contains(&family)).collect()
}

/// True when a program could hold a mark that concerns it.
pub(super) fn possible_in_program(family: Family, source: &str) -> bool {
    let concerns = |row: &Row| row.reach == Reach::Production || row.rule == EQUALITY;
    active(family, source).iter().any(|compiled| concerns(compiled.row))
}

/// The marks of a text, with the bytes at which they begin.
pub(super) fn found(family: Family, source: &str, tokens: &Tokens<'_>) -> Vec<(usize, Mark)> {
    let active = active(family, source);
    if active.is_empty() {
        return Vec::new();
    }
    let (plain, places) = tokens.plain();
    let mut marks = Vec::new();
    for compiled in active {
        for found in compiled.pattern.find_iter(&plain) {
            if compiled.except.as_ref().is_some_and(|except| except.is_match(found.as_str())) {
                continue;
            }
            let token = places.partition_point(|(at, _)| *at <= found.start()).saturating_sub(1);
            let start = places.get(token).map_or(0, |(_, byte)| *byte);
            let row = compiled.row;
            let text = found.as_str().to_owned();
            marks.push((start, Mark { rule: row.rule, reach: row.reach, says: row.says, text, start }));
        }
    }
    marks.sort();
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::guard::dialect::Dialect;
    use crate::policy::guard::reading;
    use crate::syntax::{Language, SyntaxTree};
    use ropey::Rope;

    fn language(family: Family) -> Language {
        match family {
            Family::Rust => Language::Rust,
            Family::Python => Language::Python,
            Family::Script => Language::JavaScript,
            Family::Go => Language::Go,
            Family::Java => Language::Java,
        }
    }

    fn rules(family: Family, source: &str) -> Vec<(&'static str, Reach)> {
        let language = language(family);
        let tree = SyntaxTree::parse(language, &Rope::from_str(source)).unwrap();
        let reading = reading::read(Dialect::of(language).unwrap(), tree.tree(), source);
        found(family, source, &reading.tokens).into_iter().map(|(_, mark)| (mark.rule, mark.reach)).collect()
    }

    #[test]
    fn every_row_compiles_and_keeps_its_promises() {
        for (row, compiled) in ROWS.iter().zip(COMPILED.iter()) {
            let compiled = compiled.as_ref().unwrap_or_else(|| panic!("{}", row.pattern));
            assert!(!row.examples.is_empty() && !row.neighbours.is_empty(), "{}", row.pattern);
            let matches = |source: &str| {
                row.families.iter().any(|family| {
                    let language = language(*family);
                    let tree = SyntaxTree::parse(language, &Rope::from_str(source)).unwrap();
                    let reading = reading::read(Dialect::of(language).unwrap(), tree.tree(), source);
                    let plain = reading.tokens.plain().0;
                    let active = row.words.iter().any(|word| source.contains(word));
                    active
                        && compiled.pattern.find_iter(&plain).any(|found| {
                            !compiled.except.as_ref().is_some_and(|except| except.is_match(found.as_str()))
                        })
                })
            };
            for example in row.examples {
                assert!(matches(example), "{example} is not {}: {}", row.rule, row.pattern);
            }
            for neighbour in row.neighbours {
                assert!(!matches(neighbour), "{neighbour} is {}: {}", row.rule, row.pattern);
            }
        }
    }

    #[test]
    fn neither_comments_nor_strings_are_marks() {
        for (family, source) in [
            (Family::Rust, "// #[ignore]\nfn a() { let s = \"#[ignore] std::process::exit(0)\"; }"),
            (Family::Python, "# pytest.skip()\nx = 'pytest.skip()'\ny = \"os._exit(0)\"\n"),
            (Family::Script, "// it.skip('a')\nconst s = 'it.only(x)';\nconst t = `process.exit(0)`;"),
            (Family::Go, "package a\n// t.Skip()\nvar s = \"t.Skip()\"\n"),
            (Family::Java, "class A { /* @Disabled */ String s = \"@Disabled System.exit(0)\"; }"),
        ] {
            assert_eq!(rules(family, source), [], "{source}");
        }
    }
}
