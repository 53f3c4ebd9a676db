//! The walk over a tree that finds its symbols. One cursor, one explicit stack, no recursion.

use super::Symbol;
use super::grammar::{Grammar, Semicolon};
use super::read::{Definition, Inside, Joint, Place, Reach, Reading, Weight};
use crate::limits::{SIGNATURE_BYTES_MAX, SYMBOL_NAME_BYTES_MAX, SYMBOLS_MAX, SYNTAX_DEPTH_MAX};
use crate::text::LineIndex;
use std::collections::BTreeSet;
use std::ops::Range;
use tree_sitter::{Node, Tree};

/// What is known while the children of one node are visited.
struct Level<'t> {
    /// The node's kind; empty above the root.
    kind: &'t str,
    /// What the children are inside of.
    inside: Inside,
    /// Bytes of the qualified name that surrounds them.
    prefix: usize,
    /// The extent of a wrapper that encloses a single definition, and where its head begins.
    wrapper: Option<(Range<usize>, usize)>,
    /// Comments and attributes directly before the child that is visited next.
    leading: Vec<Node<'t>>,
}

/// The symbols of a tree.
pub(super) fn symbols(grammar: &'static Grammar, tree: &Tree, source: &str) -> Vec<Symbol> {
    Walk { grammar, source, lines: LineIndex::new(source), prefix: String::new(), found: Vec::new() }
        .run(tree)
}

struct Walk<'a> {
    grammar: &'static Grammar,
    source: &'a str,
    lines: LineIndex,
    /// The qualified name of what surrounds the node that is visited.
    prefix: String,
    found: Vec<(Symbol, Weight)>,
}

impl Walk<'_> {
    fn run(mut self, tree: &Tree) -> Vec<Symbol> {
        let mut cursor = tree.walk();
        let top = Level { kind: "", inside: Inside::Module, prefix: 0, wrapper: None, leading: Vec::new() };
        let mut levels = vec![top];
        'nodes: while let Some(level) = levels.last_mut() {
            if self.found.len() >= SYMBOLS_MAX {
                break;
            }
            let below = self.visit(cursor.node(), level);
            if let Some(below) = below
                && levels.len() < SYNTAX_DEPTH_MAX
                && cursor.goto_first_child()
            {
                levels.push(below);
                continue;
            }
            while !cursor.goto_next_sibling() {
                levels.pop();
                if !cursor.goto_parent() {
                    break 'nodes;
                }
            }
            self.prefix.truncate(levels.last().map_or(0, |level| level.prefix));
        }
        self.finish()
    }

    /// Visits one node; gives the level of its children, if they are to be visited.
    fn visit<'t>(&mut self, node: Node<'t>, level: &mut Level<'t>) -> Option<Level<'t>> {
        if self.takes_lead(node, level) {
            return None;
        }
        let mut leading = std::mem::take(&mut level.leading);
        if !leading.last().is_some_and(|last| adjoins(*last, node)) {
            leading.clear();
        }
        let place =
            Place { node, source: self.source, inside: level.inside, parent: level.kind, leading: &leading };
        let mut inside = level.inside;
        match (self.grammar.read)(&place) {
            Reading::Nothing => {}
            Reading::Scope(name, within) => {
                inside = within;
                self.qualify(&name, Joint::Separator);
            }
            Reading::Definition(definition) => {
                inside = definition.inside;
                let own = leading.first().map_or(node.start_byte(), |first| first.start_byte());
                let (range, head) = match &level.wrapper {
                    Some(wrapper) => wrapper.clone(),
                    None => (own..node.end_byte(), self.head_start(node)),
                };
                let (outside, reach) = (self.prefix.len(), definition.reach);
                self.qualify(&definition.name, definition.joint);
                self.record(definition, range, head, node.end_byte());
                if reach == Reach::Beside {
                    self.prefix.truncate(outside);
                }
            }
        }
        let wrapper = self.grammar.wraps(node).then(|| match &level.wrapper {
            Some(wrapper) => wrapper.clone(),
            None => {
                let start = leading.first().map_or(node.start_byte(), |first| first.start_byte());
                (start..node.end_byte(), self.head_start(node))
            }
        });
        // A block that begins with its first statement takes the comments above it along.
        let carries = node.child(0).is_some_and(|first| first.start_byte() == node.start_byte());
        if !carries {
            leading.clear();
        }
        Some(Level { kind: node.kind(), inside, prefix: self.prefix.len(), wrapper, leading })
    }

    /// True for a comment or an attribute; it is remembered if it can belong to what follows.
    fn takes_lead<'t>(&self, node: Node<'t>, level: &mut Level<'t>) -> bool {
        let is_comment = self.grammar.comments.contains(&node.kind());
        if !is_comment && !self.grammar.attributes.contains(&node.kind()) {
            return false;
        }
        if !level.leading.last().is_some_and(|last| adjoins(*last, node)) {
            level.leading.clear();
        }
        if is_comment && (!begins_line(self.source, node.start_byte()) || self.is_about_the_file(node)) {
            level.leading.clear();
        } else {
            level.leading.push(node);
        }
        true
    }

    /// Inner doc comments and interpreter lines speak of what surrounds them.
    fn is_about_the_file(&self, comment: Node<'_>) -> bool {
        let text = self.source.get(comment.byte_range()).unwrap_or_default();
        ["//!", "/*!", "#!"].iter().any(|marker| text.starts_with(marker))
    }

    /// Where a definition's head begins: behind its attributes.
    fn head_start(&self, node: Node<'_>) -> usize {
        let mut cursor = node.walk();
        let mut children = node.children(&mut cursor);
        let kinds = self.grammar.attributes;
        children
            .find(|child| !kinds.contains(&child.kind()) && child.kind() != "decorator")
            .map_or(node.start_byte(), |child| child.start_byte())
    }

    fn qualify(&mut self, name: &str, joint: Joint) {
        if !self.prefix.is_empty() {
            self.prefix.push_str(match joint {
                Joint::Separator => self.grammar.separator,
                Joint::Title => " > ",
            });
        }
        self.prefix.push_str(name);
    }

    fn record(&mut self, definition: Definition, mut range: Range<usize>, head: usize, node_end: usize) {
        if self.prefix.len() > SYMBOL_NAME_BYTES_MAX {
            return;
        }
        range.end = self.end_of(range.end);
        let head_end = definition.head_end.unwrap_or(node_end);
        let symbol = Symbol {
            name: self.prefix.clone(),
            kind: definition.kind,
            lines: self.lines.lines_of(&range),
            signature: signature(self.source.get(head..head_end).unwrap_or_default()),
            range,
            name_range: definition.name_range,
            is_test: definition.is_test,
        };
        self.found.push((symbol, definition.weight));
    }

    /// The end without a trailing line break, and with a `;` that belongs to the definition.
    fn end_of(&self, end: usize) -> usize {
        let before = self.source.get(..end).unwrap_or_default();
        let trimmed = before.trim_end().len();
        if self.grammar.semicolon == Semicolon::Separate {
            return trimmed;
        }
        let after = self.source.get(trimmed..).unwrap_or_default();
        let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
        match after.get(blanks..) {
            Some(rest) if rest.starts_with(';') => trimmed + blanks + 1,
            _ => trimmed,
        }
    }

    /// Prototypes and overload signatures go where the file has the definition too.
    fn finish(self) -> Vec<Symbol> {
        let defined: BTreeSet<String> = self
            .found
            .iter()
            .filter(|(_, weight)| *weight == Weight::Definition)
            .map(|(symbol, _)| symbol.name.clone())
            .collect();
        self.found
            .into_iter()
            .filter(|(symbol, weight)| *weight == Weight::Definition || !defined.contains(&symbol.name))
            .map(|(symbol, _)| symbol)
            .collect()
    }
}

/// True when no empty line stands between a comment or attribute and the node after it.
fn adjoins(before: Node<'_>, node: Node<'_>) -> bool {
    let end = before.end_position();
    // Some grammars count a comment's line break as part of it.
    let last = if end.column == 0 && before.start_position().row < end.row { end.row - 1 } else { end.row };
    node.start_position().row <= last + 1
}

/// True when only blanks stand before the byte on its line.
pub(super) fn begins_line(source: &str, byte: usize) -> bool {
    let before = source.get(..byte).unwrap_or_default().trim_end_matches([' ', '\t', '\u{feff}']);
    before.is_empty() || before.ends_with(['\n', '\r'])
}

/// A definition's head on one line.
fn signature(head: &str) -> String {
    let mut line = String::new();
    for word in head.split_whitespace() {
        if line.len() + word.len() > SIGNATURE_BYTES_MAX {
            line.push_str(" …");
            return line;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let end = line.trim_end_matches([' ', '{', '=', ':', ';', ',']).len();
    line.truncate(end);
    line
}
