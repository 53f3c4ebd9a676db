//! A blueprint file as it is written. The types here read the file and generate its published
//! schema, so neither can know a key that the other does not.

use super::read::{Label, Name, Prose, RetryLimit, Version};
use crate::blueprint::{DeterministicAction, InputName, Trigger};
use crate::limits::BLUEPRINT_STAGES_MAX;
use crate::policy::{ApprovalMode, SandboxMode};
use crate::task::{Expectation, TimeoutClass};
use crate::yaml::mapping::mapping;
use crate::yaml::{Node, Placed, Problems, Read, read_choices};
use schemars::JsonSchema;
use serde::Deserialize;

/// What to write in place of keys that people expect here and that a blueprint has not.
fn hint(name: &str) -> Option<&'static str> {
    match name {
        "command" | "run" | "shell" | "script" | "cmd" | "args" => Some(
            "a blueprint holds no commands: declare a task in `.openexec/tasks.yaml` and write \
             `action: run_task` with its name as `task`",
        ),
        "include" | "extends" | "import" => Some("a blueprint stands alone: write its stages here"),
        "if" | "when" | "condition" => {
            Some("a blueprint holds no expressions: route with `on_success` and `on_failure`")
        }
        _ => None,
    }
}

read_choices!(DeterministicAction, InputName, Trigger, Expectation, TimeoutClass, StageType);

mapping! {
    pub(in crate::blueprint), hint;
    /// A workflow: a graph of stages.
    #[schemars(title = "OpenExec blueprint", extend("required" = ["version", "name", "stages"]))]
    BlueprintFile, "a blueprint" {
        /// The version of the language: 1.
        "version" version: Version,
        /// The name under which it is offered and run.
        "name" name: Label,
        /// What it is for, in a sentence or two. Editors show it.
        "description" description: Prose,
        /// What holds for every stage that says nothing else.
        "defaults" defaults: DefaultsFile,
        /// Where an editor offers it. Without this key: `directive` and `selection`.
        #[schemars(extend("uniqueItems" = true))]
        "triggers" triggers: Vec<Placed<Trigger>>,
        /// What a run can be given. Without this key: an optional `instruction` and `target`.
        "inputs" inputs: Vec<Placed<InputFile>>,
        /// The gates that every edit must pass before it is applied. Without this key: `run_tests`.
        #[schemars(extend("uniqueItems" = true, "items" = { "enum": ["run_linters", "run_tests"] }))]
        "gates" gates: Vec<Placed<DeterministicAction>>,
        /// The stages. A run begins with the first.
        #[schemars(length(min = 1, max = BLUEPRINT_STAGES_MAX))]
        "stages" stages: Vec<Placed<StageFile>>,
    }
}

mapping! {
    pub(in crate::blueprint), hint;
    /// What holds for every stage that says nothing else.
    #[schemars(rename = "Defaults")]
    DefaultsFile, "`defaults`" {
        /// The toolset of agent stages: `coding_backend` (the default), `coding_positions`, `repo_readonly` or `docs_lookup`.
        "toolset" toolset: ToolsetChoice,
        /// How far effects may reach. The default: `workspace_write`.
        "sandbox" sandbox: SandboxMode,
        /// The `retry_limit` of agent stages. The default: 2.
        "max_step_retries" max_step_retries: RetryLimit,
        /// When a proposal waits for the user. The default: `on_risky_actions`.
        "approval_mode" approval_mode: ApprovalMode,
    }
}

mapping! {
    pub(in crate::blueprint), hint;
    /// Something that a run can be given.
    #[schemars(rename = "Input", extend("required" = ["name"]))]
    InputFile, "an input" {
        /// Which.
        "name" name: InputName,
        /// Whether a run cannot start without it. The default: `false`.
        "required" required: bool,
    }
}

mapping! {
    pub(in crate::blueprint), hint;
    /// One stage.
    #[schemars(rename = "Stage")]
    #[schemars(extend(
        "required" = ["id", "type"],
        "if" = { "properties": { "type": { "const": "agent" } }, "required": ["type"] },
        "then" = { "required": ["goal"], "properties": { "action": false, "task": false, "expect": false } },
        "else" = { "required": ["action"], "properties": { "goal": false } }
    ))]
    StageFile, "a stage" {
        /// Unique in the blueprint; not `done`, `fail` or `paused`.
        "id" id: Name,
        /// Whether code of the runtime does it, or a model within its toolset.
        "type" kind: StageType,
        /// For deterministic stages: what is done.
        "action" action: DeterministicAction,
        /// For agent stages: what is to be achieved.
        #[schemars(length(min = 1))]
        "goal" goal: Prose,
        /// For `run_task`: the declared task to run.
        "task" task: Label,
        /// For gates: what is demanded of the tests. The default: `green`.
        "expect" expect: Expectation,
        /// Artifacts and run inputs that the stage works with.
        #[schemars(extend("uniqueItems" = true))]
        "inputs" inputs: Vec<Placed<Name>>,
        /// Artifacts that the stage leaves. An agent stage that declares outputs may edit only if
        /// `patch` is among them.
        #[schemars(extend("uniqueItems" = true))]
        "outputs" outputs: Vec<Placed<Name>>,
        /// For agent stages: the toolset, where it is not the blueprint's.
        "toolset" toolset: ToolsetChoice,
        /// How often the stage may be attempted again. For agent stages the default is
        /// `max_step_retries`; for deterministic stages it is 0.
        "retry_limit" retry_limit: RetryLimit,
        /// How long one attempt may take. The default depends on the action; for agent stages: `long`.
        "timeout" timeout: TimeoutClass,
        /// Whether the user must approve the result before the run goes on. The default: `false`.
        "approval_required" approval_required: bool,
        /// The next stage after success, or `done`, `fail`, `paused`. The default: the next stage of
        /// the file, after the last `done`.
        "on_success" on_success: Name,
        /// The next stage after failure, or `done`, `fail`, `paused`. The default: `fail`.
        "on_failure" on_failure: Name,
    }
}

/// Who does a stage's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StageType {
    /// Code of the runtime.
    Deterministic,
    /// A model, within its toolset.
    Agent,
}

/// The name of a built-in toolset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToolsetChoice(pub(super) crate::ids::ToolsetName);

impl Read for ToolsetChoice {
    fn read(node: &Node, subject: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Name(name) = Name::read(node, subject, problems)?;
        let names = crate::policy::toolset_names();
        if !names.contains(&name.as_str()) {
            problems.report_choice(node.place, format!("{subject} is `{name}`"), &name, &names);
            return None;
        }
        Some(Self(crate::ids::ToolsetName::new(name)))
    }
}

impl JsonSchema for ToolsetChoice {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Toolset".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "enum": crate::policy::toolset_names() })
    }
}
