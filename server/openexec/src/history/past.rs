//! Pointers through history: commits as steps of a walk.

use super::change::{self, Change, Side, Step};
use super::{History, HistoryError};
use crate::limits::{
    HISTORY_FILES_KEPT_MAX, HISTORY_LINES_KEPT_MAX, HISTORY_STEP_FILES_MAX, HISTORY_TRAILS_KEPT_MAX,
};
use openexec_engine::digest::Digest;
use openexec_engine::memory::{
    CommitId, Fingerprints, LineMap, PathMap, Resolution, SymbolPointer, Trail, World, follow, may_move,
    newcomers, resolve,
};
use openexec_engine::path::WorkspacePath;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Lines of commits by where they begin and end.
type Lines = BTreeMap<(CommitId, CommitId), Arc<Vec<Step>>>;

/// How far pointers have come by a commit, by the digest of the pointer; nothing where git does
/// not tell.
type Trails = BTreeMap<(Digest, CommitId), Option<Trail>>;

/// A history with what has been read of it.
pub struct Past {
    history: History,
    lines: Mutex<Lines>,
    trails: Mutex<Trails>,
    files: Mutex<BTreeMap<Side, Arc<Fingerprints>>>,
}

impl Past {
    /// Of a history.
    pub fn new(history: History) -> Self {
        Self { history, lines: Mutex::default(), trails: Mutex::default(), files: Mutex::default() }
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
        Ok(Some(bound(self.walked(pointer, from, to)?.end(), to)))
    }

    /// The way of a pointer to a commit, which may be gone on from there: from the pointer's own,
    /// or where that is not known or not there (any more), from the last one that held it.
    /// Nothing where there is none or git does not tell. What was found out once is kept.
    pub fn trail(&self, pointer: &SymbolPointer, to: &CommitId) -> Option<Trail> {
        let key = (fingerprint(pointer)?, to.clone());
        if let Some(known) = self.trails.lock().get(&key) {
            return known.clone();
        }
        let untold =
            |error: &HistoryError| tracing::debug!(%error, "a pointer is not followed through history");
        let walked = |from: &CommitId| self.walked(pointer, from, to).inspect_err(untold).ok();
        let bound = pointer.commit.as_ref().and_then(walked);
        let trail = bound.or_else(|| walked(&self.last_with(pointer, to).inspect_err(untold).ok()??));
        let mut trails = self.trails.lock();
        if trails.len() >= HISTORY_TRAILS_KEPT_MAX {
            trails.clear();
        }
        trails.insert(key, trail.clone());
        trail
    }

    /// True where a pointer's way is at hand, so that asking for it costs nothing.
    pub fn knows_trail(&self, pointer: &SymbolPointer, to: &CommitId) -> bool {
        fingerprint(pointer).is_some_and(|key| self.trails.lock().contains_key(&(key, to.clone())))
    }

    /// The last commit up to another one in which a pointer's file held exactly its symbol: what
    /// has the same text under the same name in the same file is the same.
    fn last_with(&self, pointer: &SymbolPointer, to: &CommitId) -> Result<Option<CommitId>, HistoryError> {
        for commit in self.history.versions(&pointer.path, to)? {
            let text = self.history.file_at(&commit, &pointer.path)?;
            let symbols = text.map(|text| Fingerprints::of(&pointer.path, &text));
            let mut named = symbols.iter().flat_map(|symbols| symbols.named(&pointer.symbol));
            if named.any(|symbol| symbol.text == pointer.text) {
                return Ok(Some(commit));
            }
        }
        Ok(None)
    }

    fn walked(&self, pointer: &SymbolPointer, from: &CommitId, to: &CommitId) -> Result<Trail, HistoryError> {
        let (line, begins) = self.between(from, to)?;
        let mut trail = Trail::of(pointer);
        for step in line.iter().skip(begins) {
            trail.step(&Commit::new(self, step));
        }
        Ok(trail)
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

    /// The commits between two: a line, and where in it they begin. A line from an earlier
    /// commit holds that of each later one.
    fn between(&self, from: &CommitId, to: &CommitId) -> Result<(Arc<Vec<Step>>, usize), HistoryError> {
        let begins = |first: &CommitId, line: &[Step]| match first == from {
            true => Some(0),
            false => line.iter().position(|step| &step.commit == from).map(|at| at + 1),
        };
        let known = self
            .lines
            .lock()
            .iter()
            .filter(|((_, end), _)| end == to)
            .find_map(|((first, _), line)| begins(first, line).map(|begins| (Arc::clone(line), begins)));
        if let Some(known) = known {
            return Ok(known);
        }
        let line = Arc::new(self.history.steps(from, to)?);
        let mut lines = self.lines.lock();
        if lines.len() >= HISTORY_LINES_KEPT_MAX {
            lines.clear();
        }
        lines.insert((from.clone(), to.clone()), Arc::clone(&line));
        Ok((line, 0))
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

/// What tells one pointer from another.
fn fingerprint(pointer: &SymbolPointer) -> Option<Digest> {
    serde_json::to_vec(pointer).ok().map(|json| Digest::of(&json))
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

    /// The new file that shares the end of a path with one that is gone, its directory at least:
    /// that has changed too much to be paired with it.
    fn namesake(&self, path: &WorkspacePath) -> Option<WorkspacePath> {
        let created = self.step.changes.iter().filter(|change| change.then.is_none());
        let shared = |other: &WorkspacePath| {
            let ends = path.as_str().rsplit('/').zip(other.as_str().rsplit('/'));
            ends.take_while(|(one, two)| one == two).count()
        };
        let named = created.filter_map(|change| Some(&change.now.as_ref()?.path));
        let mut near: Vec<_> =
            named.map(|other| (shared(other), other)).filter(|(parts, _)| *parts > 1).collect();
        near.sort_by(|one, two| two.cmp(one));
        match near.as_slice() {
            [(most, first), rest @ ..] if rest.first().is_none_or(|(next, _)| next < most) => {
                Some((*first).clone())
            }
            _ => None,
        }
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
        with_directory.or_else(|| moves.file(path).cloned()).or_else(|| self.namesake(path))
    }

    fn lines(&self, then: &WorkspacePath, now: &WorkspacePath) -> Option<LineMap> {
        let then = self.text(self.step.from(then)?.then.as_ref())?;
        LineMap::between(&then, &self.text(self.step.to(now)?.now.as_ref())?)
    }

    fn newcomers(&self, wanted: &SymbolPointer, visit: &mut dyn FnMut(&SymbolPointer)) {
        let may_hold =
            |change: &&Change| change.now.as_ref().is_some_and(|side| may_move(&wanted.path, &side.path));
        for change in self.step.changes.iter().filter(may_hold).take(HISTORY_STEP_FILES_MAX) {
            if let Some(now) = change.now.as_ref().and_then(|side| self.past.fingerprints(side)) {
                let then = change.then.as_ref().and_then(|side| self.past.fingerprints(side));
                newcomers(&now, then.as_deref()).for_each(&mut *visit);
            }
        }
    }
}
