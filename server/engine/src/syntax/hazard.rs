//! What the scanners of some grammars cannot bear. They keep a stack of indentations and write
//! it into a buffer of 1,024 bytes without minding its end: tree-sitter-yaml 0.7 with 253
//! entries, tree-sitter-python 0.25 with about 500. A text that could fill the stack so far is
//! not parsed at all.

use super::Language;
use ropey::Rope;

/// Levels of indentation of a text that is parsed; far below what any scanner can bear.
const LEVELS_MAX: usize = 200;
/// The last column of a line of YAML in which something may begin a level. Levels begin in
/// ascending columns, at most two in each.
const YAML_COLUMN_MAX: usize = 120;
/// Columns up to a tab stop of Python's scanner.
const TAB_COLUMNS: usize = 8;

/// True for languages with such a grammar.
pub(super) const fn concerns(language: Language) -> bool {
    matches!(language, Language::Python | Language::Yaml)
}

/// True when the grammar's scanner stands the text.
pub(super) fn is_bearable(language: Language, rope: &Rope) -> bool {
    match language {
        Language::Python => indentations(rope) <= LEVELS_MAX,
        Language::Yaml => rope.lines().all(|line| last_indicator(line.bytes()) <= YAML_COLUMN_MAX),
        _ => true,
    }
}

/// How many different indentations there are, which no stack of them can exceed. Those that are
/// wider than anybody indents count each time.
fn indentations(rope: &Rope) -> usize {
    let mut seen = [false; LEVELS_MAX * TAB_COLUMNS];
    let mut count = 0;
    for line in rope.lines() {
        let blanks = line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\x0c' | b'\r'));
        let width = blanks.fold(0, |width, byte| width + if byte == b'\t' { TAB_COLUMNS } else { 1 });
        match seen.get_mut(width) {
            Some(true) => {}
            Some(seen) => {
                *seen = true;
                count += 1;
            }
            None => count += 1,
        }
    }
    count
}

/// The column of the line's last byte that can begin a level of YAML or end the key of one;
/// 0 when there is none.
fn last_indicator(line: impl Iterator<Item = u8>) -> usize {
    let mut line = line.enumerate().peekable();
    let mut last = 0;
    while let Some((column, byte)) = line.next() {
        let ends = line.peek().is_none_or(|(_, next)| next.is_ascii_whitespace());
        if byte == b':' || matches!(byte, b'-' | b'?') && ends {
            last = column;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::super::symbols_of;
    use super::*;
    use crate::syntax::SyntaxTree;
    use proptest::prelude::*;

    fn parses(language: Language, text: &str) -> bool {
        SyntaxTree::parse(language, &Rope::from_str(text)).is_some()
    }

    /// Lines that each are indented further than the one before.
    fn stairs(levels: usize, line: &str) -> String {
        (0..levels).map(|level| format!("{}{line}\n", " ".repeat(level))).collect()
    }

    #[test]
    fn what_people_write_is_parsed() {
        assert!(parses(Language::Python, &stairs(60, "if x:")));
        assert!(parses(Language::Yaml, &stairs(60, "a:")));
        let prose = format!("text: {}\nurl: https://example.org/\n", "word ".repeat(100));
        assert!(parses(Language::Yaml, &prose));
    }

    #[test]
    fn stairs_without_end_are_not_parsed_and_stop_nothing() {
        for line in ["if x:", "f'{f\"{f'"] {
            assert!(!parses(Language::Python, &stairs(1000, line)));
        }
        for text in
            [stairs(1000, "a:"), stairs(400, "-"), "- ".repeat(600), "? ".repeat(600), "- a: ".repeat(300)]
        {
            assert!(!parses(Language::Yaml, &text));
        }
        // By an edit too: the tree stays as it was.
        let mut tree = SyntaxTree::parse(Language::Yaml, &Rope::from_str("")).unwrap();
        let text = stairs(1000, "a:");
        let edit = crate::text::ByteEdit {
            start: 0,
            old_end: 0,
            new_end: text.len(),
            start_point: (0, 0),
            old_end_point: (0, 0),
            new_end_point: (1000, 0),
        };
        tree.edit(&edit, &Rope::from_str(&text));
        assert!(tree.symbols(&text).is_empty());
    }

    #[test]
    fn every_grammar_survives_deep_nesting() {
        let openings =
            ["[", "(", "{", "<a>", "> ", "- ", "* ", "\"${", "#{", "`${", "f'{", "<<E\n", "if x:\n", "(((("];
        for language in Language::all() {
            for opening in openings {
                let deep = opening.repeat(1500);
                let _ = symbols_of(language, &deep);
                let _ = symbols_of(language, &stairs(700, opening.trim_end()));
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_of_indicators_is_too_much(text in "([-?:a&!|>{\\[ ]{0,130}\n){0,60}") {
            let _ = symbols_of(Language::Yaml, &text);
        }
    }
}
