//! The walk over a tree that finds its symbols and what they use. One cursor, one explicit
//! stack, no recursion.

use super::grammar::{Grammar, Kinds, Semicolon, Traits};
use super::read::{Definition, Inside, Joint, Place, Reach, Reading, Weight};
use super::uses::{Importing, Uses};
use super::{Spot, Symbol};
use crate::limits::{SIGNATURE_BYTES_MAX, SYMBOL_NAME_BYTES_MAX, SYMBOLS_MAX, SYNTAX_DEPTH_MAX};
use crate::text::LineIndex;
use std::collections::BTreeSet;
use std::ops::Range;
use tree_sitter::{Node, Tree};

/// What is known while the children of one node are visited.
struct Level<'t> {
    /// The node; none above the root.
    node: Option<Node<'t>>,
    /// The child visited last.
    previous: Option<Node<'t>>,
    /// What the children import.
    importing: Importing,
    /// False within attributes, where nothing is defined.
    defines: bool,
    /// What the children are inside of.
    inside: Inside,
    /// Bytes of the qualified name that surrounds them.
    prefix: usize,
    /// The extent of a wrapper that encloses a single definition, and where its head begins.
    wrapper: Option<(Range<usize>, usize)>,
    /// Comments and attributes directly before the child that is visited next.
    leading: Vec<Node<'t>>,
}

impl<'t> Level<'t> {
    /// The level of a node's children, where the node itself changes nothing.
    fn below(&self, node: Node<'t>, prefix: usize) -> Self {
        Self {
            node: Some(node),
            previous: None,
            importing: self.importing,
            defines: self.defines,
            inside: self.inside,
            prefix,
            wrapper: None,
            leading: Vec::new(),
        }
    }

    /// Takes the comments and attributes that belong to a node.
    fn take_leading(&mut self, node: Node<'t>) -> Vec<Node<'t>> {
        let mut leading = std::mem::take(&mut self.leading);
        if !leading.last().is_some_and(|last| adjoins(*last, node)) {
            leading.clear();
        }
        leading
    }

    /// A block that begins with its first statement takes the comments above it along.
    fn inherit(&mut self, leading: Vec<Node<'t>>, block: Node<'t>) {
        if !leading.is_empty() && block.child(0).is_some_and(|first| first.start_byte() == block.start_byte())
        {
            self.leading = leading;
        }
    }
}

/// What a walk looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Symbols,
    Uses,
    Both,
}

/// The symbols of a tree and what it uses, as far as they are wanted. `lines` are those of the
/// source; where no symbols are wanted, they do not matter.
pub(super) fn walk(
    grammar: &'static Grammar,
    kinds: &Kinds,
    tree: &Tree,
    (source, lines): (&str, &LineIndex),
    wanted: Wanted,
) -> (Vec<Symbol>, Vec<Spot>) {
    let walk = Walk {
        grammar,
        kinds,
        source,
        wanted,
        lines,
        prefix: String::new(),
        found: Vec::new(),
        uses: Uses::new(grammar, source),
    };
    walk.run(tree)
}

struct Walk<'a> {
    grammar: &'static Grammar,
    kinds: &'a Kinds,
    source: &'a str,
    wanted: Wanted,
    lines: &'a LineIndex,
    /// The qualified name of what surrounds the node that is visited.
    prefix: String,
    found: Vec<(Symbol, Weight)>,
    uses: Uses<'a>,
}

impl<'a> Walk<'a> {
    fn run(mut self, tree: &Tree) -> (Vec<Symbol>, Vec<Spot>) {
        let mut cursor = tree.walk();
        let mut levels = vec![Level {
            node: None,
            previous: None,
            importing: Importing::Nothing,
            defines: self.wanted != Wanted::Uses,
            inside: Inside::Module,
            prefix: 0,
            wrapper: None,
            leading: Vec::new(),
        }];
        'nodes: while let Some(level) = levels.last_mut() {
            if self.found.len() >= SYMBOLS_MAX {
                break;
            }
            // Only the cursor knows a node's field, and only an alias is told by it.
            let is_alias = level.importing != Importing::Nothing && cursor.field_name() == Some("alias");
            let below = if is_alias { None } else { self.visit(cursor.node(), level) };
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
        (finish(self.found), self.uses.finish())
    }

    /// Visits one node; gives the level of its children, if they are to be visited.
    fn visit<'t>(&mut self, node: Node<'t>, level: &mut Level<'t>) -> Option<Level<'t>> {
        let previous = level.previous.replace(node);
        let kinds: &'a Kinds = self.kinds;
        let Some(traits) = kinds.of(node) else { return self.pass(node, level) };
        let mut below = level.below(node, self.prefix.len());
        if self.wanted != Wanted::Symbols {
            below.importing = self.uses.take(traits, node, (level.node, previous), level.importing)?;
        }
        if !level.defines {
            return Some(below);
        }
        if traits.is_comment || traits.is_attribute {
            self.take_lead(traits, node, level);
            below.defines = false;
            return (traits.is_attribute && self.wanted == Wanted::Both).then_some(below);
        }
        self.define(traits, node, level, &mut below);
        Some(below)
    }

    /// Passes a node that is nothing itself; what is in it may be something. Nearly all nodes are
    /// passed, and most of these hold none.
    fn pass<'t>(&self, node: Node<'t>, level: &mut Level<'t>) -> Option<Level<'t>> {
        let leading = if level.leading.is_empty() { Vec::new() } else { level.take_leading(node) };
        let holds_nothing = || {
            level.importing == Importing::Nothing
                && level.node.is_some()
                && node.descendant_count() <= self.grammar.nodes_min
        };
        if node.child_count() == 0 || holds_nothing() {
            return None;
        }
        let mut below = level.below(node, self.prefix.len());
        below.inherit(leading, node);
        Some(below)
    }

    /// Records what a node defines; what follows from it for those within it goes to `below`.
    fn define<'t>(&mut self, traits: &Traits, node: Node<'t>, level: &mut Level<'t>, below: &mut Level<'t>) {
        let leading = level.take_leading(node);
        let start = leading.first().map_or(node.start_byte(), |first| first.start_byte());
        if let Some(rule) = traits.rule {
            let place = Place {
                node,
                bodies: self.grammar.bodies,
                source: self.source,
                inside: level.inside,
                parent: level.node,
                leading: &leading,
            };
            match rule.read(&place) {
                Reading::Nothing => {}
                Reading::Scope(name, within) => {
                    below.inside = within;
                    self.qualify(&name, Joint::Separator);
                }
                Reading::Within(within) => below.inside = within,
                Reading::Definition(definition) => {
                    below.inside = definition.inside;
                    let end = definition.end.unwrap_or(node.end_byte());
                    let (range, head) = match &level.wrapper {
                        Some(wrapper) => wrapper.clone(),
                        None => (start..end, self.head_start(node)),
                    };
                    let (outside, reach) = (self.prefix.len(), definition.reach);
                    let around = (reach == Reach::Alone).then(|| std::mem::take(&mut self.prefix));
                    self.qualify(&definition.name, definition.joint);
                    self.record(definition, range, head, node.end_byte());
                    match reach {
                        Reach::Qualifies => {}
                        Reach::Beside => self.prefix.truncate(outside),
                        Reach::Alone => self.prefix = around.unwrap_or_default(),
                    }
                }
            }
            below.prefix = self.prefix.len();
        }
        below.wrapper = traits.wraps(node).then(|| match &level.wrapper {
            Some(wrapper) => wrapper.clone(),
            None => (start..node.end_byte(), self.head_start(node)),
        });
        below.inherit(leading, node);
    }

    /// Remembers a comment or an attribute if it can belong to what follows.
    fn take_lead<'t>(&self, traits: &Traits, node: Node<'t>, level: &mut Level<'t>) {
        if !level.leading.last().is_some_and(|last| adjoins(*last, node)) {
            level.leading.clear();
        }
        let stands_alone = || begins_line(self.source, node.start_byte()) && !self.is_about_the_file(node);
        if !traits.is_comment || stands_alone() {
            level.leading.push(node);
        } else {
            level.leading.clear();
        }
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
}

/// Prototypes and overload signatures go where the file has the definition too.
fn finish(found: Vec<(Symbol, Weight)>) -> Vec<Symbol> {
    let is_definition = |weight: &Weight| *weight == Weight::Definition;
    if found.iter().all(|(_, weight)| is_definition(weight)) {
        return found.into_iter().map(|(symbol, _)| symbol).collect();
    }
    let defined: BTreeSet<String> = found
        .iter()
        .filter(|(_, weight)| is_definition(weight))
        .map(|(symbol, _)| symbol.name.clone())
        .collect();
    found
        .into_iter()
        .filter(|(symbol, weight)| is_definition(weight) || !defined.contains(&symbol.name))
        .map(|(symbol, _)| symbol)
        .collect()
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
