//! One run's loop: record, apply, carry out, wait.

use super::handle::Spoken;
use super::perform::{self, Place};
use super::recorded::Folded;
use super::{DriverError, RunStatus, RunView, Say, now_ms};
use crate::limits::PROGRESS_INTERVAL_MS;
use crate::models::ModelProgress;
use crate::store::{Lease, Recorded};
use anyhow::{Context as _, anyhow};
use openexec_engine::budget::Budget;
use openexec_engine::edit;
use openexec_engine::ids::CommandId;
use openexec_engine::policy::Capability;
use openexec_engine::run::{Asked, Command, Event, RunStarted, Status};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

/// Drives one run.
pub(super) struct Executor {
    place: Arc<Place>,
    folded: Folded,
    events: broadcast::Sender<Arc<Recorded>>,
    working: JoinSet<Event>,
    aborts: BTreeMap<CommandId, AbortHandle>,
    /// The run was recorded by an earlier process, or by this one, and had stopped.
    taken_up: bool,
    live: Live,
    _lease: Lease,
    /// The last field, because its end tells that everything above is gone.
    view: watch::Sender<RunView>,
}

/// What a run takes in besides events.
pub(super) struct Live {
    /// The user's limits as they are now: what a resumed run goes on with.
    budget: Budget,
    /// What arrives while a model answers.
    progressing: watch::Receiver<Option<ModelProgress>>,
    /// Before this, nothing of it is shown again.
    next: Instant,
}

impl Live {
    pub(super) fn new(budget: Budget, progressing: watch::Receiver<Option<ModelProgress>>) -> Self {
        Self { budget, progressing, next: Instant::now() }
    }

    /// Waits until there is something to show that may be shown. Can be dropped at any time.
    async fn due(&mut self) {
        tokio::time::sleep_until(self.next).await;
        if self.progressing.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Executor {
    pub(super) fn new(
        place: Arc<Place>,
        folded: Folded,
        events: broadcast::Sender<Arc<Recorded>>,
        lease: Lease,
        live: Live,
    ) -> (Self, watch::Receiver<RunView>) {
        let mut shown = folded.view(&place.run);
        let taken_up = folded.seq > 0;
        if folded.state.has_unrecorded() {
            // It stands nowhere before what it decided is recorded.
            shown.status = RunStatus::Active;
        }
        let (view, views) = watch::channel(shown);
        let executor = Self {
            place,
            folded,
            events,
            view,
            working: JoinSet::new(),
            aborts: BTreeMap::new(),
            taken_up,
            live,
            _lease: lease,
        };
        (executor, views)
    }

    pub(super) fn outstanding(&self) -> Vec<Command> {
        self.folded.state.outstanding()
    }

    /// Makes an event durable, then lets the state apply it.
    pub(super) async fn record(&mut self, event: Event) -> Result<Vec<Command>, DriverError> {
        let seq = self.folded.seq + 1;
        self.place.surface.before_record(seq, &event).await;
        if matches!(event, Event::RunEnded { .. }) {
            self.keep_lesson().await;
        }
        let recorded = self
            .place
            .store
            .append(&self.place.run, seq, now_ms(), &event)
            .await
            .context("the journal does not take the next event; the run stops here and can be resumed")?;
        self.place.surface.after_record(seq, &event).await;
        let commands = self.folded.apply(seq, &event);
        let standing = Arc::new(self.folded.standing(&self.place.run));
        self.place.standings.keep(Arc::clone(&standing));
        // The view shows nothing that is not durable, decisions included, and it is up to date
        // for whoever hears of the last of them.
        let view = standing.view.clone();
        if !self.folded.state.has_unrecorded() {
            self.view.send_replace(view);
        } else if seq == 1 {
            // What the run is stands in its first event, so nobody is shown a run without a name.
            self.view.send_modify(|shown| {
                shown.blueprint = view.blueprint;
                shown.model = view.model;
                shown.activity = "starting".to_owned();
                shown.events = view.events;
            });
        }
        let _ = self.events.send(Arc::new(recorded));
        Ok(commands)
    }

    /// Keeps what a run leaves that is about to be over. It is read out of the run's state and
    /// replaces what the same run has left before, so a crash around here costs nothing.
    async fn keep_lesson(&self) {
        let may = |start: &RunStarted| start.policy.capabilities.contains(&Capability::MemoryWrite);
        if !self.folded.state.start().is_some_and(may) {
            return;
        }
        if let Some(lesson) = self.folded.state.lesson()
            && let Err(error) = self.place.store.remember(&lesson).await
        {
            tracing::warn!(run = %self.place.run, "what the run leaves could not be kept: {error}");
        }
    }

    /// Goes on until the run is over, or stops with a reason that the view shows.
    pub(super) async fn drive(mut self, commands: Vec<Command>, mut said: mpsc::Receiver<Spoken>) {
        let place = self.place.clone();
        // The shadow is prepared while context is gathered and the model thinks.
        let preparing = tokio::spawn(async move {
            // An error is not lost: whoever needs the shadow tries again and reports it.
            if let Err(error) = place.prepare_shadow().await {
                tracing::debug!("the shadow is not ready yet: {error}");
            }
        });
        if let Err(error) = self.run_to_end(commands, &mut said).await {
            tracing::info!(run = %self.place.run, "the run stops: {error}");
            self.place.surface.stopped(&error.to_string());
            self.view.send_modify(|view| view.status = RunStatus::Paused { reason: format!("{error}") });
        }
        preparing.abort();
        self.working.shutdown().await;
        if matches!(self.folded.state.status(), Status::Ended { .. }) {
            self.place.remove_shadow().await;
        }
    }

    async fn run_to_end(
        &mut self,
        commands: Vec<Command>,
        said: &mut mpsc::Receiver<Spoken>,
    ) -> Result<(), DriverError> {
        // A run that was over when it was taken up waits for what the user wants of it.
        // One whose end was only not recorded yet was not over.
        let lingers = self.taken_up && self.is_over() && commands.is_empty();
        let commands = if self.taken_up { self.without_interrupted(commands) } else { commands };
        self.carry_out(commands).await?;
        self.listen(said, lingers).await?;
        // What is said from here on goes to whoever takes the run up next. What was said before
        // is heard.
        said.close();
        while let Some(spoken) = said.recv().await {
            let Some((event, answer)) = self.hear(spoken) else { continue };
            let commands = self.record(event).await?;
            self.carry_out(commands).await?;
            let _ = answer.send(Ok(()));
            self.listen(said, false).await?;
        }
        Ok(())
    }

    /// Answers for tasks that an earlier process was running and whose effects may be real: what
    /// they have done is for the user to find out, so they are not run again.
    fn without_interrupted(&mut self, commands: Vec<Command>) -> Vec<Command> {
        let (interrupted, rest): (Vec<_>, Vec<_>) =
            commands.into_iter().partition(|command| matches!(command, Command::RunTask { once: true, .. }));
        for id in interrupted.iter().filter_map(Command::id) {
            let reason = "the process that ran it has ended".to_owned();
            self.working.spawn(async move { Event::CommandFailed { command: id, reason } });
        }
        rest
    }

    /// Takes answers and what is said, until the run is over and all work has ended.
    async fn listen(
        &mut self,
        said: &mut mpsc::Receiver<Spoken>,
        mut lingers: bool,
    ) -> Result<(), DriverError> {
        while !self.is_over() || lingers || !self.working.is_empty() {
            let (event, answer) = tokio::select! {
                biased;
                spoken = said.recv() => match spoken {
                    Some(spoken) => match self.hear(spoken) {
                        Some((event, answer)) => (event, Some(answer)),
                        None => continue,
                    },
                    None if self.working.is_empty() => return Ok(()),
                    None => match self.next_answer().await {
                        Some(event) => (event, None),
                        None => continue,
                    },
                },
                answer = self.working.join_next_with_id(), if !self.working.is_empty() => {
                    match answer_of(answer) {
                        Some(event) => (event, None),
                        None => continue,
                    }
                }
                () = self.live.due() => {
                    self.show_progress();
                    continue;
                }
            };
            lingers = false;
            let commands = self.record(event).await?;
            self.carry_out(commands).await?;
            if let Some(answer) = answer {
                let _ = answer.send(Ok(()));
            }
        }
        Ok(())
    }

    /// Shows what arrives, which no event tells of: nothing of it is recorded.
    fn show_progress(&mut self) {
        self.live.next = Instant::now() + Duration::from_millis(PROGRESS_INTERVAL_MS);
        let progress = self.live.progressing.borrow_and_update().clone();
        let Some(progress) = progress else { return };
        if self.folded.state.has_unrecorded() || !matches!(self.folded.state.status(), Status::Active) {
            return;
        }
        let activity = format!("{}, {}", self.folded.state.activity(), told(&progress));
        self.place.surface.progressed(&activity, &progress);
        self.view.send_if_modified(|view| {
            let is_new = view.activity != activity;
            view.activity = activity;
            is_new
        });
    }

    async fn next_answer(&mut self) -> Option<Event> {
        answer_of(self.working.join_next_with_id().await)
    }

    fn is_over(&self) -> bool {
        matches!(self.folded.state.status(), Status::Ended { .. })
    }

    /// Carries out commands in order. Records are awaited; everything else goes on beside.
    async fn carry_out(&mut self, commands: Vec<Command>) -> Result<(), DriverError> {
        let mut queue = VecDeque::from(commands);
        while let Some(command) = queue.pop_front() {
            match command {
                Command::Record { event } => {
                    // Confirmations add nothing, or a halt.
                    queue.extend(self.record(*event).await?);
                }
                Command::Halt { reason } => {
                    return Err(DriverError(anyhow!("journal and engine disagree: {reason}")));
                }
                Command::Abandon { ids } => {
                    for id in ids {
                        if let Some(abort) = self.aborts.remove(&id) {
                            abort.abort();
                        }
                    }
                }
                command => {
                    let Some(id) = command.id() else { continue };
                    let place = self.place.clone();
                    let abort =
                        self.working.spawn(async move { perform::perform(&place, id, command).await });
                    self.aborts.insert(id, abort);
                }
            }
        }
        Ok(())
    }

    /// What was said, as an event, if it makes sense now.
    fn hear(&self, spoken: Spoken) -> Option<(Event, oneshot::Sender<Result<(), DriverError>>)> {
        let Spoken { what, by, answer } = spoken;
        match self.event_for(what, by) {
            Ok(event) => Some((event, answer)),
            Err(reason) => {
                let _ = answer.send(Err(DriverError(anyhow!(reason))));
                None
            }
        }
    }

    fn event_for(&self, what: Say, by: String) -> Result<Event, String> {
        let run = &self.place.run;
        match (what, self.folded.state.status()) {
            (Say::Approve(named), Status::AwaitingApproval { proposal, .. }) if named == proposal => {
                Ok(Event::Approved { proposal, by })
            }
            (Say::Refuse(named), Status::AwaitingApproval { proposal, .. }) if named == proposal => {
                Ok(Event::Refused { proposal, by })
            }
            (
                Say::Reject { proposal: named, parts },
                Status::AwaitingApproval { proposal, what: Asked::Proposal { parts: there, .. } },
            ) if named == proposal => {
                if there.is_empty() {
                    return Err(format!(
                        "run {run} asks about a stage's result; take or leave it as a whole"
                    ));
                }
                let changes = self.folded.state.changes().ok_or("the run has no edits")?;
                edit::without(changes, &parts).map_err(|error| error.to_string())?;
                match parts.is_empty() {
                    true => Err("name what is to be left out, such as `src/lib.rs:2`".to_owned()),
                    false => Ok(Event::PartsRejected { proposal, parts, by }),
                }
            }
            (Say::Reject { .. }, Status::AwaitingApproval { what: Asked::Request(_), .. }) => {
                Err(format!("run {run} asks whether to send a request; approve it or discard the run"))
            }
            (Say::Approve(_) | Say::Refuse(_) | Say::Reject { .. }, Status::AwaitingApproval { .. }) => {
                Err(format!("run {run} waits for another proposal than the one you saw; review it again"))
            }
            (Say::Approve(_) | Say::Refuse(_) | Say::Reject { .. }, _) => {
                Err(format!("run {run} waits for no approval"))
            }
            (Say::Discard, Status::AwaitingApproval { proposal, .. }) => Ok(Event::Refused { proposal, by }),
            (Say::Discard, Status::Paused { .. }) => match self.folded.state.applied() {
                None => {
                    let changes = self.folded.state.changes().ok_or("the run has no edits")?;
                    Ok(Event::Refused { proposal: changes.digest(), by })
                }
                Some(_) => Err(format!("edits of run {run} stand in your files; undo it instead")),
            },
            (Say::Discard, _) => Err(format!("run {run} waits for no decision any more")),
            (Say::Cancel, Status::Ended { .. }) => Err(format!("run {run} is over; undo it instead")),
            (Say::Cancel, _) => match self.folded.state.uninterruptible() {
                Some(reason) => Err(format!("run {run} cannot be cancelled now: {reason}")),
                None => Ok(Event::CancelRequested { by }),
            },
            (Say::Resume, Status::Paused { .. }) => {
                Ok(Event::ResumeRequested { by, budget: Some(self.live.budget) })
            }
            (Say::Resume, _) => Err(format!("run {run} is not paused")),
            (Say::Undo, Status::Ended { .. } | Status::Paused { .. })
                if self.folded.state.applied().is_some() =>
            {
                Ok(Event::UndoRequested { by })
            }
            (Say::Undo, Status::Ended { .. } | Status::Paused { .. }) => {
                Err(format!("run {run} has applied nothing that could be undone"))
            }
            (Say::Undo, _) => Err(format!("run {run} is not over yet; cancel it instead")),
        }
    }
}

/// What arrives, in a few words: `receiving 12 kB`, `retrying in 4 s: the model's server …`.
fn told(progress: &ModelProgress) -> String {
    match progress {
        ModelProgress::Received { bytes } => format!("receiving {} kB", bytes.div_ceil(1_000)),
        ModelProgress::Retrying { attempt, reason, wait_ms } => {
            format!("retrying in {} s (attempt {attempt}): {reason}", wait_ms.div_ceil(1_000))
        }
    }
}

/// The event of a piece of work that has ended. One that was aborted leaves none; one that
/// panicked has answered for itself already.
fn answer_of(answer: Option<Result<(tokio::task::Id, Event), tokio::task::JoinError>>) -> Option<Event> {
    match answer? {
        Ok((_, event)) => Some(event),
        Err(error) => {
            if error.is_panic() {
                tracing::error!("a command's work panicked: {error}");
            }
            None
        }
    }
}
