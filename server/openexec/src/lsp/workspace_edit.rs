//! From a change set to the `WorkspaceEdit` that an editor applies.
//!
//! The shapes are our own instead of the protocol crate's, for two reasons: a URI must leave
//! exactly as the client wrote it, and a client fails on `annotationId: null` as well as on a
//! missing `version`.

use super::traits::ClientTraits;
use openexec_engine::edit::{ChangeSet, FileChange, Hunk, hunks};
use openexec_engine::path::WorkspacePath;
use openexec_engine::text::{BYTE_ORDER_MARK, Document, Position, PositionEncoding, split_lines};
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
    /// The version and the text of the buffer that the editor has kept of it, when it is gone.
    pub(super) kept: Option<(i32, String)>,
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
        "this editor cannot {operation} files for us (`{path}`); nothing was sent: {operation} it by hand and resume, or discard the run"
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
            // Whatever a client makes of two buffers of one name.
            && here.kept.is_none()
            && !renamed.contains(from)
        {
            operations.push(json!({ "kind": "rename", "oldUri": there.uri, "newUri": here.uri }));
            let edits = text_edits(before, proposed, traits.encoding, there.version.is_some());
            operations.extend(document_edit(&here.uri, None, edits));
            renamed.extend([*from, *path]);
        }
    }
    for (path, change, site) in wanted.iter().filter(|(path, ..)| !renamed.contains(path)) {
        match (&change.base, &change.proposed) {
            (Some(base), Some(proposed)) => {
                let edits = text_edits(base, proposed, traits.encoding, site.version.is_some());
                operations.extend(document_edit(&site.uri, site.version, edits));
            }
            (None, Some(proposed)) => {
                operations.push(json!({ "kind": "create", "uri": site.uri }));
                operations.extend(filling(site, proposed, traits));
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

/// What a file that is created still needs. A client that has kept its buffer shows that again:
/// what stands there is edited, not filled a second time. Where the buffer holds the wanted text
/// already, its first line is replaced by itself: Helix (25.07.1, seen) takes a buffer that nobody
/// edits for saved, and the created file would stay empty.
fn filling(site: &Site, proposed: &str, traits: &ClientTraits) -> Option<Value> {
    if let Some((version, kept)) = &site.kept {
        let edits = match kept == proposed {
            true => first_line_again(kept, traits.encoding),
            false => text_edits(kept, proposed, traits.encoding, true),
        };
        return document_edit(&site.uri, Some(*version), edits);
    }
    let ended = proposed.strip_suffix('\n').filter(|_| traits.ends_every_buffer);
    let edits = text_edits("", ended.unwrap_or(proposed), traits.encoding, false);
    document_edit(&site.uri, None, edits)
}

/// One `TextDocumentEdit`; none when there is nothing to edit. An open document carries exactly its
/// version, any other an explicit null.
fn document_edit(uri: &str, version: Option<i32>, edits: Vec<TextEdit>) -> Option<Value> {
    (!edits.is_empty()).then(|| json!({ "textDocument": { "uri": uri, "version": version }, "edits": edits }))
}

/// The minimal edits between two texts. What is open is as the client has told it, with a byte order
/// mark where it has one. Elsewhere a mark is no text to an editor, so none is inserted and no
/// column counts it.
fn text_edits(base: &str, proposed: &str, encoding: PositionEncoding, is_open: bool) -> Vec<TextEdit> {
    let shown = |text| if is_open { text } else { unmarked(text) };
    let (base, proposed) = (shown(base), shown(proposed));
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

fn first_line_again(text: &str, encoding: PositionEncoding) -> Vec<TextEdit> {
    let document = Document::new(text);
    let first = split_lines(text).into_iter().next();
    let again = |line: &str| TextEdit {
        range: Range {
            start: document.position_of(0, encoding),
            end: document.position_of(line.len(), encoding),
        },
        new_text: line.to_owned(),
    };
    first.map(again).into_iter().collect()
}

fn unmarked(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Lines that are added at the end of a text are added before its last line end instead, which
/// gives the same text. The place after the last line end is a line that Neovim (0.11.4, seen)
/// does not have: it would add one line end too many. Lines that end otherwise than the text's last
/// one stay where they are: there is no place within a line end.
fn before_last_line_end(base: &str, hunk: Hunk) -> Hunk {
    let line_end = if base.ends_with("\r\n") { "\r\n" } else { "\n" };
    let ends_alike = hunk.text.ends_with("\r\n") == base.ends_with("\r\n");
    let moved = hunk.text.strip_suffix(line_end).zip(base.strip_suffix(line_end));
    match moved {
        Some((lines, before)) if ends_alike && hunk.base.start == base.len() => {
            Hunk { base: before.len()..before.len(), text: format!("{line_end}{lines}") }
        }
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
