//! Syntax trees: symbols with their qualified names, tests, comment directives. Errors in the
//! source are normal; the tree around them is used.

use crate::path::WorkspacePath;
use crate::text::ByteEdit;
use ropey::Rope;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;

/// A language we have a grammar for.
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

/// A comment that asks for work: `// openexec: return an error instead`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// What it asks for; continuation lines are joined with blanks.
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
    #[error("there is no symbol `{name}`; similar ones: {}", similar.join(", "))]
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

impl Language {
    /// The language of a file, by its name.
    pub fn of_path(_path: &WorkspacePath) -> Option<Self> {
        todo!()
    }
}

/// A parsed document, which can follow edits.
pub struct SyntaxTree {
    language: Language,
    tree: tree_sitter::Tree,
}

impl SyntaxTree {
    /// Parses a whole document. `None` when the grammar cannot be loaded.
    pub fn parse(_language: Language, _rope: &Rope) -> Option<Self> {
        todo!()
    }

    /// Takes over an edit; `rope` is the text after it. Only what changed is parsed again.
    pub fn edit(&mut self, _edit: &ByteEdit, _rope: &Rope) {
        todo!()
    }

    /// The language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The tree itself.
    pub fn tree(&self) -> &tree_sitter::Tree {
        &self.tree
    }

    /// The definitions, in the order of the file, outer before inner.
    pub fn symbols(&self, _source: &str) -> Vec<Symbol> {
        todo!()
    }

    /// The directive in or directly around a line, counted from 1.
    pub fn directive_at(&self, _source: &str, _line: u32) -> Option<Directive> {
        todo!()
    }
}

/// The symbols of a text.
pub fn symbols_of(_language: Language, _source: &str) -> Vec<Symbol> {
    todo!()
}

/// The one symbol of this name: fully qualified, or unambiguous by its last parts.
///
/// # Errors
/// When there is none, or more than one.
pub fn find<'a>(_symbols: &'a [Symbol], _name: &str) -> Result<&'a Symbol, SymbolError> {
    todo!()
}

/// The innermost symbol that contains the byte.
pub fn enclosing(_symbols: &[Symbol], _byte: usize) -> Option<&Symbol> {
    todo!()
}

/// The identifiers that a text contains, in any language.
pub fn identifiers(_text: &str) -> BTreeSet<String> {
    todo!()
}
