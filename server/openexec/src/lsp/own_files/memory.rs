//! What is said of memory files while they are written: what the loader finds, names that lead
//! nowhere, pointers that lead somewhere else; and the names that can stand in them.

use super::complete::{Word, tasks};
use super::diagnose::{Found, bytes_at, of_loader};
use super::{Known, OwnFile};
use crate::lsp::protocol::{CompletionItemKind, DiagnosticSeverity};
use crate::memory::{AnchorPlace, MEMORY_DIR, Shared, dropped, pointed_to};
use openexec_engine::memory::{Kind, PointerState, Record, Resolution};
use openexec_engine::outline::{Node, Outline};
use std::collections::BTreeMap;
use std::ops::Range;

/// Everything that is to be said about a memory file.
pub(super) fn diagnose(file: &OwnFile, known: &Known) -> Vec<Found> {
    let name = file.name();
    let mut texts = known.memory_files.clone();
    texts.insert(name.clone(), file.text.clone());
    let shared = Shared::of(&texts);
    let problems = shared.problems(&known.own_records, known.tasks.as_deref());
    let mut found: Vec<Found> = problems
        .iter()
        .filter(|problem| problem.file == name)
        .map(|problem| of_loader(file, "memory", problem))
        .collect();
    let ours = shared.files.iter().filter(|read| read.file == name).flat_map(|read| &read.records);
    for written in ours {
        for (number, anchor) in written.record.anchors().iter().enumerate() {
            let standing = known.pointers.iter().find(|(there, _)| there == anchor);
            let place = written.anchors.get(number);
            if let (Some((_, resolution)), Some((line, column))) = (standing, place)
                && let Some(doubt) = doubt(file, &written.record, number, resolution)
            {
                found.push(Found { bytes: bytes_at(file, *line, *column), ..doubt });
            }
        }
    }
    found
}

/// What is said of a pointer that does not lead to where it says.
fn doubt(file: &OwnFile, record: &Record, number: usize, resolution: &Resolution) -> Option<Found> {
    let (severity, code) = match resolution.state {
        PointerState::Exact | PointerState::Edited => return None,
        PointerState::Moved | PointerState::Renamed => (DiagnosticSeverity::INFORMATION, "moved"),
        PointerState::Suspect => (DiagnosticSeverity::WARNING, "suspect"),
        PointerState::Stale => (DiagnosticSeverity::WARNING, "stale"),
    };
    let which = AnchorPlace { kind: record.kind(), id: record.id.to_string(), number };
    let mut offers = Vec::new();
    if let Some(place) = &resolution.place
        && let Some(edits) = pointed_to(&file.text, &which, place)
    {
        offers.push((format!("Confirm the new place: `{}` in {}", place.symbol, place.path), edits));
    }
    if let Some(edits) = dropped(&file.text, &which) {
        offers.push(("Drop this pointer".to_owned(), edits));
    }
    let message = match resolution.state {
        PointerState::Suspect | PointerState::Stale => {
            format!("{}; nothing of this is shown as knowledge before you confirm it", resolution.why)
        }
        _ => resolution.why.clone(),
    };
    Some(Found { bytes: 0..0, severity, code, message, related: Vec::new(), mend: None, offers })
}

/// What a name at a place names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// A record of this kind.
    Record(Kind),
    /// A declared task.
    Task,
}

/// What stands at a place of a memory file, where it is a name.
pub(super) fn named_at(steps: &[&str]) -> Option<Names> {
    Some(match steps {
        ["services", "*", "runbooks", "*"] => Names::Record(Kind::Runbook),
        ["services", "*", "environment"] => Names::Record(Kind::Environment),
        ["runbooks", "*", "symbols", "*"] => Names::Record(Kind::Symbol),
        ["runbooks", "*", "failures", "*", "remediations", "*"] | ["environments", "*", "actions", "*"] => {
            Names::Record(Kind::Procedure)
        }
        ["procedures", "*", "preconditions" | "steps" | "rollback", "*", "task"] => Names::Task,
        _ => return None,
    })
}

/// Where a text of a memory file declares a record.
pub(super) fn declared(outline: &Outline, kind: Kind, id: &str) -> Option<Range<usize>> {
    let records = outline.root()?.get(kind.list())?.items();
    let mut ids = records.iter().filter_map(|record| record.get("id"));
    ids.find(|node| node.text() == Some(id)).map(|node| node.range.clone())
}

/// The names that can stand at a place: ids of records, and tasks.
pub(super) fn names(known: &Known, outline: &Outline, steps: &[&str]) -> Vec<Word> {
    let kind = match named_at(steps) {
        Some(Names::Record(kind)) => kind,
        Some(Names::Task) => return tasks(known),
        None => return Vec::new(),
    };
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let here = outline.root().and_then(|root| root.get(kind.list()));
    for record in here.map(Node::items).unwrap_or_default() {
        if let Some(id) = record.text_of("id") {
            found.insert(id.to_owned(), "in this file".to_owned());
        }
    }
    let shared = Shared::of(&known.memory_files);
    for record in shared.records().chain(&known.own_records).filter(|record| record.kind() == kind) {
        let from = record.origin.to_string();
        found.entry(record.id.to_string()).or_insert_with(|| {
            from.strip_prefix(MEMORY_DIR).map_or(from.clone(), |rest| rest.trim_start_matches('/').to_owned())
        });
    }
    let word = |(id, from): (String, String)| Word::value(&id, CompletionItemKind::REFERENCE, from, "");
    found.into_iter().map(word).collect()
}
