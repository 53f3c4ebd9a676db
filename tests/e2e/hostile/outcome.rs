//! What the runtime did with a reply: judged by effects, not by words. An edit that reached the
//! disk was allowed, whatever was decided about it; a file that was shown to the model was read.

use super::corpus::Outcome;
use super::told::Told;
use openexec_engine::policy::{Decision, Verdict};
use openexec_engine::run::Event;
use openexec_engine::task::TaskReport;

/// What came of a case, and why.
#[derive(Debug, Clone)]
pub struct Came {
    pub outcome: Outcome,
    /// The rules that decided: ids of the gate's rules, or `parse`, `plan`, `read`, `apply`,
    /// `model`, `start` where another part of the runtime refused.
    pub rules: Vec<String>,
    /// In the runtime's words.
    pub reason: String,
}

impl Came {
    fn new(outcome: Outcome, rule: &str, reason: impl Into<String>) -> Self {
        Self { outcome, rules: vec![rule.to_owned()], reason: reason.into() }
    }

    fn of(outcome: Outcome, decision: &Decision) -> Self {
        let verdict = decision.verdict;
        let reasons: Vec<_> = decision.reasons.iter().filter(|reason| reason.verdict == verdict).collect();
        let words: Vec<String> = reasons
            .iter()
            .map(|reason| format!("{} `{}`: {}", reason.rule, reason.matched, reason.remedy))
            .collect();
        let mut rules: Vec<String> = reasons.iter().map(|reason| reason.rule.to_string()).collect();
        rules.dedup();
        Self { outcome, rules, reason: words.join("; ") }
    }
}

/// What came of the first reply of a run.
///
/// # Errors
/// When the run did something that none of the three words is for, such as a gate that could
/// not be asked: then the case was not carried out.
pub fn came_of(told: &Told) -> Result<Came, String> {
    if told.events.is_empty() {
        let word = told.said.trim();
        return match told.code {
            Some(1) => Ok(Came::new(Outcome::Block, "start", word)),
            code => Err(format!("the program ended with {code:?}: {word}")),
        };
    }
    let turn = told.first_turn();
    if turn.is_empty() {
        let ended = told.events.iter().rev().find_map(|it| match &it.event {
            Event::RunEnded { summary: reason, .. } | Event::RunPaused { reason } => Some(reason.clone()),
            _ => None,
        });
        return match ended {
            Some(reason) => Ok(Came::new(Outcome::Block, "start", reason)),
            None => Err(format!("the model was never asked: {}", told.said)),
        };
    }
    let mut allowed = None;
    for it in turn {
        match &it.event {
            Event::ModelFailed { error, .. } => {
                return Ok(Came::new(Outcome::Block, "model", error.to_string()));
            }
            Event::PolicyDecided { decision, .. } if decision.verdict == Verdict::Block => {
                return Ok(Came::of(Outcome::Block, decision));
            }
            Event::PolicyDecided { decision, .. } => allowed = allowed.or(Some(decision)),
            // A reply that asks for nothing is a valid answer with no effect; the model is told
            // how to go on.
            Event::ReplyRejected { reason, .. } if reason.contains("asks for nothing") => {
                return Ok(Came::new(Outcome::Allow, "allow.nothing", reason));
            }
            Event::ReplyRejected { reason, .. } => {
                let rule = if allowed.is_some() { "plan" } else { "parse" };
                return Ok(Came::new(Outcome::Block, rule, reason));
            }
            Event::CommandFailed { reason, .. } => {
                return Err(format!("something could not be carried out: {reason}"));
            }
            _ => {}
        }
    }
    let Some(decision) = allowed else {
        return Err(format!("nothing was decided; {}", told.said));
    };
    effects(told, decision)
}

/// What was done of a reply that was not blocked.
fn effects(told: &Told, decision: &Decision) -> Result<Came, String> {
    let mut strictest = None::<Came>;
    let mut note = |came: Came| {
        if strictest.as_ref().is_none_or(|before| came.outcome > before.outcome) {
            strictest = Some(came);
        }
    };
    for it in told.first_turn() {
        match &it.event {
            Event::Hydrated { texts, .. } => {
                for text in texts {
                    match &text.text {
                        Ok(_) => note(Came::of(Outcome::Allow, decision)),
                        Err(reason) => note(Came::new(Outcome::Block, "read", reason)),
                    }
                }
            }
            Event::TaskFinished { report, .. } if report.task.as_str() != "gate" => {
                note(Came::of(Outcome::Allow, decision));
            }
            _ => {}
        }
    }
    let planned = told.first_turn().iter().any(|it| matches!(it.event, Event::EditsPlanned { .. }));
    if planned {
        note(edits(told)?);
    }
    if let Some(came) = strictest {
        return Ok(came);
    }
    // Neither edit nor read nor task: the reply itself is all there is.
    let outcome = match decision.verdict {
        Verdict::Allow => Outcome::Allow,
        Verdict::Ask => Outcome::RequireApproval,
        Verdict::Block => Outcome::Block,
    };
    Ok(Came::of(outcome, decision))
}

/// What became of edits that were planned.
fn edits(told: &Told) -> Result<Came, String> {
    let mut proposed = None;
    for it in told.after_first_reply() {
        match &it.event {
            Event::Proposed { decision, .. } => match decision.verdict {
                Verdict::Block => return Ok(Came::of(Outcome::Block, decision)),
                Verdict::Ask => return Ok(Came::of(Outcome::RequireApproval, decision)),
                Verdict::Allow => proposed = Some(decision),
            },
            Event::PolicyDecided { decision, .. } if decision.verdict == Verdict::Block => {
                return Ok(Came::of(Outcome::Block, decision));
            }
            Event::CommandFailed { reason, .. } if proposed.is_some() => {
                return Ok(Came::new(Outcome::Block, "apply", reason));
            }
            Event::RunPaused { reason } if proposed.is_some() => {
                return Ok(Came::new(Outcome::Block, "apply", reason));
            }
            Event::RunEnded { outcome: openexec_engine::run::Outcome::Done, .. } => {
                return match proposed {
                    Some(decision) => Ok(Came::of(Outcome::Allow, decision)),
                    None => Err("the run is done and nothing was proposed".to_owned()),
                };
            }
            Event::RunPaused { reason } | Event::RunEnded { summary: reason, .. } => {
                // Edits that leave no trace are as harmless as none.
                let nothing = reason.contains("without changing anything")
                    || told.after_first_reply().iter().any(|it| {
                        matches!(&it.event, Event::StepFinished {
                            outcome: openexec_engine::run::StepOutcome::Failed { reason }, ..
                        } if reason.contains("without changing anything"))
                    });
                return if nothing {
                    Err("the edits changed nothing".to_owned())
                } else {
                    Err(format!("the edits were neither proposed nor refused: {reason}"))
                };
            }
            _ => {}
        }
    }
    Err(format!("the run stopped in between: {}", told.said))
}

/// The reports of the declared tasks that the reply asked for.
pub fn reports(told: &Told) -> Vec<&TaskReport> {
    let events = told.events.iter();
    events
        .filter_map(|it| match &it.event {
            Event::TaskFinished { report, .. } if report.task.as_str() != "gate" => Some(report.as_ref()),
            _ => None,
        })
        .collect()
}
