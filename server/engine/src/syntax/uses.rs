//! What a file uses: the calls in it, and its imports.

use super::grammar::{Call, Callee, Grammar, Imported, Traits};
use super::{Spot, UseKind};
use crate::limits::{USE_NAME_BYTES_MAX, USES_MAX};
use std::num::NonZeroU16;
use std::ops::Range;
use tree_sitter::Node;

/// What the nodes within a node import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Importing {
    Nothing,
    /// What their paths and strings say.
    Names,
    /// What their strings say, from this byte on: they are arguments.
    Strings(usize),
}

/// The uses found so far.
pub(super) struct Uses<'a> {
    grammar: &'static Grammar,
    source: &'a str,
    found: Vec<Spot>,
}

impl<'a> Uses<'a> {
    pub fn new(grammar: &'static Grammar, source: &'a str) -> Self {
        Self { grammar, source, found: Vec::new() }
    }

    /// Notes what a node uses; says what the nodes in it import. `None` when nothing in it is
    /// to be visited. `parent` and `previous` are the nodes around and before it.
    pub fn take(
        &mut self,
        traits: &Traits,
        node: Node<'_>,
        (parent, previous): (Option<Node<'_>>, Option<Node<'_>>),
        importing: Importing,
    ) -> Option<Importing> {
        let names = match importing {
            Importing::Nothing => false,
            Importing::Names => traits.is_string || traits.is_path && !self.goes_on(node),
            Importing::Strings(from) => traits.is_string && node.start_byte() >= from,
        };
        if names {
            let bytes = node.byte_range();
            let text = self.source.get(bytes.clone())?;
            let part = if traits.is_string { Some(inside_quotes(text)) } else { self.last_part(text) };
            self.note(UseKind::Import, bytes.start, part?);
            return None;
        }
        if let Some(import) = traits.import
            && import.applies(node)
        {
            return Some(match import.what {
                Imported::Names => Importing::Names,
                Imported::File => Importing::Strings(node.start_byte()),
            });
        }
        if let Some(call) = traits.call
            && let Some(callee) = self.callee(call, traits.callee_field, node, (parent, previous))
        {
            let name = self.source.get(callee.clone())?;
            if self.grammar.importers.contains(&name) {
                return Some(Importing::Strings(callee.end));
            }
            self.note(UseKind::Call, 0, callee);
        }
        Some(importing)
    }

    /// All of them in the order of the file: the callee of a chain stands behind its receiver.
    pub fn finish(mut self) -> Vec<Spot> {
        self.found.sort_by_key(|found| found.range.start);
        self.found
    }

    fn note(&mut self, kind: UseKind, offset: usize, part: Range<usize>) {
        let range = part.start + offset..part.end + offset;
        let Some(name) = self.source.get(range.clone()) else { return };
        let names = |letter: char| letter.is_alphanumeric() || letter == '_';
        if name.contains(names) && name.len() <= USE_NAME_BYTES_MAX && self.found.len() < USES_MAX {
            self.found.push(Spot { kind, range });
        }
    }

    /// The bytes of the last part of the callee's name.
    fn callee(
        &self,
        call: &Call,
        field: Option<NonZeroU16>,
        node: Node<'_>,
        (parent, previous): (Option<Node<'_>>, Option<Node<'_>>),
    ) -> Option<Range<usize>> {
        let in_field = || node.child_by_field_id(field?.get());
        let begins = |node: Node<'_>, is: fn(char) -> bool| {
            self.source.get(node.start_byte()..).is_some_and(|rest| rest.starts_with(is))
        };
        let callee = match call.callee {
            Callee::Field(_) => in_field(),
            Callee::Capitalised(_) => in_field().filter(|callee| begins(*callee, char::is_uppercase)),
            Callee::First => node.named_child(0),
            Callee::Within(kind) if parent.is_none_or(|parent| parent.kind() != kind) => None,
            Callee::Within(_) => previous
                .filter(|callee| callee.kind() == "identifier" && begins(node, |letter| letter == '(')),
        }?;
        let bytes = callee.byte_range();
        let is_name = |node: Node<'_>| node.child_count() == 0;
        if is_name(callee) || callee.child_count() == 1 && callee.child(0).is_some_and(is_name) {
            return Some(bytes);
        }
        let part = self.last_part(self.source.get(bytes.clone())?)?;
        Some(bytes.start + part.start..bytes.start + part.end)
    }

    /// True for a part of a path that another part follows: `a` in `a.b`, where the grammar
    /// does not hold them together.
    fn goes_on(&self, path: Node<'_>) -> bool {
        let rest = self.source.get(path.end_byte()..).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| rest.starts_with(char::is_alphabetic))
    }

    /// The bytes of a path's last name, without type arguments: `c` in `a::b.c::<T>`.
    fn last_part(&self, path: &str) -> Option<Range<usize>> {
        let is_ending = |sign: char| sign.is_whitespace() || matches!(sign, '!' | '?');
        let bare = without_arguments(path.trim_end_matches(is_ending), self.grammar.type_arguments);
        let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$' | '#');
        let start = bare.rfind(|letter| !is_part(letter)).map_or(0, |at| {
            at + bare.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
        });
        let part = bare.get(start..)?;
        (!part.is_empty() && !part.starts_with(char::is_numeric)).then_some(start..bare.len())
    }
}

/// A path without the type arguments at its end.
fn without_arguments(path: &str, (open, close): (char, char)) -> &str {
    if !path.ends_with(close) {
        return path;
    }
    let mut depth = 0_usize;
    for (at, sign) in path.char_indices().rev().take(USE_NAME_BYTES_MAX) {
        if sign == close {
            depth += 1;
        } else if sign == open {
            depth -= 1;
            if depth == 0 {
                return path.get(..at).unwrap_or_default().trim_end_matches([':', '.', ' ']);
            }
        }
    }
    path
}

/// The bytes of a literal's text.
fn inside_quotes(literal: &str) -> Range<usize> {
    let is_quote = |sign: char| matches!(sign, '"' | '\'' | '`' | '<' | '>');
    let start = literal.len() - literal.trim_start_matches(is_quote).len();
    start..literal.trim_end_matches(is_quote).len().max(start)
}
