//! The shadow: a copy of the workspace, at the same path where the kernel allows it, that
//! holds base, open buffers and proposed edits. Builds and tests run there; the user's files
//! are never touched.
//!
//! On Linux nothing is copied: every task sees an overlay mounted over the workspace's own
//! path, in a mount namespace of its own, and absolute paths in build caches stay true. What
//! differs from the user's tree lies in the overlay's *upper* directory below the state
//! directory; it is put in order before each verification, and mounted anew for each task.
//! Elsewhere the shadow is a plain copy, in which tasks run only if the user has allowed that.
//!
//! This module decides nothing about the work, and never writes below the workspace root.

mod confinement;
mod copy;
mod layer;
mod run;
mod tree;

pub use confinement::{Confinement, Part};

use crate::limits::OVERLAY_LEFTOVERS_MAX;
use crate::process::environment::{Environment, environment};
use crate::process::spec::{Overlay, SandboxSpec};
use crate::process::{Keepers, Launcher, StandBy, TaskLimits};
use openexec_engine::edit::ChangeSet;
use openexec_engine::ids::RunId;
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::OpenDocument;
use openexec_engine::task::{Task, TaskReport};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a repository decides about itself and about those who work on it. No task changes it,
/// and what a task puts there where nothing was is gone after it.
const PROTECTED: [&str; 2] = [".git", ".openexec"];

/// Directories at the top of the system that hold no sockets of users.
const SYSTEM: [&str; 14] =
    ["bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "nix", "proc", "run", "sbin", "sys", "tmp", "usr"];

/// Why the shadow could not be prepared or written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ShadowError(pub String);

/// Finds out what this machine offers, by trying it with a directory below `state`.
pub async fn probe(launcher: &Launcher, state: &Path) -> Confinement {
    let place = std::fs::create_dir_all(state)
        .and_then(|()| std::fs::canonicalize(state))
        .and_then(|state| tempfile::Builder::new().prefix("probe-").tempdir_in(state));
    let place = match place {
        Ok(place) => place,
        Err(error) => return Confinement::copy(&format!("`{}`: {error}", state.display())),
    };
    let workspace = place.path().join("workspace");
    let base = place.path().join("shadow");
    let places = Places::below(base.clone(), &base);
    let made = std::fs::create_dir(&workspace).and_then(|()| places.create());
    let mut keepers = Keepers::new(launcher, StandBy::None);
    let confinement = match made {
        Ok(()) => {
            let environment = places.environment(true);
            let spec = places.spec(&workspace, &environment, Fetching::None, TaskLimits::default());
            Confinement::tried(&mut keepers, &spec).await
        }
        Err(error) => Confinement::copy(&error.to_string()),
    };
    keepers.settle().await;
    // The kernel's scratch directory has mode 000, which a plain removal stumbles over.
    let _ = tree::remove_all(&places.base);
    confinement
}

/// Whether a task may put what it fetches where its tools look for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fetching {
    None,
    Allowed,
}

/// Where a shadow keeps what it holds.
#[derive(Debug, Clone)]
struct Places {
    base: PathBuf,
    /// The server's state, which no task may read.
    state: PathBuf,
}

impl Places {
    fn below(base: PathBuf, state: &Path) -> Self {
        Self { base, state: state.to_path_buf() }
    }

    fn upper(&self) -> PathBuf {
        self.base.join("upper")
    }

    fn copy(&self) -> PathBuf {
        self.base.join("copy")
    }

    fn scratch(&self) -> PathBuf {
        self.base.join("scratch")
    }

    fn empty(&self) -> PathBuf {
        self.base.join("empty")
    }

    /// Throws away what an earlier start of the machine has left: overlays that are never
    /// written to disk on purpose may be incomplete after a crash.
    fn drop_incomplete(&self) -> std::io::Result<()> {
        let (now, mark) = (boot(), self.base.join("boot"));
        if self.base.exists() && std::fs::read_to_string(&mark).ok() != now {
            tree::remove_all(&self.base)?;
        }
        private_directory(&self.base)?;
        now.map_or(Ok(()), |now| std::fs::write(&mark, now))
    }

    /// Removes what the overlays of earlier tasks have left, when it has become much.
    fn drop_leftovers(&self) -> std::io::Result<()> {
        let mut leftovers = Vec::new();
        for layer in std::iter::once(self.base.clone()).chain(directories(&self.base)?) {
            leftovers
                .extend(directories(&layer)?.into_iter().filter(|directory| is_work_directory(directory)));
        }
        if leftovers.len() <= OVERLAY_LEFTOVERS_MAX {
            return Ok(());
        }
        leftovers.iter().try_for_each(|leftover| tree::remove_all(leftover))
    }

    fn create(&self) -> std::io::Result<()> {
        for path in [self.upper(), self.empty(), self.scratch().join("home")] {
            private_directory(&path)?;
        }
        Ok(())
    }

    /// The environment of tasks. Confined ones see the scratch directory as `/tmp`.
    fn environment(&self, confined: bool) -> Environment {
        let scratch = if confined { PathBuf::from("/tmp") } else { self.scratch() };
        environment(std::env::vars_os(), &scratch.join("home"), &scratch)
    }

    /// The sandbox for tasks of `root`, without a task.
    fn spec(
        &self,
        root: &Path,
        environment: &Environment,
        fetching: Fetching,
        limits: TaskLimits,
    ) -> SandboxSpec {
        let mut overlays = vec![Overlay {
            at: root.to_path_buf(),
            upper: self.upper(),
            work: new_work_directory(&self.base),
        }];
        let kept = environment.caches.iter().enumerate().map(|(number, at)| (format!("cache-{number}"), at));
        let fetched =
            environment.fetched.iter().enumerate().map(|(number, at)| (format!("fetched-{number}"), at));
        // What one task has fetched, the later ones find.
        let fetched =
            fetched.filter(|(layer, _)| fetching == Fetching::Allowed || self.base.join(layer).exists());
        for (layer, cache) in kept.chain(fetched) {
            let layer = self.base.join(layer);
            let upper = layer.join("upper");
            let Ok(cache) = std::fs::canonicalize(cache) else { continue };
            let apart =
                !overlays.iter().any(|other| other.at.starts_with(&cache) || cache.starts_with(&other.at))
                    && !self.base.starts_with(&cache);
            if apart && private_directory(&upper).is_ok() {
                overlays.push(Overlay { at: cache, upper, work: new_work_directory(&layer) });
            }
        }
        let mut masked = environment.secrets.clone();
        masked.push(self.state.clone());
        let tools: Vec<&Path> = environment.tools.iter().map(PathBuf::as_path).collect();
        let mut veiled =
            shown_below(&["/tmp", "/var/tmp"].map(PathBuf::from), tools.iter().copied().chain([root]));
        veiled.extend(places_of_sockets(root, environment));
        veiled.sort();
        veiled.dedup();
        let mut exposed: Vec<PathBuf> =
            ["/run/current-system", "/run/opengl-driver"].map(PathBuf::from).into();
        exposed.extend(shown_below(&masked, tools.iter().copied()));
        SandboxSpec {
            argv: Vec::new(),
            cwd: root.to_path_buf(),
            env: environment.variables.clone(),
            overlays,
            protected: PROTECTED.map(|name| root.join(name)).into(),
            scratch: self.scratch(),
            empty: self.empty(),
            exposed,
            masked,
            veiled,
            limits,
            cgroup: None,
            gateway: None,
        }
    }
}

/// How the kernel's own directories of overlays begin.
const WORK: &str = "work-";

/// A new directory for the kernel, below `layer`. One that cannot be made fails its mount.
fn new_work_directory(layer: &Path) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = layer.join(format!("{WORK}{}-{number}", std::process::id()));
        match std::fs::create_dir(&path) {
            // Of an earlier process that had the same number.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            _ => return path,
        }
    }
}

fn is_work_directory(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(WORK.as_bytes()))
}

fn directories(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut directories = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            directories.push(entry.path());
        }
    }
    Ok(directories)
}

/// What tells this start of the machine from all others (random(4)).
fn boot() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
}

/// Of each directory that the sandbox hides, what is needed of it: the trees right below it in
/// which one of `needed` lies.
fn shown_below<'a>(hidden: &[PathBuf], needed: impl Iterator<Item = &'a Path>) -> Vec<PathBuf> {
    let mut shown: Vec<PathBuf> = needed
        .flat_map(|needed| {
            hidden.iter().filter_map(move |hidden| {
                let first = needed.strip_prefix(hidden).ok()?.components().next()?;
                Some(hidden.join(first))
            })
        })
        .collect();
    shown.sort();
    shown.dedup();
    shown
}

/// Where users and their services bind sockets: in homes, in `/var`, and in the tree at the top
/// of the system that holds the workspace.
fn places_of_sockets(root: &Path, environment: &Environment) -> Vec<PathBuf> {
    let top = root.components().nth(1).map(|top| Path::new("/").join(top));
    let top = top.filter(|top| !SYSTEM.iter().any(|name| top.ends_with(name)));
    let home = environment.user_home.as_ref().and_then(|home| std::fs::canonicalize(home).ok());
    [home, top, Some(PathBuf::from("/var"))]
        .into_iter()
        .flatten()
        .filter(|place| place.is_dir() && place.parent().is_some() && place != root)
        .collect()
}

fn private_directory(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// One run's shadow.
pub struct Shadow {
    root: PathBuf,
    places: Places,
    confinement: Confinement,
    environment: Environment,
    limits: TaskLimits,
    /// An overlay's upper directory must not change under its mount: one thing at a time.
    keepers: tokio::sync::Mutex<Keepers>,
}

impl Shadow {
    /// Prepares the shadow of `root` for a run, below `state`. Preparing one that is there
    /// already (a resumed run) takes it over. `launcher` names the executable that answers
    /// to `__sandbox`.
    ///
    /// # Errors
    /// When it can be built neither as an overlay nor as a copy, or when tasks could not be
    /// confined and `allow_unconfined` is false.
    pub async fn prepare(
        launcher: &Launcher,
        root: &Path,
        state: &Path,
        run: &RunId,
        allow_unconfined: bool,
    ) -> Result<Self, ShadowError> {
        let root = canonical(root)?;
        private_directory(state).map_err(|error| failed(state, &error))?;
        let state = canonical(state)?;
        if state.starts_with(&root) {
            return Err(ShadowError(format!(
                "the state directory `{}` lies within the workspace; move it with `XDG_STATE_HOME`",
                state.display()
            )));
        }
        if root.parent().is_none() || Path::new("/tmp") == root {
            return Err(ShadowError(format!(
                "`{}` cannot be a workspace; open a directory in it",
                root.display()
            )));
        }
        let name = run.as_str();
        if WorkspacePath::parse(name).is_err() || name.contains('/') {
            return Err(ShadowError(format!("`{name}` cannot name a directory")));
        }
        let places = Places::below(state.join("shadow").join(name), &state);
        places.drop_incomplete().map_err(|error| failed(&places.base, &error))?;
        places.create().map_err(|error| failed(&places.base, &error))?;
        let environment = places.environment(true);
        let limits = TaskLimits::default();
        let mut keepers = Keepers::new(launcher, StandBy::One);
        let confinement =
            Confinement::tried(&mut keepers, &places.spec(&root, &environment, Fetching::None, limits)).await;
        let environment = if confinement.confined { environment } else { places.environment(false) };
        let shadow = Self {
            root,
            places,
            confinement,
            environment,
            limits,
            keepers: tokio::sync::Mutex::new(keepers),
        };
        if let Some(remedy) = &shadow.confinement.remedy
            && !allow_unconfined
        {
            let refused = ShadowError(remedy.clone());
            shadow.remove().await?;
            return Err(refused);
        }
        Ok(shadow)
    }

    /// The same shadow with other limits for its tasks.
    #[must_use]
    pub fn with_limits(mut self, limits: TaskLimits) -> Self {
        self.limits = limits;
        self
    }

    /// How tasks are confined in this shadow.
    pub fn confinement(&self) -> &Confinement {
        &self.confinement
    }

    /// Makes the shadow hold the base, these buffers and exactly these edits. Files of
    /// `changes` that are back at their base are written as such, with a new modification
    /// time, so that no build takes an older result for fresh. Files whose bytes are already
    /// right keep their modification time.
    ///
    /// What tasks left behind is undone, except in directories that hold caches and nothing else.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn write(&self, open: &[OpenDocument], changes: &ChangeSet) -> Result<(), ShadowError> {
        let mut keepers = self.keepers.lock().await;
        keepers.settle().await;
        let mut wanted: BTreeMap<WorkspacePath, Option<String>> =
            open.iter().map(|document| (document.path.clone(), Some(document.text.clone()))).collect();
        for (path, change) in changes.effective() {
            wanted.insert(path.clone(), change.proposed.clone());
        }
        let (root, places) = (self.root.clone(), self.places.clone());
        let confined = self.confinement.confined;
        off_thread(move || {
            if confined {
                places.drop_leftovers()?;
                layer::put_in_order(&root, &places.upper(), &wanted)
            } else {
                copy::put_in_order(&root, &places.copy(), &wanted)
            }
        })
        .await
    }

    /// Runs a task as the shadow stands. Dropping the future kills the whole tree. Whatever
    /// goes wrong is said in the report's `exit`. The files in `want` that the task changed
    /// are reported as rewritten.
    pub async fn run(&self, task: &Task, timeout_ms: u64, want: &[WorkspacePath]) -> TaskReport {
        let mut keepers = self.keepers.lock().await;
        keepers.settle().await;
        run::run(self, &mut keepers, task, timeout_ms, want).await
    }

    /// Removes everything the shadow holds on disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn remove(&self) -> Result<(), ShadowError> {
        let mut keepers = self.keepers.lock().await;
        keepers.settle().await;
        let base = self.places.base.clone();
        off_thread(move || match tree::remove_all(&base) {
            // A run that was taken up only to be undone had none.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        })
        .await
    }
}

/// Runs what waits for the disk where it holds nobody up.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, ShadowError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => {
            result.map_err(|error| ShadowError(format!("the shadow could not be written: {error}")))
        }
        Err(error) => Err(ShadowError(format!("the shadow could not be written: {error}"))),
    }
}

fn canonical(path: &Path) -> Result<PathBuf, ShadowError> {
    std::fs::canonicalize(path).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> ShadowError {
    ShadowError(format!("`{}`: {error}", path.display()))
}
