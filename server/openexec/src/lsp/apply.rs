//! Handing a change set to the editor, and looking what came of it.
//!
//! The editor's own answer is for the record: clients say `applied: true` for edits that they
//! dropped, ask the user first, or say nothing. What counts is the text of each file.

use super::documents::Standing;
use super::editor::Answer;
use super::roots::on_disk;
use super::session::Session;
use super::uri;
use super::workspace_edit::{Site, workspace_edit};
use crate::limits::{CLIENT_ANSWER_TIMEOUT_MS, RECONCILE_GRACE_MS, RECONCILE_LOOK_MS, RECONCILE_TIMEOUT_MS};
use openexec_engine::edit::ChangeSet;
use openexec_engine::path::WorkspacePath;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Sends the edit and waits until its effect can be seen, or cannot be expected any more.
/// Answers with a sentence for the record.
pub(super) async fn apply(
    session: &Session,
    send: impl FnOnce(Value) -> oneshot::Receiver<Answer>,
    root: &Path,
    changes: &ChangeSet,
    label: &str,
) -> String {
    if let Some(lost) = lost(session, root, changes) {
        return format!("what the editor shows of `{lost}` is unknown; close and open it, then apply again");
    }
    // From here on every change wakes us, also one that comes before the answer.
    let seen = session.changes();
    let edit = workspace_edit(changes, &session.traits(), &|path| site(session, root, path));
    let edit = match edit {
        Ok(Some(edit)) => edit,
        Ok(None) => return "every file holds its proposed text already".to_owned(),
        Err(unsendable) => return unsendable.to_string(),
    };
    let mut answer = send(json!({ "label": label, "edit": edit }));
    let heard = reconcile(session, seen, &mut answer, root, changes).await;
    note_deletions(session, root, changes);
    report(session, root, changes, heard.as_ref())
}

/// Waits for the files to be as proposed. Whatever is heard meanwhile from the editor is kept.
async fn reconcile(
    session: &Session,
    mut seen: tokio::sync::watch::Receiver<u64>,
    answer: &mut oneshot::Receiver<Answer>,
    root: &Path,
    changes: &ChangeSet,
) -> Option<Answer> {
    let after = |limit_ms: u64| Instant::now() + Duration::from_millis(limit_ms);
    let mut look = tokio::time::interval(Duration::from_millis(RECONCILE_LOOK_MS));
    let mut deadline = after(CLIENT_ANSWER_TIMEOUT_MS);
    let mut heard = None;
    let mut complete = false;
    loop {
        tokio::select! {
            said = &mut *answer, if heard.is_none() => {
                let said = said.unwrap_or(Answer::Silent);
                // A refusal can come after a part was applied; an assent before anything was.
                let limit_ms = if refuses(&said) { RECONCILE_GRACE_MS } else { RECONCILE_TIMEOUT_MS };
                deadline = deadline.min(after(limit_ms));
                heard = Some(said);
            }
            // The other end lives as long as the session that is borrowed here.
            _ = seen.changed() => {}
            _ = look.tick() => {}
            () = tokio::time::sleep_until(deadline) => return heard,
        }
        if outstanding(session, root, changes).is_empty() {
            if heard.is_some() {
                return heard;
            }
            if !complete {
                complete = true;
                deadline = deadline.min(after(RECONCILE_GRACE_MS));
            }
        }
    }
}

fn refuses(answer: &Answer) -> bool {
    match answer {
        Answer::Said(value) => value.get("applied").and_then(Value::as_bool) == Some(false),
        Answer::Refused(_) => true,
        Answer::Silent => false,
    }
}

/// The files whose text is not the proposed one.
fn outstanding(session: &Session, root: &Path, changes: &ChangeSet) -> Vec<WorkspacePath> {
    let differs = |path: &WorkspacePath, proposed: Option<&str>| match (proposed, live(session, root, path)) {
        (Some(proposed), Some(text)) => !same_to_an_editor(proposed, &text),
        // The buffer of a deleted file may stay open.
        (None, _) => on_disk(root, path).exists(),
        (Some(_), None) => true,
    };
    changes
        .effective()
        .filter(|(path, change)| differs(path, change.proposed.as_deref()))
        .map(|(path, _)| path.clone())
        .collect()
}

/// True for texts that differ only in what editors do by themselves: the byte order mark, the
/// style of line ends, the end of the last line.
fn same_to_an_editor(one: &str, other: &str) -> bool {
    fn lines(text: &str) -> impl Iterator<Item = &str> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line))
    }
    one == other || lines(one).eq(lines(other))
}

/// What stands in a file: the buffer's text, else the disk's.
fn live(session: &Session, root: &Path, path: &WorkspacePath) -> Option<String> {
    let place = on_disk(root, path);
    match session.document_at(&place) {
        Some(file) if file.standing != Standing::Deleted => Some(file.text.to_string()),
        Some(_) | None => std::fs::read_to_string(place).ok(),
    }
}

fn site(session: &Session, root: &Path, path: &WorkspacePath) -> Site {
    let place = on_disk(root, path);
    let open = session.document_at(&place).filter(|file| file.standing != Standing::Deleted);
    let (uri, version) = match open {
        Some(file) => (file.uri.clone(), Some(file.version)),
        None => {
            let named = session.roots().uri_below(root, path);
            (named.or_else(|| uri::of_path(&place).ok()).unwrap_or_default(), None)
        }
    };
    Site {
        uri,
        version,
        text: live(session, root, path),
        has_folder: place.parent().is_some_and(Path::is_dir),
    }
}

fn lost(session: &Session, root: &Path, changes: &ChangeSet) -> Option<WorkspacePath> {
    let is_lost = |path: &&WorkspacePath| {
        session.document_at(&on_disk(root, path)).is_some_and(|file| file.standing == Standing::Lost)
    };
    changes.effective().map(|(path, _)| path).find(is_lost).cloned()
}

/// An editor may keep the buffer of a file that is gone; it is no file of the workspace any more.
fn note_deletions(session: &Session, root: &Path, changes: &ChangeSet) {
    for (path, change) in changes.effective() {
        let place = on_disk(root, path);
        let still = session.document_at(&place).map(|file| file.text.to_string());
        if change.proposed.is_none() && !place.exists() && still == change.base {
            session.mark_deleted(&place);
        }
    }
}

/// One sentence for the record.
fn report(session: &Session, root: &Path, changes: &ChangeSet, heard: Option<&Answer>) -> String {
    let answer = match heard {
        Some(Answer::Said(value)) => said(value),
        Some(Answer::Refused(reason)) => format!("the editor answered with an error: {reason}"),
        Some(Answer::Silent) | None => "the editor has not answered".to_owned(),
    };
    let outstanding = outstanding(session, root, changes);
    let all = changes.effective().count();
    if outstanding.is_empty() {
        return format!("{answer}; all {all} files are as proposed");
    }
    let names: Vec<&str> = outstanding.iter().map(WorkspacePath::as_str).collect();
    let unseen = outstanding.iter().filter(|path| session.document_at(&on_disk(root, path)).is_none());
    let remedy = if unseen.count() == outstanding.len() {
        "; they may stand in buffers that we cannot see: save all files, then look at the run again"
    } else {
        ""
    };
    format!("{answer}; {} of {all} files are not as proposed: {}{remedy}", names.len(), names.join(", "))
}

fn said(value: &Value) -> String {
    let applied = match value.get("applied").and_then(Value::as_bool) {
        Some(true) => "the editor says that it applied the edit",
        Some(false) => "the editor says that it did not apply the edit",
        None => "the editor's answer says nothing",
    };
    let failed =
        value.get("failedChange").and_then(Value::as_u64).map(|change| format!(", change {change} failed"));
    let reason = value.get("failureReason").and_then(Value::as_str).map(|reason| format!(": {reason}"));
    format!("{applied}{}{}", failed.unwrap_or_default(), reason.unwrap_or_default())
}

#[cfg(test)]
mod tests;
