//! The summary of one file: small enough to keep for every file of a large workspace.
//!
//! Words are kept as digests of 32 bits. Two words share one in some hundred thousand, which
//! moves a rank and never a text.

use crate::syntax::{Language, SymbolKind};
use serde::{Deserialize, Serialize};

/// A part of a word, or a word of several parts, without regard to case and form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Term(pub u32);

/// A name as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NameKey(pub u32);

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct FileSummary {
    /// The language, where a grammar has read the file.
    pub language: Option<Language>,
    /// Lines of the file.
    pub lines: u32,
    /// What it defines, in the order of the file, outer before inner.
    pub definitions: Box<[Definition]>,
    /// What it imports, as it is written there: a path, a module, a name.
    pub imports: Box<[Box<str>]>,
    /// The terms of all definitions, one after the other, each definition's sorted.
    pub(super) terms: Box<[Term]>,
    /// How often each of `terms` occurs, and where.
    pub(super) counts: Box<[Counts]>,
    /// The names that all definitions call, one after the other, each definition's sorted.
    pub(super) calls: Box<[NameKey]>,
}

/// A definition of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// The qualified name within the file.
    pub name: Box<str>,
    /// The definition's head on one line.
    pub signature: Box<str>,
    /// The key of its own name, without what qualifies it.
    pub own: NameKey,
    /// What it is.
    pub kind: SymbolKind,
    /// True when a test framework would run it, or it stands in a module of tests.
    pub is_test: bool,
    /// The first byte and the byte behind the last, with doc comments and attributes.
    pub bytes: (u32, u32),
    /// First and last line of these, counted from 1.
    pub lines: (u32, u32),
    /// The line on which it begins without doc comments and attributes.
    pub head_line: u32,
    /// The line of its own name.
    pub name_line: u32,
    /// Tokens of its text from `head_line` on, estimated.
    pub tokens: u32,
    /// Words of its text from the head on.
    pub words: u32,
    /// The end of its part of the file's terms.
    pub(super) terms_end: u32,
    /// The end of its part of the file's calls.
    pub(super) calls_end: u32,
}

impl Definition {
    /// True for what can be called: its body is worth showing.
    pub fn is_callable(&self) -> bool {
        matches!(self.kind, SymbolKind::Function | SymbolKind::Method)
    }
}

/// How often a term occurs in each field of a definition. Counts stop at the field's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(u16);

/// A field of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Its own name.
    Name,
    /// What qualifies the name.
    Path,
    /// The head: parameters, their types.
    Signature,
    /// Doc comments before it.
    Doc,
    /// Everything from the head to the end.
    Body,
}

impl Held {
    const fn bits(self) -> (u16, u16) {
        match self {
            Self::Name => (0, 0b11),
            Self::Path => (2, 0b11),
            Self::Signature => (4, 0b111),
            Self::Doc => (7, 0b1111),
            Self::Body => (11, 0b1_1111),
        }
    }
}

impl Counts {
    /// How often the term occurs in this field.
    pub const fn of(self, field: Held) -> u16 {
        let (shift, most) = field.bits();
        (self.0 >> shift) & most
    }

    /// One more occurrence.
    pub(super) fn add(&mut self, field: Held) {
        let (shift, most) = field.bits();
        if self.of(field) < most {
            self.0 += 1 << shift;
        }
    }
}

impl FileSummary {
    /// The terms of a definition with their counts, sorted by term.
    pub fn terms(&self, definition: usize) -> impl Iterator<Item = (Term, Counts)> {
        let (start, end) = self.part(definition, |it| it.terms_end);
        let terms = self.terms.get(start..end).unwrap_or_default();
        terms.iter().copied().zip(self.counts.get(start..end).unwrap_or_default().iter().copied())
    }

    /// The names that a definition calls, sorted.
    pub fn calls(&self, definition: usize) -> &[NameKey] {
        let (start, end) = self.part(definition, |it| it.calls_end);
        self.calls.get(start..end).unwrap_or_default()
    }

    /// The terms of all definitions that are wanted, in their order: the number of the definition,
    /// what `wanted` says, and the counts. Of nearly all terms only the term itself is looked at.
    pub fn terms_wanted<W>(
        &self,
        wanted: impl Fn(Term) -> Option<W>,
    ) -> impl Iterator<Item = (usize, W, Counts)> {
        let mut at = 0;
        self.terms.iter().zip(&self.counts).enumerate().filter_map(move |(place, (term, counts))| {
            let said = wanted(*term)?;
            at = self.holder(at, place, |it| it.terms_end);
            Some((at, said, *counts))
        })
    }

    /// The names that definitions call and that are wanted, in their order, each with the number
    /// of the definition.
    pub fn calls_wanted(&self, wanted: impl Fn(NameKey) -> bool) -> impl Iterator<Item = (usize, NameKey)> {
        let mut at = 0;
        let wanted = self.calls.iter().enumerate().filter(move |(_, name)| wanted(**name));
        wanted.map(move |(place, name)| {
            at = self.holder(at, place, |it| it.calls_end);
            (at, *name)
        })
    }

    /// The definition whose part holds a place, from this one on.
    fn holder(&self, from: usize, place: usize, end: impl Fn(&Definition) -> u32) -> usize {
        let behind = self.definitions.iter().skip(from);
        from + behind.take_while(|it| end(it) as usize <= place).count()
    }

    /// True when one of its definitions holds all these terms.
    pub fn speaks_of(&self, terms: &[Term]) -> bool {
        (0..self.definitions.len()).any(|definition| {
            let (start, end) = self.part(definition, |it| it.terms_end);
            let held = self.terms.get(start..end).unwrap_or_default();
            terms.iter().all(|term| held.binary_search(term).is_ok())
        })
    }

    fn part(&self, definition: usize, end: impl Fn(&Definition) -> u32) -> (usize, usize) {
        let before = definition.checked_sub(1).and_then(|before| self.definitions.get(before));
        (before.map_or(0, &end) as usize, self.definitions.get(definition).map_or(0, &end) as usize)
    }

    /// The innermost definition that holds this line, counted from 1.
    pub fn at_line(&self, line: u32) -> Option<usize> {
        self.innermost(line, |_| true)
    }

    /// The innermost definition of those wanted that holds this line, counted from 1.
    pub fn innermost(&self, line: u32, wanted: impl Fn(&Definition) -> bool) -> Option<usize> {
        let holding = self.definitions.iter().enumerate();
        holding
            .filter(|(_, it)| it.lines.0 <= line && line <= it.lines.1 && wanted(it))
            .min_by_key(|(_, it)| it.bytes.1 - it.bytes.0)
            .map(|(at, _)| at)
    }

    /// Bytes that the summary takes in memory, roughly.
    pub fn bytes(&self) -> usize {
        let texts: usize = self.definitions.iter().map(|it| it.name.len() + it.signature.len()).sum();
        let imports: usize = self.imports.iter().map(|it| it.len() + size_of::<Box<str>>()).sum();
        size_of::<Self>()
            + self.definitions.len() * size_of::<Definition>()
            + texts
            + imports
            + self.terms.len() * (size_of::<Term>() + size_of::<Counts>())
            + self.calls.len() * size_of::<NameKey>()
    }
}
