//! What the words of an instruction say. English; of other languages only the question mark is
//! understood, and whatever is not understood is a change, which needs the user's yes anyway.

use crate::limits::{MENTIONS_MAX, ROUTE_INSTRUCTION_BYTES_MAX};
use crate::text::beginning;
use std::collections::BTreeSet;

/// What an instruction wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Know,
    GreenTests,
    Change,
}

/// What an instruction wants, and which of its words say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub wish: Wish,
    pub why: String,
}

/// Words before the verb that say nothing.
const POLITE: [&str; 24] = [
    "please", "kindly", "can", "could", "would", "will", "you", "we", "i", "want", "need", "to", "like",
    "let's", "lets", "just", "now", "then", "also", "and", "hey", "openexec", "help", "me",
];

/// A part that begins with one of these asks.
const ASKING: [&str; 34] = [
    "why",
    "what",
    "what's",
    "where",
    "who",
    "how",
    "when",
    "which",
    "does",
    "do",
    "did",
    "is",
    "are",
    "was",
    "were",
    "should",
    "has",
    "have",
    "explain",
    "describe",
    "review",
    "audit",
    "summarize",
    "summarise",
    "tell",
    "show",
    "list",
    "analyze",
    "analyse",
    "compare",
    "assess",
    "find",
    "know",
    "understand",
];

/// A part that begins with one of these wants a change.
const CHANGING: [&str; 66] = [
    "add",
    "adapt",
    "adjust",
    "allow",
    "apply",
    "bump",
    "change",
    "clean",
    "convert",
    "correct",
    "cover",
    "create",
    "debug",
    "define",
    "delete",
    "deprecate",
    "document",
    "drop",
    "edit",
    "ensure",
    "expose",
    "extend",
    "extract",
    "fix",
    "format",
    "generate",
    "handle",
    "implement",
    "improve",
    "increase",
    "inline",
    "insert",
    "introduce",
    "limit",
    "make",
    "mend",
    "merge",
    "migrate",
    "move",
    "optimize",
    "optimise",
    "port",
    "prevent",
    "reduce",
    "refactor",
    "reject",
    "remove",
    "rename",
    "reorder",
    "repair",
    "replace",
    "resolve",
    "restore",
    "return",
    "revert",
    "rewrite",
    "set",
    "simplify",
    "solve",
    "split",
    "support",
    "switch",
    "turn",
    "update",
    "use",
    "write",
];

/// With one of these verbs, failing tests are to become green.
const MENDING: [&str; 8] = ["fix", "repair", "mend", "make", "get", "correct", "debug", "resolve"];

const TESTS: [&str; 4] = ["test", "tests", "testsuite", "suite"];

const RED_OR_GREEN: [&str; 9] =
    ["fail", "fails", "failing", "failed", "failure", "failures", "red", "pass", "green"];

/// What the instruction's words say.
pub(super) fn read(instruction: &str) -> Said {
    let text = beginning(instruction, ROUTE_INSTRUCTION_BYTES_MAX).to_lowercase();
    let mut asks = None;
    let parts = parts(&text);
    let red_tests = has(parts.iter().flatten(), &TESTS) && has(parts.iter().flatten(), &RED_OR_GREEN);
    for part in &parts {
        // `can you fix it?` begins with politeness, `can it overflow?` with a question.
        let (polite, words) = part.split_at(part.iter().take_while(|word| POLITE.contains(word)).count());
        let Some(verb) = words.first().copied() else {
            continue;
        };
        let mends = mends_tests(words) || (red_tests && MENDING.contains(&verb) && has(words, &MEANT));
        if mends || CHANGING.contains(&verb) {
            let wish = if mends { Wish::GreenTests } else { Wish::Change };
            return Said { wish, why: format!("`{verb}` wants a change") };
        }
        let asking = polite.last().filter(|word| ["can", "could", "would", "will"].contains(word)).copied();
        let asking = asking.or_else(|| ASKING.contains(&verb).then_some(verb));
        asks = asks.or(asking);
    }
    let questions = text.trim_end().ends_with(['?', '？', '؟']);
    match asks {
        Some(word) => Said { wish: Wish::Know, why: format!("`{word}` asks") },
        None if questions => Said { wish: Wish::Know, why: "it ends with a question mark".to_owned() },
        None => Said { wish: Wish::Change, why: "its words do not say that it only asks".to_owned() },
    }
}

/// What stands for tests that were spoken of before: `why do they fail? fix them`.
const MEANT: [&str; 4] = ["them", "it", "that", "those"];

fn has<'a>(words: impl IntoIterator<Item = &'a &'a str>, wanted: &[&str]) -> bool {
    words.into_iter().any(|word| wanted.contains(word))
}

/// `fix the failing tests`, `make the suite green`, `fix tests`.
fn mends_tests(words: &[&str]) -> bool {
    let Some((verb, rest)) = words.split_first() else {
        return false;
    };
    let (about_tests, of_colour) = (has(rest, &TESTS), has(rest, &RED_OR_GREEN));
    let directly = rest.iter().find(|word| !["the", "all", "my", "our", "this", "these"].contains(word));
    MENDING.contains(verb)
        && about_tests
        && (of_colour || (*verb != "make" && directly.is_some_and(|word| TESTS.contains(word))))
}

/// Sentences, and what stands after `and`, `then`, a comma, a semicolon: each may begin with a verb.
fn parts(text: &str) -> Vec<Vec<&str>> {
    let ends = |c: char| matches!(c, '.' | '!' | '?' | ';' | ',' | ':' | '\n' | '？' | '。');
    let mut parts = Vec::new();
    for sentence in text.split(ends) {
        let words: Vec<&str> =
            sentence.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
        parts.extend(words.split(|word| matches!(*word, "and" | "then" | "but")).map(<[&str]>::to_vec));
    }
    parts
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// What looks like the path of a file or folder in an instruction, at most [`MENTIONS_MAX`],
/// in order, each once: `src/date.rs`, `date.rs:12`, `src/payments/`.
pub fn mentions(instruction: &str) -> Vec<String> {
    let outside = |c: char| c.is_whitespace() || "`'\"()[]{}<>,;“”‘’«»".contains(c);
    let mut seen = BTreeSet::new();
    instruction
        .split(outside)
        .filter_map(|word| {
            let word = word.trim_end_matches(['.', '!', '?', ':']);
            let is_folder = word.len() > 1 && word.ends_with('/');
            let word = word.trim_end_matches('/');
            // A place in a file: `date.rs:12`, `date.rs:12-30`.
            let path = match word.split_once(':') {
                Some((path, place)) if place.starts_with(|c: char| c.is_ascii_digit()) => path,
                _ => word,
            };
            let path = path.trim_start_matches("./").replace('\\', "/");
            let like_a_file = path.rsplit_once('.').is_some_and(|(stem, end)| {
                !stem.is_empty() && end.chars().all(char::is_alphanumeric) && !end.is_empty()
            });
            ((is_folder || like_a_file || path.contains('/')) && !path.contains("://")).then_some(path)
        })
        .filter(|path| seen.insert(path.clone()))
        .take(MENTIONS_MAX)
        .collect()
}
