//! What is known about the symbols of a document, where they stand: lenses above them, hints
//! behind them, and the whole record where the cursor rests.
//!
//! It is answered from what was read beforehand. A record belongs to a symbol by its name, and
//! places come from the text as it is now: what is above may move it, and when it is gone,
//! nothing is said about it.

use super::actions::{quote, short};
use super::documents::OpenFile;
use super::protocol::{
    CodeLens, Command, Hover, HoverContents, InlayHint, InlayHintLabel, InlayHintTooltip, MarkupContent,
    MarkupKind, Position, Range,
};
use crate::limits::{ANNOTATED_RECORDS_MAX, RECORDS_HOVERED_MAX};
use openexec_engine::digest::Digest;
use openexec_engine::memory::MaintenanceRecord;
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::Symbol;
use openexec_engine::text::{self, PositionEncoding, visible};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Where records come from.
pub(super) trait Memory: Send + Sync {
    /// What is known about the symbols of a file, newest first. May read the disk.
    fn known_about(&self, root: &Path, path: &WorkspacePath) -> Vec<MaintenanceRecord>;
}

/// What is known about a file, by the names of its symbols; of each, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known(BTreeMap<String, Vec<Remembered>>);

/// A record, as far as one symbol is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Remembered {
    record: Arc<MaintenanceRecord>,
    /// The symbol's text as the run left it.
    text: Digest,
}

/// A document as its client sees it.
pub(super) struct Sheet<'a> {
    pub(super) file: &'a OpenFile,
    /// The symbols of exactly this version.
    pub(super) symbols: &'a [Symbol],
    pub(super) encoding: PositionEncoding,
    pub(super) known: &'a Known,
}

impl Known {
    /// From the records that concern a file.
    pub(super) fn of(path: &WorkspacePath, records: Vec<MaintenanceRecord>) -> Self {
        let mut known: BTreeMap<String, Vec<Remembered>> = BTreeMap::new();
        for record in records.into_iter().take(ANNOTATED_RECORDS_MAX).map(Arc::new) {
            for pointer in record.symbols.iter().filter(|pointer| pointer.path == *path) {
                let remembered = Remembered { record: Arc::clone(&record), text: pointer.text };
                known.entry(pointer.symbol.clone()).or_default().push(remembered);
            }
        }
        Self(known)
    }

    /// True when nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Sheet<'a> {
    /// The symbols of which something is known.
    fn marks(&self) -> impl Iterator<Item = (&'a Symbol, &'a [Remembered])> {
        let (symbols, known) = (self.symbols, self.known);
        symbols.iter().filter_map(|symbol| {
            let remembered = known.0.get(&symbol.name).filter(|remembered| !remembered.is_empty())?;
            Some((symbol, remembered.as_slice()))
        })
    }

    fn position(&self, byte: usize) -> Position {
        let text::Position { line, character } = self.file.text.position_of(byte, self.encoding);
        Position { line, character }
    }

    /// A lens above each of them, which opens the timeline of the run.
    pub(super) fn lenses(&self) -> Vec<CodeLens> {
        let lens = |(symbol, remembered): (&Symbol, &[Remembered])| {
            let newest = remembered.first()?;
            let at = self.position(symbol.name_range.start);
            let command = Command {
                title: self.title(symbol, newest),
                command: "openexec.status".to_owned(),
                arguments: Some(vec![json!({ "run": newest.record.run })]),
            };
            Some(CodeLens { range: Range { start: at, end: at }, command: Some(command), data: None })
        };
        self.marks().filter_map(lens).collect()
    }

    /// A hint at the end of the line on which each of them is named, within these lines.
    pub(super) fn hints(&self, within: Range) -> Vec<InlayHint> {
        let hint = |(symbol, remembered): (&Symbol, &[Remembered])| {
            let newest = remembered.first()?;
            let line = self.position(symbol.name_range.start).line;
            (within.start.line <= line && line <= within.end.line).then(|| InlayHint {
                position: self.end_of(line),
                label: InlayHintLabel::String(self.title(symbol, newest)),
                kind: None,
                text_edits: None,
                tooltip: Some(InlayHintTooltip::String(told(&newest.record))),
                padding_left: Some(true),
                padding_right: None,
                data: None,
            })
        };
        self.marks().filter_map(hint).collect()
    }

    /// What is known about the symbol whose name is at this place.
    pub(super) fn hover(&self, position: Position, markdown: bool) -> Option<Hover> {
        let at = text::Position { line: position.line, character: position.character };
        let byte = self.file.text.byte_of(at, self.encoding).ok()?;
        let named = |symbol: &Symbol| symbol.name_range.start <= byte && byte <= symbol.name_range.end;
        let (symbol, remembered) = self.marks().find(|(symbol, _)| named(symbol))?;
        let shown = remembered.iter().take(RECORDS_HOVERED_MAX);
        let texts: Vec<String> =
            shown.map(|it| format!("{}\n\n{}", self.title(symbol, it), told(&it.record))).collect();
        // The words of a record are not ours; where Markdown is drawn, they stand in a block.
        let (kind, value) = match markdown {
            true => {
                (MarkupKind::Markdown, texts.iter().map(|text| fenced(text)).collect::<Vec<_>>().join("\n"))
            }
            false => (MarkupKind::PlainText, texts.join("\n\n")),
        };
        let range = Range {
            start: self.position(symbol.name_range.start),
            end: self.position(symbol.name_range.end),
        };
        Some(Hover { contents: HoverContents::Markup(MarkupContent { kind, value }), range: Some(range) })
    }

    /// `changed by run ab12cd: made it right`.
    fn title(&self, symbol: &Symbol, remembered: &Remembered) -> String {
        let record = &remembered.record;
        let text = self.file.text.rope().get_byte_slice(symbol.range.clone()).map(|text| text.to_string());
        let is_as_left = text.is_some_and(|text| Digest::of(text.as_bytes()) == remembered.text);
        let since = if is_as_left { "" } else { ", and again since" };
        format!("changed by run {}{since}: {}", short(&record.run), quote(why(record)))
    }

    fn end_of(&self, line: u32) -> Position {
        let rope = self.file.text.rope();
        let line = usize::try_from(line).unwrap_or(usize::MAX).min(rope.len_lines().saturating_sub(1));
        let text = rope.line(line).to_string();
        let length = text.trim_end_matches(['\n', '\r']).len();
        self.position(rope.line_to_byte(line).saturating_add(length))
    }
}

/// What was asked for, else what the model says that it did.
fn why(record: &MaintenanceRecord) -> &str {
    match record.instruction.trim() {
        "" => record.summary.trim(),
        instruction => instruction,
    }
}

fn told(record: &MaintenanceRecord) -> String {
    visible(&record.describe())
}

/// A block behind a fence that the text cannot close.
fn fenced(text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.saturating_add(1).max(3));
    format!("{fence}text\n{text}\n{fence}")
}

#[cfg(test)]
mod tests;
