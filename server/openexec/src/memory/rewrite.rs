//! Edits of memory files that leave everything else in them as it is: comments, order, layout.

use openexec_engine::memory::{Kind, SymbolPointer, anchor_text};
use openexec_engine::outline::{Entry, Node, Outline, line_around};
use openexec_engine::text::LineEnding;
use std::ops::Range;

/// Bytes of a file, and what is to stand there.
pub type Edit = (Range<usize>, String);

/// Which anchor of which record: the only one of a symbol's, the n-th of another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorPlace {
    /// The kind of the record.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// The number of the anchor in it, from 0.
    pub number: usize,
}

/// The edits that let an anchor point here. Nothing where the file is not what it was.
pub fn pointed_to(text: &str, place: &AnchorPlace, pointer: &SymbolPointer) -> Option<Vec<Edit>> {
    let outline = Outline::read(text);
    let anchor = anchor_node(&outline, place)?;
    let written = anchor_text(pointer)?;
    let mut edits = Vec::new();
    for (key, value) in [("path", pointer.path.as_str()), ("symbol", pointer.symbol.as_str())] {
        let entry = entry(anchor, key)?;
        if entry.value.text() != Some(value) {
            edits.push((entry.value.range.clone(), quoted(value)));
        }
    }
    match entry(anchor, "anchor") {
        Some(entry) => edits.push((entry.value.range.clone(), quoted(&written))),
        None => {
            let symbol = entry(anchor, "symbol")?;
            let at = symbol.value.range.end;
            let line = line_around(text, symbol.key.range.start);
            let before = text.get(line.start..symbol.key.range.start)?;
            let added = match is_flow(text, anchor) {
                true => format!(", anchor: {}", quoted(&written)),
                false => {
                    let indent = " ".repeat(before.chars().count());
                    format!("{}{indent}anchor: {}", LineEnding::dominant_of(text).as_str(), quoted(&written))
                }
            };
            edits.push((at..at, added));
        }
    }
    edits.sort_by_key(|(range, _)| range.start);
    Some(edits)
}

/// The edit that removes an anchor: of a symbol's record all of it. Nothing where it does not
/// stand on lines of its own.
pub fn dropped(text: &str, place: &AnchorPlace) -> Option<Vec<Edit>> {
    let outline = Outline::read(text);
    let list = outline.root()?.get(place.kind.list())?;
    let (at, record) = record_node(list, &place.id)?;
    let (items, at) = match place.kind {
        Kind::Symbol => (list.items(), at),
        _ => (record.get("symbols")?.items(), place.number),
    };
    let item = items.get(at)?;
    let start = line_around(text, item.range.start).start;
    let is_dashed = text.get(start..item.range.start)?.trim() == "-";
    let end = match items.get(at + 1) {
        Some(next) => line_around(text, next.range.start).start,
        None => {
            let end = line_around(text, item.range.end).end;
            let rest = text.get(end..)?;
            end + if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) }
        }
    };
    // A list without an item would say something else than no list.
    (is_dashed && items.len() > 1 && start < end).then(|| vec![(start..end, String::new())])
}

/// The text after edits, which are in order and do not overlap.
pub fn edited(text: &str, edits: &[Edit]) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (range, new) in edits {
        out.push_str(text.get(copied..range.start)?);
        out.push_str(new);
        copied = range.end;
    }
    out.push_str(text.get(copied..)?);
    Some(out)
}

fn record_node<'o>(list: &'o Node, id: &str) -> Option<(usize, &'o Node)> {
    list.items().iter().enumerate().find(|(_, record)| record.text_of("id") == Some(id))
}

fn anchor_node<'o>(outline: &'o Outline, place: &AnchorPlace) -> Option<&'o Node> {
    let (_, record) = record_node(outline.root()?.get(place.kind.list())?, &place.id)?;
    match place.kind {
        Kind::Symbol => record.get("at"),
        _ => record.get("symbols")?.items().get(place.number),
    }
}

fn entry<'o>(node: &'o Node, key: &str) -> Option<&'o Entry> {
    node.entries().iter().find(|entry| entry.key.text() == Some(key))
}

fn is_flow(text: &str, mapping: &Node) -> bool {
    let here = text.get(mapping.range.start..).unwrap_or_default();
    let before = text.get(..mapping.range.start).unwrap_or_default();
    here.starts_with('{') || before.trim_end().ends_with('{')
}

/// A text as YAML takes it in every place: in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use openexec_engine::memory::load;
    use openexec_engine::path::WorkspacePath;
    use openexec_engine::syntax::{Language, symbols_of};

    fn pointer() -> SymbolPointer {
        let (path, source) = (WorkspacePath::parse("src/b's.rs").unwrap(), "fn g() { h(1) }\n");
        SymbolPointer::of(&path, source, &symbols_of(Language::Rust, source), 0).unwrap()
    }

    #[test]
    fn an_anchor_is_written_where_it_belongs_and_reads_as_it_was() {
        for text in [
            "version: 1 # one\nsymbols:\n  # why\n  - id: a\n    at: {path: src/a.rs, symbol: f}\n    why: so\n",
            "version: 1\nsymbols:\n  - id: a\n    at:\n      path: src/a.rs\n      symbol: f\n    why: so\n",
            "version: 1\nsymbols:\n  - {id: a, why: so, at: {symbol: f, path: src/a.rs, anchor: '{\"text\":\"x\"}'}}\n",
        ] {
            let place = AnchorPlace { kind: Kind::Symbol, id: "a".into(), number: 0 };
            let edits = pointed_to(text, &place, &pointer()).unwrap();
            let after = edited(text, &edits).unwrap();
            let file = load("m.yaml", &after).unwrap_or_else(|error| panic!("{error}\n{after}"));
            let anchor = &file.records[0].record.anchors()[0];
            assert_eq!(anchor.pointer.as_deref(), Some(&pointer()), "{after}");
            assert_eq!(after.contains('#'), text.contains('#'), "{after}");
        }
    }

    #[test]
    fn a_dropped_pointer_takes_its_own_lines_and_no_others() {
        let text = "version: 1\nsymbols:\n  - id: a\n    at: {path: a.rs, symbol: f}\n    why: so\n  - id: b\n    at: {path: b.rs, symbol: f}\n    why: so\nservices:\n  - {id: s, path: src}\n";
        for (id, stays) in [("a", "b"), ("b", "a")] {
            let place = AnchorPlace { kind: Kind::Symbol, id: id.into(), number: 0 };
            let after = edited(text, &dropped(text, &place).unwrap()).unwrap();
            let file = load("m.yaml", &after).unwrap_or_else(|error| panic!("{error}\n{after}"));
            let ids: Vec<&str> = file.records.iter().map(|it| it.record.id.as_str()).collect();
            assert_eq!(ids, [stays, "s"], "{after}");
        }
        let flow = "version: 1\nsymbols: [{id: a, at: {path: a.rs, symbol: f}, why: so}]\n";
        let place = AnchorPlace { kind: Kind::Symbol, id: "a".into(), number: 0 };
        assert_eq!(dropped(flow, &place), None);
    }
}
