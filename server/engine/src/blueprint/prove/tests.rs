use super::{Escape, lost_edit, prove};
use crate::blueprint::{Blueprint, DeterministicAction, Route, Stage, Work};
use crate::ids::StageId;
use crate::policy::{ApprovalMode, SandboxMode};
use crate::task::{Expectation, TimeoutClass};
use proptest::prelude::*;
use std::collections::BTreeSet;

use DeterministicAction::{ApplyEdit, Format, Propose, RunLinters, RunTests};

/// What a stage of a random blueprint does.
#[derive(Debug, Clone, Copy)]
enum Does {
    Edit,
    Read,
    Act(DeterministicAction),
}

fn name(at: usize) -> StageId {
    StageId::new(format!("s{at}"))
}

/// Routes are numbers: a stage's index, or beyond the stages `done`, `fail`, `paused`.
fn route(to: usize, stages: usize) -> Route {
    match to.checked_sub(stages) {
        None => Route::Stage { id: name(to) },
        Some(0) => Route::Done,
        Some(1) => Route::Fail,
        Some(_) => Route::Paused,
    }
}

fn blueprint(gates: Vec<DeterministicAction>, stages: &[(Does, usize, usize)]) -> Blueprint {
    let count = stages.len();
    let stage = |(at, (does, success, failure)): (usize, &(Does, usize, usize))| Stage {
        id: name(at),
        work: match does {
            Does::Edit | Does::Read => Work::Agent {
                goal: "g".into(),
                toolset: "coding_backend".into(),
                edits: matches!(does, Does::Edit),
            },
            Does::Act(action) => {
                Work::Deterministic { action: *action, task: None, expect: Expectation::Green }
            }
        },
        inputs: Vec::new(),
        outputs: Vec::new(),
        retry_limit: 0,
        timeout: TimeoutClass::Fast,
        approval_required: false,
        on_success: route(*success, count),
        on_failure: route(*failure, count),
    };
    Blueprint {
        name: "x".into(),
        description: String::new(),
        toolset: "coding_backend".into(),
        sandbox: SandboxMode::WorkspaceWrite,
        approval_mode: ApprovalMode::OnRiskyActions,
        triggers: Vec::new(),
        inputs: Vec::new(),
        gates,
        stages: stages.iter().enumerate().map(stage).collect(),
    }
}

/// A run as a person would follow it with a finger: one walk through the graph, and what is
/// true of the edits at its end. It shares nothing with the proof.
#[derive(Clone)]
struct Walk {
    path: Vec<StageId>,
    edited: bool,
    passed: BTreeSet<DeterministicAction>,
    applied_once: bool,
    edited_since_apply: bool,
}

/// Follows every walk of at most `length_max` stages and reports the shortest that applies an
/// edit without a gate, and the shortest that loses one.
fn simulate(blueprint: &Blueprint, length_max: usize) -> (Option<usize>, Option<usize>) {
    let explicit = blueprint.applies_explicitly();
    let complete = |walk: &Walk| blueprint.gates.iter().all(|gate| walk.passed.contains(gate));
    let (mut escape, mut lost) = (None, None);
    let first = Walk {
        path: Vec::new(),
        edited: false,
        passed: BTreeSet::new(),
        applied_once: false,
        edited_since_apply: false,
    };
    let mut walks = vec![(first, name(0))];
    for length in 1..=length_max {
        let mut longer = Vec::new();
        for (walk, at) in walks {
            let stage = blueprint.stage(&at).expect("routes are resolved");
            let does = match &stage.work {
                Work::Deterministic { action, .. } => Some(*action),
                Work::Agent { .. } => None,
            };
            if explicit && does == Some(ApplyEdit) && walk.edited && !complete(&walk) {
                escape.get_or_insert(length);
            }
            for (succeeded, next) in [(true, &stage.on_success), (false, &stage.on_failure)] {
                let mut walk = walk.clone();
                walk.path.push(at.clone());
                if stage.edits() {
                    walk.edited = true;
                    walk.edited_since_apply = walk.applied_once;
                    walk.passed.clear();
                }
                if let Some(action) = does {
                    if succeeded {
                        walk.passed.insert(action);
                    } else {
                        walk.passed.remove(&action);
                    }
                    if succeeded && action == ApplyEdit {
                        walk.edited = false;
                        walk.applied_once = true;
                        walk.edited_since_apply = false;
                    }
                }
                match next {
                    Route::Stage { id } => longer.push((walk, id.clone())),
                    Route::Done => {
                        if !explicit && walk.edited && !complete(&walk) {
                            escape.get_or_insert(length);
                        }
                        if explicit && walk.edited_since_apply {
                            lost.get_or_insert(length);
                        }
                    }
                    Route::Fail | Route::Paused => {}
                }
            }
        }
        walks = longer;
    }
    (escape, lost)
}

fn stage_kind() -> impl Strategy<Value = Does> {
    prop_oneof![
        4 => Just(Does::Edit),
        1 => Just(Does::Read),
        4 => Just(Does::Act(RunTests)),
        2 => Just(Does::Act(RunLinters)),
        1 => Just(Does::Act(Format)),
        1 => Just(Does::Act(Propose)),
        2 => Just(Does::Act(ApplyEdit)),
    ]
}

fn graphs() -> impl Strategy<Value = Blueprint> {
    let gates = prop_oneof![Just(vec![RunTests]), Just(vec![RunLinters, RunTests])];
    (gates, 1..=4_usize).prop_flat_map(|(gates, count)| {
        proptest::collection::vec((stage_kind(), 0..count + 3, 0..count + 3), count)
            .prop_map(move |stages| blueprint(gates.clone(), &stages))
    })
}

/// True when each stage of the path has a route to the next.
fn is_walk(blueprint: &Blueprint, path: &[StageId]) -> bool {
    path.first() == Some(&name(0))
        && path.windows(2).all(|pair| {
            let stage = blueprint.stage(&pair[0]).expect("the path names stages");
            [&stage.on_success, &stage.on_failure].contains(&&Route::Stage { id: pair[1].clone() })
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    // A walk visits at most each of 4 stages in each of 3 states before it repeats itself.
    #[test]
    fn the_proof_finds_what_following_every_path_finds(blueprint in graphs()) {
        let (escape, lost) = simulate(&blueprint, 12);
        match prove(&blueprint) {
            Ok(()) => prop_assert_eq!(escape, None),
            Err(Escape { path, gate }) => {
                prop_assert_eq!(escape, Some(path.len()), "{:?}", path);
                prop_assert!(is_walk(&blueprint, &path));
                prop_assert!(blueprint.gates.iter().any(|required| required.name() == gate));
            }
        }
        match lost_edit(&blueprint) {
            None => prop_assert_eq!(lost, None),
            Some(path) => {
                prop_assert_eq!(lost, Some(path.len()), "{:?}", path);
                prop_assert!(is_walk(&blueprint, &path));
            }
        }
    }
}

fn escape(gates: Vec<DeterministicAction>, stages: &[(Does, usize, usize)]) -> Option<(String, String)> {
    let Err(Escape { path, gate }) = prove(&blueprint(gates, stages)) else { return None };
    Some((path.iter().map(StageId::as_str).collect::<Vec<_>>().join(" "), gate))
}

#[test]
fn a_gate_between_edit_and_apply_is_a_proof_and_its_absence_an_escape() {
    let gated = [(Does::Edit, 1, 4), (Does::Act(RunTests), 2, 4), (Does::Act(ApplyEdit), 3, 4)];
    assert_eq!(escape(vec![RunTests], &gated), None);
    let ungated = [(Does::Edit, 2, 4), (Does::Act(RunTests), 2, 4), (Does::Act(ApplyEdit), 3, 4)];
    assert_eq!(escape(vec![RunTests], &ungated), Some(("s0 s2".into(), "run_tests".into())));
}

#[test]
fn a_red_gate_opens_nothing() {
    let stages = [(Does::Edit, 1, 4), (Does::Act(RunTests), 2, 2), (Does::Act(ApplyEdit), 3, 4)];
    assert_eq!(escape(vec![RunTests], &stages), Some(("s0 s1 s2".into(), "run_tests".into())));
}

#[test]
fn a_gate_that_is_red_after_it_was_green_is_closed_again() {
    let stages = [
        (Does::Edit, 1, 5),
        (Does::Act(RunTests), 2, 5),
        (Does::Act(RunTests), 3, 3),
        (Does::Act(ApplyEdit), 4, 5),
    ];
    assert_eq!(escape(vec![RunTests], &stages), Some(("s0 s1 s2 s3".into(), "run_tests".into())));
}

#[test]
fn formatting_edits_too() {
    let stages = [(Does::Edit, 1, 4), (Does::Act(RunTests), 2, 4), (Does::Act(Format), 3, 4)];
    assert_eq!(escape(vec![RunTests], &stages), Some(("s0 s1 s2".into(), "run_tests".into())));
}

#[test]
fn what_edits_nothing_owes_nothing() {
    let stages = [(Does::Act(RunTests), 2, 1), (Does::Read, 2, 3), (Does::Act(ApplyEdit), 3, 4)];
    assert_eq!(escape(vec![RunTests], &stages), None);
}

#[test]
fn tests_are_demanded_even_of_a_blueprint_that_lists_no_gate() {
    assert_eq!(escape(Vec::new(), &[(Does::Edit, 1, 2)]), Some(("s0".into(), "run_tests".into())));
}
