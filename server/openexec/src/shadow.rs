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

mod copy;
mod layer;
mod run;
mod tree;

use crate::process::environment::{Environment, environment};
use crate::process::spec::{Overlay, SandboxSpec};
use crate::process::{Launcher, run_confined};
use openexec_engine::edit::ChangeSet;
use openexec_engine::ids::RunId;
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::OpenDocument;
use openexec_engine::task::{Task, TaskReport};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Milliseconds that trying the sandbox may take.
const PROBE_TIMEOUT_MS: u64 = 10_000;

/// Why the shadow could not be prepared or written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ShadowError(pub String);

/// How strongly a task is confined here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confinement {
    /// For evidence and people: `overlay+namespaces`, `copy`.
    pub name: String,
    /// True when a task has no network and cannot write outside the shadow.
    pub confined: bool,
    /// What is missing and what to do, when it is not.
    pub remedy: Option<String>,
}

impl Confinement {
    fn overlay() -> Self {
        Self { name: "overlay+namespaces".to_owned(), confined: true, remedy: None }
    }

    fn copy(missing: &str) -> Self {
        Self {
            name: "copy".to_owned(),
            confined: false,
            remedy: Some(format!("tasks cannot be confined here: {missing}; {}", remedy())),
        }
    }
}

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
    let outcome = match made {
        Ok(()) => {
            let environment = places.environment(true);
            attempt(launcher, &places.spec(&workspace, &environment)).await
        }
        Err(error) => Err(error.to_string()),
    };
    // The kernel's scratch directory has mode 000, which a plain removal stumbles over.
    let _ = tree::remove_all(&places.base);
    match outcome {
        Ok(()) => Confinement::overlay(),
        Err(missing) => Confinement::copy(&missing),
    }
}

/// Runs `true` in the sandbox.
async fn attempt(launcher: &Launcher, spec: &SandboxSpec) -> Result<(), String> {
    use openexec_engine::task::TaskExit;
    if !cfg!(target_os = "linux") {
        return Err("only Linux is supported".to_owned());
    }
    let spec = SandboxSpec { argv: vec!["true".to_owned()], ..spec.clone() };
    let ran = run_confined(launcher, &spec, PROBE_TIMEOUT_MS).await;
    match (ran.exit, ran.unconfined) {
        (TaskExit::Exited { code: 0 }, _) => Ok(()),
        (_, Some(missing)) => Err(missing),
        (TaskExit::NotStarted { reason }, _) => Err(reason),
        (exit, _) => Err(format!("`true` did not succeed in the sandbox: {exit:?}")),
    }
}

/// The next step for the user, as far as the kernel's settings tell.
fn remedy() -> String {
    let is = |path: &str, value: &str| std::fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
    let advice = if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "allow user namespaces with an AppArmor profile for `openexec` or with \
         `sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
    } else if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "allow user namespaces with `sysctl kernel.unprivileged_userns_clone=1`"
    } else if is("/proc/sys/user/max_user_namespaces", "0") {
        "allow user namespaces with `sysctl user.max_user_namespaces=10000`"
    } else {
        "use Linux 5.12 or newer with unprivileged user namespaces and overlayfs, outside of a \
         container that forbids them"
    };
    format!(
        "{advice}; or accept tasks without a sandbox with `allow_unsandboxed_tasks: true` in your \
         own config.yaml"
    )
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

    fn create(&self) -> std::io::Result<()> {
        for path in [self.upper(), self.base.join("work"), self.scratch().join("home")] {
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
    fn spec(&self, root: &Path, environment: &Environment) -> SandboxSpec {
        let mut overlays =
            vec![Overlay { at: root.to_path_buf(), upper: self.upper(), work: self.base.join("work") }];
        for (number, cache) in environment.caches.iter().enumerate() {
            let layer = self.base.join(format!("cache-{number}"));
            let (upper, work) = (layer.join("upper"), layer.join("work"));
            let apart = !root.starts_with(cache) && !cache.starts_with(root) && !self.base.starts_with(cache);
            if apart && private_directory(&upper).is_ok() && private_directory(&work).is_ok() {
                overlays.push(Overlay { at: cache.clone(), upper, work });
            }
        }
        let mut masked = environment.secrets.clone();
        masked.push(self.state.clone());
        SandboxSpec {
            argv: Vec::new(),
            cwd: root.to_path_buf(),
            env: environment.variables.clone(),
            overlays,
            scratch: self.scratch(),
            exposed: exposed(root, environment),
            masked,
        }
    }
}

/// What stays visible of the directories that the sandbox replaces: of `/tmp` the tree that
/// the workspace lies in and those that tools live in, of `/run` what NixOS keeps there.
fn exposed(root: &Path, environment: &Environment) -> Vec<PathBuf> {
    let mut exposed: Vec<PathBuf> = ["/run/current-system", "/run/opengl-driver"].map(PathBuf::from).into();
    for directory in environment.tools.iter().map(PathBuf::as_path).chain([root]) {
        for replaced in ["/tmp", "/var/tmp"] {
            if let Ok(below) = directory.strip_prefix(replaced)
                && let Some(first) = below.components().next()
            {
                exposed.push(Path::new(replaced).join(first));
            }
        }
    }
    exposed.sort();
    exposed.dedup();
    exposed
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
    launcher: Launcher,
    confinement: Confinement,
    environment: Environment,
    /// An overlay's upper directory must not change under its mount: one thing at a time.
    busy: tokio::sync::Mutex<()>,
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
        places.create().map_err(|error| failed(&places.base, &error))?;
        let environment = places.environment(true);
        let confinement = match attempt(launcher, &places.spec(&root, &environment)).await {
            Ok(()) => Confinement::overlay(),
            Err(missing) => Confinement::copy(&missing),
        };
        let environment = if confinement.confined { environment } else { places.environment(false) };
        let shadow = Self {
            root,
            places,
            launcher: launcher.clone(),
            confinement,
            environment,
            busy: tokio::sync::Mutex::new(()),
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
        let _busy = self.busy.lock().await;
        let mut wanted: BTreeMap<WorkspacePath, Option<String>> =
            open.iter().map(|document| (document.path.clone(), Some(document.text.clone()))).collect();
        for (path, change) in changes.effective() {
            wanted.insert(path.clone(), change.proposed.clone());
        }
        let (root, places) = (self.root.clone(), self.places.clone());
        let confined = self.confinement.confined;
        off_thread(move || {
            if confined {
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
        let _busy = self.busy.lock().await;
        run::run(self, task, timeout_ms, want).await
    }

    /// Removes everything the shadow holds on disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn remove(&self) -> Result<(), ShadowError> {
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
