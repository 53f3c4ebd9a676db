//! Edits that mend what was found. What is offered for a missing gate has been proven again.

use super::diagnose::{Found, diagnose};
use super::{Kind, Known, OwnFile};
use crate::lsp::protocol::{Diagnostic as WireDiagnostic, Range as WireRange, TextEdit};
use openexec_engine::blueprint::{Mend, with_gates};
use openexec_engine::outline::{Node, Value};
use openexec_engine::text::LineEnding;
use std::ops::Range;

/// An edit that mends something.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::lsp) struct Fix {
    /// What it does.
    pub(in crate::lsp) title: String,
    /// The edits of the file.
    pub(in crate::lsp) edits: Vec<TextEdit>,
    /// What it mends.
    pub(in crate::lsp) diagnostic: WireDiagnostic,
}

/// The edits that mend what was found on the lines of a range.
pub(in crate::lsp) fn fixes(file: &OwnFile, known: &Known, range: WireRange) -> Vec<Fix> {
    let on_lines = |found: &Found| {
        let at = file.range(&found.bytes);
        at.start.line <= range.end.line && range.start.line <= at.end.line
    };
    let found = diagnose(file, known);
    let here = found.iter().filter(|found| on_lines(found));
    here.flat_map(|found| fix(file, found).into_iter().chain(offered(file, found))).collect()
}

/// The edits that are a person's choice.
fn offered(file: &OwnFile, found: &Found) -> Vec<Fix> {
    let offer = |(title, edits): &(String, Vec<crate::memory::Edit>)| Fix {
        title: title.clone(),
        edits: edits
            .iter()
            .map(|(bytes, text)| TextEdit { range: file.range(bytes), new_text: text.clone() })
            .collect(),
        diagnostic: found.to_wire(file, false),
    };
    found.offers.iter().map(offer).collect()
}

fn fix(file: &OwnFile, found: &Found) -> Option<Fix> {
    let (title, bytes, text) = match found.mend.as_ref()? {
        Mend::Instead(name) => {
            let node = file.outline.beginning_at(found.bytes.start)?;
            (format!("Write `{name}`"), node.range.clone(), name.clone())
        }
        Mend::Key(key) => {
            let (at, text) = missing_key(file, found.bytes.start, key)?;
            (format!("Add `{key}`"), at..at, text)
        }
        Mend::Gate(gate) => {
            let gated = with_gates(&file.text)?;
            let (bytes, text) = difference(&file.text, &gated);
            (format!("Lead the path through `{gate}`"), bytes, text)
        }
    };
    let edits = vec![TextEdit { range: file.range(&bytes), new_text: text }];
    Some(Fix { title, edits, diagnostic: found.to_wire(file, false) })
}

/// Where a key is missing from the mapping that begins at a byte, and what to insert.
fn missing_key(file: &OwnFile, byte: usize, key: &str) -> Option<(usize, String)> {
    let root = file.outline.root()?;
    let mapping = mapping_at(root, byte).or_else(|| (byte <= root.range.start).then_some(root))?;
    let first = mapping.entries().first()?;
    let written = format!("{key}: {}", value_for(file, mapping, key));
    if file.text.get(mapping.range.start..)?.starts_with('{') {
        return Some((mapping.range.start + 1, format!(" {},", written.trim_end())));
    }
    let start = first.key.range.start;
    let line = openexec_engine::outline::line_around(&file.text, start);
    let indent = " ".repeat(file.text.get(line.start..start)?.chars().count());
    let end = LineEnding::dominant_of(&file.text).as_str();
    // What names a thing stands first in it; everything else behind what stands first.
    let is_first = matches!(key, "version" | "id");
    let on_its_line = matches!(first.value.value, Value::Scalar(_)) && first.value.range.end <= line.end;
    if is_first || !on_its_line {
        return Some((start, format!("{written}{end}{indent}")));
    }
    Some((line.end, format!("{end}{indent}{written}")))
}

fn mapping_at(node: &Node, byte: usize) -> Option<&Node> {
    if node.range.start == byte && matches!(node.value, Value::Mapping(_)) {
        return Some(node);
    }
    let below = node.items().iter().chain(node.entries().iter().map(|entry| &entry.value));
    below
        .filter(|child| child.range.start <= byte && byte <= child.range.end)
        .find_map(|child| mapping_at(child, byte))
}

/// A value to begin with; nothing where only the writer can know.
fn value_for(file: &OwnFile, mapping: &Node, key: &str) -> String {
    match (file.kind, key) {
        (_, "version") => "1".to_owned(),
        (Kind::Blueprint, "name") => {
            file.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned()
        }
        (Kind::Blueprint, "id") => {
            let does = mapping.text_of("action").or(mapping.text_of("type")).unwrap_or("stage");
            let sketch = file.sketch();
            let free = |name: &String| sketch.stage(name).is_none();
            let numbered = (2..).map(|number| format!("{does}_{number}"));
            std::iter::once(does.to_owned()).chain(numbered).find(free).unwrap_or_default()
        }
        (Kind::Blueprint, "type") => match mapping.get("action").is_some() {
            true => "deterministic".to_owned(),
            false => "agent".to_owned(),
        },
        (Kind::Blueprint, "goal") => "Say what is to be achieved".to_owned(),
        (Kind::Policy(_), "effect") => "ask".to_owned(),
        (Kind::Policy(_), "reason") => "say why".to_owned(),
        _ => String::new(),
    }
}

/// The one stretch in which two texts differ: its bytes in the old one, and what stands there
/// in the new one. It never parts a character or the two halves of a line end.
fn difference(old: &str, new: &str) -> (Range<usize>, String) {
    let same = old.bytes().zip(new.bytes()).take_while(|(old, new)| old == new).count();
    let may_part = |text: &str, at: usize| {
        text.is_char_boundary(at)
            && !(text.get(..at).is_some_and(|it| it.ends_with('\r'))
                && text.get(at..).is_some_and(|it| it.starts_with('\n')))
    };
    let start = (0..=same).rev().find(|at| may_part(old, *at) && may_part(new, *at)).unwrap_or_default();
    let rest = (old.len() - start).min(new.len() - start);
    let equal =
        old.bytes().rev().zip(new.bytes().rev()).take(rest).take_while(|(old, new)| old == new).count();
    let fits = |tail: &usize| may_part(old, old.len() - tail) && may_part(new, new.len() - tail);
    let tail = (0..=equal).rev().find(fits).unwrap_or_default();
    (start..old.len() - tail, new.get(start..new.len() - tail).unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn the_difference_of_two_texts_is_one_stretch() {
        for (old, new, bytes, text) in [
            ("abc", "abc", 3..3, ""),
            ("abc", "abXc", 2..2, "X"),
            ("aa", "aaa", 2..2, "a"),
            ("a\r\nb", "a\nb", 1..3, "\n"),
            ("aä", "aö", 1..3, "ö"),
            ("", "x", 0..0, "x"),
        ] {
            assert_eq!(difference(old, new), (bytes, text.to_owned()), "{old:?} {new:?}");
        }
    }
}
