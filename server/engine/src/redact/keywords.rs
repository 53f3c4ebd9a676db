//! Which rules and shapes may have something to find in a text, and where: one pass for all their
//! keywords, before any expression is run.

use super::rules::RULES;
use super::shapes;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use memchr::memchr_iter;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

/// Bytes of the shortest word that rules out anything. Shorter ones stand in every text.
const KEYWORD_BYTES_MIN: usize = 3;
/// Bytes before a keyword in which a match may begin: what names are put together of.
const BYTES_BEFORE: usize = 128;
/// Lines behind the keyword's own in which a match may end.
const LINES_BEHIND: usize = 2;

/// What the keywords of a text call for. The rules come first, then the shapes.
pub(super) struct Called {
    /// Those that are called, by their place, and the parts of the text in which each is to be run.
    parts: BTreeMap<usize, Vec<Range<usize>>>,
}

impl Called {
    /// The rules that are to be run, by their place, and where.
    pub(super) fn rules(&self) -> impl Iterator<Item = (usize, &[Range<usize>])> {
        self.parts.range(..RULES.rules.len()).map(|(at, parts)| (*at, parts.as_slice()))
    }

    /// The shapes that are to be run, by their place, and where.
    pub(super) fn shapes(&self) -> impl Iterator<Item = (usize, &[Range<usize>])> {
        let first = RULES.rules.len();
        self.parts.range(first..).map(move |(at, parts)| (at - first, parts.as_slice()))
    }
}

/// When a rule or a shape is run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    /// On every text.
    Always,
    /// On a whole text with one of its words.
    Word,
    /// Around each of its words.
    Near,
    /// On a whole text with two dots that stand so far apart.
    Dots(usize),
}

struct Keywords {
    words: Option<AhoCorasick>,
    /// For each word, whom it calls.
    owners: Vec<Vec<usize>>,
    calls: Vec<Call>,
    /// Those that no word calls.
    wordless: Vec<usize>,
}

static KEYWORDS: LazyLock<Keywords> = LazyLock::new(|| {
    let rules = RULES.rules.iter().map(|rule| {
        let words: Vec<&str> = rule.keywords().iter().map(String::as_str).collect();
        (words, rule.dots(), rule.is_near())
    });
    let shapes = shapes::all().map(|shape| (shape.keywords.to_vec(), shape.dots, shape.is_near()));
    let mut words: Vec<&str> = Vec::new();
    let mut owners: Vec<Vec<usize>> = Vec::new();
    let mut calls = Vec::new();
    for (index, (own, dots, near)) in rules.chain(shapes).enumerate() {
        let too_short = own.is_empty() || own.iter().any(|word| word.len() < KEYWORD_BYTES_MIN);
        let call = match dots {
            Some(apart) => Call::Dots(apart),
            None if too_short => Call::Always,
            None if near => Call::Near,
            None => Call::Word,
        };
        calls.push(call);
        for word in own.into_iter().filter(|_| matches!(call, Call::Word | Call::Near)) {
            match words.iter().position(|known| *known == word) {
                Some(at) => owners.get_mut(at).into_iter().for_each(|owners| owners.push(index)),
                None => {
                    words.push(word);
                    owners.push(vec![index]);
                }
            }
        }
    }
    let automaton =
        AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(words);
    let is_wordless = |(_, call): &(usize, &Call)| matches!(call, Call::Always | Call::Dots(_));
    let wordless = calls.iter().enumerate().filter(is_wordless).map(|(index, _)| index).collect();
    Keywords { words: automaton.ok(), owners, calls, wordless }
});

/// Every text that can stand before the number of a placeholder.
static NAMES: LazyLock<String> = LazyLock::new(|| {
    let rules = RULES.rules.iter().map(super::rules::Rule::kind);
    let shapes = shapes::all().map(|shape| shape.kind);
    let others =
        [super::ENVIRONMENT, super::LITERAL, super::MASKED].into_iter().chain(super::personal::kinds());
    let names = rules.chain(shapes).chain(others);
    names.map(|kind| format!("{}{kind}:\n", super::OPENING)).collect()
});

/// True when a value is a part of a placeholder's name.
pub(super) fn is_named_like(value: &str) -> bool {
    NAMES.contains(value)
}

/// Says which rules and shapes a text calls for. Where the words cannot be searched, all.
pub(super) fn called_by(text: &str) -> Called {
    let keywords = &*KEYWORDS;
    let bytes = text.as_bytes();
    let whole = || std::iter::once(0..bytes.len()).collect();
    let Some(words) = &keywords.words else {
        return Called { parts: (0..keywords.calls.len()).map(|index| (index, whole())).collect() };
    };
    let mut places: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for hit in words.find_overlapping_iter(text) {
        for owner in keywords.owners.get(hit.pattern().as_usize()).into_iter().flatten() {
            places.entry(*owner).or_default().push(hit.start());
        }
    }
    // Most texts are short and call for next to nothing: whom nothing calls is not asked.
    let wordless = keywords.wordless.iter().map(|index| (*index, Vec::new()));
    let called = places.into_iter().chain(wordless).filter_map(|(index, places)| {
        let parts = match keywords.calls.get(index)? {
            Call::Always | Call::Word => whole(),
            Call::Near => around(bytes, places),
            Call::Dots(apart) => has_dots(bytes, *apart).then(whole)?,
        };
        Some((index, parts))
    });
    Called { parts: called.collect() }
}

/// The parts of a text around some places: from a few bytes before each, at most from its line's
/// beginning, to the end of a line behind it.
fn around(text: &[u8], mut places: Vec<usize>) -> Vec<Range<usize>> {
    places.sort_unstable();
    let mut parts: Vec<Range<usize>> = Vec::new();
    for place in places {
        let furthest = place.saturating_sub(BYTES_BEFORE);
        let before = text.get(furthest..place).unwrap_or_default();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(furthest, |at| furthest + at + 1);
        if let Some(last) = parts.last_mut()
            && start <= last.end
            && place < last.end
            && last.end == text.len()
        {
            continue;
        }
        let end = end_of_lines(text, place);
        match parts.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => parts.push(start..end),
        }
    }
    parts
}

/// Where the lines end that begin at a place, the line break included.
fn end_of_lines(text: &[u8], place: usize) -> usize {
    let behind = text.get(place..).unwrap_or_default();
    memchr_iter(b'\n', behind).nth(LINES_BEHIND).map_or(text.len(), |at| place + at + 1)
}

/// True when two dots stand in the text with so many bytes of a token between them, and a longer
/// token before the first.
fn has_dots(text: &[u8], apart: usize) -> bool {
    /// Bytes before the first dot, at least.
    const BEFORE: usize = 10;
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    memchr_iter(b'.', text).any(|first| {
        let between = text.get(first + 1..first + 1 + apart);
        let before = first.checked_sub(BEFORE).and_then(|start| text.get(start..first));
        text.get(first + 1 + apart) == Some(&b'.')
            && [between, before].iter().all(|part| part.is_some_and(|part| part.iter().all(is_token)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_can_be_searched() {
        assert!(KEYWORDS.words.is_some());
        // Few are run on every text: each of them costs a pass.
        assert!(KEYWORDS.calls.iter().filter(|call| **call == Call::Always).count() < 8);
    }

    #[test]
    fn dots_call_where_they_stand_apart() {
        assert!(has_dots(b"x 0123456789ab.abcdef.y", 6));
        for other in
            ["a.abcdef.b", "0123456789ab.abcde.y", "0123456789ab.abc ef.y", "..", "0123456789ab.abcdef"]
        {
            assert!(!has_dots(other.as_bytes(), 6), "{other}");
        }
    }

    #[test]
    fn parts_begin_with_the_line_and_end_with_one() {
        let text = b"one\ntwo key\nthree\nfour\nfive\nkey";
        let parts =
            |places| around(text, places).into_iter().map(|part| (part.start, part.end)).collect::<Vec<_>>();
        assert_eq!(parts(vec![8]), [(4, 23)]);
        assert_eq!(parts(vec![28, 8]), [(4, 23), (28, 31)]);
        assert_eq!(parts(vec![0, 8]), [(0, 23)]);
    }
}
