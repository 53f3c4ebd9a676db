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
use crate::driver::Landing;
use crate::limits::{CLIENT_ANSWER_TIMEOUT_MS, RECONCILE_GRACE_MS, RECONCILE_LOOK_MS, RECONCILE_TIMEOUT_MS};
use openexec_engine::edit::{ChangeSet, FileChange};
use openexec_engine::path::WorkspacePath;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Sends the edit and waits until its effect can be seen, or cannot be expected any more.
pub(super) async fn apply(
    session: &Session,
    send: impl FnOnce(Value) -> oneshot::Receiver<Answer>,
    root: &Path,
    changes: &ChangeSet,
    label: &str,
) -> Landing {
    let unsent = |why: String| Landing { answer: why, seen: BTreeMap::new() };
    if let Some(why) = doubt(session, root, changes) {
        return unsent(why);
    }
    // From here on every change wakes us, also one that comes before the answer.
    let woken = session.changes();
    let edit = workspace_edit(changes, &session.traits(), &|path| site(session, root, path));
    let edit = match edit {
        Ok(Some(edit)) => edit,
        Ok(None) => return unsent("every file holds its proposed text already".to_owned()),
        Err(unsendable) => return unsent(unsendable.to_string()),
    };
    for (path, change) in changes.effective() {
        session.await_edit(on_disk(root, path), change.clone());
    }
    let mut answer = send(json!({ "label": label, "edit": edit }));
    let heard = reconcile(session, woken, &mut answer, root, changes).await;
    note_deletions(session, root, changes);
    let answer = report(session, root, changes, heard.as_ref());
    let seen = |path: &WorkspacePath| Some((path.clone(), session.end_awaiting(&on_disk(root, path))?));
    Landing { answer, seen: changes.effective().filter_map(|(path, _)| seen(path)).collect() }
}

/// Waits for the files to be as proposed. Whatever is heard meanwhile from the editor is kept.
async fn reconcile(
    session: &Session,
    mut woken: tokio::sync::watch::Receiver<u64>,
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
            _ = woken.changed() => {}
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

/// The files in which the proposed text has not been seen. What the user types into one of them
/// once it stood there is no reason to wait.
fn outstanding(session: &Session, root: &Path, changes: &ChangeSet) -> Vec<WorkspacePath> {
    let differs = |path: &WorkspacePath, change: &FileChange| match change.proposed {
        Some(_) => !session.has_seen_edit(&on_disk(root, path), live(session, root, path).as_deref()),
        // The buffer of a deleted file may stay open.
        None => on_disk(root, path).exists(),
    };
    changes.effective().filter(|(path, change)| differs(path, change)).map(|(path, _)| path.clone()).collect()
}

/// What stands in a file: the buffer's text, else the disk's.
fn live(session: &Session, root: &Path, path: &WorkspacePath) -> Option<String> {
    let place = on_disk(root, path);
    match session.document_at(&place).filter(|file| !file.is_gone()) {
        Some(file) => Some(file.text.to_string()),
        None => std::fs::read_to_string(place).ok(),
    }
}

fn site(session: &Session, root: &Path, path: &WorkspacePath) -> Site {
    let place = on_disk(root, path);
    let buffer = session.document_at(&place);
    let named = || session.roots().uri_below(root, path).or_else(|| uri::of_path(&place).ok());
    let (open, kept) = match &buffer {
        Some(file) if file.is_gone() => (None, Some((file.version, file.text.to_string()))),
        Some(file) => (Some(file), None),
        None => (None, None),
    };
    Site {
        uri: buffer.as_ref().map(|file| file.uri.clone()).or_else(named).unwrap_or_default(),
        version: open.map(|file| file.version),
        text: open.map(|file| file.text.to_string()).or_else(|| std::fs::read_to_string(&place).ok()),
        kept,
        has_folder: place.parent().is_some_and(Path::is_dir),
    }
}

/// Why nobody can say what a file that is to be changed holds in the editor.
fn doubt(session: &Session, root: &Path, changes: &ChangeSet) -> Option<String> {
    let doubt_of = |path: &WorkspacePath| {
        let open = session.documents_at(&on_disk(root, path));
        if open.iter().any(|file| file.standing == Standing::Lost) {
            return Some(format!(
                "what the editor shows of `{path}` is unknown; close and open it, then apply again"
            ));
        }
        let (best, others) = open.split_first()?;
        let other = others.iter().find(|other| *other.text.rope() != *best.text.rope())?;
        Some(format!(
            "`{path}` is open under two names that do not show the same text (`{}`, `{}`); nothing was sent to \
             the editor: save and close one of them, then apply again",
            best.uri, other.uri
        ))
    };
    changes.effective().find_map(|(path, _)| doubt_of(path))
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
