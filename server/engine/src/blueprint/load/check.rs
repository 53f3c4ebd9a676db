//! What only the whole graph shows to be wrong: stages that nothing leads to, loops without an
//! end, routes that can never be taken, inputs that nothing leaves, gates that are missing.

use super::file::{BlueprintFile, StageFile};
use super::problem::{Problems, choice_remedy, closest};
use super::tree::Place;
use crate::blueprint::graph::{Ending, Graph, Next, shortest_walk};
use crate::blueprint::prove::{lost_edit, prove};
use crate::blueprint::{Blueprint, DeterministicAction, Escape, Stage, Work};
use crate::ids::StageId;
use crate::yaml::Mend;
use std::collections::BTreeSet;

/// A blueprint beside the file that it comes from.
struct Checked<'b> {
    blueprint: &'b Blueprint,
    graph: Graph<'b>,
    file: &'b BlueprintFile,
}

/// Reports everything that the whole graph shows to be wrong.
pub(super) fn check(blueprint: &Blueprint, file: &BlueprintFile, problems: &mut Problems<'_>) {
    let checked = Checked { blueprint, graph: Graph::of(blueprint), file };
    checked.reachability(problems);
    checked.ends(problems);
    checked.loops(problems);
    checked.routes(problems);
    checked.inputs(problems);
    checked.lost_edits(problems);
    checked.proof(problems);
}

impl<'b> Checked<'b> {
    fn stage_file(&self, at: usize) -> Option<&'b StageFile> {
        self.file.stages.value()?.get(at).map(|placed| &placed.value)
    }

    fn place(&self, at: usize) -> Place {
        self.stage_file(at).and_then(|stage| stage.id.present()).map_or(Place::START, |id| id.place)
    }

    /// Where the route stands, or the stage when the route is a default.
    fn route_place(&self, at: usize, ending: Ending) -> Place {
        let written = self.stage_file(at).and_then(|stage| match ending {
            Ending::Success => stage.on_success.present(),
            Ending::Failure => stage.on_failure.present(),
        });
        written.map_or_else(|| self.place(at), |route| route.place)
    }

    fn name(&self, at: usize) -> &'b str {
        self.graph.stage(at).map_or("", |stage| stage.id.as_str())
    }

    fn position(&self, id: &StageId) -> Option<usize> {
        self.blueprint.stages.iter().position(|stage| &stage.id == id)
    }

    fn reachability(&self, problems: &mut Problems<'_>) {
        let reached = self.graph.reachable([0], |_| false);
        for (at, stage) in self.graph.stages().filter(|(at, _)| !reached.contains(at)) {
            problems.report(
                self.place(at),
                format!("no route leads to `{}`", stage.id),
                "route another stage to it, or remove it",
            );
        }
    }

    fn ends(&self, problems: &mut Problems<'_>) {
        let reached = self.graph.reachable([0], |_| false);
        let ends = reached
            .iter()
            .flat_map(|at| self.graph.exits(*at))
            .any(|(_, next)| matches!(next, Next::Done | Next::Paused));
        if !ends {
            problems.report(
                self.place(0),
                "no path of this blueprint leads to `done` or `paused`",
                "route the last stage's `on_success` to `done`",
            );
        }
    }

    /// An agent stage bounds every loop that it is in, through its `retry_limit`. A loop
    /// without one would go on until the run has used up its steps.
    fn loops(&self, problems: &mut Problems<'_>) {
        let deterministic = |at: usize| self.graph.action(at).is_some();
        let onward = |at: usize| -> Vec<(usize, ())> {
            self.graph.successors(at).into_iter().filter(|to| deterministic(*to)).map(|to| (to, ())).collect()
        };
        let mut reported = BTreeSet::new();
        for at in self.graph.stages().map(|(at, _)| at).filter(|at| deterministic(*at)) {
            if reported.contains(&at) {
                continue;
            }
            if let Some(path) = shortest_walk(onward(at), |from, ()| onward(from), |to, ()| to == at) {
                let names: Vec<&str> = [at].iter().chain(&path).map(|at| self.name(*at)).collect();
                problems.report(
                    self.place(at),
                    format!(
                        "the loop `{}` has no end: no stage in it counts its attempts",
                        names.join(" -> ")
                    ),
                    "lead it through an agent stage, whose `retry_limit` bounds it",
                );
                problems.explain(self.on_path(&path));
                reported.extend(path);
            }
        }
    }

    /// Routes and retries that can never be taken.
    fn routes(&self, problems: &mut Problems<'_>) {
        let reached = self.graph.reachable([0], |_| false);
        for at in reached.iter().copied() {
            for (ending, next) in self.graph.exits(at) {
                let Next::Stage(to) = next else { continue };
                let Some(Stage { work: Work::Agent { .. }, retry_limit, .. }) = self.graph.stage(to) else {
                    continue;
                };
                let place = self.route_place(at, ending);
                let key = match ending {
                    Ending::Success => "on_success",
                    Ending::Failure => "on_failure",
                };
                let (from, target) = (self.name(at), self.name(to));
                if at == to {
                    problems.report(
                        place,
                        match ending {
                            Ending::Success => format!("`{from}` would repeat itself until its attempts are used up"),
                            Ending::Failure => format!(
                                "`on_failure` of `{from}` leads to itself and can never be taken: its retries are \
                                 used up before"
                            ),
                        },
                        match ending {
                            Ending::Success => "route `on_success` to another stage or to `done`",
                            Ending::Failure => {
                                "set `retry_limit` for retries in place, and route `on_failure` elsewhere or to `paused`"
                            }
                        },
                    );
                } else if *retry_limit == 0 && !self.graph.reachable([0], |it| it == to).contains(&at) {
                    problems.report(
                        place,
                        format!(
                            "`{key}` of `{from}` can never be taken: `{target}` has been attempted before, and its \
                             `retry_limit` is 0"
                        ),
                        format!("give `{target}` a `retry_limit` of at least 1, or route elsewhere"),
                    );
                }
            }
        }
    }

    /// What a stage declares as an input must be left by a stage that can run before it, or be
    /// an input of the run.
    fn inputs(&self, problems: &mut Problems<'_>) {
        let given: Vec<&str> = self.blueprint.inputs.iter().map(|input| input.name.name()).collect();
        for (at, _) in self.graph.stages() {
            let Some(inputs) = self.stage_file(at).and_then(|stage| stage.inputs.value()) else {
                continue;
            };
            let mut known: BTreeSet<&str> = given.iter().copied().collect();
            for (earlier, stage) in self.graph.stages() {
                if self.graph.reachable(self.graph.successors(earlier), |_| false).contains(&at) {
                    known.extend(stage.outputs.iter().map(|output| output.as_str()));
                }
            }
            for input in inputs.iter().filter(|input| !known.contains(input.value.0.as_str())) {
                let name = input.value.0.as_str();
                let choices: Vec<&str> = known.iter().copied().collect();
                problems.report_mendable(
                    input.place,
                    format!("no stage that can run before `{}` leaves `{name}`", self.name(at)),
                    format!(
                        "{}; or add it to the `outputs` of an earlier stage or to the run's `inputs`",
                        choice_remedy(name, &choices).trim_end_matches('?')
                    ),
                    closest(name, &choices).map(|choice| Mend::Instead(choice.to_owned())),
                );
            }
        }
    }

    fn lost_edits(&self, problems: &mut Problems<'_>) {
        let Some(path) = lost_edit(self.blueprint) else {
            return;
        };
        let applied =
            path.iter().position(|id| self.does(id, DeterministicAction::ApplyEdit)).unwrap_or_default();
        let editor = path
            .iter()
            .skip(applied)
            .find(|id| self.blueprint.stage(id).is_some_and(Stage::edits))
            .and_then(|id| self.position(id))
            .unwrap_or_default();
        problems.report(
            self.place(editor),
            format!(
                "`{}` edits after the last `apply_edit`, so its edits would be lost: `{} -> done`",
                self.name(editor),
                arrows(&path)
            ),
            "lead the path through the gates and another `apply_edit`, or let the stage edit nothing \
             (`outputs` without `patch`)",
        );
        problems.explain(self.on_path(&self.positions(&path)));
    }

    fn positions(&self, path: &[StageId]) -> Vec<usize> {
        path.iter().filter_map(|id| self.position(id)).collect()
    }

    /// Each stage of a path with its place and what it does there.
    fn on_path(&self, path: &[usize]) -> Vec<(Place, String)> {
        let step = |(number, at): (usize, &usize)| {
            let does = match self.graph.action(*at) {
                _ if self.graph.edits(*at) => "edits",
                Some(DeterministicAction::ApplyEdit) => "applies",
                Some(action) => action.name(),
                None => "edits nothing",
            };
            (self.place(*at), format!("{}. `{}` {does}", number + 1, self.name(*at)))
        };
        path.iter().enumerate().map(step).collect()
    }

    fn does(&self, id: &StageId, wanted: DeterministicAction) -> bool {
        self.position(id).and_then(|at| self.graph.action(at)) == Some(wanted)
    }

    fn proof(&self, problems: &mut Problems<'_>) {
        let Err(Escape { path, gate }) = prove(self.blueprint) else {
            return;
        };
        let last = path.last().and_then(|id| self.position(id)).unwrap_or_default();
        let editor = path.iter().rfind(|id| self.blueprint.stage(id).is_some_and(Stage::edits));
        let editor = editor.map_or("", StageId::as_str);
        let end = if self.blueprint.applies_explicitly() { "" } else { " -> done" };
        problems.report_mendable(
            self.place(last),
            format!("edits would be applied without `{gate}`: `{}{end}`", arrows(&path)),
            format!(
                "put a stage with `action: {gate}` on this path after `{editor}`, and let only its `on_success` \
                 lead on"
            ),
            Some(Mend::Gate(gate)),
        );
        problems.explain(self.on_path(&self.positions(&path)));
    }
}

fn arrows(path: &[StageId]) -> String {
    path.iter().map(StageId::as_str).collect::<Vec<_>>().join(" -> ")
}
