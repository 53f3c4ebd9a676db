//! Where a run stands, for people and for surfaces. Reading only.

use super::agent::Conversation;
use super::state::{Active, Phase, RunState};
use super::{Outcome, RunStarted};
use crate::budget::{self, Budget, MicroUsd, Spent, grouped, usd};
use crate::context::ContextPack;
use crate::digest::Digest;
use crate::edit::{self, ChangeSet, ShownPart};
use crate::ids::{ModelName, StageId};
use crate::model::{ModelRequest, Usage};

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It is going on, or about to begin.
    Active,
    /// It waits for the user to approve something.
    AwaitingApproval {
        /// What an approval must name.
        proposal: Digest,
        /// What it is that waits.
        what: Asked,
    },
    /// It waits for the user for another reason.
    Paused {
        /// Why, and what to do.
        reason: String,
    },
    /// It is over.
    Ended {
        /// How.
        outcome: Outcome,
        /// For people.
        summary: String,
    },
}

/// What waits for the user's approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Edits, or a stage's result.
    Proposal {
        /// The unified diff.
        diff: String,
        /// Why it is asked, a line each.
        reasons: Vec<String>,
        /// What can be left out of it, in the order of the diff; nothing of a stage's result.
        parts: Vec<ShownPart>,
    },
    /// A request to a model. Nothing of it has left.
    Request(RequestSummary),
}

/// A request to a model in few words; all of it is in [`RunState::waiting_request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSummary {
    /// Which request of the run, counted from 1.
    pub number: u32,
    /// To which model.
    pub model: ModelName,
    /// True when the model runs on this machine.
    pub is_local: bool,
    /// For which stage.
    pub stage: StageId,
    /// Which turn of the conversation, counted from 1.
    pub turn: u32,
    /// Its estimated tokens.
    pub input_tokens: u64,
    /// The most tokens of the reply.
    pub output_tokens_max: u32,
    /// The most that it can cost, where the price is known.
    pub micro_usd: Option<MicroUsd>,
}

impl std::fmt::Display for RequestSummary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.is_local { " on this machine" } else { "" };
        write!(
            f,
            "request {} to `{}`{place} for stage {}, turn {}: about {} tokens, a reply of {} at most",
            self.number,
            self.model,
            self.stage,
            self.turn,
            grouped(self.input_tokens),
            grouped(u64::from(self.output_tokens_max)),
        )?;
        match self.micro_usd {
            Some(amount) => write!(f, ", up to {}", usd(amount)),
            None => f.write_str(", price unknown"),
        }
    }
}

/// A gate that is open for the present tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The tree that was judged.
    pub tree: Digest,
    /// For people: `run_tests: 12 tests passed`.
    pub summary: String,
}

impl RunState {
    /// How the run stands.
    pub fn status(&self) -> Status {
        let Some(run) = &self.run else {
            return Status::Active;
        };
        match &run.phase {
            Phase::Approval { proposal, diff, reasons, .. } => Status::AwaitingApproval {
                proposal: *proposal,
                what: Asked::Proposal {
                    diff: diff.clone(),
                    reasons: reasons.clone(),
                    parts: match *proposal == run.changes.digest() {
                        true => edit::parts(&run.changes),
                        false => Vec::new(),
                    },
                },
            },
            Phase::Request { digest, request, talk } => Status::AwaitingApproval {
                proposal: *digest,
                what: Asked::Request(run.request_summary(request, talk)),
            },
            Phase::Paused { reason, .. } => Status::Paused { reason: reason.clone() },
            Phase::Ended { outcome, summary } => {
                Status::Ended { outcome: *outcome, summary: summary.clone() }
            }
            Phase::Between
            | Phase::Context { .. }
            | Phase::Agent(_)
            | Phase::Patch { .. }
            | Phase::Verifying(_)
            | Phase::Bases { .. }
            | Phase::Applying
            | Phase::Proceeding(_)
            | Phase::Deciding { .. }
            | Phase::Remembering { .. }
            | Phase::Reversing(_) => Status::Active,
        }
    }

    /// Why it cannot be cancelled just now: half of an edit would be worse than all of it.
    pub fn uninterruptible(&self) -> Option<&'static str> {
        match &self.run.as_ref()?.phase {
            Phase::Applying => Some("its edit is on its way to the files; undo it afterwards"),
            Phase::Reversing(_) => Some("its edit is just being undone; wait for that"),
            Phase::Between
            | Phase::Context { .. }
            | Phase::Agent(_)
            | Phase::Patch { .. }
            | Phase::Verifying(_)
            | Phase::Bases { .. }
            | Phase::Proceeding(_)
            | Phase::Deciding { .. }
            | Phase::Remembering { .. }
            | Phase::Approval { .. }
            | Phase::Request { .. }
            | Phase::Paused { .. }
            | Phase::Ended { .. } => None,
        }
    }

    /// What it is doing, in a few words: `fix, stage 3 of 8, attempt 2 of 4, turn 1`.
    pub fn activity(&self) -> String {
        let Some(run) = &self.run else {
            return "not started".into();
        };
        let stage = run.step.as_ref().map(|step| run.place_of(step));
        let detail = match &run.phase {
            Phase::Agent(talk) => Some(talk.progress()),
            Phase::Approval { .. } => Some("waits for approval".into()),
            Phase::Request { talk, .. } => Some(format!("{}, its request waits for you", talk.progress())),
            Phase::Paused { .. } => Some("paused".into()),
            Phase::Ended { .. } => Some("ended".into()),
            Phase::Reversing(_) => Some("undoing".into()),
            Phase::Proceeding(proceeding) => Some(proceeding.progress()),
            Phase::Verifying(verification) => Some(verification.progress()),
            Phase::Between
            | Phase::Context { .. }
            | Phase::Patch { .. }
            | Phase::Bases { .. }
            | Phase::Applying
            | Phase::Deciding { .. }
            | Phase::Remembering { .. } => None,
        };
        stage.into_iter().chain(detail).collect::<Vec<_>>().join(", ")
    }

    /// What the run was started with.
    pub fn start(&self) -> Option<&RunStarted> {
        self.run.as_ref().map(|run| &run.start)
    }

    /// The proposed edits.
    pub fn changes(&self) -> Option<&ChangeSet> {
        self.run.as_ref().map(|run| &run.changes)
    }

    /// What stands in the user's files through this run.
    pub fn applied(&self) -> Option<&ChangeSet> {
        self.run.as_ref().and_then(|run| run.applied.as_ref())
    }

    /// The last context pack.
    pub fn pack(&self) -> Option<&ContextPack> {
        self.run.as_ref().and_then(|run| run.pack.as_ref())
    }

    /// A named text artifact.
    pub fn artifact(&self, name: &str) -> Option<&str> {
        self.run.as_ref().and_then(|run| run.artifacts.get(name)).map(String::as_str)
    }

    /// The gates that are open for the tree as it is proposed.
    pub fn evidence(&self) -> Vec<Evidence> {
        let Some(run) = &self.run else {
            return Vec::new();
        };
        let tree = run.changes.tree();
        run.evidence_for(tree).into_iter().map(|summary| Evidence { tree, summary }).collect()
    }

    /// Tokens so far, as the models' servers counted them.
    pub fn usage(&self) -> Usage {
        self.run.as_ref().map(|run| run.usage).unwrap_or_default()
    }

    /// What that counts as: estimated where a server did not count.
    pub fn spent(&self) -> Spent {
        self.run.as_ref().map(|run| run.spent).unwrap_or_default()
    }

    /// What the run has taken, in one line for people; empty while no model was asked.
    pub fn taken(&self) -> String {
        let run = self.run.as_ref().filter(|run| run.requests > 0);
        run.map(|run| budget::told(&run.usage, run.spent, &run.start.models)).unwrap_or_default()
    }

    /// The limits in force.
    pub fn budget(&self) -> Budget {
        self.run.as_ref().map(|run| run.budget).unwrap_or_default()
    }

    /// The request that waits for the user before it leaves.
    pub fn waiting_request(&self) -> Option<&ModelRequest> {
        if let Phase::Request { request, .. } = &self.run.as_ref()?.phase { Some(request) } else { None }
    }
}

impl Active {
    fn request_summary(&self, request: &ModelRequest, talk: &Conversation) -> RequestSummary {
        let model = self.start.models.named(&request.model);
        let (input_tokens, output_tokens_max) = (talk.input_tokens(), request.output_tokens_max);
        RequestSummary {
            number: self.requests + 1,
            model: request.model.clone(),
            is_local: model.is_some_and(|model| model.is_local),
            stage: request.stage.clone(),
            turn: request.turn,
            input_tokens,
            output_tokens_max,
            micro_usd: model
                .and_then(crate::model::ChosenModel::known_price)
                .map(|price| price.at_most(input_tokens, u64::from(output_tokens_max))),
        }
    }
}
