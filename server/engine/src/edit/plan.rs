//! From actions to a change set, all or nothing.
//!
//! A batch is simulated in order: each action sees what the actions before it have done. This
//! module does not judge whether an action is allowed; the policy has done that.

mod ranges;
mod replacement;
mod rewriting;
mod symbol;
#[cfg(test)]
mod tests;

pub(crate) use rewriting::{Rewriting, check_base};

use super::{ChangeSet, FileChange};
use crate::action::{Action, ActionRequest};
use crate::ids::ActionId;
use crate::limits::{CHANGE_BYTES_MAX, CHANGE_FILES_MAX, FILE_BYTES_MAX};
use crate::path::{RequestedPath, WorkspacePath};
use crate::policy::{Entry, Facts};
use std::collections::BTreeSet;

/// Why a batch cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing was changed: {}", failures.iter().map(|(id, why)| format!("{id}: {why}")).collect::<Vec<_>>().join("; "))]
pub struct PlanError {
    /// The actions that could not be planned, and why.
    pub failures: Vec<(ActionId, String)>,
}

/// Applies a batch of editing actions to the proposed state. Other actions are passed over.
/// A file's present text is its proposed text in `changes`, else the text in `facts`.
///
/// The base of a file is its text before the run's first edit of it, and stays so; a file that
/// is back at its base stays in the set. Texts take on the line ending of their file.
///
/// # Errors
/// If any action cannot be planned, none is; every failing action is named. An action on a
/// file that a failing action should have created, deleted or renamed is not judged.
pub fn plan(changes: &ChangeSet, batch: &[ActionRequest], facts: &Facts) -> Result<ChangeSet, PlanError> {
    let mut plan =
        Plan { changes: changes.clone(), facts, unsettled: BTreeSet::new(), rewriting: Rewriting::default() };
    let mut failures = Vec::new();
    for request in batch {
        match plan.apply(&request.action) {
            Ok(()) | Err(Failure::Consequence) => {}
            Err(Failure::Reason(reason)) => failures.push((request.id.clone(), reason)),
        }
    }
    if failures.is_empty() { Ok(plan.changes) } else { Err(PlanError { failures }) }
}

/// Why an action cannot be planned.
enum Failure {
    /// For the model.
    Reason(String),
    /// An action before it has failed, and that has been said.
    Consequence,
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

/// The simulated state.
struct Plan<'a> {
    changes: ChangeSet,
    facts: &'a Facts,
    /// Files of which it is unknown whether they exist, because an action failed.
    unsettled: BTreeSet<WorkspacePath>,
    rewriting: Rewriting,
}

impl Plan<'_> {
    fn apply(&mut self, action: &Action) -> Result<(), Failure> {
        match action {
            Action::ReplaceText(it) => self.rewrite(&it.path, action),
            Action::ReplaceSymbol(it) => self.rewrite(&it.path, action),
            Action::InsertAtSymbol(it) => self.rewrite(&it.path, action),
            Action::ReplaceRange(it) => self.rewrite(&it.path, action),
            Action::CreateFile(it) if it.overwrite && self.present(&parsed(&it.path)?)?.is_some() => {
                self.rewrite(&it.path, action)
            }
            Action::CreateFile(it) => {
                let path = parsed(&it.path)?;
                let created = self.create(&path, &it.text);
                self.settle(created, &[&path])
            }
            Action::DeleteFile(it) => {
                let path = parsed(&it.path)?;
                let deleted = self.delete(&path, it.base_hash.as_deref());
                self.settle(deleted, &[&path])
            }
            Action::RenameFile(it) => {
                let (from, to) = (parsed(&it.path)?, parsed(&it.new_path)?);
                let renamed = self.rename(&from, &to, it.base_hash.as_deref());
                self.settle(renamed, &[&from, &to])
            }
            Action::ReadFile(_)
            | Action::ReadSymbol(_)
            | Action::Search(_)
            | Action::RunTask(_)
            | Action::Remember(_)
            | Action::Finish(_) => Ok(()),
        }
    }

    /// Remembers the files whose existence a failed action leaves open.
    fn settle(&mut self, outcome: Result<(), Failure>, paths: &[&WorkspacePath]) -> Result<(), Failure> {
        if outcome.is_err() {
            self.unsettled.extend(paths.iter().map(|path| (*path).clone()));
        }
        outcome
    }

    /// The present text of a file; `None` when it does not exist.
    fn present(&self, path: &WorkspacePath) -> Result<Option<&str>, Failure> {
        if self.unsettled.contains(path) {
            return Err(Failure::Consequence);
        }
        if let Some(change) = self.changes.files.get(path) {
            return Ok(change.proposed.as_deref());
        }
        let found = self.facts.paths.get(&RequestedPath::new(path.as_str()));
        let obstacle = match found.map(|found| &found.entry) {
            Some(Entry::Text { text, .. }) => return Ok(Some(text)),
            Some(Entry::Missing) => return Ok(None),
            Some(Entry::Opaque { bytes }) => {
                format!("`{path}` is binary or too large to edit ({bytes} bytes)")
            }
            Some(Entry::Directory) => format!("`{path}` is a directory; name a file"),
            Some(Entry::Other { what }) => format!("`{path}` is not a regular file: {what}"),
            None => format!("`{path}` was not examined; ask for the action again"),
        };
        Err(obstacle.into())
    }

    fn existing(&self, path: &WorkspacePath) -> Result<&str, Failure> {
        self.present(path)?.ok_or_else(|| {
            Failure::Reason(format!("`{path}` does not exist; use create_file, or search for the right path"))
        })
    }

    /// The change of a file; when it is the first, the present text becomes the base.
    fn change_of(&mut self, path: &WorkspacePath) -> Result<&mut FileChange, Failure> {
        if !self.changes.files.contains_key(path) {
            if self.changes.files.len() >= CHANGE_FILES_MAX {
                return Err(format!(
                    "the change set would touch more than {CHANGE_FILES_MAX} files; make the change smaller"
                )
                .into());
            }
            let base = self.present(path)?.map(ToOwned::to_owned);
            let change = FileChange { proposed: base.clone(), base, renamed_from: None };
            self.changes.files.insert(path.clone(), change);
        }
        self.changes.files.get_mut(path).ok_or(Failure::Consequence)
    }

    /// Makes a text the proposed one, within the limits.
    fn propose(&mut self, path: &WorkspacePath, text: String) -> Result<(), Failure> {
        if text.len() > FILE_BYTES_MAX {
            return Err(format!(
                "`{path}` would have {} bytes; at most {FILE_BYTES_MAX} are allowed",
                text.len()
            )
            .into());
        }
        let others = self.changes.files.iter().filter(|(other, _)| *other != path);
        let others: usize = others.filter_map(|(_, change)| change.proposed.as_ref()).map(String::len).sum();
        if others + text.len() > CHANGE_BYTES_MAX {
            return Err(format!(
                "the change set would have more than {CHANGE_BYTES_MAX} bytes; make the change smaller"
            )
            .into());
        }
        self.change_of(path)?.proposed = Some(text);
        Ok(())
    }

    fn rewrite(&mut self, requested: &RequestedPath, action: &Action) -> Result<(), Failure> {
        let path = parsed(requested)?;
        let version = self.facts.version_of(&path);
        let text = self.existing(&path)?.to_owned();
        let edited = self.rewriting.rewritten(action, &path, &text, version)?;
        if edited == text {
            return Err(format!("the action changes nothing in `{path}`; leave it out").into());
        }
        self.propose(&path, edited)
    }

    fn create(&mut self, path: &WorkspacePath, text: &str) -> Result<(), Failure> {
        if self.present(path)?.is_some() {
            return Err(
                format!("`{path}` exists already; edit it with replace_text or replace_symbol").into()
            );
        }
        self.check_room(path)?;
        self.propose(path, text.to_owned())?;
        // What was renamed away from here no longer explains the file that stands here now.
        for change in self.changes.files.values_mut() {
            change.renamed_from.take_if(|from| from == path);
        }
        Ok(())
    }

    fn delete(&mut self, path: &WorkspacePath, base_hash: Option<&str>) -> Result<(), Failure> {
        check_base(base_hash, path, self.existing(path)?)?;
        let change = self.change_of(path)?;
        change.proposed = None;
        change.renamed_from = None;
        Ok(())
    }

    fn rename(
        &mut self,
        from: &WorkspacePath,
        to: &WorkspacePath,
        base_hash: Option<&str>,
    ) -> Result<(), Failure> {
        let text = self.existing(from)?.to_owned();
        check_base(base_hash, from, &text)?;
        if from == to {
            return Err(format!("`{from}` has that name already; leave the action out").into());
        }
        if self.present(to)?.is_some() {
            return Err(format!("`{to}` exists already; choose another name or delete it first").into());
        }
        self.check_room(to)?;
        let before = self.changes.clone();
        let renamed = self.moved(from, to, text);
        if renamed.is_err() {
            self.changes = before;
        }
        renamed
    }

    fn moved(&mut self, from: &WorkspacePath, to: &WorkspacePath, text: String) -> Result<(), Failure> {
        let source = self.change_of(from)?;
        // A file that was renamed before comes from its first name; one that this run created
        // comes from nowhere.
        let origin = source.renamed_from.take().or_else(|| source.base.is_some().then(|| from.clone()));
        source.proposed = None;
        self.propose(to, text)?;
        let target = self.change_of(to)?;
        // A path that had a file before is a changed file, not a renamed one.
        target.renamed_from = origin.filter(|origin| origin != to && target.base.is_none());
        Ok(())
    }

    /// A new file must not stand where some platform sees another file, nor below or above one.
    fn check_room(&self, path: &WorkspacePath) -> Result<(), Failure> {
        let key = path.comparison_key();
        let below = format!("{}/", path.as_str());
        for other in self.known() {
            if &other == path {
                continue;
            }
            if other.comparison_key() == key {
                return Err(format!(
                    "`{path}` and `{other}` are one file where case does not count; choose another name"
                )
                .into());
            }
            let stands = self.stands(&other);
            if stands && path.as_str().strip_prefix(other.as_str()).is_some_and(|rest| rest.starts_with('/'))
            {
                return Err(format!("`{path}` cannot be created because `{other}` is a file").into());
            }
            if stands && other.as_str().starts_with(&below) {
                return Err(
                    format!("`{path}` cannot be created because it is the directory of `{other}`").into()
                );
            }
        }
        Ok(())
    }

    /// The files that stand or stood at some path we know of.
    fn known(&self) -> BTreeSet<WorkspacePath> {
        let touched = self.changes.files.iter().filter(|(_, change)| **change != FileChange::default());
        let seen = self.facts.paths.iter().filter(|(_, found)| found.entry != Entry::Missing);
        touched
            .map(|(path, _)| path.clone())
            .chain(seen.filter_map(|(path, _)| WorkspacePath::parse(path.as_str()).ok()))
            .collect()
    }

    fn stands(&self, path: &WorkspacePath) -> bool {
        match self.changes.files.get(path) {
            Some(change) => change.proposed.is_some(),
            None => {
                let found = self.facts.paths.get(&RequestedPath::new(path.as_str()));
                matches!(
                    found.map(|found| &found.entry),
                    Some(Entry::Text { .. } | Entry::Opaque { .. } | Entry::Other { .. })
                )
            }
        }
    }
}

fn parsed(path: &RequestedPath) -> Result<WorkspacePath, Failure> {
    WorkspacePath::parse(path.as_str())
        .map_err(|error| Failure::Reason(format!("`{path}` is not a path of the workspace: {error}")))
}
