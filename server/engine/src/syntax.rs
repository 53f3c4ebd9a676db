//! Syntax trees: symbols with their qualified names, tests, calls and imports, comment
//! directives. Errors in the source are normal; the tree around them is used.
//!
//! What differs between languages stands in `languages`; everything else is written once. Nothing here recurses over the tree: its depth is the author's, not ours.

mod directive;
mod grammar;
mod hazard;
mod languages;
mod read;
mod search;
#[cfg(test)]
mod tests;
mod uses;
mod walk;

pub use search::{enclosing, find, identifiers};

use crate::limits::{FILE_BYTES_MAX, PARSE_BYTES_PER_CHECK, PARSE_CHECKS_MIN};
use crate::path::WorkspacePath;
use crate::text::{ByteEdit, LineIndex};
use grammar::Nature;
use languages::{Entry, Loaded};
use ropey::Rope;
use serde::{Deserialize, Serialize};
use std::ops::{ControlFlow, Range};
use tree_sitter::{InputEdit, ParseOptions, ParseState, Parser, Point};
use walk::Wanted;

/// A language that we know: its file names and its comments always, its grammar where that is
/// built in. C#, Swift, Scala and SQL need the feature `large-grammars`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Language {
    Rust,
    Python,
    JavaScript,
    TypeScript,
    Tsx,
    Go,
    Java,
    C,
    Cpp,
    Kotlin,
    Ruby,
    Php,
    Bash,
    Lua,
    CSharp,
    Swift,
    Scala,
    Sql,
    Json,
    Yaml,
    Toml,
    Markdown,
    Html,
    Css,
}

/// What a symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum SymbolKind {
    Function,
    Method,
    Class,
    Struct,
    Enum,
    Interface,
    Trait,
    Module,
    Constant,
    Type,
    /// A part of a document: what stands under a heading, in a rule, below a key.
    Section,
    /// A name with a value, in data.
    Key,
}

impl SymbolKind {
    /// False for the parts of documents and data.
    pub fn is_code(self) -> bool {
        !matches!(self, Self::Section | Self::Key)
    }
}

/// A definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbol {
    /// The qualified name within the file, joined with `::` in Rust and C++, `.` elsewhere.
    pub name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// The bytes of the whole definition, with its attributes, decorators and doc comments.
    pub range: Range<usize>,
    /// The bytes of its own name.
    pub name_range: Range<usize>,
    /// First and last line of `range`, counted from 1.
    pub lines: (u32, u32),
    /// The definition's head on one line, without its body.
    pub signature: String,
    /// True when a test framework would run it.
    pub is_test: bool,
}

/// A place where a file uses what it or another file defines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// How.
    pub kind: UseKind,
    /// The last part of the callee's name; of an import, the last part of a path, or a module
    /// that stands in quotes as it is written there. `use a::b::{c, d as e}` imports `b`, `c`
    /// and `d`, `import x from "./y"` imports `x` and `./y`.
    pub name: String,
    /// The bytes of this name.
    pub range: Range<usize>,
}

/// A use without a copy of its name, which is what stands in these bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    /// How.
    pub(crate) kind: UseKind,
    /// The bytes of the name.
    pub(crate) range: Range<usize>,
}

/// How something is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UseKind {
    /// It is called, or an instance is made of it.
    Call,
    /// It is imported.
    Import,
}

/// A comment that asks for work: `// openexec: return an error instead`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// What it asks for; lines that continue it are joined with blanks. A line comment is
    /// continued by the comment lines directly below it that are indented, after the comment
    /// sign, by at least two blanks more than its first line; any other comment is not touched.
    pub instruction: String,
    /// The bytes of the whole comment, with its line break.
    pub range: Range<usize>,
    /// First and last line, counted from 1.
    pub lines: (u32, u32),
}

/// Why a symbol could not be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SymbolError {
    /// No such symbol.
    #[error("there is no symbol `{name}`{}", resemblance(similar))]
    Missing {
        /// What was asked for.
        name: String,
        /// At most five names that resemble it.
        similar: Vec<String>,
    },
    /// Several.
    #[error("`{name}` is ambiguous: it stands in lines {}", lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// Their first lines, counted from 1.
        lines: Vec<u32>,
    },
}

fn resemblance(similar: &[String]) -> String {
    if similar.is_empty() { String::new() } else { format!("; similar ones: {}", similar.join(", ")) }
}

impl Language {
    /// The language of a file, by its name. A whole name goes before an extension.
    pub fn of_path(path: &WorkspacePath) -> Option<Self> {
        let (name, extension) = (path.file_name(), path.extension());
        let grammars = || languages::all().map(|entry| entry.grammar);
        grammars()
            .find(|grammar| grammar.files.contains(&name))
            .or_else(|| grammars().find(|grammar| grammar.extensions.contains(&extension.as_str())))
            .map(|grammar| grammar.language)
    }

    /// True when its files hold instructions: functions, tests, calls. False for text, data and
    /// schemas, whose parts have names, but are no code.
    pub fn is_program(self) -> bool {
        languages::of(self).is_some_and(|entry| entry.grammar.nature == Nature::Program)
    }

    /// True when its grammar is built in, so that its files can be parsed.
    pub fn is_built_in(self) -> bool {
        languages::of(self).is_some_and(|entry| entry.loaded().is_some())
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        languages::all().map(|entry| entry.grammar.language)
    }

    /// What tells this version of the language's grammar from another: its own version where it
    /// says one, and the sizes of its tables. Empty where there is no grammar.
    pub fn grammar_version(self) -> String {
        let Some(loaded) = languages::of(self).and_then(Entry::loaded) else {
            return String::new();
        };
        let parser = &loaded.parser;
        let said = parser.metadata().map(|it| (it.major_version, it.minor_version, it.patch_version));
        let sizes = (
            parser.abi_version(),
            parser.node_kind_count(),
            parser.parse_state_count(),
            parser.field_count(),
        );
        format!("{said:?} {sizes:?}")
    }
}

/// A parsed document, which can follow edits. Clones share what they have in common.
#[derive(Clone)]
pub struct SyntaxTree {
    entry: &'static Entry,
    loaded: &'static Loaded,
    tree: tree_sitter::Tree,
    /// False where it may be another tree than [`SyntaxTree::parse`] would give.
    is_exact: bool,
}

impl SyntaxTree {
    /// Parses a whole document. `None` when the grammar cannot be loaded, the document is
    /// larger than `FILE_BYTES_MAX`, or the parser needs far more steps than its size explains.
    pub fn parse(language: Language, rope: &Rope) -> Option<Self> {
        Self::read(language, |language, parser| parse(language, parser, rope, None))
    }

    /// The same of a text that lies in one piece, which costs least.
    pub fn parse_text(language: Language, text: &str) -> Option<Self> {
        Self::read(language, |language, parser| parse_text(language, parser, text))
    }

    fn read(
        language: Language,
        parse: impl FnOnce(Language, &tree_sitter::Language) -> Option<tree_sitter::Tree>,
    ) -> Option<Self> {
        let entry = languages::of(language)?;
        let loaded = entry.loaded()?;
        let tree = parse(entry.grammar.language, &loaded.parser)?;
        Some(Self { entry, loaded, tree, is_exact: true })
    }

    /// True when this is the tree that [`parse`](Self::parse) gives of the text after the latest
    /// edit, however it came to be.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// Takes over an edit; `rope` is the text after it. Only what changed is parsed again.
    /// Where [`parse`](Self::parse) would give up, the old structure stays, with its places
    /// moved, until a later edit makes the document readable again.
    pub fn edit(&mut self, edit: &ByteEdit, rope: &Rope) {
        self.shift(edit);
        self.read_again(rope);
    }

    /// Moves the places behind an edit, which costs next to nothing. What the edit changed is not
    /// known before the document is [`read_again`](Self::read_again).
    pub fn shift(&mut self, edit: &ByteEdit) {
        self.tree.edit(&input_edit(edit));
        self.is_exact = false;
    }

    /// Parses what edits have changed since the last time; `rope` is the text after them.
    pub fn read_again(&mut self, rope: &Rope) {
        if let Some(tree) = follow(self.language(), &self.loaded.parser, rope, &self.tree) {
            self.tree = tree;
            self.is_exact = true;
        }
    }

    /// The same, for a question that cannot wait: around errors the structure may depend on what
    /// was typed on the way to the text, which [`read_again`](Self::read_again) does not let it.
    /// Where `may_go_on` says no, which it is asked now and then, the old structure stays with its
    /// places moved: text that is little but errors takes a parser a hundred times as long.
    pub fn read_roughly(&mut self, rope: &Rope, may_go_on: &mut dyn FnMut() -> bool) {
        let tree = parse_while(self.language(), &self.loaded.parser, rope, Some(&self.tree), may_go_on);
        if let Some(tree) = tree {
            self.tree = tree;
            self.is_exact = false;
        }
    }

    /// The tree of a text that several edits have made of this one. `edits` are given in the
    /// coordinates of the text before all of them, the last place first. `None` where
    /// [`parse`](Self::parse) would give up.
    pub fn edited(&self, edits: &[ByteEdit], rope: &Rope) -> Option<Self> {
        let mut old = self.tree.clone();
        edits.iter().for_each(|edit| old.edit(&input_edit(edit)));
        let tree = follow(self.language(), &self.loaded.parser, rope, &old)?;
        Some(Self { entry: self.entry, loaded: self.loaded, tree, is_exact: true })
    }

    /// The language.
    pub fn language(&self) -> Language {
        self.entry.grammar.language
    }

    /// The tree itself.
    pub fn tree(&self) -> &tree_sitter::Tree {
        &self.tree
    }

    /// The definitions, in the order of the file, outer before inner. `source` is the text
    /// that the tree was parsed from; with another one the result is useless, but nothing breaks.
    pub fn symbols(&self, source: &str) -> Vec<Symbol> {
        self.walk(source, &LineIndex::new(source), Wanted::Symbols).0
    }

    /// The calls and imports, in the order of the file; at most `USES_MAX`.
    pub fn uses(&self, source: &str) -> Vec<Use> {
        named(self.walk(source, &LineIndex::new(""), Wanted::Uses).1, source)
    }

    /// Both, in one walk over the tree. `lines` are those of the source.
    pub(crate) fn symbols_and_spots(&self, source: &str, lines: &LineIndex) -> (Vec<Symbol>, Vec<Spot>) {
        self.walk(source, lines, Wanted::Both)
    }

    fn walk(&self, source: &str, lines: &LineIndex, wanted: Wanted) -> (Vec<Symbol>, Vec<Spot>) {
        walk::walk(self.entry.grammar, &self.loaded.kinds, &self.tree, (source, lines), wanted)
    }

    /// The directive in or directly around a line, counted from 1: the one whose comment holds
    /// the line, else the one that ends on the line above.
    pub fn directive_at(&self, source: &str, line: u32) -> Option<Directive> {
        directive::directive_at(self.entry.grammar, &self.tree, source, line)
    }
}

/// Uses with their names.
fn named(spots: Vec<Spot>, source: &str) -> Vec<Use> {
    let name = |range: &Range<usize>| source.get(range.clone()).unwrap_or_default().to_owned();
    spots.into_iter().map(|Spot { kind, range }| Use { kind, name: name(&range), range }).collect()
}

fn input_edit(edit: &ByteEdit) -> InputEdit {
    let point = |(row, column)| Point { row, column };
    InputEdit {
        start_byte: edit.start,
        old_end_byte: edit.old_end,
        new_end_byte: edit.new_end,
        start_position: point(edit.start_point),
        old_end_position: point(edit.old_end_point),
        new_end_position: point(edit.new_end_point),
    }
}

/// The symbols of a text; none when it cannot be parsed.
pub fn symbols_of(language: Language, source: &str) -> Vec<Symbol> {
    SyntaxTree::parse_text(language, source).map(|tree| tree.symbols(source)).unwrap_or_default()
}

/// Parses what edits have changed. How a parser recovers from an error depends on the tree that
/// it begins with, and an error can outlast its cause; so a tree with errors is made anew, and
/// the same text has the same tree, whatever was typed on the way to it.
fn follow(
    language: Language,
    grammar: &tree_sitter::Language,
    rope: &Rope,
    old: &tree_sitter::Tree,
) -> Option<tree_sitter::Tree> {
    let tree = parse(language, grammar, rope, Some(old))?;
    if tree.root_node().has_error() { parse(language, grammar, rope, None) } else { Some(tree) }
}

/// Parses with a budget of steps that depends on the size alone, so that the same text has
/// the same outcome on every machine.
fn parse(
    language: Language,
    grammar: &tree_sitter::Language,
    rope: &Rope,
    old: Option<&tree_sitter::Tree>,
) -> Option<tree_sitter::Tree> {
    parse_while(language, grammar, rope, old, &mut || true)
}

/// The same, as long as that is allowed.
fn parse_while(
    language: Language,
    grammar: &tree_sitter::Language,
    rope: &Rope,
    old: Option<&tree_sitter::Tree>,
    may_go_on: &mut dyn FnMut() -> bool,
) -> Option<tree_sitter::Tree> {
    if rope.len_bytes() > FILE_BYTES_MAX || !hazard::is_bearable(language, rope) {
        return None;
    }
    let mut chunk = |byte: usize, _: Point| match rope.get_chunk_at_byte(byte) {
        Some((chunk, start, _, _)) => chunk.as_bytes().get(byte - start..).unwrap_or_default(),
        None => &[],
    };
    parse_chunks(grammar, rope.len_bytes(), &mut chunk, old, may_go_on)
}

/// The same of a text that lies in one piece.
fn parse_text(language: Language, grammar: &tree_sitter::Language, text: &str) -> Option<tree_sitter::Tree> {
    let is_bearable = || !hazard::concerns(language) || hazard::is_bearable(language, &Rope::from_str(text));
    if text.len() > FILE_BYTES_MAX || !is_bearable() {
        return None;
    }
    let mut chunk = |byte: usize, _: Point| text.as_bytes().get(byte..).unwrap_or_default();
    parse_chunks(grammar, text.len(), &mut chunk, None, &mut || true)
}

/// Parses what is told piece by piece; so many bytes in all.
fn parse_chunks<'t>(
    grammar: &tree_sitter::Language,
    bytes: usize,
    chunk: &mut impl FnMut(usize, Point) -> &'t [u8],
    old: Option<&tree_sitter::Tree>,
    may_go_on: &mut dyn FnMut() -> bool,
) -> Option<tree_sitter::Tree> {
    let mut parser = Parser::new();
    parser.set_language(grammar).ok()?;
    let mut checks = PARSE_CHECKS_MIN + bytes / PARSE_BYTES_PER_CHECK;
    let mut progress = |_: &ParseState| match checks.checked_sub(1) {
        Some(left) if may_go_on() => {
            checks = left;
            ControlFlow::Continue(())
        }
        Some(_) | None => ControlFlow::Break(()),
    };
    parser.parse_with_options(chunk, old, Some(ParseOptions::new().progress_callback(&mut progress)))
}
