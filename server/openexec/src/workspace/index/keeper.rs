//! Keeps the index of a root up to date in the background, while a session lasts.

use super::Index;
use super::pace::Pace;
use super::work::Left;
use crate::limits::INDEX_CHANGES_MAX;
use crate::workspace::Workspace;
use crate::workspace::walk::{SETTLING, below, stamp_of};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What may have changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    places: BTreeSet<PathBuf>,
    /// More than is told one by one.
    anything: bool,
}

impl Changed {
    /// Anything may have.
    pub fn anything() -> Self {
        Self { places: BTreeSet::new(), anything: true }
    }

    /// This file or directory, by its absolute path, may have changed, appeared or vanished.
    pub fn add(&mut self, place: PathBuf) {
        self.anything |= self.places.len() >= INDEX_CHANGES_MAX;
        if !self.anything {
            self.places.insert(place);
        }
    }

    /// Takes more changes in.
    pub fn merge(&mut self, more: Self) {
        self.anything |= more.anything;
        more.places.into_iter().for_each(|place| self.add(place));
    }

    /// True when nothing is told.
    pub fn is_empty(&self) -> bool {
        !self.anything && self.places.is_empty()
    }
}

/// The background of one root. Dropping it ends its threads, and waits for that: no longer than
/// for the files that are being read at this moment.
pub struct Keeper {
    told: Arc<Told>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Told {
    changed: Mutex<Changed>,
    news: Condvar,
    ended: AtomicBool,
}

impl Told {
    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

/// Whether the files of the last change have been looked at once more. A file whose time lies in
/// the future never settles, and is not looked at for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settling {
    ToBeAwaited,
    Awaited,
}

/// While it lives, the index is known to be kept.
struct Counted(Arc<Index>);

impl Counted {
    fn new(index: &Arc<Index>) -> Self {
        index.keepers.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(index))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.keepers.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Keeper {
    /// Begins to bring the index up to date.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(workspace: Workspace) -> std::io::Result<Self> {
        let told = Arc::new(Told::default());
        let keeping = Arc::clone(&told);
        let counted = Counted::new(&workspace.index);
        let thread = std::thread::Builder::new().name("openexec-index".to_owned()).spawn(move || {
            let _counted = counted;
            workspace.keep(&keeping);
        })?;
        Ok(Self { told, thread: Some(thread) })
    }

    /// Tells what may have changed. Answers at once.
    pub fn tell(&self, changed: Changed) {
        self.told.changed.lock().merge(changed);
        self.told.news.notify_all();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        {
            let _changed = self.told.changed.lock();
            self.told.ended.store(true, Ordering::Release);
        }
        self.told.news.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic in there has been logged, and there is nobody left to be told.
            let _ = thread.join();
        }
    }
}

impl Workspace {
    fn keep(&self, told: &Told) {
        let left = || told.has_ended();
        self.refresh();
        self.work_off(Pace::Unhurried, &left);
        let mut settling = Settling::ToBeAwaited;
        while let Some(changed) = self.next_change(told, &mut settling) {
            self.catch_up_with(&changed, Pace::Unhurried, &left);
        }
    }

    /// Brings the index up to date with these changes, and with no others.
    pub fn catch_up(&self, changed: &Changed) {
        self.catch_up_with(changed, Pace::Awaited, &|| false);
    }

    fn catch_up_with(&self, changed: &Changed, pace: Pace, left: Left<'_>) {
        if changed.anything || changed.places.iter().any(|place| !self.look_at(place)) {
            self.refresh();
        }
        self.work_off(pace, left);
    }

    /// Waits for a change, or once after each until files that were written a moment ago can be
    /// told from later states of them; meanwhile puts aside what nobody uses. `None` when the
    /// session ends.
    fn next_change(&self, told: &Told, settling: &mut Settling) -> Option<Changed> {
        let is_settled = self.index.state.lock().known.values().all(|known| known.is_settled);
        let mut changed = told.changed.lock();
        while changed.is_empty() && !told.has_ended() {
            if !is_settled && *settling == Settling::ToBeAwaited {
                if told.news.wait_for(&mut changed, SETTLING + Duration::from_secs(1)).timed_out() {
                    *changed = Changed::anything();
                    *settling = Settling::Awaited;
                }
                continue;
            }
            match self.index.rests_in() {
                Some(Duration::ZERO) => MutexGuard::unlocked(&mut changed, || self.index.rest()),
                Some(time) => drop(told.news.wait_for(&mut changed, time)),
                None => told.news.wait(&mut changed),
            }
            if !changed.is_empty() {
                *settling = Settling::ToBeAwaited;
            }
        }
        (!told.has_ended()).then(|| std::mem::take(&mut *changed))
    }

    /// Looks at one place. False when that does not tell what has changed: a file that was not
    /// listed, or is not there any more, may be part of something larger.
    fn look_at(&self, place: &std::path::Path) -> bool {
        let Some(path) = below(self.root(), place) else { return true };
        let mut state = self.index.state.lock();
        let Some(known) = state.known.get(&path).copied() else {
            return !state.is_on_ground(self.root(), place);
        };
        match stamp_of(place) {
            Some(now) => {
                if !known.is_settled || now != known.stamp {
                    state.suspect(&path, now.bytes());
                }
                true
            }
            None => false,
        }
    }
}

impl super::state::State {
    /// True when the directory of this place is one whose files are listed, or the place itself
    /// has a say in what is listed.
    fn is_on_ground(&self, root: &std::path::Path, place: &std::path::Path) -> bool {
        let is_ground = |place: &std::path::Path| {
            self.grounds.binary_search_by(|ground| ground.path.as_path().cmp(place)).is_ok()
        };
        place == root || is_ground(place) || place.parent().is_some_and(is_ground)
    }
}
