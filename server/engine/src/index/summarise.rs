//! From a text to its summary.

use super::summary::{Counts, Definition, FileSummary, Held, NameKey, Term};
use super::words::{Recent, Word, is_name, own_name, words};
use crate::syntax::{Language, Spot, Symbol, SymbolKind, SyntaxTree, UseKind};
use crate::text::LineIndex;

/// Imports of a file that are kept.
const IMPORTS_MAX: usize = 200;
/// Bytes for each word of usual code, so that room for the words is made once.
const BYTES_PER_WORD: usize = 6;
/// Bytes of an import that are kept.
const IMPORT_BYTES_MAX: usize = 200;

/// The summary of a text in this language. Where its grammar gives up, that of a plain reader.
pub fn summarise(language: Language, source: &str) -> FileSummary {
    match SyntaxTree::parse_text(language, source) {
        Some(tree) => summarise_tree(&tree, source),
        None => super::summarise_plain(source),
    }
}

/// The summary of a text whose tree is at hand.
pub fn summarise_tree(tree: &SyntaxTree, source: &str) -> FileSummary {
    let lines = LineIndex::new(source);
    let (symbols, uses) = tree.symbols_and_spots(source, &lines);
    FileSummary { language: Some(tree.language()), ..of_symbols(&symbols, &uses, (source, &lines)) }
}

/// The summary of a text with these definitions and uses, both in the order of the text.
pub(super) fn of_symbols(
    symbols: &[Symbol],
    uses: &[Spot],
    (source, lines): (&str, &LineIndex),
) -> FileSummary {
    let mut writer = Writer::new(uses, source, lines);
    for (at, symbol) in symbols.iter().enumerate() {
        let inner = symbols.get(at + 1..).unwrap_or_default();
        let inner = inner.iter().take_while(|it| it.range.start < symbol.range.end);
        writer.write(symbol, inner);
    }
    writer.finish()
}

struct Writer<'a> {
    source: &'a str,
    uses: &'a [Spot],
    words: Vec<Word<'a>>,
    lines: &'a LineIndex,
    recent: Recent<'a>,
    /// One definition's terms as often as they occur, emptied for the next.
    gathered: Vec<(Term, Held)>,
    /// The same of the names that it calls.
    called: Vec<NameKey>,
    definitions: Vec<Definition>,
    terms: Vec<Term>,
    counts: Vec<Counts>,
    calls: Vec<NameKey>,
}

impl<'a> Writer<'a> {
    fn new(uses: &'a [Spot], source: &'a str, lines: &'a LineIndex) -> Self {
        let mut all = Vec::with_capacity(source.len() / BYTES_PER_WORD);
        all.extend(words(source));
        Self {
            source,
            uses,
            words: all,
            lines,
            recent: Recent::new(),
            gathered: Vec::new(),
            called: Vec::new(),
            definitions: Vec::new(),
            terms: Vec::new(),
            counts: Vec::new(),
            calls: Vec::new(),
        }
    }

    fn write(&mut self, symbol: &'a Symbol, inner: impl Iterator<Item = &'a Symbol>) {
        let (start, end) = (symbol.range.start, symbol.range.end);
        let head = head_of(self.source, symbol);
        let own = own_name(&symbol.name);
        self.take(own, Held::Name);
        self.take(symbol.name.strip_suffix(own).unwrap_or_default(), Held::Path);
        self.take(&symbol.signature, Held::Signature);
        self.take_words(start, head, Held::Doc);
        let mut count = 0;
        if matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method) {
            count += self.take_words(head, end, Held::Body);
            self.take_calls(symbol.name_range.end.max(head), end);
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
        self.count();
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

    /// Counts what was gathered, each term once, sorted.
    fn count(&mut self) {
        self.gathered.sort_unstable_by_key(|(term, _)| *term);
        let definition = self.terms.len();
        for (term, field) in self.gathered.drain(..) {
            let is_new = self.terms.len() == definition || self.terms.last() != Some(&term);
            if is_new {
                self.terms.push(term);
                self.counts.push(Counts::default());
            }
            if let Some(counts) = self.counts.last_mut() {
                counts.add(field);
            }
        }
    }

    fn take(&mut self, text: &'a str, field: Held) {
        for word in words(text) {
            let terms = self.recent.terms_of(word.text);
            self.gathered.extend(terms.iter().map(|term| (*term, field)));
        }
    }

    /// Takes the words between two bytes; says how many there are.
    fn take_words(&mut self, start: usize, end: usize, field: Held) -> usize {
        let from = self.words.partition_point(|word| word.start < start);
        let to = self.words.partition_point(|word| word.start < end);
        for word in self.words.get(from..to).unwrap_or_default() {
            let terms = self.recent.terms_of(word.text);
            self.gathered.extend(terms.iter().map(|term| (*term, field)));
        }
        to.saturating_sub(from)
    }

    /// Takes the names that are called between two bytes, sorted.
    fn take_calls(&mut self, start: usize, end: usize) {
        let from = self.uses.partition_point(|used| used.range.start < start);
        let within = self.uses.get(from..).unwrap_or_default().iter();
        let called = within
            .take_while(|used| used.range.start < end)
            .filter(|used| used.kind == UseKind::Call)
            .filter_map(|used| self.source.get(used.range.clone()).filter(|name| is_name(name)));
        self.called.extend(called.map(NameKey::of));
        self.called.sort_unstable();
        self.called.dedup();
        self.calls.append(&mut self.called);
    }

    fn finish(self) -> FileSummary {
        FileSummary {
            language: None,
            lines: number(self.source.lines().count()),
            definitions: self.definitions.into(),
            imports: imports(self.uses, self.source).into(),
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

/// What is imported, each once.
fn imports(uses: &[Spot], source: &str) -> Vec<Box<str>> {
    let imported = uses.iter().filter(|used| used.kind == UseKind::Import);
    let names = imported.filter_map(|used| source.get(used.range.clone()));
    let mut names: Vec<&str> =
        names.map(|name| crate::text::beginning(name, IMPORT_BYTES_MAX)).take(IMPORTS_MAX).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(Into::into).collect()
}
