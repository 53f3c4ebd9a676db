//! A blueprint's stages and routes as a graph, and searches in it. It judges nothing.

use super::{Blueprint, DeterministicAction, Route, Stage, Work};
use crate::ids::StageId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Whether a stage succeeded or failed: which of its two routes is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ending {
    Success,
    Failure,
}

/// Where a route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Next {
    /// To the stage at this index.
    Stage(usize),
    Done,
    Fail,
    Paused,
    /// To a stage that does not exist. `load` lets no such route pass.
    Nowhere,
}

/// A blueprint with its stage ids resolved.
pub(super) struct Graph<'b> {
    blueprint: &'b Blueprint,
    index: BTreeMap<&'b StageId, usize>,
}

impl<'b> Graph<'b> {
    pub(super) fn of(blueprint: &'b Blueprint) -> Self {
        let mut index = BTreeMap::new();
        for (at, stage) in blueprint.stages.iter().enumerate() {
            index.entry(&stage.id).or_insert(at);
        }
        Self { blueprint, index }
    }

    pub(super) fn stages(&self) -> impl Iterator<Item = (usize, &'b Stage)> {
        self.blueprint.stages.iter().enumerate()
    }

    pub(super) fn stage(&self, at: usize) -> Option<&'b Stage> {
        self.blueprint.stages.get(at)
    }

    /// What a deterministic stage does; nothing for agent stages.
    pub(super) fn action(&self, at: usize) -> Option<DeterministicAction> {
        match &self.stage(at)?.work {
            Work::Deterministic { action, .. } => Some(*action),
            Work::Agent { .. } => None,
        }
    }

    pub(super) fn edits(&self, at: usize) -> bool {
        self.stage(at).is_some_and(Stage::edits)
    }

    /// Both ways out of a stage.
    pub(super) fn exits(&self, at: usize) -> Vec<(Ending, Next)> {
        let Some(stage) = self.stage(at) else {
            return Vec::new();
        };
        vec![(Ending::Success, self.next(&stage.on_success)), (Ending::Failure, self.next(&stage.on_failure))]
    }

    fn next(&self, route: &Route) -> Next {
        match route {
            Route::Stage { id } => self.index.get(id).map_or(Next::Nowhere, |at| Next::Stage(*at)),
            Route::Done => Next::Done,
            Route::Fail => Next::Fail,
            Route::Paused => Next::Paused,
        }
    }

    /// The stages that both ways out of a stage lead to.
    pub(super) fn successors(&self, at: usize) -> Vec<usize> {
        self.exits(at)
            .into_iter()
            .filter_map(|(_, next)| match next {
                Next::Stage(to) => Some(to),
                Next::Done | Next::Fail | Next::Paused | Next::Nowhere => None,
            })
            .collect()
    }

    /// The stages that can be reached from `starts` (included) without entering one that
    /// `barred` names.
    pub(super) fn reachable(
        &self,
        starts: impl IntoIterator<Item = usize>,
        barred: impl Fn(usize) -> bool,
    ) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut waiting: Vec<usize> =
            starts.into_iter().filter(|at| *at < self.blueprint.stages.len() && !barred(*at)).collect();
        while let Some(at) = waiting.pop() {
            if seen.insert(at) {
                waiting.extend(self.successors(at).into_iter().filter(|to| !barred(*to)));
            }
        }
        seen
    }

    /// The stages that can run after one of these actions has succeeded.
    pub(super) fn after_success_of(&self, actions: &[DeterministicAction]) -> BTreeSet<usize> {
        let starts: Vec<usize> = self
            .stages()
            .filter(|(at, _)| self.action(*at).is_some_and(|action| actions.contains(&action)))
            .filter_map(|(_, stage)| match self.next(&stage.on_success) {
                Next::Stage(to) => Some(to),
                Next::Done | Next::Fail | Next::Paused | Next::Nowhere => None,
            })
            .collect();
        self.reachable(starts, |_| false)
    }

    pub(super) fn ids(&self, path: &[usize]) -> Vec<StageId> {
        path.iter().filter_map(|at| self.stage(*at)).map(|stage| stage.id.clone()).collect()
    }
}

/// A shortest walk from a start to a goal: breadth first, so the first that is found. What is
/// walked over are stages together with what is remembered of the way there.
pub(super) fn shortest_walk<S: Copy + Ord>(
    starts: impl IntoIterator<Item = (usize, S)>,
    steps: impl Fn(usize, S) -> Vec<(usize, S)>,
    is_goal: impl Fn(usize, S) -> bool,
) -> Option<Vec<usize>> {
    let mut came_from: BTreeMap<(usize, S), Option<(usize, S)>> = BTreeMap::new();
    let mut waiting = VecDeque::new();
    for start in starts {
        if came_from.insert(start, None).is_none() {
            waiting.push_back(start);
        }
    }
    while let Some(here) = waiting.pop_front() {
        if is_goal(here.0, here.1) {
            let mut path = vec![here.0];
            let mut at = here;
            while let Some(Some(before)) = came_from.get(&at) {
                path.push(before.0);
                at = *before;
            }
            path.reverse();
            return Some(path);
        }
        for next in steps(here.0, here.1) {
            came_from.entry(next).or_insert_with(|| {
                waiting.push_back(next);
                Some(here)
            });
        }
    }
    None
}
