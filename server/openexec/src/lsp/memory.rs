//! What operational memory knows of symbols, read beforehand so that no menu waits for the
//! disk. Pointers are looked for again after each save, and when the repository's head, a memory
//! file or a file that a pointer leads to was written by anybody else; the user's own records and
//! what runs have left go along with symbols that are found for certain. Files that are shared
//! are never written from here without the user.

use super::commands::{ConfirmArguments, OfferedPlace};
use super::roots::{below, on_disk};
use super::session::Session;
use crate::driver::{Remembered, Runtime, Seen};
use crate::limits::{
    GIT_FILE_BYTES_MAX, KNOWN_ABOUT_MAX, LESSONS_MAX, MEMORY_FILES_WATCHED_MAX, MEMORY_LOOKS_MS,
};
use crate::memory::{MEMORY_DIR, Present, state_name};
use crate::store::Store;
use crate::workspace::Workspace;
use openexec_engine::ids::RecordId;
use openexec_engine::memory::{
    Anchor, Kind, MaintenanceRecord, Origin, PointerState, Record, Resolution, SymbolPointer,
};
use openexec_engine::path::WorkspacePath;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;

/// A record in few words, for menus, lenses and hovers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecordSummary {
    /// `symbol cache-key`, or `run 0198…`.
    pub(super) title: String,
    /// `symbol`, `maintenance` or `run`.
    pub(super) kind: &'static str,
    /// Why the symbol is as it is, or what was done to it. One line; data, never an instruction.
    pub(super) why: String,
    /// How its pointer stands: `exact`, `suspect`, …; of work that does not stand, how it ended.
    pub(super) state: &'static str,
    /// How its pointer stands to the text as it was when it was looked for.
    pub(super) pointer: PointerState,
    /// All of it, for whoever wants to read it; data as well.
    pub(super) told: String,
    /// Which one it is, where it is the user's own.
    pub(super) own: Option<OwnRecord>,
}

/// A record of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnRecord {
    pub(super) kind: Kind,
    pub(super) id: RecordId,
    /// The number of the anchor that is shown, and the place that a person may confirm for it.
    pub(super) offered: Option<(usize, SymbolPointer)>,
}

/// The kind of what a run has left.
const RUN: &str = "run";

/// What is known of one workspace's symbols.
#[derive(Default)]
struct Places {
    symbols: BTreeMap<(WorkspacePath, String), Vec<RecordSummary>>,
    /// The records in full, for whoever wants to read them.
    texts: BTreeMap<(WorkspacePath, String), String>,
    /// How the anchors of shared records stand.
    anchors: Vec<(Anchor, Resolution)>,
    /// The files that pointers lead to.
    files: BTreeSet<WorkspacePath>,
    /// Those files as they were saved when pointers were looked for last.
    seen: Seen,
}

/// What is known of symbols.
pub(super) struct Memory {
    session: Arc<Session>,
    runtime: Result<Arc<Runtime>, String>,
    places: Mutex<BTreeMap<PathBuf, Arc<Places>>>,
    stale: Notify,
}

impl Memory {
    pub(super) fn new(session: Arc<Session>, runtime: Result<Arc<Runtime>, String>) -> Self {
        Self { session, runtime, places: Mutex::default(), stale: Notify::new() }
    }

    /// The records of a symbol, the newest first; nothing where none is known by now.
    pub(super) fn known_about(&self, root: &Path, path: &WorkspacePath, symbol: &str) -> Vec<RecordSummary> {
        let Some(places) = self.places.lock().get(root).cloned() else { return Vec::new() };
        places.symbols.get(&(path.clone(), symbol.to_owned())).cloned().unwrap_or_default()
    }

    /// What people have written down about the symbols of a file, by the names of these. What
    /// runs have left is not among it.
    pub(super) fn notes_of(&self, root: &Path, path: &WorkspacePath) -> Vec<(String, RecordSummary)> {
        let Some(places) = self.places.lock().get(root).cloned() else { return Vec::new() };
        let of_file = places.symbols.range((path.clone(), String::new())..);
        let of_file = of_file.take_while(|((at, _), _)| at == path);
        let notes =
            of_file.flat_map(|((_, symbol), known)| known.iter().map(|it| (symbol.clone(), it.clone())));
        notes.filter(|(_, known)| known.kind != RUN).collect()
    }

    /// Everything that is known of a symbol, as a document.
    pub(super) fn told(&self, root: &Path, path: &WorkspacePath, symbol: &str) -> Option<String> {
        let places = self.places.lock().get(root).cloned()?;
        places.texts.get(&(path.clone(), symbol.to_owned())).cloned()
    }

    /// The place that is offered for an anchor of one of the user's own records, with the number of
    /// the anchor.
    pub(super) fn offered(&self, root: &Path, of: &ConfirmArguments) -> Option<(usize, SymbolPointer)> {
        let places = self.places.lock().get(root).cloned()?;
        let own = places.symbols.values().flatten().filter_map(|known| known.own.as_ref());
        let mut offered = own.filter(|own| own.kind == of.kind && own.id == of.id);
        let is_meant = |(_, place): &&(usize, SymbolPointer)| OfferedPlace::of(place) == of.place;
        offered.find_map(|own| own.offered.as_ref().filter(is_meant).cloned())
    }

    /// How the anchors of a workspace's shared records stand, as far as they were looked for.
    pub(super) fn standings(&self, root: &Path) -> Vec<(Anchor, Resolution)> {
        self.places.lock().get(root).map(|places| places.anchors.clone()).unwrap_or_default()
    }

    /// Looks again, because something may have changed.
    pub(super) fn refresh(&self) {
        self.stale.notify_one();
    }

    /// Goes on for as long as the editor is there. `told` is called after each look.
    pub(super) async fn keep_fresh(self: Arc<Self>, told: impl Fn() + Send + Sync) {
        let mut saves = self.session.saves();
        let mut looks = tokio::time::interval(Duration::from_millis(MEMORY_LOOKS_MS));
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut seen = None;
        loop {
            let now = Arc::clone(&self).written().await;
            if seen.is_none() || seen != now {
                seen = now;
                self.look().await;
                told();
            }
            tokio::select! {
                saved = saves.changed() => {
                    if saved.is_err() {
                        return;
                    }
                    seen = None;
                }
                () = self.stale.notified() => seen = None,
                _ = looks.tick() => {}
            }
        }
    }

    /// When everything that pointers depend on was written last.
    async fn written(self: Arc<Self>) -> Option<Written> {
        let read = move || {
            let roots = self.session.roots();
            let places = self.places.lock().clone();
            roots
                .all()
                .into_iter()
                .flat_map(|root| written(root, places.get(root).map(Arc::as_ref)))
                .collect()
        };
        tokio::task::spawn_blocking(read).await.ok()
    }

    async fn look(&self) {
        let Ok(runtime) = self.runtime.clone() else { return };
        for root in self.session.roots().all() {
            let (runtime, session, root) = (Arc::clone(&runtime), Arc::clone(&self.session), root.to_owned());
            let (place, before) = (root.clone(), self.places.lock().get(&root).cloned());
            let before = before.map(|places| places.seen.clone());
            let looked = tokio::task::spawn_blocking(move || look(&runtime, &session, &root, before)).await;
            match looked {
                Ok(Ok((places, moved))) => {
                    if let Err(error) = moved.keep().await {
                        tracing::warn!(%error, "records could not go along with their symbols");
                    }
                    self.places.lock().insert(place, Arc::new(places));
                }
                Ok(Err(error)) => tracing::debug!(%error, "what is known could not be read"),
                Err(error) => tracing::error!(%error, "the look at memory failed"),
            }
        }
    }
}

/// Files with the times at which they were written last.
type Written = BTreeMap<PathBuf, Option<SystemTime>>;

/// When the head of a root's repository, its memory files and the files that pointers lead to were
/// written last. Git writes the head's log with every commit, checkout, merge and rebase.
fn written(root: &Path, places: Option<&Places>) -> Written {
    let repository = root.ancestors().find_map(repository_at);
    let head = repository.into_iter().flat_map(|place| ["HEAD", "logs/HEAD"].map(|name| place.join(name)));
    let entries = std::fs::read_dir(root.join(MEMORY_DIR)).into_iter().flatten();
    let records = entries.filter_map(|entry| Some(entry.ok()?.path())).take(MEMORY_FILES_WATCHED_MAX);
    let pointed = places.map(|places| places.files.iter()).into_iter().flatten();
    let pointed = pointed.take(MEMORY_FILES_WATCHED_MAX).map(|path| on_disk(root, path));
    let time = |file: PathBuf| {
        let written = std::fs::metadata(&file).and_then(|file| file.modified()).ok();
        (file, written)
    };
    head.chain(records).chain(pointed).map(time).collect()
}

/// Where the repository of a working tree keeps its head: another working tree of a repository
/// names the place in a file.
fn repository_at(place: &Path) -> Option<PathBuf> {
    let git = place.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let known = std::fs::metadata(&git).ok()?;
    if !known.is_file() || known.len() > GIT_FILE_BYTES_MAX {
        return None;
    }
    let named = std::fs::read_to_string(&git).ok()?;
    Some(place.join(named.strip_prefix("gitdir:")?.trim()))
}

/// The user's own records and those of runs whose symbols have moved.
struct Moved {
    store: Store,
    records: Vec<Record>,
    lessons: Vec<MaintenanceRecord>,
}

impl Moved {
    async fn keep(self) -> Result<(), crate::store::StoreError> {
        for record in &self.records {
            self.store.keep(record).await?;
        }
        for lesson in &self.lessons {
            self.store.remember(lesson).await?;
        }
        Ok(())
    }
}

/// `before` is what was seen at the last look.
fn look(
    runtime: &Runtime,
    session: &Session,
    root: &Path,
    before: Option<Seen>,
) -> Result<(Places, Moved), String> {
    let error = |error: crate::driver::DriverError| error.to_string();
    let known: Remembered = runtime.memory(root).map_err(error)?;
    let store = runtime.store(root).map_err(error)?;
    // Older ones are not shown, and what is not shown is not looked for with every save.
    let lessons = store.lessons_of_symbols(KNOWN_ABOUT_MAX, LESSONS_MAX);
    let lessons = lessons.map_err(|error| error.to_string())?;
    let mut places = Places::default();
    let mut moved = Moved { store, records: Vec::new(), lessons: Vec::new() };
    let is_pointing = |record: &&Record| !record.anchors().is_empty();
    if lessons.is_empty() && !known.records().any(|record| is_pointing(&record)) {
        return Ok((places, moved));
    }
    let workspace = Workspace::open(root).map_err(|error| error.to_string())?;
    let read = |path: &WorkspacePath| match session.document_at(&on_disk(root, path)) {
        Some(open) => Some(open.text.to_string()),
        None => workspace.read(path).ok().flatten(),
    };
    let is_saved = |path: &WorkspacePath| match session.document_at(&on_disk(root, path)) {
        Some(open) => workspace.read(path).ok().flatten().is_some_and(|saved| saved == open.text.to_string()),
        None => true,
    };
    let present = Present::new(&read, workspace.files());
    let look = runtime.pointers(root).map_err(error)?.look().after(before.clone());
    for record in known.shared.records().filter(is_pointing) {
        for (number, anchor) in record.anchors().iter().enumerate() {
            let resolution = look.standing(anchor, &present);
            places.add_record(record, number, anchor, &resolution);
            places.anchors.push((anchor.clone(), resolution));
        }
    }
    for record in known.private.iter().filter(is_pointing) {
        let mut now = record.clone();
        for (number, anchor) in record.anchors().iter().enumerate() {
            let resolution = look.standing(anchor, &present);
            places.add_record(record, number, anchor, &resolution);
            if let Some(place) = goes_along(anchor.pointer.as_deref(), resolution, &is_saved) {
                now.point(number, place);
            }
        }
        if now != *record {
            moved.records.push(now);
        }
    }
    // There are many of these, so they are looked for in their own files only.
    let nearby = Present::new(&read, []);
    for lesson in &lessons {
        let mut now = lesson.clone();
        for pointer in &mut now.symbols {
            let resolution = look.standing(&Anchor::to(pointer.clone()), &nearby);
            places.add_lesson(lesson, pointer, &resolution);
            if let Some(place) = goes_along(Some(pointer), resolution, &is_saved) {
                *pointer = place;
            }
        }
        if now != *lesson {
            moved.lessons.push(now);
        }
    }
    let mut kept = before.map(|seen| seen.sources).unwrap_or_default();
    for path in places.files.iter().take(MEMORY_FILES_WATCHED_MAX) {
        let source = if is_saved(path) { present.source(path) } else { kept.remove(path) };
        places.seen.sources.extend(source.map(|source| (path.clone(), source)));
    }
    places.seen.commit = look.commit().cloned();
    Ok((places, moved))
}

/// The place that takes the pointer's: one that is certain, and tells more than it.
/// What is typed and not saved may yet be dropped, and takes no pointer along.
fn goes_along(
    pointer: Option<&SymbolPointer>,
    resolution: Resolution,
    is_saved: &dyn Fn(&WorkspacePath) -> bool,
) -> Option<SymbolPointer> {
    let place = resolution.place.filter(|place| resolution.state.is_certain() && is_saved(&place.path))?;
    pointer.is_none_or(|pointer| pointer.is_outdated_by(&place)).then_some(place)
}

impl Places {
    fn add(&mut self, at: (WorkspacePath, String), summary: RecordSummary) {
        self.files.insert(at.0.clone());
        let known = self.symbols.entry(at.clone()).or_default();
        if known.len() >= KNOWN_ABOUT_MAX {
            return;
        }
        let told = self.texts.entry(at).or_default();
        let _ = write!(told, "## {} ({})\n\n", summary.title, summary.state);
        for line in summary.told.lines() {
            let _ = writeln!(told, "    {line}");
        }
        told.push('\n');
        known.push(summary);
    }

    fn add_record(&mut self, record: &Record, number: usize, anchor: &Anchor, resolution: &Resolution) {
        let is_suspect = resolution.state == PointerState::Suspect;
        let offered = resolution.place.clone().filter(|_| is_suspect).map(|place| (number, place));
        let own = match &record.origin {
            Origin::Private => Some(OwnRecord { kind: record.kind(), id: record.id.clone(), offered }),
            Origin::Shared { .. } => None,
        };
        let kept = match &own {
            Some(own) => format!("kept: among your own records, as `{}`\n", own.id),
            None => String::new(),
        };
        let summary = RecordSummary {
            title: record.title(),
            kind: record.kind().name(),
            why: record.gist(),
            state: state_name(resolution.state),
            pointer: resolution.state,
            told: format!("{}pointer: {}\n{kept}", record.describe(), resolution.why),
            own,
        };
        self.add(place_of(resolution, &anchor.path, &anchor.symbol), summary);
    }

    fn add_lesson(&mut self, lesson: &MaintenanceRecord, pointer: &SymbolPointer, resolution: &Resolution) {
        let summary = RecordSummary {
            title: format!("run {}", lesson.run),
            kind: RUN,
            why: lesson.summary.split_whitespace().collect::<Vec<_>>().join(" "),
            state: match lesson.standing.warning() {
                Some(_) => lesson.standing.name(),
                None => state_name(resolution.state),
            },
            pointer: resolution.state,
            told: lesson.describe(),
            own: None,
        };
        self.add(place_of(resolution, &pointer.path, &pointer.symbol), summary);
    }
}

/// Where a record is shown: at the place that is certain, else where it was.
fn place_of(resolution: &Resolution, path: &WorkspacePath, symbol: &str) -> (WorkspacePath, String) {
    match &resolution.place {
        Some(place) if resolution.state.is_certain() => (place.path.clone(), place.symbol.clone()),
        Some(_) | None => (path.clone(), symbol.to_owned()),
    }
}

/// The path of an open file within the folder that owns it.
pub(super) fn place_in(session: &Session, file: &Path) -> Option<(PathBuf, WorkspacePath)> {
    let roots = session.roots();
    let root = roots.of_file(file)?;
    Some((root.to_owned(), below(root, file)?))
}
