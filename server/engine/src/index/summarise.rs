//! From a text to its summary.

use super::summary::{Counts, Definition, FileSummary, Held, NameKey, Term};
use super::words::{Word, is_name, own_name, terms_in, words};
use crate::syntax::{Language, Symbol, SymbolKind, SyntaxTree};
use crate::text::LineIndex;
use ropey::Rope;
use std::collections::BTreeMap;

/// Words that are followed by a parenthesis and call nothing.
const NO_CALLS: [&str; 9] = ["if", "for", "while", "switch", "return", "match", "catch", "sizeof", "assert"];
/// Words that begin the line of an import.
const IMPORTS: [&str; 7] = ["import ", "from ", "use ", "pub use ", "#include ", "export ", "require "];
/// Imports of a file that are kept.
const IMPORTS_MAX: usize = 200;
/// Bytes of an import that are kept.
const IMPORT_BYTES_MAX: usize = 200;

/// The summary of a text in this language. Where its grammar gives up, that of a plain reader.
pub fn summarise(language: Language, source: &str) -> FileSummary {
    match SyntaxTree::parse(language, &Rope::from_str(source)) {
        Some(tree) => summarise_tree(&tree, source),
        None => super::summarise_plain(source),
    }
}

/// The summary of a text whose tree is at hand.
pub fn summarise_tree(tree: &SyntaxTree, source: &str) -> FileSummary {
    FileSummary { language: Some(tree.language()), ..of_symbols(&tree.symbols(source), source) }
}

/// The summary of a text with these definitions.
pub(super) fn of_symbols(symbols: &[Symbol], source: &str) -> FileSummary {
    let mut writer = Writer::new(source);
    for (at, symbol) in symbols.iter().enumerate() {
        let inner = symbols.get(at + 1..).unwrap_or_default();
        let inner = inner.iter().take_while(|it| it.range.start < symbol.range.end);
        writer.write(symbol, inner);
    }
    writer.finish()
}

struct Writer<'a> {
    source: &'a str,
    words: Vec<Word<'a>>,
    lines: LineIndex,
    /// One definition's terms, emptied for the next.
    gathered: BTreeMap<Term, Counts>,
    definitions: Vec<Definition>,
    terms: Vec<Term>,
    counts: Vec<Counts>,
    calls: Vec<NameKey>,
}

impl<'a> Writer<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            source,
            words: words(source).collect(),
            lines: LineIndex::new(source),
            gathered: BTreeMap::new(),
            definitions: Vec::new(),
            terms: Vec::new(),
            counts: Vec::new(),
            calls: Vec::new(),
        }
    }

    fn write<'s>(&mut self, symbol: &Symbol, inner: impl Iterator<Item = &'s Symbol>) {
        let (start, end) = (symbol.range.start, symbol.range.end);
        let head = head_of(self.source, symbol);
        let own = own_name(&symbol.name);
        self.take(own, Held::Name);
        self.take(symbol.name.strip_suffix(own).unwrap_or_default(), Held::Path);
        self.take(&symbol.signature, Held::Signature);
        self.take_words(start, head, Held::Doc);
        let mut count = 0;
        let mut calls = Vec::new();
        if matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method) {
            count += self.take_words(head, end, Held::Body);
            calls = self.calls_between(symbol.name_range.end.max(head), end);
        } else {
            // A type speaks for itself, its members for themselves.
            let mut from = head;
            for member in inner.filter(|it| it.range.end <= end) {
                if member.range.start >= from {
                    count += self.take_words(from, member.range.start, Held::Body);
                    from = member.range.end;
                }
            }
            count += self.take_words(from, end, Held::Body);
        }
        for (term, counts) in std::mem::take(&mut self.gathered) {
            self.terms.push(term);
            self.counts.push(counts);
        }
        self.calls.extend(calls);
        let line = |byte: usize| number(self.lines.line_of(byte)) + 1;
        self.definitions.push(Definition {
            own: NameKey::of(own),
            signature: symbol.signature.as_str().into(),
            kind: symbol.kind,
            is_test: symbol.is_test || in_tests(&symbol.name),
            bytes: (number(start), number(end)),
            lines: symbol.lines,
            head_line: line(head),
            name_line: line(symbol.name_range.start),
            tokens: tokens(self.source.get(head..end).unwrap_or_default(), count),
            words: number(count),
            terms_end: number(self.terms.len()),
            calls_end: number(self.calls.len()),
            name: symbol.name.as_str().into(),
        });
    }

    fn take(&mut self, text: &str, field: Held) {
        for word in words(text) {
            terms_in(word.text, &mut |term| self.gathered.entry(term).or_default().add(field));
        }
    }

    /// Takes the words between two bytes; says how many there are.
    fn take_words(&mut self, start: usize, end: usize, field: Held) -> usize {
        let from = self.words.partition_point(|word| word.start < start);
        let to = self.words.partition_point(|word| word.start < end);
        for word in self.words.get(from..to).unwrap_or_default() {
            terms_in(word.text, &mut |term| self.gathered.entry(term).or_default().add(field));
        }
        to.saturating_sub(from)
    }

    /// Names that are followed by a parenthesis.
    fn calls_between(&self, start: usize, end: usize) -> Vec<NameKey> {
        let from = self.words.partition_point(|word| word.start < start);
        let to = self.words.partition_point(|word| word.start < end);
        let called = self.words.get(from..to).unwrap_or_default().iter().filter(|word| {
            let behind = self.source.as_bytes().get(word.start + word.text.len()..end).unwrap_or_default();
            let open = behind.strip_prefix(b"!").unwrap_or(behind).trim_ascii_start();
            let open = open.strip_prefix(b"::<").map_or(open, |types| {
                let close = types.iter().position(|byte| *byte == b'>');
                close.and_then(|close| types.get(close + 1..)).unwrap_or_default()
            });
            open.first() == Some(&b'(') && is_name(word.text) && !NO_CALLS.contains(&word.text)
        });
        let mut calls: Vec<NameKey> = called.map(|word| NameKey::of(word.text)).collect();
        calls.sort_unstable();
        calls.dedup();
        calls
    }

    fn finish(self) -> FileSummary {
        FileSummary {
            language: None,
            lines: number(self.source.lines().count()),
            definitions: self.definitions.into(),
            imports: imports(self.source).into(),
            terms: self.terms.into(),
            counts: self.counts.into(),
            calls: self.calls.into(),
        }
    }
}

/// A number that files of a few megabytes cannot exceed.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn in_tests(name: &str) -> bool {
    name.split([':', '.', ' ']).any(|part| matches!(part, "tests" | "test"))
}

/// Tokens of a text with this many words, estimated from what tokenizers do with code: a word
/// of up to about eight bytes is one, and so is a run of marks.
fn tokens(text: &str, words: usize) -> u32 {
    number((text.len() / 4).max(words))
}

/// Where a definition begins without its doc comments and attributes.
fn head_of(source: &str, symbol: &Symbol) -> usize {
    let mut at = symbol.range.start;
    loop {
        let Some(rest) = source.get(at..symbol.name_range.start) else { return at };
        let text = rest.trim_start();
        at += rest.len() - text.len();
        let length = if text.starts_with("/*") {
            text.find("*/").map(|end| end + 2)
        } else if text.starts_with("#[") {
            balanced(text)
        } else if text.starts_with("//") || (text.starts_with('#') && !is_directive(text)) {
            Some(text.find('\n').unwrap_or(text.len()))
        } else {
            None
        };
        match length {
            Some(length) if length > 0 && length < text.len() => at += length,
            _ => return at,
        }
    }
}

/// A definition of the C preprocessor is none of its comments.
fn is_directive(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|rest| rest.trim_start().starts_with("define"))
}

/// The bytes of a text up to the bracket that closes its first one.
fn balanced(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' if depth == 1 => return Some(at + 1),
            b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The lines that import, without the words that say so.
fn imports(source: &str) -> Vec<Box<str>> {
    let mut found: Vec<Box<str>> = Vec::new();
    let mut in_block = false;
    for line in source.lines() {
        let line = line.trim();
        if found.len() >= IMPORTS_MAX {
            break;
        }
        let imported = if in_block {
            in_block = !line.starts_with(')');
            in_block.then_some(line)
        } else if line == "import (" {
            in_block = true;
            None
        } else if IMPORTS.iter().any(|word| line.starts_with(word))
            && !(line.starts_with("export ") && !line.contains(" from "))
        {
            line.split_once(' ').map(|(_, imported)| imported)
        } else {
            line.split_once("require(").map(|(_, imported)| imported)
        };
        let kept =
            imported.filter(|it| !it.is_empty()).map(|it| crate::text::beginning(it, IMPORT_BYTES_MAX));
        found.extend(kept.map(Into::into));
    }
    found
}
