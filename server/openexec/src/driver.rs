//! The driver: carries out the engine's commands, appends the events they lead to, and
//! holds the active runs of this process. It decides nothing.
//!
//! INVARIANT: an event is durable before the state applies it, and a decision is durable
//! before anything that follows from it is carried out.

mod absent;
mod catalogue;
mod executor;
mod handle;
mod knowledge;
mod memory;
mod perform;
mod pointers;
mod recorded;
mod route;
mod shown;
mod spend;
mod surface;
mod trust;

pub use catalogue::{Catalogue, CatalogueEntry};
pub use handle::{RunHandle, RunView, Say, view_of};
pub use knowledge::IndexShelf;
pub use memory::Remembered;
pub use openexec_engine::run::{Asked, RequestSummary, Status as RunStatus};
pub use pointers::{Look, Pointers, Seen};
pub use recorded::{Folded, Standing};
pub use surface::{Landing, Surface};
pub use trust::{Declarations, TrustChanges};

use crate::config::{RECORDED_PREFIX, SCRIPTED_PREFIX, UserConfig, UserDirs};
use crate::history::Together;
use crate::limits::{EVENTS_BROADCAST_MAX, RUNS_ACTIVE_MAX, RUNS_LISTED_MAX};
use crate::models::{self, AtHand, Model};
use crate::policy::{self, Effective};
use crate::process::Launcher;
use crate::store::{Spending, Store, TrustStore};
use crate::workspace::{Sift, Workspace};
use absent::AbsentModel;
use anyhow::{Context as _, anyhow, bail};
use executor::Executor;
use openexec_engine::blueprint::Blueprint;
use openexec_engine::ids::{BlueprintName, ModelName, RunId};
use openexec_engine::limits::CONTEXT_TOKENS_DEFAULT;
use openexec_engine::model::{ChosenModel, ModelRequest, Models};
use openexec_engine::policy::Policy;
use openexec_engine::policy::rules::Outgoing;
use openexec_engine::run::{Event, Inputs, OpenDocument, RunStarted};
use openexec_engine::task::TaskSet;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{broadcast, mpsc, watch};

/// What the user wants of a run.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// The workspace root.
    pub root: PathBuf,
    /// Which workflow; the router finds it when absent.
    pub blueprint: Option<BlueprintName>,
    /// For what.
    pub inputs: Inputs,
    /// With which model; the configured default when absent. `scripted:FILE` is always there.
    pub model: Option<ModelName>,
}

/// Why a run could not be started, resumed or spoken to.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub struct DriverError(pub anyhow::Error);

// Its text tells the whole chain already, so it is no source: it would be told twice.
impl From<anyhow::Error> for DriverError {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

/// All runs of this process.
pub struct Runtime {
    dirs: UserDirs,
    config: UserConfig,
    http: reqwest::Client,
    launcher: Launcher,
    trust: TrustStore,
    spending: Arc<Spending>,
    stores: Mutex<BTreeMap<PathBuf, Store>>,
    handles: Mutex<BTreeMap<RunId, RunHandle>>,
    standings: Arc<recorded::Standings>,
    roots: knowledge::Roots,
    together: Arc<Together>,
    at_hand: tokio::sync::OnceCell<AtHand>,
}

/// How the model of a run is called that asks none.
const NO_MODEL: &str = "none";

/// The models of a run, by name.
type Connected = BTreeMap<ModelName, Arc<dyn Model>>;

impl Runtime {
    /// A runtime over user scope.
    ///
    /// # Errors
    /// When the state directory cannot be used.
    pub fn new(dirs: UserDirs, config: UserConfig) -> Result<Arc<Self>, DriverError> {
        let trust = TrustStore::open(&dirs.trust_path()).context("the trust database cannot be used")?;
        let http = models::http_client(&config.network).context("models cannot be reached")?;
        let launcher = Launcher::current().context("the program cannot find itself")?;
        Ok(Arc::new(Self {
            spending: Arc::new(Spending::at(&dirs.spending_path())),
            dirs,
            config,
            http,
            launcher,
            trust,
            stores: Mutex::default(),
            handles: Mutex::default(),
            standings: Arc::default(),
            roots: knowledge::Roots::default(),
            together: Arc::default(),
            at_hand: tokio::sync::OnceCell::new(),
        }))
    }

    /// The user's configuration.
    pub fn config(&self) -> &UserConfig {
        &self.config
    }

    /// The store of a workspace.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn store(&self, root: &Path) -> Result<Store, DriverError> {
        let root = canonical(root)?;
        let mut stores = self.stores.lock();
        if let Some(store) = stores.get(&root) {
            return Ok(store.clone());
        }
        let store = Store::open(&self.dirs.store_path(&root)).context("the journal cannot be used")?;
        stores.insert(root, store.clone());
        Ok(store)
    }

    /// Where the journal of a workspace lies.
    pub fn journal_path(&self, root: &Path) -> PathBuf {
        self.dirs.store_path(root)
    }

    /// Where files of a run that are not the user's lie: reviews, the shadow.
    pub fn run_dir(&self, root: &Path, run: &RunId) -> PathBuf {
        self.dirs.workspace_path(root).join("runs").join(run.as_str())
    }

    /// The policy of a workspace, as the files of both scopes are now. Reads the disk.
    ///
    /// # Errors
    /// When one of them is malformed, or the workspace's would widen the user's.
    pub fn policy(&self, root: &Path) -> Result<Effective, DriverError> {
        let root = canonical(root)?;
        let effective = policy::effective(&self.dirs.policy_path(), &root);
        Ok(effective.context("no run starts before the policy is mended")?)
    }

    /// The blueprints that can be run in a workspace: the shipped ones and, where the user has
    /// trusted them, its own.
    ///
    /// # Errors
    /// When the workspace's declarations cannot be read.
    pub fn catalogue(&self, root: &Path) -> Result<Catalogue, DriverError> {
        let root = canonical(root)?;
        let trust = self.declarations(&root)?.trust;
        Ok(Catalogue::of(&root, &trust))
    }

    /// The blueprints that can be started in a workspace; those that do not load are left out.
    /// Reads the disk.
    pub fn blueprints(&self, root: &Path) -> Vec<Blueprint> {
        let catalogue = self.catalogue(root).unwrap_or_else(|_| Catalogue::shipped());
        catalogue.usable().cloned().collect()
    }

    /// The name of the model that a run gets when nothing else is said.
    pub fn default_model(&self) -> Option<ModelName> {
        self.configured_model().or_else(|| self.at_hand.get().map(|found| found.name.clone()))
    }

    fn configured_model(&self) -> Option<ModelName> {
        let configured = self.config.default_model.clone().or_else(|| self.config.roles.implement.clone());
        configured.or_else(|| self.config.models.keys().next().cloned())
    }

    /// The model that is taken because none is configured; none where one is. Looks for it
    /// until one is found, and keeps to that one. Waits a moment for servers of this machine.
    pub async fn model_at_hand(&self) -> Option<&AtHand> {
        if self.configured_model().is_some() {
            return None;
        }
        let variable = |name: &str| std::env::var(name).ok();
        let find = async || {
            let servers = &self.config.local_servers;
            models::model_at_hand(servers, &self.http, &variable).await.ok_or(())
        };
        self.at_hand.get_or_try_init(find).await.ok()
    }

    /// Where the user describes models, limits and roles.
    pub fn config_path(&self) -> PathBuf {
        self.dirs.config_path()
    }

    /// What to type where there is no model.
    fn no_model(&self) -> String {
        format!(
            "no model is configured and none is at hand; one of these is enough:\n  \
             export ANTHROPIC_API_KEY=… (or OPENAI_API_KEY, or GEMINI_API_KEY)\n  \
             ollama pull qwen3-coder (and leave Ollama running)\n  \
             a file of replies as the model `scripted:FILE`\n\
             or describe a model in {}",
            self.dirs.config_path().display()
        )
    }

    fn model(&self, root: &Path, name: &ModelName) -> anyhow::Result<Arc<dyn Model>> {
        if let Some(named) = name.as_str().strip_prefix(RECORDED_PREFIX) {
            let store = self.store(root)?;
            let run = store.find_run(named)?;
            let events: Vec<Event> = store.events(&run)?.into_iter().map(|record| record.event).collect();
            return Ok(models::connect_recorded(&run, &events));
        }
        if let Some(file) = name.as_str().strip_prefix(SCRIPTED_PREFIX) {
            return Ok(models::connect_scripted(Path::new(file))?);
        }
        let Some(config) = self.config.model(name) else {
            bail!(
                "there is no model `{name}`; declare it under `models` in {}, or use `scripted:FILE` or `recorded:RUN`",
                self.dirs.config_path().display()
            );
        };
        Ok(models::connect(name, &config, &self.http)?)
    }

    /// Starts a run. Answers as soon as its first event is durable; the run goes on in the background.
    ///
    /// # Errors
    /// When blueprint, model or workspace cannot be used. Nothing is recorded then.
    pub async fn start(
        self: &Arc<Self>,
        request: StartRequest,
        surface: Arc<dyn Surface>,
    ) -> Result<RunHandle, DriverError> {
        let workspace = self.workspace(&request.root)?;
        let root = workspace.root().to_owned();
        let active = self.handles().iter().filter(|handle| handle.view().status == RunStatus::Active).count();
        if active >= RUNS_ACTIVE_MAX {
            return Err(DriverError(anyhow!(
                "{active} runs are active, the most at once; cancel one or wait"
            )));
        }
        // Nothing begins while this cannot be read: what memory masks is found along with it.
        let status = self.declarations(&root)?;
        let catalogue = Catalogue::of(&root, &status.trust);
        let (routed, blueprint) = self.routed(&workspace, &catalogue, &request).await?;
        for input in blueprint.inputs.iter().filter(|input| input.required) {
            require(&request.inputs, input.name, &blueprint.name)?;
        }
        if request.model.is_none() && blueprint.asks_a_model() {
            self.model_at_hand().await;
        }
        let (models, connected) = match blueprint.asks_a_model() || request.model.is_some() {
            true => {
                let models = self.chosen(request.model.as_ref(), &routed)?;
                let connected = self.connected(&root, &models)?;
                (models, connected)
            }
            false => (Models::only(ChosenModel::named(NO_MODEL)), Connected::new()),
        };
        let remembered = self.remembered(&root, status.clone())?;
        remembered.tell_left_out();
        let operations = remembered.operations();
        let masked = match blueprint.asks_a_model() {
            true => remembered.masked()?.clone(),
            false => BTreeSet::new(),
        };
        let policy = self.policy(&root)?.snapshot.for_run(blueprint.sandbox, blueprint.approval_mode);
        let open_documents = surface.open_documents(&root);
        let open_versions =
            open_documents.iter().map(|document| (document.path.clone(), document.version)).collect();
        let open_documents = unsaved(&workspace, open_documents);
        let environment = workspace.environment();
        let run = RunId::new(uuid::Uuid::now_v7().to_string());
        let start = RunStarted {
            run: run.clone(),
            workspace: root.display().to_string(),
            at_ms: now_ms(),
            blueprint,
            policy,
            models,
            budget: self.config.budget,
            approve_requests: self.config.approve_requests,
            tasks: TaskSet { tasks: status.declared.tasks, trust: status.trust },
            operations,
            inputs: request.inputs,
            route: Some(Box::new(routed)),
            open_documents,
            open_versions,
            environment,
            masked,
            entropy: entropy()?,
            context_tokens_max: self.config.context_tokens.unwrap_or(CONTEXT_TOKENS_DEFAULT),
        };
        let first = Event::RunStarted(Box::new(start));
        self.drive(run, workspace, Folded::default(), Some(first), connected, surface).await
    }

    /// Takes a recorded run up again: unfinished, paused, or ended (to undo it). Whatever was
    /// recorded is not done again.
    ///
    /// # Errors
    /// When the journal is damaged or another process drives the run.
    pub async fn take_up(
        self: &Arc<Self>,
        root: &Path,
        run: &RunId,
        surface: Arc<dyn Surface>,
    ) -> Result<RunHandle, DriverError> {
        if let Some(handle) = self.handle(run) {
            return Ok(handle);
        }
        // Whoever drove it last may still be clearing up.
        let last = self.handles.lock().get(run).cloned();
        if let Some(last) = last {
            last.over().await;
        }
        let workspace = self.workspace(root)?;
        let folded = self.fold(workspace.root(), run)?;
        let start = folded.state.start().context("the journal is empty")?;
        // An undo needs no model, so a missing one is said only when it is called.
        let models = start.models.all().map(|chosen| {
            let name = chosen.name.clone();
            let model = self.model(workspace.root(), &name).unwrap_or_else(|error| {
                Arc::new(AbsentModel { name: name.clone(), remedy: format!("{error:#}") })
            });
            (name, model)
        });
        let models = models.collect();
        self.drive(run.clone(), workspace, folded, None, models, surface).await
    }

    async fn drive(
        self: &Arc<Self>,
        run: RunId,
        workspace: Workspace,
        folded: Folded,
        first: Option<Event>,
        models: Connected,
        surface: Arc<dyn Surface>,
    ) -> Result<RunHandle, DriverError> {
        let root = workspace.root().to_owned();
        let store = self.store(&root)?;
        let lease = store.lease(&run).context("the run cannot be driven from here")?;
        let start = match (&first, folded.state.start()) {
            (Some(Event::RunStarted(start)), _) => Some(start.as_ref()),
            (_, start) => start,
        };
        let snapshot = start.map(|start| start.open_documents.clone()).unwrap_or_default();
        let chosen = start.map(|start| start.models.clone());
        let (progress, progressing) = watch::channel(None);
        let workspace = match start {
            Some(start) => workspace.sifted(sift(start)),
            None => workspace,
        };
        let notes = self.memory(&root).map(|remembered| remembered.notes()).unwrap_or_else(|error| {
            tracing::warn!("records are not at hand: {error}");
            Vec::new()
        });
        let (events, _) = broadcast::channel(EVENTS_BROADCAST_MAX);
        let (says, said) = mpsc::channel(8);
        let place = perform::Place {
            run: run.clone(),
            workspace,
            store,
            models,
            surface,
            shadow_dir: self.dirs.shadow_path(&root),
            launcher: self.launcher.clone(),
            allow_unconfined: self.config.allow_unsandboxed_tasks,
            shadow: tokio::sync::OnceCell::new(),
            snapshot,
            notes,
            pointers: self.pointers(&root)?,
            standings: Arc::clone(&self.standings),
            chosen,
            together: Arc::clone(&self.together),
            gathering: tokio::sync::RwLock::default(),
            till: spend::Till { ledger: self.spending.clone(), day: self.config.budget.day },
            progress,
        };
        let budget = self.config.budget;
        let live = executor::Live::new(budget, progressing);
        let heard = events.downgrade();
        let (mut executor, view) = Executor::new(Arc::new(place), folded, events, lease, live);
        let commands = match first {
            Some(event) => executor.record(event).await?,
            None => executor.outstanding(),
        };
        let handle = RunHandle { run: run.clone(), root, events: heard, view, says };
        let mut handles = self.handles.lock();
        handles.insert(run, handle.clone());
        forget_oldest(&mut handles);
        drop(handles);
        tokio::spawn(executor.drive(commands, said));
        Ok(handle)
    }

    /// The run, if this process drives it.
    pub fn handle(&self, run: &RunId) -> Option<RunHandle> {
        self.handles.lock().get(run).filter(|handle| handle.is_driven()).cloned()
    }

    /// All runs that this process has driven, newest first.
    pub fn handles(&self) -> Vec<RunHandle> {
        self.handles.lock().values().rev().cloned().collect()
    }

    /// What would be sent for a request, without the key: the body as its adapter writes it now.
    ///
    /// # Errors
    /// When the model is not configured any more, or its key is not there.
    pub fn preview(&self, root: &Path, request: &ModelRequest) -> Result<String, DriverError> {
        Ok(self.model(root, &request.model)?.preview(request))
    }
}

/// The open buffers whose text differs from the disk.
fn unsaved(workspace: &Workspace, open: Vec<OpenDocument>) -> Vec<OpenDocument> {
    let is_unsaved = |document: &OpenDocument| {
        workspace.read(&document.path).ok().flatten().as_deref() != Some(&document.text)
    };
    open.into_iter().filter(is_unsaved).collect()
}

fn require(
    inputs: &Inputs,
    name: openexec_engine::blueprint::InputName,
    blueprint: &BlueprintName,
) -> Result<(), DriverError> {
    use openexec_engine::blueprint::InputName;
    let (given, what) = match name {
        InputName::Instruction => (inputs.instruction.is_some(), "an instruction"),
        InputName::Target => (inputs.target.is_some(), "a place in a file"),
        InputName::FailingTest => (inputs.failing_test.is_some(), "the name of a failing test"),
        InputName::Diagnostics => (!inputs.diagnostics.is_empty(), "a diagnostic"),
        InputName::Patch => (inputs.patch.is_some(), "a patch"),
    };
    if given { Ok(()) } else { Err(DriverError(anyhow!("blueprint `{blueprint}` needs {what}"))) }
}

/// What the run's frozen rules keep from its model, for what only the edge sees: the files in
/// which a search finds something, and the places behind symbolic links.
fn sift(start: &RunStarted) -> Sift {
    sift_by(Policy::new(&start.policy), start.models.are_local())
}

fn sift_by(policy: Policy, local: bool) -> Sift {
    Arc::new(move |path| {
        let text = Outgoing { paths: std::slice::from_ref(path), ..Outgoing::default() };
        policy.may_leave(&text, local).err().map(|why| why.to_string())
    })
}

/// Of the runs that are over, only the newest are kept at hand; the journal has them all.
fn forget_oldest(handles: &mut BTreeMap<RunId, RunHandle>) {
    let over = handles.values().filter(|handle| !handle.is_driven()).map(|handle| &handle.run);
    let many = over.clone().count().saturating_sub(RUNS_LISTED_MAX);
    // Ids grow with time.
    let oldest: Vec<RunId> = over.take(many).cloned().collect();
    for run in oldest {
        handles.remove(&run);
    }
}

fn canonical(root: &Path) -> Result<PathBuf, DriverError> {
    Ok(root
        .canonicalize()
        .with_context(|| format!("`{}` is not a directory that can be opened", root.display()))?)
}

pub(crate) fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
}

fn entropy() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system gives no random numbers: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
