//! Pointers through history: commits as steps of a walk.

use super::change::{self, Change, Side, Step};
use super::{History, HistoryError};
use crate::limits::{HISTORY_FILES_KEPT_MAX, HISTORY_STEP_FILES_MAX};
use openexec_engine::memory::{
    CommitId, Fingerprints, LineMap, PathMap, Resolution, SymbolPointer, World, follow, newcomers, resolve,
};
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::Language;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A commit's steps by where they begin and end.
type Steps = BTreeMap<(CommitId, CommitId), Arc<Vec<Step>>>;

/// A history with what has been read of it.
pub struct Past {
    history: History,
    steps: Mutex<Steps>,
    files: Mutex<BTreeMap<Side, Arc<Fingerprints>>>,
}

impl Past {
    /// Of a history.
    pub fn new(history: History) -> Self {
        Self { history, steps: Mutex::default(), files: Mutex::default() }
    }

    /// The history itself.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Follows a pointer from its commit to another one, commit by commit. Nothing where the
    /// pointer has no commit.
    ///
    /// # Errors
    /// When git does not answer, as for a commit that is not there (any more).
    pub fn walk(&self, pointer: &SymbolPointer, to: &CommitId) -> Result<Option<Resolution>, HistoryError> {
        let Some(from) = &pointer.commit else { return Ok(None) };
        let steps = self.between(from, to)?;
        let resolution = follow(pointer, steps.iter().map(|step| Commit::new(self, step)));
        Ok(Some(bound(resolution, to)))
    }

    /// Compares a pointer's commit with another one, without those between.
    ///
    /// # Errors
    /// As [`walk`](Self::walk).
    pub fn compare(
        &self,
        pointer: &SymbolPointer,
        to: &CommitId,
    ) -> Result<Option<Resolution>, HistoryError> {
        let Some(from) = &pointer.commit else { return Ok(None) };
        let changes = self.history.changes(from, to)?;
        let step = Step::new(to.clone(), Some(from.clone()), changes);
        let world = Commit::new(self, &step);
        let resolution = if world.touches(&pointer.path) {
            resolve(pointer, &world)
        } else {
            follow(pointer, std::iter::empty::<Commit<'_>>())
        };
        Ok(Some(bound(resolution, to)))
    }

    fn between(&self, from: &CommitId, to: &CommitId) -> Result<Arc<Vec<Step>>, HistoryError> {
        let key = (from.clone(), to.clone());
        if let Some(steps) = self.steps.lock().get(&key) {
            return Ok(Arc::clone(steps));
        }
        let steps = Arc::new(self.history.steps(from, to)?);
        self.steps.lock().insert(key, Arc::clone(&steps));
        Ok(steps)
    }

    /// The symbols of a file; nothing where it is no text. What git does not answer counts as
    /// not there: the symbol is then stale, never somewhere else.
    fn fingerprints(&self, side: &Side) -> Option<Arc<Fingerprints>> {
        if let Some(known) = self.files.lock().get(side) {
            return Some(Arc::clone(known));
        }
        let text = self.history.blob(&side.blob).ok()??;
        let fingerprints = Arc::new(Fingerprints::of(&side.path, &text));
        let mut files = self.files.lock();
        if files.len() >= HISTORY_FILES_KEPT_MAX {
            files.clear();
        }
        files.insert(side.clone(), Arc::clone(&fingerprints));
        Some(fingerprints)
    }
}

/// A place in a commit is bound to it, so that the next walk begins there.
fn bound(resolution: Resolution, to: &CommitId) -> Resolution {
    Resolution { place: resolution.place.map(|place| place.at_commit(to.clone())), ..resolution }
}

/// One step as two states of the workspace.
struct Commit<'a> {
    past: &'a Past,
    step: &'a Step,
    moves: OnceLock<PathMap>,
}

impl<'a> Commit<'a> {
    fn new(past: &'a Past, step: &'a Step) -> Self {
        Self { past, step, moves: OnceLock::new() }
    }

    fn text(&self, side: Option<&Side>) -> Option<String> {
        self.past.history.blob(&side?.blob).ok()?
    }
}

impl World for Commit<'_> {
    fn touches(&self, path: &WorkspacePath) -> bool {
        self.step.from(path).is_some()
    }

    fn now(&self, path: &WorkspacePath) -> Option<Arc<Fingerprints>> {
        self.past.fingerprints(self.step.to(path)?.now.as_ref()?)
    }

    fn then(&self, path: &WorkspacePath) -> Option<Arc<Fingerprints>> {
        self.past.fingerprints(self.step.from(path)?.then.as_ref()?)
    }

    fn moved_to(&self, path: &WorkspacePath) -> Option<WorkspacePath> {
        let moves = self.moves.get_or_init(|| change::moves(&self.step.changes));
        // Where the whole directory went, a file of the same name there is the better trace: a
        // pairing by likeness may be wrong.
        let with_directory = moves.with_directory(path).filter(|path| self.step.to(path).is_some());
        with_directory.or_else(|| moves.file(path).cloned())
    }

    fn lines(&self, then: &WorkspacePath, now: &WorkspacePath) -> Option<LineMap> {
        let then = self.text(self.step.from(then)?.then.as_ref())?;
        LineMap::between(&then, &self.text(self.step.to(now)?.now.as_ref())?)
    }

    fn newcomers(&self, wanted: &SymbolPointer, visit: &mut dyn FnMut(&SymbolPointer)) {
        let wanted = Language::of_path(&wanted.path);
        let may_hold = |change: &&Change| {
            change.now.as_ref().is_some_and(|side| are_mixed(wanted, Language::of_path(&side.path)))
        };
        for change in self.step.changes.iter().filter(may_hold).take(HISTORY_STEP_FILES_MAX) {
            if let Some(now) = change.now.as_ref().and_then(|side| self.past.fingerprints(side)) {
                let then = change.then.as_ref().and_then(|side| self.past.fingerprints(side));
                newcomers(&now, then.as_deref()).for_each(&mut *visit);
            }
        }
    }
}

/// True for languages between whose files a symbol may move as it is.
fn are_mixed(one: Option<Language>, two: Option<Language>) -> bool {
    let is_script =
        |language| matches!(language, Some(Language::JavaScript | Language::TypeScript | Language::Tsx));
    let is_c = |language| matches!(language, Some(Language::C | Language::Cpp));
    one == two || (is_script(one) && is_script(two)) || (is_c(one) && is_c(two))
}
