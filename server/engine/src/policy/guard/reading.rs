//! One text of a file, read for what judges the work in it: tests, their assertions, and what
//! keeps an assertion from being reached. What differs between languages stands in `dialect`.
//!
//! Nothing here compares, and nothing here recurses over the tree.

use super::dialect::{Dialect, Hold, Opening, Role, Site};
use super::marks::{self, Mark};
use super::tokens::{Tokens, words};
use crate::limits::{GUARD_EXITS_MAX, SYNTAX_DEPTH_MAX};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use tree_sitter::{Node, Tree};

/// What a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The file.
    File,
    /// A module, class or suite.
    Scope,
    /// A function that the runner runs.
    Test,
    /// Any other function.
    Function,
}

/// Something that holds assertions.
#[derive(Debug)]
pub(super) struct Unit {
    pub kind: Kind,
    /// Qualified within the file; empty for the file.
    pub name: String,
    /// The last part of the name.
    pub own: String,
    /// Its place in [`Reading::units`]; the file is its own parent.
    pub parent: usize,
    /// Its bytes, with attributes.
    pub range: Range<usize>,
    /// The bytes of its body.
    pub body: Range<usize>,
    /// What stops or narrows it.
    pub marks: Vec<Mark>,
    /// What stands between it and the unit around it.
    pub outer: BTreeSet<Hindrance>,
    pub judgements: Vec<Judgement>,
    /// Statements without a judgement that call something.
    pub calls: Vec<Judgement>,
    /// The rows of its tables.
    pub rows: Vec<String>,
    /// Its variables, by name: the last value.
    pub bindings: BTreeMap<String, Bound>,
}

/// Something that can keep an assertion from being reached, or its failure from being seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hindrance {
    pub hold: Hold,
    pub text: String,
}

/// An assertion.
#[derive(Debug, Clone)]
pub(super) struct Judgement {
    /// Its tokens, in one spelling.
    pub key: String,
    pub start: usize,
    pub hindrances: BTreeSet<Hindrance>,
}

/// The value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound {
    /// The tokens of the value.
    pub value: String,
    /// True when it calls something.
    pub calls: bool,
}

/// A module that another file holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    pub name: String,
    pub is_test: bool,
    /// Its attributes, in one spelling.
    pub attributes: String,
    pub start: usize,
}

/// What a text says.
pub(super) struct Reading<'a> {
    pub source: &'a str,
    pub tokens: Tokens<'a>,
    /// The file first; outer before inner.
    pub units: Vec<Unit>,
    pub links: Vec<Link>,
    /// Places where the grammar was lost.
    pub errors: usize,
}

struct Flat<'t> {
    node: Node<'t>,
    depth: usize,
}

/// A node whose children are being read, and what to restore behind it.
struct Level<'t> {
    depth: usize,
    node: Node<'t>,
    unit: usize,
    base: usize,
    holds: usize,
    judged: bool,
}

/// A hindrance on the way, and the closure that it is, if it is one.
struct Held {
    hindrance: Hindrance,
    closure: Option<usize>,
}

struct Exit {
    unit: usize,
    closure: Option<usize>,
    hindrance: Hindrance,
}

pub(super) fn read<'a>(dialect: &'static Dialect, tree: &Tree, source: &'a str) -> Reading<'a> {
    let (flat, tokens, errors) = flatten(dialect, tree, source);
    let file = Unit {
        kind: Kind::File,
        name: String::new(),
        own: String::new(),
        parent: 0,
        range: 0..source.len(),
        body: 0..source.len(),
        marks: Vec::new(),
        outer: BTreeSet::new(),
        judgements: Vec::new(),
        calls: Vec::new(),
        rows: Vec::new(),
        bindings: BTreeMap::new(),
    };
    let mut reader = Reader {
        dialect,
        source,
        flat: &flat,
        tokens: &tokens,
        units: vec![file],
        links: Vec::new(),
        holds: Vec::new(),
        exits: Vec::new(),
        tables: Vec::new(),
        arrays: Vec::new(),
    };
    reader.run();
    reader.resolve_tables();
    let (mut units, links) = (reader.units, reader.links);
    for (start, mark) in marks::found(dialect.family, source, &tokens) {
        // The last unit that holds the place is the innermost.
        let holder = units.iter_mut().rev().find(|unit| unit.range.contains(&start));
        if let Some(holder) = holder {
            holder.marks.push(mark);
        }
    }
    Reading { source, tokens, units, links, errors }
}

/// All named nodes in order, and the tokens, in one pass.
fn flatten<'a, 't>(dialect: &Dialect, tree: &'t Tree, source: &'a str) -> (Vec<Flat<'t>>, Tokens<'a>, usize) {
    let mut flat = Vec::new();
    let mut tokens = Tokens::default();
    let mut errors = 0;
    let mut depth = 0;
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        errors += usize::from(node.is_error() || node.is_missing());
        let is_comment = dialect.comments.contains(&node.kind());
        let is_string = dialect.strings.contains(&node.kind());
        if node.is_named() && !is_comment {
            flat.push(Flat { node, depth });
        }
        let descends = !is_comment && !is_string && depth < SYNTAX_DEPTH_MAX && cursor.goto_first_child();
        if descends {
            depth += 1;
            continue;
        }
        if depth >= SYNTAX_DEPTH_MAX {
            errors += 1;
        }
        if !is_comment {
            tokens.push(source, node.byte_range(), is_string);
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return (flat, tokens, errors);
            }
            depth -= 1;
        }
    }
}

struct Reader<'r, 'a, 't> {
    dialect: &'static Dialect,
    source: &'a str,
    flat: &'r [Flat<'t>],
    tokens: &'r Tokens<'a>,
    units: Vec<Unit>,
    links: Vec<Link>,
    holds: Vec<Held>,
    exits: Vec<Exit>,
    /// Names that a unit goes through row by row.
    tables: Vec<(usize, String)>,
    /// By unit and name: the literal that a variable was given.
    arrays: Vec<(usize, String, Range<usize>)>,
}

impl<'t> Reader<'_, '_, 't> {
    fn run(&mut self) {
        let mut levels: Vec<Level<'t>> = Vec::new();
        let mut roles = Vec::new();
        let mut pending: (usize, Vec<Node<'t>>) = (0, Vec::new());
        let (mut unit, mut base, mut judged) = (0, 0, false);
        for index in 0..self.flat.len() {
            let Some(Flat { node, depth }) = self.flat.get(index) else { break };
            let (node, depth) = (*node, *depth);
            while let Some(level) = levels.pop_if(|level| level.depth >= depth) {
                (unit, base, judged) = (level.unit, level.base, level.judged);
                self.holds.truncate(level.holds);
            }
            let parents: [Option<Node<'t>>; 2] = [
                levels.last().map(|level| level.node),
                levels.len().checked_sub(2).and_then(|at| levels.get(at)).map(|level| level.node),
            ];
            levels.push(Level { depth, node, unit, base, holds: self.holds.len(), judged });
            let [parent, grandparent] = parents;
            let attributes = if pending.0 == depth { pending.1.as_slice() } else { &[] };
            let in_function = matches!(self.units.get(unit), Some(unit) if matches!(unit.kind, Kind::Test | Kind::Function));
            let site = Site { node, parent, grandparent, source: self.source, attributes, in_function };
            roles.clear();
            (self.dialect.roles)(&site, &mut roles);
            let is_attribute = matches!(roles.as_slice(), [Role::Attribute]);
            for role in roles.drain(..) {
                match role {
                    Role::Attribute => {
                        if pending.0 != depth {
                            pending = (depth, Vec::new());
                        }
                        pending.1.push(node);
                    }
                    Role::Unit(opening) => {
                        unit = self.open(opening, node, unit, base);
                        base = self.holds.len();
                        judged = false;
                    }
                    Role::Link { name, is_test } => {
                        let attributes = pending.1.iter().map(|node| self.tokens.key(&node.byte_range()));
                        let attributes = attributes.collect::<String>();
                        self.links.push(Link { name, is_test, attributes, start: node.start_byte() });
                    }
                    Role::Judgement(ranges) if !judged => {
                        self.judge(unit, base, &ranges, false);
                        judged = true;
                    }
                    Role::Failure if !judged => {
                        self.judge(unit, base, &[node.byte_range()], true);
                        judged = true;
                    }
                    Role::Judgement(_) | Role::Failure => {}
                    Role::Hold { hold, header } => self.hold(index, unit, hold, header, node),
                    Role::Exit if !judged => self.exit(unit, base, node),
                    Role::Exit => {}
                    Role::Binding { name, value } => self.bind(index, unit, name, value),
                    Role::Statement => {
                        let call = self.judgement(unit, base, &[node.byte_range()]);
                        if let Some(unit) = self.units.get_mut(unit) {
                            unit.calls.push(call);
                        }
                    }
                    Role::Table(iterable) => self.table(index, unit, iterable),
                }
            }
            if !is_attribute && pending.0 == depth {
                pending.1.clear();
            }
        }
        self.drop_judged_statements();
    }

    /// A statement that is a judgement, or a unit of its own, says nothing beside it.
    fn drop_judged_statements(&mut self) {
        let units: BTreeSet<usize> = self.units.iter().skip(1).map(|unit| unit.range.start).collect();
        for unit in &mut self.units {
            let judged: BTreeSet<usize> = unit.judgements.iter().map(|judgement| judgement.start).collect();
            unit.calls.retain(|call| !judged.contains(&call.start) && !units.contains(&call.start));
        }
    }

    fn open(&mut self, opening: Opening<'t>, node: Node<'t>, parent: usize, base: usize) -> usize {
        let start = opening.attributes.first().map_or(node.start_byte(), Node::start_byte);
        let start = start.min(node.start_byte());
        let around = self.units.get(parent).map(|unit| unit.name.as_str()).unwrap_or_default();
        let joint = if around.is_empty() { "" } else { self.dialect.joint };
        let name = format!("{around}{joint}{}", opening.name);
        let body = opening.body.unwrap_or(node).byte_range();
        let at = self.units.len();
        let outer = self.holds.get(base..).unwrap_or_default();
        let exits = self.exits.iter().filter(|exit| exit.unit == parent && opening.kind != Kind::Function);
        let exits = exits.map(|exit| exit.hindrance.clone());
        let outer = outer.iter().map(|held| held.hindrance.clone()).chain(exits).collect();
        self.units.push(Unit {
            kind: opening.kind,
            name,
            own: opening.name,
            parent,
            range: start..node.end_byte(),
            body,
            marks: Vec::new(),
            outer,
            judgements: Vec::new(),
            calls: Vec::new(),
            rows: Vec::new(),
            bindings: BTreeMap::new(),
        });
        for attribute in opening.attributes {
            if (self.dialect.is_case)(self.text(attribute)) {
                let row = self.tokens.key(&attribute.byte_range());
                if let Some(unit) = self.units.get_mut(at) {
                    unit.rows.push(row);
                }
            } else if (self.dialect.is_table)(self.text(attribute)) {
                self.rows_below(attribute.byte_range(), at);
            }
        }
        at
    }

    fn text(&self, node: Node<'_>) -> &str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    fn judgement(&self, unit: usize, base: usize, ranges: &[Range<usize>]) -> Judgement {
        let held = self.holds.get(base..).unwrap_or_default();
        let closures: BTreeSet<usize> = held.iter().filter_map(|held| held.closure).collect();
        let exits = self.exits.iter().filter(|exit| {
            exit.unit == unit && exit.closure.is_none_or(|closure| closures.contains(&closure))
        });
        let exits = exits.map(|exit| exit.hindrance.clone());
        let mut key = String::new();
        for range in ranges {
            let part = self.tokens.key(range);
            if key.ends_with(char::is_alphanumeric)
                && part.starts_with(|letter: char| !")]}".contains(letter))
            {
                key.push(' ');
            }
            key.push_str(&part);
        }
        Judgement {
            key,
            start: ranges.first().map_or(0, |range| range.start),
            hindrances: held.iter().map(|held| held.hindrance.clone()).chain(exits).collect(),
        }
    }

    /// A failure that is spoken out counts together with the condition right around it; its
    /// message says nothing.
    fn judge(&mut self, unit: usize, base: usize, ranges: &[Range<usize>], is_failure: bool) {
        let mut judgement = self.judgement(unit, base, ranges);
        if is_failure {
            let innermost = self.holds.get(base..).and_then(<[Held]>::last);
            let condition = innermost.filter(|held| held.hindrance.hold == Hold::Condition);
            judgement.key = match condition {
                Some(held) => {
                    judgement.hindrances.remove(&held.hindrance);
                    format!("{}{{fail}}", held.hindrance.text)
                }
                None => "fail".to_owned(),
            };
        }
        if let Some(unit) = self.units.get_mut(unit) {
            unit.judgements.push(judgement);
        }
    }

    fn hold(&mut self, index: usize, unit: usize, hold: Hold, header: Range<usize>, node: Node<'t>) {
        let array = if hold == Hold::Loop { self.array_below(index, &header) } else { None };
        let text = match &array {
            Some(array) => {
                let before = self.tokens.key(&(header.start..array.start));
                format!("{before}[…]{}", self.tokens.key(&(array.end..header.end)))
            }
            None => self.tokens.key(&header),
        };
        if hold == Hold::Loop {
            self.table(index, unit, header);
        }
        let closure = matches!(hold, Hold::Closure).then(|| node.id());
        self.holds.push(Held { hindrance: Hindrance { hold, text }, closure });
    }

    fn exit(&mut self, unit: usize, base: usize, node: Node<'t>) {
        let held = self.holds.get(base..).unwrap_or_default();
        let word = self.text(node).split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
        let condition = held.iter().rev().find(|held| held.hindrance.hold == Hold::Condition);
        let text = match condition {
            Some(held) => format!("{} {word}", held.hindrance.text),
            None => word.to_owned(),
        };
        let closure = held.iter().rev().find_map(|held| held.closure);
        let hindrance = Hindrance { hold: Hold::Exit, text };
        let mut of_unit = self.exits.iter().rev().take_while(|exit| exit.unit == unit);
        let is_known = of_unit.clone().any(|exit| exit.closure == closure && exit.hindrance == hindrance);
        if !is_known && of_unit.nth(GUARD_EXITS_MAX - 1).is_none() {
            self.exits.push(Exit { unit, closure, hindrance });
        }
    }

    fn bind(&mut self, index: usize, unit: usize, name: String, value: Option<Range<usize>>) {
        let calls = value.as_ref().is_some_and(|value| {
            self.below(index, value).any(|node| self.dialect.calls.contains(&node.kind()))
        });
        if let Some(value) = &value
            && let Some(array) = self.array_below(index, value)
        {
            self.arrays.push((unit, name.clone(), array));
        }
        let text = value.map(|value| self.tokens.key(&value)).unwrap_or_default();
        if let Some(unit) = self.units.get_mut(unit) {
            unit.bindings.insert(name, Bound { value: text, calls });
        }
    }

    /// The nodes of a range, from a node on that holds it.
    fn below(&self, index: usize, range: &Range<usize>) -> impl Iterator<Item = Node<'t>> {
        let range = range.clone();
        let nodes = self.flat.get(index..).unwrap_or_default().iter().map(|flat| flat.node);
        let end = range.end;
        nodes
            .take_while(move |node| node.start_byte() < end)
            .filter(move |node| node.start_byte() >= range.start && node.end_byte() <= range.end)
    }

    fn array_below(&self, index: usize, range: &Range<usize>) -> Option<Range<usize>> {
        let arrays = self.below(index, range).filter(|node| self.dialect.arrays.contains(&node.kind()));
        // The longest is the table; names of columns and the like are shorter.
        arrays.map(|array| array.byte_range()).reduce(|a, b| if b.len() > a.len() { b } else { a })
    }

    /// Something that is gone through row by row: a literal, or the name of one.
    fn table(&mut self, index: usize, unit: usize, iterable: Range<usize>) {
        match self.array_below(index, &iterable) {
            Some(array) => self.add_rows(unit, &array),
            None => self.name_tables(unit, &iterable),
        }
    }

    fn name_tables(&mut self, unit: usize, iterable: &Range<usize>) {
        let key = self.tokens.key(iterable);
        self.tables.extend(words(&key).map(|word| (unit, word.to_owned())));
    }

    /// As [`Self::table`], for an attribute, which stands before the unit.
    fn rows_below(&mut self, range: Range<usize>, unit: usize) {
        let at = self.flat.partition_point(|flat| flat.node.start_byte() < range.start);
        self.table(at, unit, range);
    }

    fn add_rows(&mut self, unit: usize, array: &Range<usize>) {
        let rows = self.tokens.rows(array);
        if let Some(unit) = self.units.get_mut(unit) {
            unit.rows.extend(rows);
        }
    }

    fn is_test_module(&self, unit: &Unit) -> bool {
        let head = self.source.get(unit.range.start..unit.body.start).unwrap_or_default();
        unit.kind == Kind::Scope && is_test_head(head)
    }

    fn resolve_tables(&mut self) {
        let tables = std::mem::take(&mut self.tables);
        let arrays = std::mem::take(&mut self.arrays);
        for (unit, name) in tables {
            let mut around = unit;
            loop {
                let array = arrays.iter().rev().find(|(at, of, _)| *at == around && *of == name);
                if let Some((_, _, array)) = array {
                    self.add_rows(unit, array);
                    break;
                }
                // What stands outside of a program's tests is not made for them.
                if around == 0 || self.units.get(around).is_some_and(|unit| self.is_test_module(unit)) {
                    break;
                }
                around = self.units.get(around).map_or(0, |unit| unit.parent);
            }
        }
    }
}

/// True for the attributes of a module that is built for tests alone.
fn is_test_head(head: &str) -> bool {
    head.contains("cfg(test)") || head.contains("cfg(all(test")
}

impl Reading<'_> {
    /// True for a module that is built for tests alone.
    pub fn is_test_module(&self, unit: &Unit) -> bool {
        let head = self.source.get(unit.range.start..unit.body.start).unwrap_or_default();
        unit.kind == Kind::Scope && is_test_head(head)
    }

    /// The line of a byte, counted from 1.
    pub fn line(&self, byte: usize) -> usize {
        let before = self.source.as_bytes().get(..byte).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    /// The body of a unit in one spelling.
    pub fn body(&self, unit: &Unit) -> String {
        self.tokens.key(&unit.body)
    }

    /// The units around a unit, innermost first, itself included, the file last.
    pub fn chain(&self, unit: usize) -> Vec<&Unit> {
        let mut chain = Vec::new();
        let mut at = unit;
        while let Some(unit) = self.units.get(at) {
            chain.push(unit);
            if at == 0 {
                break;
            }
            at = unit.parent;
        }
        chain
    }

    /// The tests, with their places.
    pub fn tests(&self) -> impl Iterator<Item = (usize, &Unit)> {
        self.units.iter().enumerate().filter(|(_, unit)| unit.kind == Kind::Test)
    }
}
