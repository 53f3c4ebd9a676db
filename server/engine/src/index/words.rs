//! From text to words, and from words to terms: `parseConfigFiles` speaks of `parse`, of
//! `config`, of `file`, and is itself a name.

use super::summary::{NameKey, Term};

/// A shorter part of a word says nothing.
const PART_BYTES_MIN: usize = 2;
/// A longer word is data: a hash, an encoded image.
const WORD_BYTES_MAX: usize = 64;
/// Endings are taken from words of at least this many bytes more than the ending.
const STEM_BYTES_MIN: usize = 3;

/// Bytes of the longest of the words that stand everywhere.
const COMMON_BYTES_MAX: usize = 10;
/// Places of the table in which these words are looked up: some times as many as there are words.
const COMMON_PLACES: usize = 512;

/// Words that stand everywhere, in code or in sentences. Sorted.
const COMMON: &[&str] = &[
    "abstract",
    "also",
    "an",
    "and",
    "any",
    "are",
    "as",
    "async",
    "at",
    "auto",
    "await",
    "be",
    "been",
    "bool",
    "boolean",
    "break",
    "but",
    "by",
    "can",
    "case",
    "catch",
    "char",
    "class",
    "const",
    "continue",
    "crate",
    "def",
    "default",
    "do",
    "does",
    "double",
    "dyn",
    "elif",
    "else",
    "elseif",
    "end",
    "enum",
    "except",
    "export",
    "extends",
    "extern",
    "false",
    "final",
    "finally",
    "float",
    "fn",
    "for",
    "from",
    "func",
    "function",
    "go",
    "has",
    "have",
    "if",
    "impl",
    "implements",
    "import",
    "in",
    "instanceof",
    "int",
    "interface",
    "into",
    "is",
    "it",
    "its",
    "lambda",
    "let",
    "long",
    "loop",
    "match",
    "mod",
    "module",
    "mut",
    "namespace",
    "new",
    "nil",
    "no",
    "none",
    "not",
    "null",
    "of",
    "on",
    "or",
    "our",
    "override",
    "package",
    "pass",
    "private",
    "protected",
    "pub",
    "public",
    "raise",
    "readonly",
    "return",
    "self",
    "should",
    "so",
    "some",
    "static",
    "str",
    "string",
    "struct",
    "super",
    "switch",
    "template",
    "than",
    "that",
    "the",
    "then",
    "there",
    "these",
    "this",
    "throw",
    "throws",
    "to",
    "true",
    "try",
    "type",
    "typeof",
    "union",
    "unsafe",
    "use",
    "using",
    "var",
    "virtual",
    "void",
    "was",
    "we",
    "were",
    "when",
    "where",
    "which",
    "while",
    "will",
    "with",
    "would",
    "yield",
    "you",
];

/// For each of the common words its number, counted from 1, in the place that its hash gives it or
/// the next one that is free; 0 elsewhere. Nearly every word of a text is looked up, and nearly
/// none is found.
static COMMON_AT: [u8; COMMON_PLACES] = common_places();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses what is out of bounds")]
const fn common_places() -> [u8; COMMON_PLACES] {
    let mut places = [0; COMMON_PLACES];
    let mut word = 0;
    while word < COMMON.len() {
        let mut at = Hash::of(COMMON[word].as_bytes()) as usize % COMMON_PLACES;
        while places[at] != 0 {
            at = (at + 1) % COMMON_PLACES;
        }
        word += 1;
        assert!(word <= u8::MAX as usize);
        places[at] = word as u8;
    }
    places
}

/// Where a word stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) start: usize,
    pub(super) text: &'a str,
}

/// Runs of letters, digits and underscores; what lies beyond ASCII counts as letters.
pub(super) fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes.get(at..)?.iter().position(|byte| is_word(*byte))?;
        let rest = bytes.get(start..)?;
        let length = rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
        at = start + length;
        Some(Word { start, text: text.get(start..at)? })
    })
}

/// Whether a byte is part of a word.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses what is out of bounds")]
static IS_WORD: [bool; 256] = {
    let mut is_word = [false; 256];
    let mut byte = 0_u8;
    loop {
        is_word[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
        match byte.checked_add(1) {
            Some(next) => byte = next,
            None => break is_word,
        }
    }
};

fn is_word(byte: u8) -> bool {
    IS_WORD.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Tells the terms of one word: its parts, and the whole of it where it has several.
pub(super) fn terms_in(word: &str, tell: &mut impl FnMut(Term)) {
    if word.len() > WORD_BYTES_MAX {
        return;
    }
    let mut whole = Hash::new();
    let mut count = 0_usize;
    for part in parts(word) {
        let lower = Lower::of(part);
        whole.take(lower.bytes());
        count += 1;
        if let Some(stem) = lower.telling() {
            tell(Term(Hash::of(stem)));
        }
    }
    if count > 1 {
        // Marked, so that `file_name` and `filename` are found by one another and a stem is not.
        tell(Term(whole.0));
    }
}

/// Words whose terms are at hand.
const RECENT_WORDS: usize = 1024;

/// The terms of the words that were met last: the same few words make up most of a file.
pub(super) struct Recent<'a> {
    /// A word and where its terms stand, in the place that its hash gives it.
    slots: Vec<(&'a str, usize, usize)>,
    terms: Vec<Term>,
}

impl<'a> Recent<'a> {
    pub(super) fn new() -> Self {
        Self { slots: vec![("", 0, 0); RECENT_WORDS], terms: Vec::new() }
    }

    /// The terms of a word, as [`terms_in`] tells them.
    pub(super) fn terms_of(&mut self, word: &'a str) -> &[Term] {
        let Self { slots, terms } = self;
        let at = Hash::of(word.as_bytes()) as usize % RECENT_WORDS;
        let Some(slot) = slots.get_mut(at) else { return &[] };
        if slot.0 != word {
            let from = terms.len();
            terms_in(word, &mut |term| terms.push(term));
            *slot = (word, from, terms.len());
        }
        terms.get(slot.1..slot.2).unwrap_or_default()
    }
}

/// The terms of a text, as often as they occur.
pub fn terms_of(text: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    words(text).for_each(|word| terms_in(word.text, &mut |term| terms.push(term)));
    terms
}

/// The names that a text contains as they are written, each once, in their order: words that
/// do not begin with a digit and are no common words.
pub fn names_in(text: &str) -> Vec<NameKey> {
    let mut seen = std::collections::BTreeSet::new();
    words(text)
        .filter(|word| is_name(word.text))
        .map(|word| NameKey::of(word.text))
        .filter(|name| seen.insert(*name))
        .collect()
}

/// True for what may be looked up as a name.
pub(super) fn is_name(word: &str) -> bool {
    word.len() > PART_BYTES_MIN
        && word.len() <= WORD_BYTES_MAX
        && !word.starts_with(|first: char| first.is_ascii_digit())
        && !is_common(word)
}

fn is_common(word: &str) -> bool {
    is_common_bytes(word.as_bytes())
}

fn is_common_bytes(word: &[u8]) -> bool {
    if word.len() > COMMON_BYTES_MAX {
        return false;
    }
    let mut at = Hash::of(word) as usize % COMMON_PLACES;
    while let Some(number) = COMMON_AT.get(at).copied().map(usize::from).filter(|number| *number > 0) {
        if COMMON.get(number - 1).is_some_and(|common| common.as_bytes() == word) {
            return true;
        }
        at = (at + 1) % COMMON_PLACES;
    }
    false
}

/// A name without what it is qualified by.
pub fn own_name(qualified: &str) -> &str {
    let qualified = qualified.rsplit(" > ").next().unwrap_or(qualified);
    if qualified.contains(' ') {
        return qualified;
    }
    qualified.rsplit([':', '.']).next().unwrap_or(qualified)
}

/// Parts of a word: divided at underscores, before a capital after a small letter, and before
/// the last of several capitals when a small letter follows it.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    let bytes = word.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        at += bytes.get(at..)?.iter().position(|byte| *byte != b'_')?;
        let start = at;
        at += 1;
        while let Some(byte) = bytes.get(at) {
            let before = bytes.get(at - 1).copied().unwrap_or_default();
            let after = bytes.get(at + 1).copied().unwrap_or_default();
            let begins =
                byte.is_ascii_uppercase() && (!before.is_ascii_uppercase() || after.is_ascii_lowercase());
            if *byte == b'_' || begins {
                break;
            }
            at += 1;
        }
        word.get(start..at)
    })
}

/// A part of a word in small letters, without an allocation.
struct Lower {
    bytes: [u8; WORD_BYTES_MAX],
    length: usize,
}

impl Lower {
    fn of(part: &str) -> Self {
        let mut lower = Self { bytes: [0; WORD_BYTES_MAX], length: part.len().min(WORD_BYTES_MAX) };
        for (to, from) in lower.bytes.iter_mut().zip(part.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        lower
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// The part's stem, if it says anything.
    fn telling(&self) -> Option<&[u8]> {
        let bytes = self.bytes();
        let is_number = bytes.iter().all(u8::is_ascii_digit);
        if bytes.len() < PART_BYTES_MIN || is_number || is_common_bytes(bytes) {
            return None;
        }
        Some(stem(bytes))
    }
}

/// A word without the ending of a plural or of a verb's form, roughly: what matters is that
/// forms of one word meet, and that it costs nothing.
fn stem(word: &[u8]) -> &[u8] {
    let without = |ending: &[u8]| word.strip_suffix(ending).filter(|rest| rest.len() >= STEM_BYTES_MIN);
    let stem = without(b"ies")
        .or_else(|| without(b"ing"))
        .or_else(|| without(b"ied"))
        .or_else(|| without(b"ed"))
        .or_else(|| without(b"es"))
        .or_else(|| if word.ends_with(b"ss") { None } else { without(b"s") })
        .unwrap_or(word);
    // `running` and `run`, `caching` and `cache`, `tries` and `try`.
    let stem = match stem {
        [rest @ .., one, other]
            if one == other && stem.len() < word.len() && rest.len() >= 2 && *one != b's' && *one != b'l' =>
        {
            stem.get(..stem.len() - 1).unwrap_or(stem)
        }
        _ => stem,
    };
    match stem {
        [rest @ .., b'e' | b'y'] if rest.len() >= STEM_BYTES_MIN => rest,
        _ => stem,
    }
}

/// FNV-1a with a last stir; small, and the same on every machine.
#[derive(Clone, Copy)]
struct Hash(u32);

impl Hash {
    const fn new() -> Self {
        Self(0x811c_9dc5)
    }

    const fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let [first, after @ ..] = rest {
            self.0 = (self.0 ^ *first as u32).wrapping_mul(0x0100_0193);
            rest = after;
        }
    }

    const fn of(bytes: &[u8]) -> u32 {
        let mut hash = Self::new();
        hash.take(bytes);
        hash.0
    }
}

impl NameKey {
    /// The key of a name as it is written.
    pub fn of(name: &str) -> Self {
        Self(Hash::of(name.as_bytes()))
    }
}
