use super::json_schema;
use crate::action::ActionKind;
use crate::policy::Capability;
use crate::policy::rules::tests::documented;
use crate::policy::rules::{Scope, load};
use serde_json::Value;

const CHECKED_IN: &str = include_str!("../../../../../../blueprints/policy.schema.json");

fn accepts(text: &str) -> bool {
    let file: Value = serde_saphyr::from_str(text).expect("it is YAML");
    jsonschema::validator_for(&json_schema()).expect("it is a schema").is_valid(&file)
}

#[test]
fn the_checked_in_policy_schema_is_the_one_of_the_types() {
    let generated = serde_json::to_string_pretty(&json_schema()).expect("it is JSON") + "\n";
    assert!(
        generated == CHECKED_IN,
        "blueprints/policy.schema.json is out of date; refresh it from the repository's root with\n\
         cargo run -p openexec -- policy schema > schema.new; mv schema.new blueprints/policy.schema.json\n\
         {generated}"
    );
}

#[test]
fn the_schema_accepts_what_the_loader_accepts() {
    for text in [
        documented(),
        "version: 1\nsandbox: read_only\ncapabilities: [repo_read]\ndeny_read: [\"infra/**\"]\n",
        "version: 1\nsandbox: workspace_write\ncapabilities: [repo_read, repo_write]\nnetwork_allowlist: []\n",
    ] {
        assert!(accepts(text), "{text}");
        load(Scope::Workspace, "policy.yaml", text).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn the_schema_rejects_what_the_loader_rejects() {
    let rule = |text: &str| format!("version: 1\nrules: [{text}]\n");
    for text in [
        "sandbox: read_only\n".to_owned(),
        "version: 2\n".to_owned(),
        "version: 1\nsandbox: none\n".to_owned(),
        "version: 1\nmodels: {}\n".to_owned(),
        "version: 1\ncapabilities: [everything]\n".to_owned(),
        "version: 1\nnetwork_allowlist: ['https://a.example']\n".to_owned(),
        "version: 1\ndeny_read: ['']\n".to_owned(),
        rule("{id: a, effect: ask, reason: r}"),
        rule("{id: a, effect: ask, reason: r, when: {}}"),
        rule("{id: a, effect: ask, reason: '', when: {paths: [a]}}"),
        rule("{id: a, effect: deny, reason: r, when: {paths: [a]}}"),
        rule("{id: A, effect: ask, reason: r, when: {paths: [a]}}"),
        rule("{id: a, effect: ask, reason: r, when: {paths: []}}"),
        rule("{id: a, effect: ask, reason: r, when: {actions: [finish]}}"),
        rule("{id: a, effect: ask, reason: r, when: {languages: [cobol]}}"),
        rule("{id: a, effect: ask, reason: r, when: {class: [never]}}"),
        rule("{id: a, effect: ask, reason: r, when: {lines_changed_over: -1}}"),
        rule("{id: a, effect: ask, reason: r, when: {paths: [a]}, examples: {}}"),
        rule("{id: a, effect: ask, reason: r, when: {paths: [a]}, examples: {match: [{path: a}]}}"),
        "version: 1\negress: [{to: none, reason: r}]\n".to_owned(),
        "version: 1\negress: [{paths: [a], to: far, reason: r}]\n".to_owned(),
    ] {
        assert!(!accepts(&text), "the schema accepts {text}");
        assert!(load(Scope::User, "policy.yaml", &text).is_err(), "the loader accepts {text}");
    }
}

#[test]
fn the_reference_names_every_key_and_value() {
    let reference = include_str!("../../../../../../blueprints/POLICY.md");
    let schema = json_schema();
    let defs = ["Rule", "When", "Examples", "Example", "Egress"];
    let pointers = defs.iter().map(|name| format!("/$defs/{name}/properties"));
    for pointer in pointers.chain(["/properties".to_owned()]) {
        for key in schema.pointer(&pointer).and_then(Value::as_object).expect(&pointer).keys() {
            assert!(reference.contains(&format!("| `{key}` | ")), "no row for `{key}` of {pointer}");
        }
    }
    for kind in ActionKind::ALL.into_iter().filter(|kind| *kind != ActionKind::Finish) {
        assert!(reference.contains(&format!("`{}`", kind.name())), "{}", kind.name());
    }
    use Capability::{GitCommit, MemoryWrite, NetworkAccess, RepoRead, RepoWrite, RunTasks, ShellExec};
    for one in [RepoRead, RepoWrite, GitCommit, NetworkAccess, ShellExec, MemoryWrite, RunTasks] {
        assert!(reference.contains(&format!("| `{}` | ", one.name())), "no row for `{}`", one.name());
    }
}
