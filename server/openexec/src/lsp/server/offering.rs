//! What menus can offer, read from the disk beforehand so that no menu has to; and the trust
//! that most of it needs.

use super::super::commands::{TrustArguments, obvious_root};
use super::super::protocol::MessageType;
use super::super::roots::Roots;
use super::super::session::Offers;
use super::super::trust::TrustState;
use super::super::uri;
use super::{Shared, blocking};
use crate::driver::{DriverError, RunView, Runtime};
use crate::limits::{JOURNAL_LOOK_MS, RUNS_LISTED_MAX};
use crate::store::{AcceptedParts, RunSummary};
use openexec_engine::ids::RunId;
use openexec_engine::task::TaskKind;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::MissedTickBehavior;

impl Shared {
    /// The open workspace folder that a file lies in; the obvious one where none is named.
    pub(super) fn root_meant(&self, uri: Option<&str>) -> Result<PathBuf, String> {
        let roots = self.session.roots();
        let Some(uri) = uri else { return obvious_root(&roots, self.session.focus().as_deref()) };
        let path = uri::canonical(&uri::path_of(uri).map_err(|error| error.to_string())?);
        let outside = || format!("`{uri}` lies in no open workspace folder; open its folder");
        Ok(roots.of_file(&path).ok_or_else(outside)?.to_owned())
    }

    pub(super) async fn trust(self: &Arc<Self>, arguments: TrustArguments) -> Result<Value, String> {
        let runtime = Arc::clone(self.runtime()?);
        let root = self.root_meant(arguments.uri.as_deref())?;
        if arguments.review {
            return self.review_trust(root).await;
        }
        let (done, message) = blocking(move || match trust_state(&runtime, &root)? {
            TrustState::NothingDeclared => {
                Err("this workspace declares no task, no blueprint and no memory; declare a task in \
                     .openexec/tasks.yaml"
                    .to_owned())
            }
            TrustState::Trusted => Ok((
                json!({ "trusted": root }),
                "OpenExec: this workspace is trusted already as it is".to_owned(),
            )),
            TrustState::Untrusted { content, commands, .. }
                if arguments.content.is_some_and(|seen| seen != content)
                    || arguments.commands.as_ref().is_some_and(|seen| *seen != commands) =>
            {
                Err("its declarations have changed since they were shown; open the menu again".to_owned())
            }
            TrustState::Untrusted { content, commands, loads, .. } => {
                runtime.trust(&root, content).map_err(|error| error.to_string())?;
                let message = match commands.is_empty() {
                    true => format!("OpenExec: trusted, loads {}", loads.join(", ")),
                    false => format!("OpenExec: trusted, may run {}", commands.join(", ")),
                };
                Ok((json!({ "trusted": root, "commands": commands, "loads": loads }), message))
            }
        })
        .await?;
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            // Whoever reads the message finds a menu that knows of it.
            Arc::clone(&shared).refresh_offers().await;
            shared.publisher.refresh();
            shared.memory.refresh();
            shared.editor.show_message(MessageType::INFO, message).await;
        });
        Ok(done)
    }

    pub(super) async fn keep_offers_fresh(self: Arc<Self>) {
        let mut saves = self.session.saves();
        let mut seen = Arc::clone(&self).elsewhere(Elsewhere::default()).await;
        Arc::clone(&self).renew_offers().await;
        self.session.set_offers_read();
        if self.say_which_model().await {
            Arc::clone(&self).renew_offers().await;
        }
        let mut look = tokio::time::interval(Duration::from_millis(JOURNAL_LOOK_MS));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                saved = saves.changed() => {
                    if saved.is_err() {
                        return;
                    }
                    self.keep_drafts().await;
                    // A server of this machine may have been started meanwhile.
                    if self.runtime.as_ref().is_ok_and(|runtime| runtime.default_model().is_none()) {
                        self.say_which_model().await;
                    }
                }
                // Other editors and terminals work on the same journals, and trust as well.
                _ = look.tick() => {
                    let now = Arc::clone(&self).elsewhere(seen.clone()).await;
                    let is_trust_same = now.trust == seen.trust;
                    let is_same = is_trust_same && now.runs == seen.runs && now.accepted == seen.accepted;
                    seen = now;
                    if is_same {
                        continue;
                    }
                    if !is_trust_same {
                        self.publisher.refresh();
                        self.memory.refresh();
                    }
                }
            }
            Arc::clone(&self).renew_offers().await;
        }
    }

    /// Looks whether other processes have trusted anything or gone on with a run. `before` is what was seen last:
    /// where nobody has written since, only the leases are looked at.
    async fn elsewhere(self: Arc<Self>, before: Elsewhere) -> Elsewhere {
        let Ok(runtime) = self.runtime.clone() else {
            return before;
        };
        let session = Arc::clone(&self.session);
        let kept = before.clone();
        let look = move || Ok(before.now(&runtime, &session.roots()));
        blocking(look).await.unwrap_or(kept)
    }

    /// Reads them anew and tells whoever shows them.
    async fn renew_offers(self: Arc<Self>) {
        Arc::clone(&self).refresh_offers().await;
        if self.session.traits().lists_runs {
            self.editor.runs_changed().await;
        }
        // They are about runs of other processes, too.
        tokio::spawn(async move { self.refresh_reviews().await });
    }

    /// Where no model is configured, the user is told once which one is taken. True when
    /// there is one, which menus then show.
    async fn say_which_model(&self) -> bool {
        let Ok(runtime) = &self.runtime else { return false };
        let Some(found) = runtime.model_at_hand().await else { return false };
        self.editor.log_message(MessageType::INFO, format!("OpenExec: {found}")).await;
        true
    }

    /// Reads from the disk what menus offer, so that no menu has to.
    pub(super) async fn refresh_offers(self: Arc<Self>) {
        let Ok(runtime) = self.runtime.clone() else {
            return;
        };
        let read = move || {
            for root in self.session.roots().all() {
                self.learn_accepted(&runtime, root);
                let pending = runtime.pending(root);
                let trust = trust_state(&runtime, root);
                let offers = Offers {
                    has_tests: has_tests(&runtime, root),
                    failing: runtime.failing_tests(root),
                    blueprints: runtime.blueprints(root),
                    model: runtime.default_model().map(|model| model.to_string()),
                    trouble: trust.as_ref().err().cloned(),
                    trust: trust.ok(),
                    elsewhere: elsewhere_of(&runtime, root, &pending),
                    pending,
                    ended: runtime.latest_applied(root),
                };
                self.tell_of_tasks(root, offers.trouble.as_deref());
                self.session.set_offers(root, offers);
            }
            Ok(())
        };
        if let Err(reason) = blocking(read).await {
            tracing::error!(reason, "what can be offered could not be read");
        }
    }
}

impl Shared {
    /// Says once why the tasks of a workspace cannot be read, where menus cannot say it.
    fn tell_of_tasks(self: &Arc<Self>, root: &Path, trouble: Option<&str>) {
        let mut told = self.told_of_tasks.lock();
        let Some(trouble) = trouble else {
            told.remove(root);
            return;
        };
        if told.insert(root.to_owned(), trouble.to_owned()).as_deref() == Some(trouble)
            || self.session.traits().disabled_actions
        {
            return;
        }
        let (editor, message) = (self.editor.clone(), format!("OpenExec: {trouble}; mend it first"));
        Handle::current().spawn(async move { editor.show_message(MessageType::WARNING, message).await });
    }
}

/// What other processes may change: trust, and runs that this process does not drive.
#[derive(Debug, Clone, Default)]
struct Elsewhere {
    /// The trust database as it was read.
    trust: Option<i64>,
    /// The journals as they were read.
    versions: BTreeMap<PathBuf, i64>,
    runs: BTreeMap<PathBuf, Vec<RunElsewhere>>,
    /// The parts of waiting proposals that are accepted, wherever that was done.
    accepted: BTreeMap<PathBuf, AcceptedParts>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct RunElsewhere {
    summary: RunSummary,
    is_driven: bool,
}

impl Elsewhere {
    /// The same now. A journal that cannot be read is taken for empty; `openexec runs` tells
    /// what is wrong with it.
    fn now(&self, runtime: &Runtime, roots: &Roots) -> Self {
        let mut now = Self { trust: runtime.trust_version().ok(), ..Self::default() };
        for root in roots.all() {
            let Ok(store) = runtime.store(root) else { continue };
            let version = store.version().unwrap_or_default();
            let is_same = self.versions.get(root) == Some(&version);
            let summaries: Vec<RunSummary> = match self.runs.get(root).filter(|_| is_same) {
                Some(runs) => runs.iter().map(|run| run.summary.clone()).collect(),
                None => store.latest_runs(RUNS_LISTED_MAX).unwrap_or_default(),
            };
            let accepted = match self.accepted.get(root).filter(|_| is_same) {
                Some(accepted) => accepted.clone(),
                None => store.accepted().unwrap_or_default(),
            };
            now.accepted.insert(root.to_owned(), accepted);
            let others = summaries.into_iter().filter(|summary| runtime.handle(&summary.run).is_none());
            let looked_at = others.map(|summary| RunElsewhere {
                is_driven: !summary.is_over() && store.driver(&summary.run).is_some(),
                summary,
            });
            now.runs.insert(root.to_owned(), looked_at.collect());
            now.versions.insert(root.to_owned(), version);
        }
        now
    }
}

/// Those of the pending runs that another process drives.
fn elsewhere_of(runtime: &Runtime, root: &Path, pending: &[RunView]) -> Vec<RunId> {
    let runs = pending.iter().map(|view| &view.run);
    runs.filter(|run| runtime.is_driven_elsewhere(root, run)).cloned().collect()
}

pub(super) fn trust_state(runtime: &Runtime, root: &Path) -> Result<TrustState, String> {
    let state = || Ok(TrustState::of(runtime.declarations(root)?, runtime.trust_changes(root)?));
    state().map_err(|error: DriverError| error.to_string())
}

fn has_tests(runtime: &Runtime, root: &Path) -> bool {
    let declared = runtime.declarations(root).map(|declarations| declarations.declared.tasks);
    declared.is_ok_and(|tasks| tasks.iter().any(|task| task.kind == TaskKind::Test))
}
