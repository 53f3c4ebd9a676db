//! From a change set to the `WorkspaceEdit` that an editor applies.
//!
//! The shapes are our own instead of the protocol crate's, for two reasons: a URI must leave
//! exactly as the client wrote it, and a client fails on `annotationId: null` as well as on a
//! missing `version`.

use super::traits::ClientTraits;
use openexec_engine::edit::{ChangeSet, FileChange, Hunk, hunks};
use openexec_engine::path::WorkspacePath;
use openexec_engine::text::{Document, Position, PositionEncoding};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What is known of a file that is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    /// Its URI, in the client's spelling where it has one.
    pub(super) uri: String,
    /// Its version, when it is open.
    pub(super) version: Option<i32>,
    /// Its present text: the buffer's, else the disk's.
    pub(super) text: Option<String>,
    /// Whether its folder exists.
    pub(super) has_folder: bool,
}

/// Why nothing is sent to the editor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsendable {
    #[error("`{0}` is neither as it was checked nor as proposed; nothing was sent to the editor")]
    Moved(WorkspacePath),
    #[error("`{0}` exists already; nothing was sent to the editor")]
    Exists(WorkspacePath),
    #[error(
        "this editor cannot {operation} files for us (`{path}`); nothing was sent: {operation} it by hand and apply again"
    )]
    Unsupported { operation: &'static str, path: WorkspacePath },
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct TextEdit {
    range: Range,
    #[serde(rename = "newText")]
    new_text: String,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct Range {
    start: Position,
    end: Position,
}

/// The edit; `None` when every file holds its proposed text already.
///
/// # Errors
/// When a file has moved, or the client cannot do what is needed. Nothing is sent then.
pub(super) fn workspace_edit(
    changes: &ChangeSet,
    traits: &ClientTraits,
    site: &dyn Fn(&WorkspacePath) -> Site,
) -> Result<Option<Value>, Unsendable> {
    let wanted: Vec<_> = changes.effective().map(|(path, change)| (path, change, site(path))).collect();
    let wanted: Vec<_> =
        wanted.into_iter().filter(|(_, change, site)| site.text != change.proposed).collect();
    for (path, change, site) in &wanted {
        check_base(path, change, site)?;
    }
    let mut operations = Vec::new();
    let mut renamed: Vec<&WorkspacePath> = Vec::new();
    for (path, change, here) in &wanted {
        let leaving = wanted.iter().find(|(other, ..)| Some(*other) == change.renamed_from.as_ref());
        if let Some((from, leaving, there)) = leaving
            && let (Some(before), None) = (&leaving.base, &leaving.proposed)
            && let (None, Some(proposed)) = (&change.base, &change.proposed)
            // Some clients make no folder for a rename; they do for a new file.
            && (traits.document_changes && traits.resources.rename && here.has_folder)
            && !renamed.contains(from)
        {
            operations.push(json!({ "kind": "rename", "oldUri": there.uri, "newUri": here.uri }));
            operations.extend(document_edit(&here.uri, None, before, proposed, traits.encoding));
            renamed.extend([*from, *path]);
        }
    }
    for (path, change, site) in wanted.iter().filter(|(path, ..)| !renamed.contains(path)) {
        match (&change.base, &change.proposed) {
            (Some(base), Some(proposed)) => {
                operations.extend(document_edit(&site.uri, site.version, base, proposed, traits.encoding));
            }
            (None, Some(proposed)) => {
                operations.push(json!({ "kind": "create", "uri": site.uri }));
                let ended = proposed.strip_suffix('\n').filter(|_| traits.ends_every_buffer);
                let proposed = ended.unwrap_or(proposed);
                operations.extend(document_edit(&site.uri, None, "", proposed, traits.encoding));
            }
            (_, None) => operations.push(json!({ "kind": "delete", "uri": site.uri })),
        }
        check_operation(path, change, traits)?;
    }
    if operations.is_empty() {
        return Ok(None);
    }
    Ok(Some(if traits.document_changes {
        json!({ "documentChanges": operations })
    } else {
        json!({ "changes": unversioned(operations) })
    }))
}

/// The last look before the edit leaves: what stands there must be what was checked.
fn check_base(path: &WorkspacePath, change: &FileChange, site: &Site) -> Result<(), Unsendable> {
    match (&change.base, &site.text) {
        (None, Some(_)) => Err(Unsendable::Exists(path.clone())),
        (base, text) if base == text => Ok(()),
        _ => Err(Unsendable::Moved(path.clone())),
    }
}

fn check_operation(
    path: &WorkspacePath,
    change: &FileChange,
    traits: &ClientTraits,
) -> Result<(), Unsendable> {
    let resources = if traits.document_changes { traits.resources } else { Default::default() };
    let operation = match (&change.base, &change.proposed) {
        (None, Some(_)) if !resources.create => "create",
        (Some(_), None) if !resources.delete => "delete",
        _ => return Ok(()),
    };
    Err(Unsendable::Unsupported { operation, path: path.clone() })
}

/// One `TextDocumentEdit`; none when the texts are equal. An open document carries exactly its
/// version, any other an explicit null.
fn document_edit(
    uri: &str,
    version: Option<i32>,
    base: &str,
    proposed: &str,
    encoding: PositionEncoding,
) -> Option<Value> {
    let edits = text_edits(base, proposed, encoding);
    (!edits.is_empty()).then(|| json!({ "textDocument": { "uri": uri, "version": version }, "edits": edits }))
}

/// The minimal edits between two texts. A byte order mark is no text to an editor, so none is
/// inserted and no column counts it.
fn text_edits(base: &str, proposed: &str, encoding: PositionEncoding) -> Vec<TextEdit> {
    let [base, proposed] = [base, proposed].map(|text| text.strip_prefix('\u{FEFF}').unwrap_or(text));
    let document = Document::new(base);
    let edit = |hunk: Hunk| TextEdit {
        range: Range {
            start: document.position_of(hunk.base.start, encoding),
            end: document.position_of(hunk.base.end, encoding),
        },
        new_text: hunk.text,
    };
    hunks(base, proposed).into_iter().map(|hunk| before_last_line_end(base, hunk)).map(edit).collect()
}

/// Lines that are added at the end of a text are added before its last line end instead, which
/// gives the same text. The place after the last line end is a line that Neovim (0.11.4, seen)
/// does not have: it would add one line end too many.
fn before_last_line_end(base: &str, hunk: Hunk) -> Hunk {
    let moved = ["\r\n", "\n"].into_iter().find_map(|line_end| {
        let lines = hunk.text.strip_suffix(line_end)?;
        let last = base.strip_suffix(line_end)?.len();
        Some(Hunk { base: last..last, text: format!("{line_end}{lines}") })
    });
    match moved {
        Some(moved) if hunk.base.start == base.len() => moved,
        _ => hunk,
    }
}

/// The same edits for a client without `documentChanges`.
fn unversioned(operations: Vec<Value>) -> Map<String, Value> {
    let pair = |mut operation: Value| {
        let uri = operation.pointer("/textDocument/uri")?.as_str()?.to_owned();
        Some((uri, operation.get_mut("edits")?.take()))
    };
    operations.into_iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests;
