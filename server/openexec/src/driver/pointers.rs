//! Where the symbols of records stand now: one answer for runs, the command line and editors.
//!
//! Where git has a commit in which a pointer held, its symbol is followed commit by commit to
//! the one that is checked out, and from there into the working tree. Else the pointer is compared
//! with the working tree alone. Git and files are read here, so nobody who must answer at once
//! asks; nothing is written.

use super::{DriverError, Runtime, canonical};
use crate::history::{History, Past};
use crate::limits::POINTER_WALKS_MS_MAX;
use crate::memory::{Present, Source, standing};
use openexec_engine::memory::{
    Anchor, CommitId, MaintenanceRecord, Record, Resolution, SymbolPointer, Trail,
};
use openexec_engine::path::WorkspacePath;
use parking_lot::Mutex;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What has been found out of one workspace's pointers. Clones share it.
#[derive(Clone)]
pub struct Pointers {
    root: PathBuf,
    /// Opened at the first look at which there is a repository.
    past: Arc<Mutex<Option<Arc<Past>>>>,
}

impl Pointers {
    /// Those of the workspace at `root`, an absolute path.
    pub fn of(root: &Path) -> Self {
        Self { root: root.to_owned(), past: Arc::default() }
    }

    /// Looks at the workspace as it is checked out when something is first asked: where there is
    /// nothing to ask, git is not started.
    pub fn look(&self) -> Look {
        let (committed, walking) = (RefCell::default(), Cell::default());
        Look { pointers: self.clone(), head: OnceCell::new(), before: None, committed, walking }
    }

    fn head(&self) -> Option<(Arc<Past>, CommitId)> {
        let mut slot = self.past.lock();
        if slot.is_none() {
            *slot = History::open(&self.root).map(|history| Arc::new(Past::new(history)));
        }
        let past = slot.clone()?;
        drop(slot);
        let commit = past.history().head()?;
        Some((past, commit))
    }
}

/// What somebody has seen of a workspace.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The commit that was checked out, if there was one.
    pub commit: Option<CommitId>,
    /// Files as they were, as far as they were kept.
    pub sources: BTreeMap<WorkspacePath, Source>,
}

/// One look at a workspace: every pointer that is asked about meets the same commit.
pub struct Look {
    pointers: Pointers,
    /// The commit that is checked out, if there is one.
    head: OnceCell<Option<(Arc<Past>, CommitId)>>,
    /// What was seen before.
    before: Option<Seen>,
    /// Files as they are in commits.
    committed: RefCell<BTreeMap<(CommitId, WorkspacePath), Option<Source>>>,
    /// How long pointers were followed.
    walking: Cell<Duration>,
}

impl Look {
    /// The same look, for somebody who has looked before: what pointers held then is one small
    /// step away.
    #[must_use]
    pub fn after(mut self, before: Option<Seen>) -> Self {
        self.before = before;
        self
    }

    /// The commit that is checked out.
    pub fn commit(&self) -> Option<&CommitId> {
        self.head().map(|(_, commit)| commit)
    }

    fn head(&self) -> Option<&(Arc<Past>, CommitId)> {
        self.head.get_or_init(|| self.pointers.head()).as_ref()
    }

    /// How an anchor stands to the present. A place that the commit which is checked out holds
    /// as it is, is bound to that commit.
    pub fn standing(&self, anchor: &Anchor, present: &Present<'_>) -> Resolution {
        let pointer = anchor.pointer.as_deref();
        let moved = pointer.filter(|pointer| !present.holds(pointer));
        let followed = moved.and_then(|pointer| self.followed(pointer, present));
        let resolution = followed.unwrap_or_else(|| standing(anchor, present));
        Resolution { place: resolution.place.map(|place| self.bound(place)), ..resolution }
    }

    /// Where a pointer is found by steps; nothing where no state is known in which it held.
    fn followed(&self, pointer: &SymbolPointer, present: &Present<'_>) -> Option<Resolution> {
        let (now, then) = (self.commit(), self.before.as_ref());
        let earlier = |path: &WorkspacePath| match then {
            Some(seen) => {
                let kept = seen.sources.get(path).cloned();
                kept.or_else(|| self.committed(seen.commit.as_ref()?, path))
            }
            None => self.committed(now?, path),
        };
        let mut trail = Trail::of(pointer);
        if earlier(&pointer.path).is_some_and(|source| source.holds(pointer)) {
            trail.step(&present.since(&earlier));
        } else {
            trail = self.trail(pointer)?;
            trail.step(&present.since(&|path| self.committed(now?, path)));
        }
        Some(trail.end())
    }

    /// A place, bound to the commit that is checked out if its file holds exactly this there.
    pub fn bound(&self, place: SymbolPointer) -> SymbolPointer {
        let Some(head) = self.commit() else { return place };
        let unbound = SymbolPointer { commit: None, ..place };
        let committed = self.committed(head, &unbound.path);
        match committed.is_some_and(|source| source.symbols().symbols().contains(&unbound)) {
            true => unbound.at_commit(head.clone()),
            false => unbound,
        }
    }

    /// A record whose pointers are bound, each as far as [`bound`](Self::bound) can.
    pub fn bound_record(&self, mut record: Record) -> Record {
        for number in 0..record.anchors().len() {
            let pointer = record.anchors().get(number).and_then(|anchor| anchor.pointer.as_deref());
            if let Some(pointer) = pointer.filter(|pointer| pointer.commit.is_none()) {
                let place = self.bound(pointer.clone());
                record.point(number, place);
            }
        }
        record
    }

    /// The same of what a run leaves.
    pub fn bound_lesson(&self, mut lesson: MaintenanceRecord) -> MaintenanceRecord {
        for pointer in lesson.symbols.iter_mut().filter(|pointer| pointer.commit.is_none()) {
            *pointer = self.bound(pointer.clone());
        }
        lesson
    }

    /// The way of a pointer to the commit that is checked out.
    fn trail(&self, pointer: &SymbolPointer) -> Option<Trail> {
        let (past, head) = self.head()?;
        let is_late = self.walking.get() >= Duration::from_millis(POINTER_WALKS_MS_MAX);
        if is_late && !past.knows_trail(pointer, head) {
            return None;
        }
        let began = Instant::now();
        let trail = past.trail(pointer, head);
        self.walking.set(self.walking.get() + began.elapsed());
        trail
    }

    /// A file as it is in a commit. What git does not answer is not there.
    fn committed(&self, commit: &CommitId, path: &WorkspacePath) -> Option<Source> {
        let (past, _) = self.head()?;
        let key = (commit.clone(), path.clone());
        if let Some(known) = self.committed.borrow().get(&key) {
            return known.clone();
        }
        let text = past.history().file_at(commit, path).ok().flatten();
        let source = text.and_then(|text| Source::of(path, text));
        self.committed.borrow_mut().insert(key, source.clone());
        source
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        if let Some(Some((past, _))) = self.head.get() {
            past.history().rest();
        }
    }
}

impl Runtime {
    /// The pointers of a workspace.
    ///
    /// # Errors
    /// When there is no such directory.
    pub fn pointers(&self, root: &Path) -> Result<Arc<Pointers>, DriverError> {
        let root = canonical(root)?;
        let mut known = self.roots.pointers.lock();
        Ok(Arc::clone(known.entry(root).or_insert_with_key(|root| Arc::new(Pointers::of(root)))))
    }
}

#[cfg(test)]
mod tests;
