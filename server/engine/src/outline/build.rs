//! From the parser's events to a tree. What is still open where the parser gives up ends there.

use super::{Entry, Node, Value};
use crate::limits::{CONFIG_DEPTH_MAX, CONFIG_NODES_MAX};
use granit_parser::{Event, Parser, ScalarStyle};
use std::ops::Range;

/// A list or a mapping whose end has not been seen.
enum Open {
    List { start: usize, items: Vec<Node> },
    Mapping { start: usize, entries: Vec<Entry>, key: Option<Node> },
}

#[derive(Default)]
struct Building {
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
}

/// The first document of a text, as far as it can be read; and the byte at which it cannot.
pub(super) fn parse(text: &str) -> (Option<Node>, Option<usize>) {
    let mut options = granit_parser::options! {
        emit_unresolved_aliases: true,
        flow_nesting_limit: CONFIG_DEPTH_MAX,
        block_nesting_limit: CONFIG_DEPTH_MAX,
    };
    options.set_emit_comments(false);
    let mut building = Building::default();
    let mut fault = None;
    let mut is_over = false;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match event {
            Ok((event, span)) => (event, span.byte_range().unwrap_or_default()),
            Err(error) => {
                fault = Some(error.marker().byte_offset().unwrap_or_default().min(text.len()));
                break;
            }
        };
        // What follows the first document is looked at for mistakes only.
        is_over |= matches!(event, Event::DocumentEnd);
        if !is_over {
            building.take(event, span);
        }
        if building.nodes > CONFIG_NODES_MAX {
            break;
        }
    }
    (building.finish(fault.unwrap_or(text.len())), fault)
}

impl Building {
    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Scalar(text, style, _, _) => {
                // What is absent is read as `~` without a width.
                let is_absent = range.is_empty() && style == ScalarStyle::Plain;
                let text = if is_absent { String::new() } else { text.into_owned() };
                self.add(Node { range, value: Value::Scalar(text) });
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => self.add(Node { range, value: Value::Alias }),
            Event::SequenceStart(..) => self.open.push(Open::List { start: range.start, items: Vec::new() }),
            Event::MappingStart(..) => {
                self.open.push(Open::Mapping { start: range.start, entries: Vec::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(range.end),
            // Everything else carries no node.
            _ => {}
        }
    }

    fn add(&mut self, node: Node) {
        self.nodes += 1;
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Mapping { entries, key, .. }) => match key.take() {
                None => *key = Some(node),
                Some(key) => entries.push(Entry { key, value: node }),
            },
        }
    }

    fn close(&mut self, end: usize) {
        let node = match self.open.pop() {
            None => return,
            Some(Open::List { start, items }) => {
                let last = items.last().map_or(end, |item| item.range.end);
                Node { range: start..last.max(start), value: Value::List(items) }
            }
            Some(Open::Mapping { start, mut entries, key }) => {
                if let Some(key) = key {
                    let end = key.range.end;
                    let value = Node { range: end..end, value: Value::Scalar(String::new()) };
                    entries.push(Entry { key, value });
                }
                let last = entries.last().map_or(end, |entry| entry.value.range.end);
                Node { range: start..last.max(start), value: Value::Mapping(entries) }
            }
        };
        self.add(node);
    }

    fn finish(mut self, end: usize) -> Option<Node> {
        while !self.open.is_empty() {
            self.close(end);
        }
        self.root
    }
}
