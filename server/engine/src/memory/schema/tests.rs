use super::json_schema;
use crate::memory::load;
use crate::memory::tests::documented;
use serde_json::Value;

const CHECKED_IN: &str = include_str!("../../../../../blueprints/memory.schema.json");

fn accepts(text: &str) -> bool {
    let file: Value = serde_saphyr::from_str(text).expect("it is YAML");
    jsonschema::validator_for(&json_schema()).expect("it is a schema").is_valid(&file)
}

#[test]
fn the_checked_in_memory_schema_is_the_one_of_the_types() {
    let generated = serde_json::to_string_pretty(&json_schema()).expect("it is JSON") + "\n";
    assert!(
        generated == CHECKED_IN,
        "blueprints/memory.schema.json is out of date; refresh it from the repository's root with\n\
         cargo run -p openexec -- memory schema > schema.new; mv schema.new blueprints/memory.schema.json\n\
         {generated}"
    );
}

#[test]
fn the_schema_and_the_loader_agree() {
    let symbol = "symbols: [{id: a, at: {path: a.rs, symbol: f}, why: so}]";
    for (text, good) in [
        (documented().to_owned(), true),
        ("version: 1\n".to_owned(), true),
        (format!("version: 1\n{symbol}\n"), true),
        (symbol.to_owned(), false),
        ("version: 1\nnotes: []\n".to_owned(), false),
        ("version: 1\nsymbols: [{id: a, why: so}]\n".to_owned(), false),
        ("version: 1\nrunbooks: [{id: a, failures: []}]\n".to_owned(), false),
        ("version: 1\nprocedures: [{id: a, steps: [{argv: [rm]}]}]\n".to_owned(), false),
        ("version: 1\nenvironments: [{id: a, masked: [x]}]\n".to_owned(), false),
        ("version: 1\nmaintenance: [{id: a, cause: b, change: c, standing: fine}]\n".to_owned(), false),
    ] {
        assert_eq!(accepts(&text), good, "{text}");
        assert_eq!(load("m.yaml", &text).is_ok(), good, "{text}");
    }
}
