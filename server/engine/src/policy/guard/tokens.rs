//! The tokens of a text without what formatters change: blanks, comments, trailing commas,
//! semicolons, the kind of quotes.

use std::collections::BTreeMap;
use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token<'a> {
    start: usize,
    text: &'a str,
    is_string: bool,
}

/// The tokens of one text, in order.
#[derive(Debug, Default)]
pub(super) struct Tokens<'a> {
    tokens: Vec<Token<'a>>,
}

impl<'a> Tokens<'a> {
    pub fn push(&mut self, source: &'a str, range: Range<usize>, is_string: bool) {
        let text = source.get(range.clone()).unwrap_or_default().trim();
        if text.is_empty() || text == ";" {
            return;
        }
        if matches!(text, ")" | "]" | "}") {
            self.tokens.pop_if(|last| last.text == "," && !last.is_string);
        }
        self.tokens.push(Token { start: range.start, text, is_string });
    }

    fn within(&self, range: &Range<usize>) -> &[Token<'a>] {
        let from = self.tokens.partition_point(|token| token.start < range.start);
        let to = self.tokens.partition_point(|token| token.start < range.end);
        self.tokens.get(from..to).unwrap_or_default()
    }

    /// The tokens of a range in one spelling, as people can read it.
    pub fn key(&self, range: &Range<usize>) -> String {
        let mut key = String::new();
        for token in self.within(range) {
            push_spaced(&mut key, token);
        }
        key
    }

    /// The elements of a bracketed list.
    pub fn rows(&self, range: &Range<usize>) -> Vec<String> {
        let tokens = self.within(range);
        let inner = tokens.get(1..tokens.len().saturating_sub(1)).unwrap_or_default();
        let mut rows = Vec::new();
        let mut row = String::new();
        let mut depth = 0_usize;
        for token in inner {
            match token.text {
                "(" | "[" | "{" if !token.is_string => depth += 1,
                ")" | "]" | "}" if !token.is_string => depth = depth.saturating_sub(1),
                "," if !token.is_string && depth == 0 => {
                    rows.push(std::mem::take(&mut row));
                    continue;
                }
                _ => {}
            }
            push_spaced(&mut row, token);
        }
        rows.push(row);
        rows.retain(|row| !row.is_empty());
        rows
    }

    /// The whole text for patterns: in strings, whatever is no letter, digit or `_` is written
    /// `·`, so that no string is taken for code. With the bytes at which the tokens stand.
    pub fn plain(&self) -> (String, Vec<(usize, usize)>) {
        let mut plain = String::new();
        let mut places = Vec::with_capacity(self.tokens.len());
        for token in &self.tokens {
            if token.is_string {
                places.push((plain.len(), token.start));
                plain.push('"');
                let content = unquoted(token.text);
                plain.extend(
                    content
                        .chars()
                        .map(|letter| if letter.is_alphanumeric() || letter == '_' { letter } else { '·' }),
                );
                plain.push('"');
            } else {
                space(&mut plain, token.text);
                places.push((plain.len(), token.start));
                plain.push_str(token.text);
            }
        }
        (plain, places)
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn space(key: &mut String, text: &str) {
    let meets = key.ends_with(is_word) && text.starts_with(is_word);
    // An operator keeps its blanks where it would else run into the next one.
    if meets {
        key.push(' ');
    }
}

fn push_spaced(key: &mut String, token: &Token<'_>) {
    if token.is_string {
        if key.ends_with(is_word) {
            key.push(' ');
        }
        key.push_str(&requoted(token.text));
        return;
    }
    const SPACED: [&str; 14] =
        ["==", "!=", "===", "!==", "<=", ">=", "&&", "||", "=>", "->", ":=", "+=", "-=", "<>"];
    if SPACED.contains(&token.text) {
        key.push(' ');
        key.push_str(token.text);
        key.push(' ');
        return;
    }
    space(key, token.text);
    key.push_str(token.text);
    if token.text == "," {
        key.push(' ');
    }
}

fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// A string with double quotes where single ones mean the same, and without a prefix that says
/// nothing.
fn requoted(text: &str) -> String {
    let start = text.find(['"', '\'', '`']).filter(|start| *start <= 2).unwrap_or(0);
    let (prefix, quoted) = text.split_at(start);
    let content = unquoted(quoted);
    let prefix = if prefix.eq_ignore_ascii_case("u") { "" } else { prefix };
    let is_plain = quoted.len() >= 2 && quoted.starts_with('\'') && !content.contains(['"', '\'']);
    if is_plain { format!("{prefix}\"{content}\"") } else { format!("{prefix}{quoted}") }
}

/// A key with some of its words, strings apart, replaced by others.
pub(super) fn renamed(key: &str, names: &BTreeMap<&str, &str>) -> String {
    let mut renamed = String::with_capacity(key.len());
    let mut copied = 0;
    for word in words(key) {
        let at = word.as_ptr() as usize - key.as_ptr() as usize;
        if let Some(name) = names.get(word) {
            renamed.push_str(key.get(copied..at).unwrap_or_default());
            renamed.push_str(name);
            copied = at + word.len();
        }
    }
    renamed.push_str(key.get(copied..).unwrap_or_default());
    renamed
}

/// The words of a key, strings apart.
pub(super) fn words(key: &str) -> impl Iterator<Item = &str> {
    // Every other part between quotes is a string.
    key.split('"')
        .step_by(2)
        .flat_map(|part| part.split(|letter: char| !is_word(letter)))
        .filter(|word| word.starts_with(|letter: char| letter.is_alphabetic() || letter == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_leave_strings_out() {
        assert_eq!(words("f(x, \"skip this\")+y1").collect::<Vec<_>>(), ["f", "x", "y1"]);
    }

    #[test]
    fn quotes_are_of_one_kind() {
        for (text, one) in [
            ("'a'", "\"a\""),
            ("u'a'", "\"a\""),
            ("u\"a\"", "\"a\""),
            ("b'\\n'", "b\"\\n\""),
            ("'say \"a\"'", "'say \"a\"'"),
            ("`a`", "`a`"),
            ("r#\"a\"#", "r#\"a\"#"),
        ] {
            assert_eq!(requoted(text), one);
        }
    }

    #[test]
    fn plain_strings_look_like_no_code() {
        let source = "f 'it.skip(' ,";
        let mut tokens = Tokens::default();
        for (range, is_string) in [(0..1, false), (2..12, true), (13..14, false)] {
            tokens.push(source, range, is_string);
        }
        assert_eq!(tokens.plain().0, "f\"it·skip·\",");
        assert_eq!(tokens.key(&(0..14)), "f \"it.skip(\", ");
    }
}
