//! From a file to a blueprint: what is absent gets its default, what is named is resolved,
//! and what one stage alone shows to be wrong is reported.

use super::file::{BlueprintFile, DefaultsFile, StageFile, StageType, ToolsetChoice};
use super::problem::Problems;
use super::read::{Entry, Name, Placed};
use super::tree::Place;
use crate::blueprint::graph::Graph;
use crate::blueprint::names::PATCH;
use crate::blueprint::prove::edits_escape_from;
use crate::blueprint::{
    Blueprint, DeterministicAction, InputDeclaration, InputName, Route, Stage, Trigger, Work,
};
use crate::ids::{ArtifactName, BlueprintName, StageId, TaskName, ToolsetName};
use crate::limits::BLUEPRINT_STAGES_MAX;
use crate::policy::{SandboxMode, toolset, toolset_names};
use crate::task::{Expectation, TimeoutClass};
use crate::yaml::Mend;
use std::collections::{BTreeMap, BTreeSet};

/// The `retry_limit` of agent stages where nothing is said (DSL v1's example).
const STEP_RETRIES_DEFAULT: u32 = 2;
/// Routes that end a run, which no stage can be named after.
const TERMINALS: [&str; 3] = ["done", "fail", "paused"];

/// The actions that can be gates: they judge the whole tree and need nothing named for it.
const GATES: [DeterministicAction; 2] = [DeterministicAction::RunLinters, DeterministicAction::RunTests];

/// What holds for every stage that says nothing else.
struct Defaults {
    toolset: ToolsetName,
    sandbox: SandboxMode,
    step_retries: u32,
}

/// A stage of the file, and how messages call it.
struct Subject<'f> {
    file: &'f StageFile,
    place: Place,
    name: String,
}

impl<'f> Subject<'f> {
    fn of(stage: &'f Placed<StageFile>) -> Self {
        let file = &stage.value;
        let name = file.id.value().map_or("this stage".to_owned(), |id| format!("`{}`", id.0));
        Self { file, place: stage.place, name }
    }

    fn required<T>(
        &self,
        entry: &'f Entry<T>,
        key: &str,
        remedy: &str,
        problems: &mut Problems<'_>,
    ) -> Option<&'f Placed<T>> {
        required(entry, self.place, key, &self.name, remedy, problems)
    }
}

/// Builds the blueprint, or nothing when its graph cannot be known for what was reported.
pub(super) fn lower(file: &BlueprintFile, problems: &mut Problems<'_>) -> Option<Blueprint> {
    required(&file.version, Place::START, "version", "the file", "write `version: 1`", problems);
    let name = required(&file.name, Place::START, "name", "the file", "write `name:` and a name", problems);
    let absent = DefaultsFile::default();
    let defaults_file = file.defaults.value().unwrap_or(&absent);
    let defaults = defaults(defaults_file);
    let stages = stages(file, &defaults, problems);
    let triggers = triggers(file, problems);
    let inputs = inputs(file, problems);

    let doubtful = file.defaults.is_faulty()
        || defaults_file.toolset.is_faulty()
        || defaults_file.sandbox.is_faulty()
        || file.gates.is_faulty();
    let stages = stages.filter(|_| !doubtful)?;
    let mut blueprint = Blueprint {
        name: BlueprintName::new(name.map_or("", |name| name.value.0.as_str())),
        description: file.description.value().map(|it| it.0.clone()).unwrap_or_default(),
        toolset: defaults.toolset,
        sandbox: defaults.sandbox,
        approval_mode: defaults_file.approval_mode.value().copied().unwrap_or_default(),
        triggers,
        inputs,
        gates: gates(file, stages.iter().any(Stage::edits), problems),
        stages,
    };
    settle_undeclared_outputs(&mut blueprint, file);
    Some(blueprint)
}

fn required<'f, T>(
    entry: &'f Entry<T>,
    place: Place,
    key: &str,
    owner: &str,
    remedy: &str,
    problems: &mut Problems<'_>,
) -> Option<&'f Placed<T>> {
    if entry.is_absent() {
        let mend = Some(Mend::Key(key.to_owned()));
        problems.report_mendable(place, format!("{owner} has no `{key}`"), remedy, mend);
    }
    entry.present()
}

fn no_duplicates<T>(
    list: &Entry<Vec<Placed<T>>>,
    key: &str,
    name: impl Fn(&T) -> &str,
    problems: &mut Problems<'_>,
) {
    let mut seen = BTreeSet::new();
    for item in list.value().into_iter().flatten() {
        if !seen.insert(name(&item.value)) {
            problems.report(
                item.place,
                format!("`{}` is listed twice in `{key}`", name(&item.value)),
                "remove one of the two",
            );
        }
    }
}

fn defaults(file: &DefaultsFile) -> Defaults {
    let built_in = || ToolsetName::new(toolset_names().first().copied().unwrap_or_default());
    Defaults {
        toolset: file.toolset.value().map_or_else(built_in, |ToolsetChoice(name)| name.clone()),
        sandbox: file.sandbox.value().copied().unwrap_or_default(),
        step_retries: file.max_step_retries.value().map_or(STEP_RETRIES_DEFAULT, |limit| limit.0),
    }
}

fn triggers(file: &BlueprintFile, problems: &mut Problems<'_>) -> Vec<Trigger> {
    no_duplicates(&file.triggers, "triggers", |trigger| trigger.name(), problems);
    match file.triggers.value() {
        Some(triggers) => triggers.iter().map(|trigger| trigger.value).collect(),
        // DSL v1 knows no triggers: its runs are started with a text from the user.
        None => vec![Trigger::Directive, Trigger::Selection],
    }
}

fn inputs(file: &BlueprintFile, problems: &mut Problems<'_>) -> Vec<InputDeclaration> {
    let Some(inputs) = file.inputs.value() else {
        // DSL v1 declares no inputs: its runs are given a text.
        let optional = |name| InputDeclaration { name, required: false };
        return vec![optional(InputName::Instruction), optional(InputName::Target)];
    };
    let mut declared: Vec<InputDeclaration> = Vec::new();
    for input in inputs {
        let remedy = "write `name:` and the input's name";
        let Some(name) = required(&input.value.name, input.place, "name", "this input", remedy, problems)
        else {
            continue;
        };
        if declared.iter().any(|earlier| earlier.name == name.value) {
            problems.report(
                name.place,
                format!("the input `{}` is declared twice", name.value.name()),
                "remove one of the two",
            );
        }
        let required = input.value.required.value().copied().unwrap_or(false);
        declared.push(InputDeclaration { name: name.value, required });
    }
    declared
}

/// The gates, without those that cannot be gates.
fn gates(file: &BlueprintFile, edits: bool, problems: &mut Problems<'_>) -> Vec<DeterministicAction> {
    let Some(list) = file.gates.present() else {
        return if edits { vec![DeterministicAction::RunTests] } else { Vec::new() };
    };
    no_duplicates(&file.gates, "gates", |gate| gate.name(), problems);
    let (gates, others): (Vec<_>, Vec<_>) = list.value.iter().partition(|gate| GATES.contains(&gate.value));
    for other in others {
        let message = format!("`{}` is not a gate", other.value.name());
        problems.report(other.place, message, "write `run_tests` or `run_linters`");
    }
    let gates: Vec<DeterministicAction> = gates.into_iter().map(|gate| gate.value).collect();
    if edits && !gates.contains(&DeterministicAction::RunTests) {
        let what = if list.value.is_empty() { "is empty" } else { "does not list `run_tests`" };
        problems.report(
            list.place,
            format!("`gates` {what}, and stages of this blueprint edit"),
            "list `run_tests`: no edit is applied without it",
        );
    }
    gates
}

/// All stages, or nothing when one of them or one of their routes is unknown.
fn stages(file: &BlueprintFile, defaults: &Defaults, problems: &mut Problems<'_>) -> Option<Vec<Stage>> {
    let remedy = "write `stages:` and a list of stages";
    let list = required(&file.stages, Place::START, "stages", "the file", remedy, problems)?;
    if list.value.is_empty() {
        problems.report(list.place, "`stages` is empty", "write at least one stage");
        return None;
    }
    if list.value.len() > BLUEPRINT_STAGES_MAX {
        problems.report(
            list.place,
            format!("`stages` has {} stages", list.value.len()),
            format!("write at most {BLUEPRINT_STAGES_MAX}"),
        );
        return None;
    }
    let ids = ids(&list.value, problems);
    let mut complete = ids.len() == list.value.len();
    let mut stages = Vec::new();
    for (at, placed) in list.value.iter().enumerate() {
        let next = list.value.get(at + 1).map(|next| &next.value);
        match stage(&Subject::of(placed), next, &ids, defaults, problems) {
            Some(stage) => stages.push(stage),
            None => complete = false,
        }
    }
    complete.then_some(stages)
}

/// The ids of all stages. Fewer than there are stages when one is missing or occurs twice.
fn ids<'f>(stages: &'f [Placed<StageFile>], problems: &mut Problems<'_>) -> BTreeMap<&'f str, Place> {
    let mut ids = BTreeMap::new();
    for stage in stages {
        let remedy = "write `id:` and a name for it";
        let Some(id) = required(&stage.value.id, stage.place, "id", "this stage", remedy, problems) else {
            continue;
        };
        let name = id.value.0.as_str();
        if TERMINALS.contains(&name) {
            problems.report(
                id.place,
                format!("a stage is named `{name}`, which is the end of a run"),
                "give the stage another id",
            );
        }
        if let Some(first) = ids.get(name) {
            let Place { line, .. } = *first;
            problems.report(
                id.place,
                format!("two stages are named `{name}`; the first is in line {line}"),
                "give this stage another id",
            );
        } else {
            ids.insert(name, id.place);
        }
    }
    ids
}

fn stage(
    subject: &Subject<'_>,
    next: Option<&StageFile>,
    ids: &BTreeMap<&str, Place>,
    defaults: &Defaults,
    problems: &mut Problems<'_>,
) -> Option<Stage> {
    let file = subject.file;
    let work = work(subject, defaults, problems);
    let fallthrough = match next {
        Some(next) => next.id.value().map(|id| Route::Stage { id: StageId::new(&id.0) }),
        None => Some(Route::Done),
    };
    let on_success = route(&file.on_success, fallthrough, ids, problems);
    let on_failure = route(&file.on_failure, Some(Route::Fail), ids, problems);
    no_duplicates(&file.inputs, "inputs", |name| name.0.as_str(), problems);
    no_duplicates(&file.outputs, "outputs", |name| name.0.as_str(), problems);
    let work = work?;
    Some(Stage {
        id: StageId::new(&file.id.value()?.0),
        inputs: artifacts(&file.inputs),
        outputs: outputs(file, &work)?,
        retry_limit: retry_limit(subject, &work, defaults, problems),
        timeout: file.timeout.value().copied().unwrap_or(match &work {
            Work::Deterministic { action, .. } => action.timeout(),
            Work::Agent { .. } => TimeoutClass::Long,
        }),
        approval_required: file.approval_required.value().copied().unwrap_or(false),
        on_success: on_success?,
        on_failure: on_failure?,
        work,
    })
}

fn route(
    entry: &Entry<Name>,
    default: Option<Route>,
    ids: &BTreeMap<&str, Place>,
    problems: &mut Problems<'_>,
) -> Option<Route> {
    let target = match entry {
        Entry::Absent => return default,
        Entry::Faulty => return None,
        Entry::Present(target) => target,
    };
    match target.value.0.as_str() {
        "done" => Some(Route::Done),
        "fail" => Some(Route::Fail),
        "paused" => Some(Route::Paused),
        id if ids.contains_key(id) => Some(Route::Stage { id: StageId::new(id) }),
        id => {
            let choices: BTreeSet<&str> = ids.keys().copied().chain(TERMINALS).collect();
            let choices: Vec<&str> = choices.into_iter().collect();
            let message = format!("the route leads to `{id}`, and there is no such stage");
            problems.report_choice(target.place, message, id, &choices);
            None
        }
    }
}

fn work(subject: &Subject<'_>, defaults: &Defaults, problems: &mut Problems<'_>) -> Option<Work> {
    let remedy = "write `type: deterministic` or `type: agent`";
    match subject.required(&subject.file.kind, "type", remedy, problems)?.value {
        StageType::Deterministic => deterministic(subject, problems),
        StageType::Agent => agent(subject, defaults, problems),
    }
}

fn deterministic(subject: &Subject<'_>, problems: &mut Problems<'_>) -> Option<Work> {
    let Subject { file, name, .. } = subject;
    if let Some(goal) = file.goal.present() {
        problems.report(
            goal.place,
            format!("{name} is deterministic and has a `goal`"),
            "remove the goal, or write `type: agent`",
        );
    }
    let remedy = "write `action:` and what is to be done";
    let action = subject.required(&file.action, "action", remedy, problems)?.value;
    if action == DeterministicAction::RunTask {
        subject.required(&file.task, "task", "write `task:` and the name of a declared task", problems);
    } else if let Some(task) = file.task.present() {
        problems.report(
            task.place,
            format!("{name} has a `task`, which `{}` does not take", action.name()),
            "remove the task, or write `action: run_task`",
        );
    }
    if let Some(expect) = file.expect.present() {
        expectation(expect, name, action, problems);
    }
    Some(Work::Deterministic {
        action,
        task: file.task.value().map(|task| TaskName::new(&task.0)),
        expect: file.expect.value().copied().unwrap_or_default(),
    })
}

fn expectation(
    expect: &Placed<Expectation>,
    name: &str,
    action: DeterministicAction,
    problems: &mut Problems<'_>,
) {
    match action {
        DeterministicAction::RunTests | DeterministicAction::RunTask => {}
        DeterministicAction::RunLinters if expect.value == Expectation::Green => {}
        DeterministicAction::RunLinters => problems.report(
            expect.place,
            format!("{name} expects something of tests, and linters report none"),
            "write `expect: green` or leave the key out",
        ),
        DeterministicAction::BuildContextPack
        | DeterministicAction::ApplyPatch
        | DeterministicAction::Format
        | DeterministicAction::GenerateDiffReport
        | DeterministicAction::PrepareReviewBundle
        | DeterministicAction::Propose
        | DeterministicAction::ApplyEdit
        | DeterministicAction::Remember
        | DeterministicAction::SummarizeRun
        | DeterministicAction::FindRunbook
        | DeterministicAction::RunProcedure
        | DeterministicAction::RecordDecision => problems.report(
            expect.place,
            format!("{name} has an `expect`, and `{}` judges nothing", action.name()),
            "remove it; only gates and `run_task` expect something",
        ),
    }
}

fn agent(subject: &Subject<'_>, defaults: &Defaults, problems: &mut Problems<'_>) -> Option<Work> {
    let Subject { file, name, .. } = subject;
    for (key, place) in [
        ("action", file.action.present().map(|it| it.place)),
        ("task", file.task.present().map(|it| it.place)),
        ("expect", file.expect.present().map(|it| it.place)),
    ] {
        if let Some(place) = place {
            problems.report(
                place,
                format!("{name} is an agent stage and has `{key}`"),
                format!("remove `{key}`, or write `type: deterministic`"),
            );
        }
    }
    let remedy = "write `goal:` and what is to be achieved";
    let goal = subject.required(&file.goal, "goal", remedy, problems)?;
    if goal.value.0.is_empty() {
        problems.report(goal.place, format!("{name} has an empty `goal`"), "write what is to be achieved");
    }
    if file.toolset.is_faulty() || file.outputs.is_faulty() {
        return None;
    }
    let chosen = file.toolset.value().map_or(&defaults.toolset, |ToolsetChoice(name)| name);
    let declared = file.outputs.value().and_then(|list| list.iter().find(|item| item.value.0 == PATCH));
    let obstacle = if defaults.sandbox == SandboxMode::ReadOnly {
        Some("the sandbox is `read_only`".to_owned())
    } else if toolset(chosen).is_some_and(|set| set.actions.iter().any(|kind| kind.edits())) {
        None
    } else {
        Some(format!("the toolset `{chosen}` holds no editing action"))
    };
    if let (Some(declared), Some(obstacle)) = (declared, &obstacle) {
        problems.report(
            declared.place,
            format!("{name} declares the output `{PATCH}`, but {obstacle}"),
            format!("remove `{PATCH}` from `outputs`, or allow the stage to edit"),
        );
    }
    Some(Work::Agent {
        goal: goal.value.0.clone(),
        toolset: chosen.clone(),
        edits: obstacle.is_none() && (declared.is_some() || file.outputs.is_absent()),
    })
}

fn artifacts(list: &Entry<Vec<Placed<Name>>>) -> Vec<ArtifactName> {
    list.value().into_iter().flatten().map(|name| ArtifactName::new(&name.value.0)).collect()
}

/// What is declared, and what the work leaves anyway.
fn outputs(file: &StageFile, work: &Work) -> Option<Vec<ArtifactName>> {
    if file.outputs.is_faulty() {
        return None;
    }
    let mut outputs = artifacts(&file.outputs);
    let implied = match work {
        Work::Deterministic { action, .. } => Some(action.output()),
        Work::Agent { edits, .. } => edits.then_some(PATCH),
    };
    if let Some(implied) = implied
        && !outputs.iter().any(|output| output.as_str() == implied)
    {
        outputs.push(ArtifactName::new(implied));
    }
    Some(outputs)
}

fn retry_limit(
    Subject { file, name, .. }: &Subject<'_>,
    work: &Work,
    defaults: &Defaults,
    problems: &mut Problems<'_>,
) -> u32 {
    let declared = file.retry_limit.present();
    match work {
        Work::Agent { .. } => declared.map_or(defaults.step_retries, |limit| limit.value.0),
        Work::Deterministic { action, .. } => {
            if let Some(limit) = declared
                && limit.value.0 > 0
                && !action.is_idempotent()
            {
                problems.report(
                    limit.place,
                    format!(
                        "{name} declares retries that can never be taken: `{}` is not idempotent and is never \
                         repeated by itself",
                        action.name()
                    ),
                    "remove `retry_limit` and route `on_failure` to `paused`",
                );
            }
            declared.map_or(0, |limit| limit.value.0)
        }
    }
}

/// Decides for agent stages that declare no outputs, as DSL v1 allows. They may edit; except
/// after the gates: a stage that follows a passed gate, and whose edits would reach the user
/// with no gate after them, is read-only, like the review that ends DSL v1's standard task.
/// A blueprint is never made harmless in this way: where nothing else edits, nothing is
/// changed here, and the proof rejects what it must.
fn settle_undeclared_outputs(blueprint: &mut Blueprint, file: &BlueprintFile) {
    let graph = Graph::of(blueprint);
    let undeclared = |at: usize| {
        file.stages
            .value()
            .and_then(|stages| stages.get(at))
            .is_some_and(|stage| stage.value.outputs.is_absent())
    };
    let after_a_gate = graph.after_success_of(&blueprint.gates);
    let read_only: BTreeSet<usize> = graph
        .stages()
        .filter(|(at, stage)| {
            matches!(stage.work, Work::Agent { edits: true, .. })
                && undeclared(*at)
                && after_a_gate.contains(at)
                && edits_escape_from(blueprint, *at)
        })
        .map(|(at, _)| at)
        .collect();
    if !graph.stages().any(|(at, stage)| stage.edits() && !read_only.contains(&at)) {
        return;
    }
    for (at, stage) in blueprint.stages.iter_mut().enumerate() {
        if let Work::Agent { edits, .. } = &mut stage.work
            && read_only.contains(&at)
        {
            *edits = false;
            stage.outputs.clear();
        }
    }
}
