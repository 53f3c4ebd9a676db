//! A policy file as it is written. The types here read the file and generate its published
//! schema.

use super::{ActionName, Destination, LanguageName, PointerKind, RuleClass};
use crate::action::ActionKind;
use crate::limits::{
    POLICY_EGRESS_MAX, POLICY_EXAMPLES_MAX, POLICY_PATTERN_BYTES_MAX, POLICY_PATTERNS_MAX,
    POLICY_REASON_BYTES_MAX, POLICY_RULES_MAX,
};
use crate::policy::{ApprovalMode, Capability, SandboxMode, Verdict};
use crate::redact::PersonalData;
use crate::yaml::checked_text;
use crate::yaml::mapping::mapping;
use crate::yaml::read::{Version, shown, text};
use crate::yaml::{Node, Placed, Problems, Read, Value, read_choices, wrong_kind};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// What to write in place of keys that people expect here and that a policy has not.
fn hint(name: &str) -> Option<&'static str> {
    match name {
        "models" | "model" | "base_url" | "endpoint" | "key" | "api_key" | "key_env" | "proxy" => Some(
            "models, endpoints and keys stand in `config.yaml` of your own configuration, never in a policy",
        ),
        "trust" | "approved" | "approvals" | "allow" => Some(
            "approvals and trust are given by the user, never by a file; a rule with `effect: allow` in your own \
             policy loosens a question",
        ),
        "command" | "run" | "shell" | "script" | "argv" => {
            Some("a policy holds no commands: tasks are declared in `.openexec/tasks.yaml`")
        }
        "include" | "extends" | "import" => Some("a policy stands alone: write its rules here"),
        "if" | "unless" | "condition" => Some("write what must hold under `when`"),
        "deny" | "block" => Some("write `deny_read`, `deny_write`, or a rule with `effect: block`"),
        _ => None,
    }
}

read_choices!(
    ActionName,
    ActionKind,
    Capability,
    Destination,
    LanguageName,
    PersonalData,
    PointerKind,
    RuleClass,
    Verdict,
);

mapping! {
    pub(in crate::policy), hint;
    /// Rules for every run. In your own configuration they hold for all workspaces; in
    /// `.openexec/policy.yaml` they hold for that workspace and can only narrow.
    #[schemars(title = "OpenExec policy", extend("required" = ["version"]))]
    PolicyFile, "a policy" {
        /// The version of the format: 1.
        "version" version: Version,
        /// How far effects may reach at most. Without this key: `workspace_write`.
        "sandbox" sandbox: SandboxMode,
        /// The capabilities that runs have at most. `repo_write` brings `run_tasks` and
        /// `memory_write` with it. Without this key: those of the sandbox mode.
        #[schemars(extend("uniqueItems" = true))]
        "capabilities" capabilities: Vec<Placed<Capability>>,
        /// When a proposal waits for the user. A workspace can only make it stricter.
        "approval_mode" approval_mode: ApprovalMode,
        /// The hosts that may be reached, where the network may be reached at all. A workspace
        /// can only leave out.
        #[schemars(extend("uniqueItems" = true))]
        "network_allowlist" network_allowlist: Vec<Placed<Host>>,
        /// Personal data that no model sees, beside secrets: `email`, `ip` (public addresses),
        /// `national_id` (bank accounts, cards, social security and tax numbers). A workspace can
        /// only add.
        #[schemars(extend("uniqueItems" = true))]
        "redact" redact: Vec<Placed<PersonalData>>,
        /// Files that are neither read nor written.
        #[schemars(length(max = POLICY_PATTERNS_MAX))]
        "deny_read" deny_read: Vec<Placed<Pattern>>,
        /// Files that are not written.
        #[schemars(length(max = POLICY_PATTERNS_MAX))]
        "deny_write" deny_write: Vec<Placed<Pattern>>,
        /// The rules. The strictest of all that match decides.
        #[schemars(length(max = POLICY_RULES_MAX))]
        "rules" rules: Vec<Placed<RuleFile>>,
        /// What may leave for a model.
        #[schemars(length(max = POLICY_EGRESS_MAX))]
        "egress" egress: Vec<Placed<EgressFile>>,
    }
}

mapping! {
    pub(in crate::policy), hint;
    /// One rule.
    #[schemars(rename = "Rule", extend("required" = ["id", "effect", "reason", "when"]))]
    RuleFile, "a rule" {
        /// Unique in the file: a-z, 0-9 and `-`.
        "id" id: RuleName,
        /// `ask` lets the user decide about the finished proposal, `block` refuses. `allow`
        /// loosens a question of the built-in rules, in your own policy only.
        "effect" effect: Verdict,
        /// Why. People and models read it.
        "reason" reason: Sentence,
        /// What the rule is about. Every key must match; of a list, one item.
        "when" when: WhenFile,
        /// What must match and what must not, checked whenever the file is read.
        "examples" examples: ExamplesFile,
    }
}

mapping! {
    pub(in crate::policy), hint;
    /// What a rule is about. Every given key must match; of a list, one item.
    #[schemars(rename = "When", extend("minProperties" = 1))]
    WhenFile, "`when`" {
        /// Kinds of action, or groups of them. Without this key: all; for `ask`, all that edit.
        #[schemars(extend("uniqueItems" = true), length(min = 1))]
        "actions" actions: Vec<Placed<ActionName>>,
        /// Globs. `*` and `?` stay within a name, `**` crosses folders; case and Unicode spelling
        /// do not count. The path as it was asked for and the place it leads to are both looked at.
        #[schemars(length(min = 1, max = POLICY_PATTERNS_MAX))]
        "paths" paths: Vec<Placed<Pattern>>,
        /// Globs of files that the rule is not about.
        #[schemars(length(min = 1, max = POLICY_PATTERNS_MAX))]
        "except" except: Vec<Placed<Pattern>>,
        /// Declared tasks, by name.
        #[schemars(length(min = 1, max = POLICY_PATTERNS_MAX))]
        "tasks" tasks: Vec<Placed<TaskLabel>>,
        /// Languages, by the file's name.
        #[schemars(extend("uniqueItems" = true), length(min = 1))]
        "languages" languages: Vec<Placed<LanguageName>>,
        /// Globs over the qualified names of the symbols that a change touches or lies in. `::` and
        /// `.` are the same, and `*` crosses them.
        #[schemars(length(min = 1, max = POLICY_PATTERNS_MAX))]
        "symbols" symbols: Vec<Placed<SymbolPattern>>,
        /// Matches changes of a file by more lines than this, removed and added lines together.
        "lines_changed_over" lines_changed_over: Amount,
        /// Matches when the run changes more files than this.
        "files_changed_over" files_changed_over: Amount,
        /// Classes of files that the runtime knows by itself.
        #[schemars(extend("uniqueItems" = true), length(min = 1))]
        "class" class: Vec<Placed<RuleClass>>,
    }
}

mapping! {
    pub(in crate::policy), hint;
    /// What a rule must match and what not.
    #[schemars(rename = "Examples", extend("minProperties" = 1))]
    ExamplesFile, "`examples`" {
        /// Each must be matched.
        #[schemars(length(max = POLICY_EXAMPLES_MAX))]
        "match" matching: Vec<Placed<ExampleFile>>,
        /// None may be matched.
        #[schemars(length(max = POLICY_EXAMPLES_MAX))]
        "no_match" passing: Vec<Placed<ExampleFile>>,
    }
}

mapping! {
    pub(in crate::policy), hint;
    /// Something a run might do.
    #[schemars(rename = "Example", extend("required" = ["action"]))]
    ExampleFile, "an example" {
        /// The kind of action.
        "action" action: ActionKind,
        /// The file, for actions that name one.
        "path" path: ExamplePath,
        /// The task, for `run_task`.
        "task" task: TaskLabel,
        /// The symbols that the change touches or lies in.
        "symbols" symbols: Vec<Placed<TaskLabel>>,
        /// The size of the change in lines. Without this key: 1.
        "lines_changed" lines_changed: Amount,
        /// The files that the run changes. Without this key: 1.
        "files_changed" files_changed: Amount,
    }
}

mapping! {
    pub(in crate::policy), hint;
    /// What may leave for a model. Every given key must match; of a list, one item.
    #[schemars(rename = "Egress", extend("required" = ["to", "reason"], "minProperties" = 3))]
    EgressFile, "an egress rule" {
        /// Globs of files.
        #[schemars(length(min = 1, max = POLICY_PATTERNS_MAX))]
        "paths" paths: Vec<Placed<Pattern>>,
        /// Labels of memory records.
        #[schemars(length(min = 1, max = POLICY_PATTERNS_MAX))]
        "labels" labels: Vec<Placed<TaskLabel>>,
        /// Kinds of memory records.
        #[schemars(extend("uniqueItems" = true), length(min = 1))]
        "pointers" pointers: Vec<Placed<PointerKind>>,
        /// To no model, to models on this machine only, or to any.
        "to" to: Destination,
        /// Why. People and models read it.
        "reason" reason: Sentence,
    }
}

checked_text! {
    pub(in crate::policy),
    /// The id of a rule.
    RuleName, rule_name, { "type": "string", "pattern": "^[a-z0-9][a-z0-9-]*$", "maxLength": 64 };
    /// A sentence for people and models, on one line.
    Sentence, sentence, { "type": "string", "minLength": 1, "maxLength": POLICY_REASON_BYTES_MAX };
    /// A glob over paths.
    Pattern, path_pattern, { "type": "string", "minLength": 1, "maxLength": POLICY_PATTERN_BYTES_MAX };
    /// A glob over qualified names.
    SymbolPattern, symbol_pattern, { "type": "string", "minLength": 1, "maxLength": POLICY_PATTERN_BYTES_MAX };
    /// The name of a task, a symbol or a label.
    TaskLabel, label, { "type": "string", "minLength": 1, "maxLength": 256 };
    /// The path of an example.
    ExamplePath, example_path, { "type": "string", "minLength": 1 };
    /// The name of a host.
    Host, host, { "type": "string", "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", "maxLength": 253 };
}

fn plain(text: &str, bytes_max: usize) -> bool {
    !text.trim().is_empty()
        && text.len() <= bytes_max
        && !text.chars().any(|it| it.is_control() || crate::path::is_ignorable(it))
}

fn rule_name(text: &str) -> Result<(), String> {
    let good = text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && text.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-');
    if good { Ok(()) } else { Err("write at most 64 of a-z, 0-9 and `-`, not beginning with `-`".to_owned()) }
}

fn sentence(text: &str) -> Result<(), String> {
    if plain(text, POLICY_REASON_BYTES_MAX) {
        return Ok(());
    }
    Err(format!(
        "write one line of at most {POLICY_REASON_BYTES_MAX} bytes that says why, without invisible characters"
    ))
}

fn label(text: &str) -> Result<(), String> {
    if plain(text, 256) && text.trim() == text {
        return Ok(());
    }
    Err("write a name of at most 256 bytes, without blanks around it and invisible characters".to_owned())
}

fn example_path(text: &str) -> Result<(), String> {
    crate::path::WorkspacePath::parse(text)
        .map(|_| ())
        .map_err(|error| format!("{error}; write a path such as `src/lib.rs`"))
}

fn host(text: &str) -> Result<(), String> {
    let good = text.len() <= 253
        && text.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && text.ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit())
        && text.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, '.' | '-'));
    if good {
        return Ok(());
    }
    Err("write the names of hosts one by one, such as `crates.example`, without scheme, port and wildcard"
        .to_owned())
}

fn path_pattern(text: &str) -> Result<(), String> {
    if !plain(text, POLICY_PATTERN_BYTES_MAX) {
        return Err(format!(
            "write a glob of at most {POLICY_PATTERN_BYTES_MAX} bytes, without invisible characters"
        ));
    }
    if text.ends_with('/') {
        return Err(format!("this matches nothing; for everything below a folder write `{text}**`"));
    }
    if text.starts_with(['/', '~']) || text.starts_with("./") || text.split('/').any(|part| part == "..") {
        return Err("this matches nothing; write globs relative to the workspace's root, such as `infra/**`"
            .to_owned());
    }
    if text.starts_with('!') {
        return Err("there is no negation; write what the rule is not about under `except`".to_owned());
    }
    super::compiled::path_glob(text).map(|_| ())
}

fn symbol_pattern(text: &str) -> Result<(), String> {
    if !plain(text, POLICY_PATTERN_BYTES_MAX) {
        return Err(format!(
            "write a glob of at most {POLICY_PATTERN_BYTES_MAX} bytes, without invisible characters"
        ));
    }
    super::compiled::symbol_glob(text).map(|_| ())
}

/// A whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Amount(pub(super) u64);

impl Read for Amount {
    fn read(node: &Node, subject: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Integer(number) = &node.value else {
            wrong_kind(node, subject, "a whole number", problems);
            return None;
        };
        match u32::try_from(*number) {
            Ok(amount) => Some(Self(u64::from(amount))),
            Err(_) => {
                problems.report(
                    node.place,
                    format!("{subject} is {number}"),
                    format!("write a whole number from 0 to {}", u32::MAX),
                );
                None
            }
        }
    }
}

impl JsonSchema for Amount {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
    }
}
