//! Carrying out one command. Whatever goes wrong is an answer too: nothing is left unanswered.

use super::recorded::Standings;
use super::spend::{self, Till};
use super::{Pointers, Surface, memory, unsaved};
use crate::history::Together;
use crate::models::{Model, ModelProgress};
use crate::process::Launcher;
use crate::shadow::{Shadow, ShadowError};
use crate::store::Store;
use crate::workspace::{Gathered, Sought, Sources, Workspace};
use futures::FutureExt as _;
use openexec_engine::digest::Digest;
use openexec_engine::edit::ChangeSet;
use openexec_engine::ids::{CommandId, ModelName, RunId};
use openexec_engine::memory::Record;
use openexec_engine::model::Models;
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::{
    ApplyReport, Command, Event, FileOutcome, LiveText, Look, Nearness, OpenDocument,
};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{OnceCell, RwLock, watch};

/// Everything one run touches.
pub(super) struct Place {
    pub run: RunId,
    pub workspace: Workspace,
    pub store: Store,
    /// The models of the run, by name.
    pub models: BTreeMap<ModelName, Arc<dyn Model>>,
    pub surface: Arc<dyn Surface>,
    pub shadow_dir: PathBuf,
    pub launcher: Launcher,
    pub allow_unconfined: bool,
    pub shadow: OnceCell<Shadow>,
    /// Open buffers as they stood when the run began: what facts and texts are taken from.
    pub snapshot: Vec<OpenDocument>,
    /// The records that point at symbols, as they were when this process took the run up.
    pub notes: Vec<Record>,
    /// Where their symbols stand.
    pub pointers: Arc<Pointers>,
    /// Where it is said what the runs of this process have come to.
    pub standings: Arc<Standings>,
    /// What is known of the run's models.
    pub chosen: Option<Models>,
    /// What changed together in the repositories of this process.
    pub together: Arc<Together>,
    /// Where their calls are paid.
    pub till: Till,
    /// Held while context is gathered. Tasks begin after that: on a small machine each would only
    /// slow the other down, and somebody waits for the context.
    pub gathering: RwLock<()>,
    /// What arrives while a model answers; the latest only, nothing when it has.
    pub progress: watch::Sender<Option<ModelProgress>>,
}

impl Place {
    /// The shadow, prepared at the first call.
    pub async fn prepare_shadow(&self) -> Result<&Shadow, ShadowError> {
        self.shadow
            .get_or_try_init(|| {
                Shadow::prepare(
                    &self.launcher,
                    self.workspace.root(),
                    &self.shadow_dir,
                    &self.run,
                    self.allow_unconfined,
                )
            })
            .await
    }

    /// Removes what the shadow holds on disk. A leftover is only a matter of space.
    pub async fn remove_shadow(&self) {
        if let Some(shadow) = self.shadow.get()
            && let Err(error) = shadow.remove().await
        {
            tracing::warn!(run = %self.run, "the shadow could not be removed: {error}");
        }
    }

    /// What stands at a path now: the open buffer, else the disk.
    fn live(&self, path: &WorkspacePath) -> Result<Option<String>, String> {
        match self.surface.live_text(self.workspace.root(), path) {
            Some(text) => Ok(Some(text)),
            None => self.workspace.read(path).map_err(|error| error.to_string()),
        }
    }
}

/// Carries out a command and answers with the event it led to.
pub(super) async fn perform(place: &Arc<Place>, id: CommandId, command: Command) -> Event {
    let work = AssertUnwindSafe(attempt(place, id, command)).catch_unwind();
    let reason = match work.await {
        Ok(Ok(event)) => return event,
        Ok(Err(reason)) => reason,
        Err(_) => "an internal error; please report it with the log of this run".to_owned(),
    };
    Event::CommandFailed { command: id, reason }
}

async fn attempt(place: &Arc<Place>, id: CommandId, command: Command) -> Result<Event, String> {
    match command {
        Command::GatherContext { query, .. } => {
            let _gathering = place.gathering.write().await;
            let Gathered { candidates, hidden } = blocking(place, move |place| {
                let recall =
                    |sought: &Sought<'_>| memory::recall(&place.store, &place.notes, &place.pointers, sought);
                let commits = || place.together.commits(place.workspace.root());
                let repaired = |tests: &[&str], read: &memory::Read<'_>| {
                    memory::repaired(&place.store, &place.pointers, tests, read)
                };
                let sources = Sources { recall: &recall, commits: &commits, repaired: &repaired };
                place.workspace.gather(&query, &sources)
            })
            .await?;
            Ok(Event::ContextGathered { command: id, candidates, hidden })
        }
        Command::CallModel { request, .. } => {
            let began = Instant::now();
            let progress = |progress: ModelProgress| {
                tracing::debug!(?progress, "model");
                place.progress.send_replace(Some(progress));
            };
            let model = place.models.get(&request.model);
            let model = model.ok_or_else(|| format!("the run has no model `{}`", request.model))?;
            let outcome = spend::paid(place, model.as_ref(), &request, &progress).await;
            place.progress.send_replace(None);
            Ok(match outcome? {
                Ok(reply) => Event::ModelReplied { command: id, reply, duration_ms: millis(began) },
                Err(error) => Event::ModelFailed { command: id, error },
            })
        }
        Command::GatherFacts { paths, .. } => {
            let facts = blocking(place, move |place| place.workspace.facts(&paths, &place.snapshot)).await?;
            Ok(Event::FactsGathered { command: id, facts })
        }
        Command::Hydrate { reads, changes, .. } => {
            let texts =
                blocking(place, move |place| place.workspace.hydrate(&reads, &changes, &place.snapshot))
                    .await?;
            Ok(Event::Hydrated { command: id, texts })
        }
        Command::RunTask { task, open_documents, changes, timeout_ms, tree, want, .. } => {
            let shadow = place.prepare_shadow().await.map_err(|error| error.to_string())?;
            drop(place.gathering.read().await);
            shadow.write(&open_documents, &changes).await.map_err(|error| error.to_string())?;
            let report = shadow.run(&task, timeout_ms, &want).await;
            Ok(Event::TaskFinished { command: id, report: Box::new(report), tree })
        }
        Command::CheckBases { paths, .. } => {
            let (texts, open_documents) = blocking(place, move |place| {
                let live = |path: WorkspacePath| place.live(&path).map(|text| LiveText { path, text });
                let texts = paths.into_iter().map(live).collect::<Result<Vec<_>, _>>()?;
                let open = place.surface.open_documents(place.workspace.root());
                Ok::<_, String>((texts, unsaved(&place.workspace, open)))
            })
            .await??;
            let (open_documents, nearness) = (Some(open_documents), Nearness::Beside);
            Ok(Event::BasesChecked { command: id, texts, open_documents, nearness })
        }
        Command::Apply { changes, label, .. } => {
            let report = apply(place, &changes, &label).await?;
            Ok(Event::Applied { command: id, report })
        }
        Command::Remember { record, .. } => {
            let record = blocking(place, move |place| place.pointers.look().bound_lesson(*record)).await?;
            place.store.remember(&record).await.map_err(|error| error.to_string())?;
            Ok(Event::Remembered { command: id })
        }
        Command::Keep { mut record, .. } => {
            record.written.get_or_insert_with(today);
            let record = blocking(place, move |place| place.pointers.look().bound_record(*record)).await?;
            place.store.keep(&record).await.map_err(|error| error.to_string())?;
            Ok(Event::Remembered { command: id })
        }
        Command::Record { .. } | Command::Abandon { .. } | Command::Halt { .. } => {
            Err("this is not a command that has an answer".into())
        }
    }
}

/// Applies what is not applied yet, onto nothing but the base it was made for, and then looks.
async fn apply(place: &Arc<Place>, changes: &ChangeSet, label: &str) -> Result<ApplyReport, String> {
    let mut due = ChangeSet::default();
    for (path, change) in changes.effective() {
        if place.live(path)? == change.base {
            due.files.insert(path.clone(), change.clone());
        }
    }
    let mut answer = None;
    let mut seen = BTreeMap::new();
    if !due.files.is_empty() {
        match place.surface.apply(place.workspace.root(), &due, label).await {
            Some(landing) => (answer, seen) = (Some(landing.answer), landing.seen),
            None => {
                let written = due.clone();
                answer = blocking(place, move |place| write_files(place, &written)).await?;
            }
        }
    }
    let mut files = Vec::new();
    for (path, change) in changes.effective() {
        let now = place.live(path)?;
        let text = now.as_ref().map(|text| Digest::of(text.as_bytes()));
        let look = match now == change.proposed {
            true => Look::default(),
            false => Look { seen: seen.remove(path), now },
        };
        files.push(FileOutcome { path: path.clone(), text, look: Some(look) });
    }
    Ok(ApplyReport { files, answer })
}

/// Where no editor is: one atomic write after the other. The first that fails ends it; what
/// landed is found out by looking.
fn write_files(place: &Place, changes: &ChangeSet) -> Option<String> {
    // New texts first, deletions last: nothing is gone before its successor is there.
    let (written, deleted): (Vec<_>, Vec<_>) =
        changes.effective().partition(|(_, change)| change.proposed.is_some());
    for (path, change) in written.into_iter().chain(deleted) {
        if let Err(error) = place.workspace.write(path, change.proposed.as_deref()) {
            return Some(error.to_string());
        }
    }
    None
}

async fn blocking<T: Send + 'static>(
    place: &Arc<Place>,
    work: impl FnOnce(&Place) -> T + Send + 'static,
) -> Result<T, String> {
    let place = place.clone();
    tokio::task::spawn_blocking(move || work(&place))
        .await
        .map_err(|_| "an internal error while reading".to_owned())
}

/// The day, as records have it.
fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
