//! What is known about the symbols of a document, where they stand: which run changed them and
//! what people have written down about them, as lenses above them, as hints behind them, and in
//! full where the cursor rests.
//!
//! It is answered from what was read beforehand. A record belongs to a symbol by its name, and
//! places come from the text as it is now: what is above may move it, and when it is gone,
//! nothing is said about it.

use super::actions::{quote, short};
use super::documents::OpenFile;
use super::memory::RecordSummary;
use super::protocol::{
    CodeLens, Command, Hover, HoverContents, InlayHint, InlayHintLabel, InlayHintTooltip, MarkupContent,
    MarkupKind, Position, Range,
};
use crate::limits::{ANNOTATED_RECORDS_MAX, RECORDS_HOVERED_MAX};
use openexec_engine::digest::Digest;
use openexec_engine::memory::{MaintenanceRecord, PointerState};
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

/// What is known about a file, by the names of its symbols.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known(BTreeMap<String, OfSymbol>);

/// What is known about a symbol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct OfSymbol {
    /// By which runs it was changed, newest first.
    changes: Vec<Remembered>,
    /// What people have written down about it.
    notes: Vec<RecordSummary>,
}

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
        let mut known: BTreeMap<String, OfSymbol> = BTreeMap::new();
        for record in records.into_iter().take(ANNOTATED_RECORDS_MAX).map(Arc::new) {
            for pointer in record.symbols.iter().filter(|pointer| pointer.path == *path) {
                let remembered = Remembered { record: Arc::clone(&record), text: pointer.text };
                known.entry(pointer.symbol.clone()).or_default().changes.push(remembered);
            }
        }
        Self(known)
    }

    /// The same, with what people have written down about symbols, by the names of these.
    pub(super) fn with(mut self, notes: Vec<(String, RecordSummary)>) -> Self {
        for (symbol, note) in notes {
            self.0.entry(symbol).or_default().notes.push(note);
        }
        self
    }

    /// True when nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Sheet<'a> {
    /// The symbols of which something is known.
    fn marks(&self) -> impl Iterator<Item = (&'a Symbol, &'a OfSymbol)> {
        let (symbols, known) = (self.symbols, self.known);
        symbols.iter().filter_map(|symbol| Some((symbol, known.0.get(&symbol.name)?)))
    }

    fn position(&self, byte: usize) -> Position {
        let text::Position { line, character } = self.file.text.position_of(byte, self.encoding);
        Position { line, character }
    }

    /// Lenses above each of them: one opens the timeline of the run that changed it last, one
    /// what is known about it.
    pub(super) fn lenses(&self) -> Vec<CodeLens> {
        let mut lenses = Vec::new();
        for (symbol, known) in self.marks() {
            let at = self.position(symbol.name_range.start);
            let mut add = |title: String, command: &str, argument: serde_json::Value| {
                let command = Command { title, command: command.to_owned(), arguments: Some(vec![argument]) };
                let range = Range { start: at, end: at };
                lenses.push(CodeLens { range, command: Some(command), data: None });
            };
            if let Some(newest) = known.changes.first() {
                add(self.title(symbol, newest), "openexec.status", json!({ "run": newest.record.run }));
            }
            if let Some(title) = title_of_notes(&known.notes) {
                let place = json!({ "uri": self.file.uri, "range": self.range_of_name(symbol) });
                add(title, "openexec.known", place);
            }
        }
        lenses
    }

    /// A hint at the end of the line on which each of them is named, within these lines.
    pub(super) fn hints(&self, within: Range) -> Vec<InlayHint> {
        let hint = |(symbol, known): (&Symbol, &OfSymbol)| {
            let newest = known.changes.first();
            let changed = newest.map(|newest| self.title(symbol, newest));
            let label: Vec<String> = changed.into_iter().chain(title_of_notes(&known.notes)).collect();
            let told = newest.map(|newest| told(&newest.record));
            let told = told.or_else(|| known.notes.first().map(|note| visible(&note.told)))?;
            let line = self.position(symbol.name_range.start).line;
            (within.start.line <= line && line <= within.end.line).then(|| InlayHint {
                position: self.end_of(line),
                label: InlayHintLabel::String(label.join(" · ")),
                kind: None,
                text_edits: None,
                tooltip: Some(InlayHintTooltip::String(told)),
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
        let (symbol, known) = self.marks().find(|(symbol, _)| named(symbol))?;
        let changes = known.changes.iter();
        let changes = changes.map(|it| format!("{}\n\n{}", self.title(symbol, it), told(&it.record)));
        let notes = known.notes.iter();
        let notes = notes.map(|it| format!("{}\n\n{}", title_of(it), visible(&it.told)));
        let texts: Vec<String> =
            changes.take(RECORDS_HOVERED_MAX).chain(notes.take(RECORDS_HOVERED_MAX)).collect();
        // The words of a record are not ours; where Markdown is drawn, they stand in a block.
        let (kind, value) = match markdown {
            true => {
                (MarkupKind::Markdown, texts.iter().map(|text| fenced(text)).collect::<Vec<_>>().join("\n"))
            }
            false => (MarkupKind::PlainText, texts.join("\n\n")),
        };
        let range = self.range_of_name(symbol);
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

    fn range_of_name(&self, symbol: &Symbol) -> Range {
        let (start, end) = (symbol.name_range.start, symbol.name_range.end);
        Range { start: self.position(start), end: self.position(end) }
    }

    fn end_of(&self, line: u32) -> Position {
        let rope = self.file.text.rope();
        let line = usize::try_from(line).unwrap_or(usize::MAX).min(rope.len_lines().saturating_sub(1));
        let text = rope.line(line).to_string();
        let length = text.trim_end_matches(['\n', '\r']).len();
        self.position(rope.line_to_byte(line).saturating_add(length))
    }
}

/// `noted: the lock comes first`, and how many more there are. What is certain goes first.
fn title_of_notes(notes: &[RecordSummary]) -> Option<String> {
    let first = notes.iter().find(|note| note.pointer.is_certain()).or_else(|| notes.first())?;
    let more = match notes.len() {
        1 => String::new(),
        several => format!(" (+{})", several.saturating_sub(1)),
    };
    Some(format!("{}{more}", title_of(first)))
}

/// A note in one line. What may be about something else says so before anything else.
fn title_of(note: &RecordSummary) -> String {
    let how = match note.pointer {
        PointerState::Exact | PointerState::Moved | PointerState::Renamed => "noted",
        PointerState::Edited => "noted, and edited since",
        PointerState::Suspect => "suspect, perhaps noted about something else",
        PointerState::Stale => "stale, noted about something that is gone",
    };
    format!("{how}: {}", quote(&note.why))
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
