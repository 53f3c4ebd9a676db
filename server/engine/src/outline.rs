//! Files of ours as they look while somebody writes them: a tree in which every key and every
//! value knows its bytes, also where the text around them is not YAML yet.
//!
//! The parser is the loader's own. Where it gives up, the line that it stumbles over is read
//! as blank, and it is asked again; bytes keep their places. Nothing is judged here, and
//! nothing that runs is ever built from an outline: that is the loaders' business.

mod build;
mod schema;
mod site;
#[cfg(test)]
mod tests;

pub use schema::{Choice, Key, Schema};
pub use site::{Site, sites};

use crate::limits::{CONFIG_BYTES_MAX, OUTLINE_REPAIRS_MAX};
use std::ops::Range;

/// A text as a tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    root: Option<Node>,
    /// Lines that had to be read as blank; more than all there can be where the rest was lost.
    unread: usize,
}

/// A value with its place. The range of a list or a mapping reaches from its first to its last
/// child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its bytes, quotes included.
    pub range: Range<usize>,
    /// What stands there.
    pub value: Value,
}

/// What YAML can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, a number, a truth value or nothing; escapes are resolved.
    Scalar(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file, duplicates included.
    Mapping(Vec<Entry>),
    /// A reference to what stands elsewhere.
    Alias,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Node,
    /// Its value; empty and directly behind the key where there is none.
    pub value: Node,
}

/// One step from the root of a tree towards a place in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into the value of this key.
    Key(String),
    /// Into this item of a list, counted from 0.
    Item(usize),
}

/// Whether a place is a key or a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The last step of the path is the key that stands there.
    Key,
    /// The path leads to the value that stands there.
    Value,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot<'o> {
    /// The way there.
    pub path: Vec<Step>,
    /// What it is.
    pub role: Role,
    /// The key or the value itself: never a list or a mapping.
    pub node: &'o Node,
}

impl Outline {
    /// Reads a text as far as it goes. A text beyond the limit of our files has no outline.
    pub fn read(text: &str) -> Self {
        Self::read_sparing(text, None, OUTLINE_REPAIRS_MAX)
    }

    /// Likewise, with at most so many lines read as blank, never the one that begins at this byte.
    fn read_sparing(text: &str, spared: Option<usize>, repairs_max: usize) -> Self {
        if text.len() > CONFIG_BYTES_MAX {
            return Self { root: None, unread: usize::MAX };
        }
        let (mut root, mut fault) = build::parse(text);
        let mut unread = 0;
        let mut blanked = text.to_owned();
        for _ in 0..repairs_max {
            let Some(at) = fault else { break };
            unread += 1;
            // The parser may stumble behind the line that is at fault, and before it where that
            // goes on what it had begun.
            let here = line_around(&blanked, at);
            let before = line_with_text_before(&blanked, here.start);
            let after = line_with_text_after(&blanked, here.end);
            let attempts = [Some(here), before, after].into_iter().flatten();
            let best = attempts
                .filter(|line| Some(line.start) != spared && has_text(&blanked, line))
                .map(|line| {
                    let attempt = blank(&blanked, &line);
                    let (root, fault) = build::parse(&attempt);
                    (fault.unwrap_or(usize::MAX), attempt, root)
                })
                // Of equally good ones the first: the line at which the parser stumbled.
                .reduce(|best, next| if next.0 > best.0 { next } else { best });
            let Some((reached, attempt, read)) = best else { break };
            (blanked, root) = (attempt, read);
            fault = (reached != usize::MAX).then_some(reached);
        }
        Self { root, unread: if fault.is_none() { unread } else { usize::MAX } }
    }

    /// The tree, where anything could be read.
    pub fn root(&self) -> Option<&Node> {
        self.root.as_ref()
    }

    /// True when the text is YAML from its beginning to its end.
    pub fn is_whole(&self) -> bool {
        self.unread == 0
    }

    /// What this path leads to.
    pub fn get(&self, path: &[Step]) -> Option<&Node> {
        path.iter().try_fold(self.root.as_ref()?, |node, step| match step {
            Step::Key(key) => node.get(key),
            Step::Item(at) => node.items().get(*at),
        })
    }

    /// The key or the value that stands at a byte, or ends there.
    pub fn at(&self, byte: usize) -> Option<Spot<'_>> {
        let mut path = Vec::new();
        let mut node = self.root.as_ref()?;
        loop {
            match &node.value {
                Value::Scalar(_) | Value::Alias => {
                    return holds(node, byte).then_some(Spot { path, role: Role::Value, node });
                }
                Value::List(items) => {
                    let at = items.iter().position(|item| holds(item, byte))?;
                    path.push(Step::Item(at));
                    node = items.get(at)?;
                }
                Value::Mapping(entries) => {
                    let within = |entry: &&Entry| holds(&entry.key, byte) || holds(&entry.value, byte);
                    let entry = entries.iter().find(within)?;
                    path.push(Step::Key(entry.key.text().unwrap_or_default().to_owned()));
                    if holds(&entry.key, byte) {
                        return Some(Spot { path, role: Role::Key, node: &entry.key });
                    }
                    node = &entry.value;
                }
            }
        }
    }

    /// The smallest key or value that begins at a byte.
    pub fn beginning_at(&self, byte: usize) -> Option<&Node> {
        let spot = self.at(byte)?;
        (spot.node.range.start == byte).then_some(spot.node)
    }
}

impl Node {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            Value::List(_) | Value::Mapping(_) | Value::Alias => None,
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Scalar(_) | Value::Mapping(_) | Value::Alias => &[],
        }
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            Value::Scalar(_) | Value::List(_) | Value::Alias => &[],
        }
    }

    /// The value of a mapping's key, the first where it occurs twice.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let is_it = |entry: &&Entry| entry.key.text() == Some(key);
        self.entries().iter().find(is_it).map(|entry| &entry.value)
    }

    /// The text under a mapping's key.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Self::text)
    }
}

/// The one of these names that a word was probably meant to be.
pub fn nearest<'n>(word: &str, names: &[&'n str]) -> Option<&'n str> {
    crate::yaml::problem::closest(word, names)
}

fn holds(node: &Node, byte: usize) -> bool {
    node.range.start <= byte && byte <= node.range.end
}

/// The line around a byte, without its line break.
pub fn line_around(text: &str, byte: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let byte = byte.min(bytes.len());
    let (before, after) = bytes.split_at(byte);
    let is_break = |it: &u8| matches!(it, b'\n' | b'\r');
    let start = before.iter().rposition(is_break).map_or(0, |at| at + 1);
    let end = after.iter().position(is_break).map_or(bytes.len(), |at| byte + at);
    start..end
}

fn line_with_text_before(text: &str, byte: usize) -> Option<Range<usize>> {
    let before = text.get(..byte)?.trim_end();
    (!before.is_empty()).then(|| line_around(text, before.len()))
}

fn line_with_text_after(text: &str, byte: usize) -> Option<Range<usize>> {
    let after = text.get(byte..)?.trim_start();
    (!after.is_empty()).then(|| line_around(text, text.len() - after.len()))
}

fn has_text(text: &str, line: &Range<usize>) -> bool {
    text.get(line.clone()).is_some_and(|line| !line.trim().is_empty())
}

/// The text with blanks for every byte of a line.
fn blank(text: &str, line: &Range<usize>) -> String {
    let (before, after) = (text.get(..line.start), text.get(line.end..));
    format!("{}{}{}", before.unwrap_or_default(), " ".repeat(line.len()), after.unwrap_or_default())
}
