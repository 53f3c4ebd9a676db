use super::json_schema;
use crate::blueprint::{DeterministicAction, load};
use serde_json::Value;

const CHECKED_IN: &str = include_str!("../../../../../blueprints/blueprint.schema.json");

const SHIPPED: [(&str, &str); 8] = [
    ("answer.yaml", include_str!("../../../../../blueprints/answer.yaml")),
    ("fix_diagnostic.yaml", include_str!("../../../../../blueprints/fix_diagnostic.yaml")),
    ("fix_tests.yaml", include_str!("../../../../../blueprints/fix_tests.yaml")),
    ("implement.yaml", include_str!("../../../../../blueprints/implement.yaml")),
    ("record_decision.yaml", include_str!("../../../../../blueprints/record_decision.yaml")),
    ("remediate.yaml", include_str!("../../../../../blueprints/remediate.yaml")),
    ("review.yaml", include_str!("../../../../../blueprints/review.yaml")),
    ("scoped_code_change.yaml", include_str!("../../../../../blueprints/scoped_code_change.yaml")),
];

fn accepts(text: &str) -> bool {
    let file: Value = serde_saphyr::from_str(text).expect("it is YAML");
    jsonschema::validator_for(&json_schema()).expect("it is a schema").is_valid(&file)
}

#[test]
fn the_checked_in_schema_is_the_one_of_the_types() {
    let generated = serde_json::to_string_pretty(&json_schema()).expect("it is JSON") + "\n";
    assert!(
        generated == CHECKED_IN,
        "blueprints/blueprint.schema.json is out of date; refresh it from the repository's root with\n\
         cargo test -p openexec-engine --lib checked_in_schema 2>&1 | sed -n '/^{{$/,/^}}$/p' > schema.new; \
         mv schema.new blueprints/blueprint.schema.json\n{generated}"
    );
}

#[test]
fn every_shipped_blueprint_loads_under_the_name_of_its_file() {
    for (file, text) in SHIPPED {
        let blueprint = load(file, text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(format!("{}.yaml", blueprint.name), file);
    }
}

#[test]
fn the_schema_accepts_every_shipped_blueprint() {
    let schema = json_schema();
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    for (file, text) in SHIPPED {
        let value: Value = serde_saphyr::from_str(text).expect("it is YAML");
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{file}: {errors:?}");
    }
}

#[test]
fn the_schema_rejects_what_the_loader_rejects_in_a_single_stage() {
    let with_stage = |stage: &str| format!("version: 1\nname: x\nstages:\n  - {{{stage}}}\n");
    assert!(accepts(&with_stage("id: a, type: agent, goal: g, outputs: [notes]")));
    for stage in [
        "id: a, type: agent",
        "id: a, type: agent, goal: g, action: run_tests",
        "id: a, type: deterministic",
        "id: a, type: deterministic, action: run_tests, goal: g",
        "id: a, type: deterministic, action: run_test",
        "id: a, type: deterministic, action: run_tests, command: ls",
        "id: a, type: agent, goal: g, toolset: everything",
        "id: a, type: agent, goal: g, retry_limit: 11",
        "id: a b, type: agent, goal: g",
        "id: a, type: agent, goal: null",
        "id: a, type: agent, goal: ''",
        "id: a, type: agent, goal: g, outputs: [notes, notes]",
        "id: a, goal: g",
        "type: agent, goal: g",
    ] {
        let text = with_stage(stage);
        assert!(!accepts(&text), "the schema accepts {stage}");
        assert!(load("x.yaml", &text).is_err(), "the loader accepts {stage}");
    }
}

#[test]
fn the_schema_rejects_what_the_loader_rejects_at_the_top() {
    let stages = "stages: [{id: a, type: agent, goal: g, outputs: [notes]}]";
    assert!(accepts(&format!("version: 1\nname: x\n{stages}\n")));
    for text in [
        format!("version: 2\nname: x\n{stages}\n"),
        format!("name: x\n{stages}\n"),
        format!("version: 1\n{stages}\n"),
        "version: 1\nname: x\n".to_owned(),
        "version: 1\nname: x\nstages: []\n".to_owned(),
        format!("version: 1\nname: x\ntriggers: [test, test]\n{stages}\n"),
        format!("version: 1\nname: x\ninputs: [{{required: true}}]\n{stages}\n"),
        format!("version: 1\nname: x\ngates: [propose]\n{stages}\n"),
        format!("version: 1\nname: x\ndefaults: {{sandbox: none}}\n{stages}\n"),
        format!("version: 1\nname: x\ninclude: [other.yaml]\n{stages}\n"),
    ] {
        assert!(!accepts(&text), "the schema accepts {text}");
        assert!(load("x.yaml", &text).is_err(), "the loader accepts {text}");
    }
}

/// The fenced blocks of the reference that hold a whole blueprint.
fn documented() -> Vec<&'static str> {
    include_str!("../../../../../blueprints/README.md")
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .filter(|block| block.starts_with("version: 1"))
        .collect()
}

#[test]
fn the_reference_tells_the_truth_about_its_examples() {
    let [small, hasty] = documented()[..] else { panic!("two examples") };
    assert!(accepts(small) && accepts(hasty));
    load("backend_bugfix.yaml", small).unwrap_or_else(|error| panic!("{error}"));
    let error = load("hasty.yaml", hasty).expect_err("it applies what was not tested").to_string();
    assert!(
        include_str!("../../../../../blueprints/README.md").contains(&format!("```\n{error}\n```")),
        "{error}"
    );
}

#[test]
fn the_reference_names_every_key_action_and_artifact() {
    let reference = include_str!("../../../../../blueprints/README.md");
    let schema = json_schema();
    let keys = ["/properties", "/$defs/Defaults/properties", "/$defs/Stage/properties"]
        .into_iter()
        .flat_map(|pointer| schema.pointer(pointer).and_then(Value::as_object).expect(pointer).keys());
    for key in keys {
        assert!(reference.contains(&format!("| `{key}` | ")), "no row for `{key}`");
    }
    for action in DeterministicAction::ALL {
        let row = reference.lines().find(|line| line.starts_with(&format!("| `{}` |", action.name())));
        let row = row.unwrap_or_else(|| panic!("no row for `{}`", action.name()));
        let timeout = serde_json::to_value(action.timeout()).expect("it is a name");
        let timeout = timeout.as_str().expect("it is a name");
        let idempotent = if action.is_idempotent() { "yes" } else { "no" };
        assert!(row.ends_with(&format!("| `{}` | {timeout} | {idempotent} |", action.output())), "{row}");
        assert_eq!(row.contains("*Edits*"), action.edits(), "{row}");
    }
}
