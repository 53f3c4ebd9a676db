//! Actions as one JSON document instead of tool calls: its schema in the forms that servers
//! hold a model to, and what the model is told of it.
//!
//! It must not read a document: the engine parses replies.

use openexec_engine::action::{ActionKind, document_schema, schemas_for};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// The schema's name, where an API wants one.
pub(super) const NAME: &str = "actions";

/// The schema of a document of these actions, as grammars and providers accept it.
pub(super) fn schema(kinds: &[ActionKind]) -> Value {
    plain(document_schema(kinds))
}

/// What the model is told. Not every server shows a schema to the model that it holds to it, and
/// a grammar without knowledge gives valid nonsense: so kinds and fields are said in words.
pub(super) fn instruction(kinds: &[ActionKind]) -> String {
    let mut text = "You have no tools. Answer with exactly one JSON document \
         {\"actions\": [{\"id\": \"a1\", \"kind\": \"…\", …}]} and nothing before or after it. \
         `id` is a short name of your own, unique in the document. These are the kinds and their fields:"
        .to_owned();
    for schema in schemas_for(kinds) {
        let _ = write!(text, "\n- {}: {}", schema.kind.name(), schema.description);
        let required = schema.arguments.get("required").and_then(Value::as_array);
        let properties = schema.arguments.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let is_required = required.is_some_and(|names| names.iter().any(|it| it == name));
            let optional = if is_required { "" } else { "optional " };
            let _ = write!(text, "\n  - {name} ({optional}{}): {}", shape(property), said(property));
        }
    }
    text
}

fn said(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

/// What a value looks like: `string`, `before|after`, `{line: integer, character: integer}`.
fn shape(schema: &Value) -> String {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        return choices.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|");
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let fields: Vec<String> =
            properties.iter().map(|(name, property)| format!("{name}: {}", shape(property))).collect();
        return format!("{{{}}}", fields.join(", "));
    }
    if let Some(items) = schema.get("items") {
        return format!("list of {}", shape(items));
    }
    let names: Vec<&str> = types(schema).filter(|name| *name != "null").collect();
    names.join("|")
}

/// The names of a schema's types.
fn types(schema: &Value) -> impl Iterator<Item = &str> {
    let of = schema.get("type");
    of.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .chain(of.and_then(Value::as_str))
}

/// Says each constant as a choice of one: Gemini's subset of JSON Schema has no `const`.
fn plain(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(object) => {
            if let Some(constant) = object.remove("const") {
                object.insert("enum".to_owned(), json!([constant]));
            }
            object.values_mut().for_each(|value| *value = plain(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| *value = plain(value.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    schema
}

/// The schema as OpenAI's strict mode demands it: every object closed, every property required.
/// An optional property that may be null becomes required, because the parser of actions reads
/// null as absent; so does an optional truth value or list, whose absence means false or
/// nothing. Where neither holds there is no value that means absent, and so no strict schema.
pub(super) fn strict(schema: &Value) -> Option<Value> {
    let mut strict_schema = schema.clone();
    for part in ["items", "anyOf"] {
        if let Some(inner) = strict_schema.get_mut(part) {
            *inner = match inner.take() {
                Value::Array(alternatives) => alternatives.iter().map(strict).collect::<Option<Value>>()?,
                only => strict(&only)?,
            };
        }
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        // An object without known properties is open, whatever it says.
        return types(schema).all(|name| name != "object").then_some(strict_schema);
    };
    if schema.get("additionalProperties") != Some(&json!(false)) {
        return None;
    }
    let required = schema.get("required").and_then(Value::as_array);
    let mut all = Map::new();
    for (name, property) in properties {
        let is_required = required.is_some_and(|names| names.iter().any(|it| it == name));
        if !is_required && !types(property).any(|name| matches!(name, "null" | "boolean" | "array")) {
            return None;
        }
        all.insert(name.clone(), strict(property)?);
    }
    let object = strict_schema.as_object_mut()?;
    object.insert("required".into(), all.keys().map(String::as_str).collect());
    object.insert("properties".into(), all.into());
    Some(strict_schema)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openexec_engine::action::{parse_document, parse_tool_calls, schema_of};
    use openexec_engine::model::ToolCall;

    /// OpenAI's rules for strict schemas, and what the grammars of llama.cpp and Gemini lack.
    fn check_strict(schema: &Value) {
        for (keyword, inner) in schema.as_object().unwrap() {
            match keyword.as_str() {
                "properties" => inner.as_object().unwrap().values().for_each(check_strict),
                "items" => check_strict(inner),
                "anyOf" => inner.as_array().unwrap().iter().for_each(check_strict),
                "type" | "description" | "required" | "enum" => {}
                "additionalProperties" => assert_eq!(inner, false),
                other => panic!("{other}"),
            }
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            assert_eq!(schema["additionalProperties"], false);
            let names: Vec<&str> = properties.keys().map(String::as_str).collect();
            assert_eq!(schema["required"], json!(names));
        }
    }

    #[test]
    fn every_action_and_every_document_has_a_strict_schema() {
        for kind in ActionKind::ALL {
            check_strict(&strict(&schema_of(kind).arguments).unwrap());
        }
        check_strict(&strict(&schema(&ActionKind::ALL)).unwrap());
    }

    #[test]
    fn what_no_value_can_say_is_absent_makes_a_schema_unstrict() {
        let of = |property: Value| json!({"type": "object", "properties": {"a": property}, "required": [], "additionalProperties": false});
        assert!(strict(&of(json!({"type": ["string", "null"]}))).is_some());
        assert!(strict(&of(json!({"type": "string"}))).is_none());
        assert!(strict(&of(json!({"type": ["object", "null"]}))).is_none());
        assert!(strict(&json!({"type": "object", "properties": {}})).is_none());
    }

    #[test]
    fn what_strict_mode_demands_means_the_same_as_its_absence() {
        let parsed = |name: &str, arguments: Value| {
            let call = ToolCall { id: "a".into(), name: name.into(), arguments: arguments.to_string() };
            parse_tool_calls(&[call]).unwrap()
        };
        for (name, short, long) in [
            (
                "read_file",
                json!({"path": "a.rs"}),
                json!({"path": "a.rs", "first_line": null, "last_line": null}),
            ),
            (
                "create_file",
                json!({"path": "a.rs", "text": ""}),
                json!({"path": "a.rs", "text": "", "overwrite": false}),
            ),
            ("run_task", json!({"task": "t"}), json!({"task": "t", "args": []})),
        ] {
            assert_eq!(parsed(name, short), parsed(name, long));
        }
    }

    #[test]
    fn a_document_that_fits_a_schema_is_one_that_is_parsed() {
        let kinds = [ActionKind::ReadFile, ActionKind::RunTask, ActionKind::Finish];
        let document = json!({"actions": [
            {"id": "a1", "kind": "read_file", "path": "a.rs", "first_line": null, "last_line": null},
            {"id": "a2", "kind": "run_task", "task": "t", "args": []},
            {"id": "a3", "kind": "finish", "summary": "s"},
        ]});
        for schema in [schema(&kinds), strict(&schema(&kinds)).unwrap()] {
            assert!(jsonschema::draft202012::new(&schema).unwrap().is_valid(&document), "{schema:#}");
        }
        assert_eq!(parse_document(&document.to_string()).unwrap().len(), 3);
    }

    #[test]
    fn the_instruction_names_every_field() {
        let said = instruction(&[ActionKind::ReplaceRange, ActionKind::InsertAtSymbol, ActionKind::RunTask]);
        for wanted in [
            "- replace_range: ",
            "\n  - base_hash (optional string): ",
            "\n  - version (optional integer): ",
            "\n  - range ({start: {line: integer, character: integer}, end: {line: integer, character: integer}}): ",
            "\n  - side (before|after): ",
            "\n  - args (optional list of {name: string, value: string}): ",
        ] {
            assert!(said.contains(wanted), "{wanted:?} in {said}");
        }
        assert!(!said.contains("create_file"));
        assert!(instruction(&ActionKind::ALL).len() < 6000);
    }
}
