//! The proof that no edit is applied before its gates have been passed.
//!
//! For each gate, every stage is visited once for each state in which a run can reach it:
//! nothing edited, edited and owing the gate, edited and the gate passed since. Each gate's
//! state depends on nothing but the edges walked, so this finite search covers all paths,
//! loops included. What a stage says, what a model answers and how often something is
//! retried do not enter into it.

use super::graph::{Ending, Graph, Next, shortest_walk};
use super::{Blueprint, DeterministicAction};
use crate::ids::StageId;
use std::collections::{BTreeMap, BTreeSet};

/// A path on which an edit would be applied although a gate was not passed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escape {
    /// The stages of the path, in order; the last applies the edits.
    pub path: Vec<StageId>,
    /// The gate that is missing, by its action's name.
    pub gate: String,
}

/// What a run owes to one gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Debt {
    /// Nothing was edited, or what was edited has been applied.
    None,
    /// Something was edited, and the gate was not passed since, or was red again.
    Owed,
    /// Something was edited, and the gate was passed since.
    Paid,
}

/// Proves by data flow over the graph that every path to an apply has passed the gates.
/// `run_tests` is demanded whether or not the blueprint lists it.
///
/// # Errors
/// A shortest offending path.
pub fn prove(blueprint: &Blueprint) -> Result<(), Escape> {
    let graph = Graph::of(blueprint);
    let explicit = blueprint.applies_explicitly();
    let mut gates = blueprint.gates.clone();
    if !gates.contains(&DeterministicAction::RunTests) {
        gates.push(DeterministicAction::RunTests);
    }
    let escape = gates
        .into_iter()
        .filter_map(|gate| escape_of(&graph, gate, explicit).map(|path| (path, gate)))
        .min_by_key(|(path, _)| path.len());
    match escape {
        Some((path, gate)) => Err(Escape { path: graph.ids(&path), gate: gate.name().to_owned() }),
        None => Ok(()),
    }
}

/// A shortest path on which an edit is applied while `gate` is owed.
fn escape_of(graph: &Graph<'_>, gate: DeterministicAction, explicit: bool) -> Option<Vec<usize>> {
    shortest_walk(
        graph.stage(0).map(|_| (0, Debt::None)),
        |at, debt| {
            graph
                .exits(at)
                .into_iter()
                .filter_map(|(ending, next)| match next {
                    Next::Stage(to) => Some((to, debt_after(graph, gate, at, ending, debt))),
                    Next::Done | Next::Fail | Next::Paused | Next::Nowhere => None,
                })
                .collect()
        },
        |at, debt| {
            if explicit {
                return graph.action(at) == Some(DeterministicAction::ApplyEdit) && debt == Debt::Owed;
            }
            graph.exits(at).into_iter().any(|(ending, next)| {
                next == Next::Done && debt_after(graph, gate, at, ending, debt) == Debt::Owed
            })
        },
    )
}

/// What is owed after a stage has ended in this way.
fn debt_after(graph: &Graph<'_>, gate: DeterministicAction, at: usize, ending: Ending, debt: Debt) -> Debt {
    // A failed attempt may have edited before it failed.
    if graph.edits(at) {
        return Debt::Owed;
    }
    let action = graph.action(at);
    if action == Some(gate) && debt != Debt::None {
        return match ending {
            Ending::Success => Debt::Paid,
            Ending::Failure => Debt::Owed,
        };
    }
    if action == Some(DeterministicAction::ApplyEdit) && ending == Ending::Success {
        return Debt::None;
    }
    debt
}

/// Every edge that a run can take, with the gates that may be owed behind it: what [`prove`]
/// walks over, for people to see.
pub(super) fn walked(blueprint: &Blueprint) -> BTreeMap<(usize, Ending), BTreeSet<DeterministicAction>> {
    let graph = Graph::of(blueprint);
    let mut walked: BTreeMap<(usize, Ending), BTreeSet<DeterministicAction>> = BTreeMap::new();
    let reached = graph.reachable([0], |_| false);
    for at in reached {
        for (ending, _) in graph.exits(at) {
            walked.entry((at, ending)).or_default();
        }
    }
    for gate in &blueprint.gates {
        let mut seen = BTreeSet::new();
        let mut waiting: Vec<(usize, Debt)> = graph.stage(0).map(|_| (0, Debt::None)).into_iter().collect();
        while let Some((at, debt)) = waiting.pop() {
            if !seen.insert((at, debt)) {
                continue;
            }
            for (ending, next) in graph.exits(at) {
                let after = debt_after(&graph, *gate, at, ending, debt);
                if after == Debt::Owed {
                    walked.entry((at, ending)).or_default().insert(*gate);
                }
                if let Next::Stage(to) = next {
                    waiting.push((to, after));
                }
            }
        }
    }
    walked
}

/// What becomes of edits that an `apply_edit` stage no longer sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Since {
    /// Nothing was applied yet, or nothing was edited since.
    Nothing,
    /// Edits were applied.
    Applied,
    /// Edits were applied, and more were made since.
    EditedAgain,
}

/// In a blueprint that applies explicitly: a shortest path on which something is edited after
/// an apply and reaches `done` without another, so that it would be lost in silence.
pub(super) fn lost_edit(blueprint: &Blueprint) -> Option<Vec<StageId>> {
    if !blueprint.applies_explicitly() {
        return None;
    }
    let graph = Graph::of(blueprint);
    let after = |at: usize, ending: Ending, since: Since| match graph.action(at) {
        Some(DeterministicAction::ApplyEdit) if ending == Ending::Success => Since::Applied,
        _ if graph.edits(at) && since == Since::Applied => Since::EditedAgain,
        _ => since,
    };
    let path = shortest_walk(
        graph.stage(0).map(|_| (0, Since::Nothing)),
        |at, since| {
            graph
                .exits(at)
                .into_iter()
                .filter_map(|(ending, next)| match next {
                    Next::Stage(to) => Some((to, after(at, ending, since))),
                    Next::Done | Next::Fail | Next::Paused | Next::Nowhere => None,
                })
                .collect()
        },
        |at, since| {
            graph
                .exits(at)
                .into_iter()
                .any(|(ending, next)| next == Next::Done && after(at, ending, since) == Since::EditedAgain)
        },
    )?;
    Some(graph.ids(&path))
}

/// True when edits of the stage at `at` can be applied without passing every gate on the way.
pub(super) fn edits_escape_from(blueprint: &Blueprint, at: usize) -> bool {
    let graph = Graph::of(blueprint);
    let explicit = blueprint.applies_explicitly();
    blueprint.gates.iter().any(|gate| {
        let onward = |from: usize| {
            graph
                .exits(from)
                .into_iter()
                .filter(|(ending, _)| graph.action(from) != Some(*gate) || *ending == Ending::Failure)
                .map(|(_, next)| next)
                .collect::<Vec<_>>()
        };
        shortest_walk(
            [(at, ())],
            |from, ()| {
                onward(from)
                    .into_iter()
                    .filter_map(|next| match next {
                        Next::Stage(to) => Some((to, ())),
                        Next::Done | Next::Fail | Next::Paused | Next::Nowhere => None,
                    })
                    .collect()
            },
            |from, ()| match explicit {
                true => graph.action(from) == Some(DeterministicAction::ApplyEdit),
                false => onward(from).contains(&Next::Done),
            },
        )
        .is_some()
    })
}

#[cfg(test)]
mod tests;
