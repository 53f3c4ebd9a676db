//! One JSON Schema for each action, generated from the types that parse it.
//!
//! The schemas are plain: no `$ref`, no `$schema`, no `oneOf`, no formats and no bounds, because
//! the strict tool modes of the model providers each refuse some of these. What a bound would
//! say, the description says; the parser enforces it all the same.

use super::{Action, ActionKind};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// An action as a model is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionSchema {
    /// Which.
    pub kind: ActionKind,
    /// What it does.
    pub description: String,
    /// The schema of its arguments: an object, closed, without `kind` and `id`.
    pub arguments: Value,
}

/// The schema of one action.
pub fn schema_of(kind: ActionKind) -> ActionSchema {
    let known = SCHEMAS.iter().find(|schema| schema.kind == kind).cloned();
    // A closed object without properties accepts no arguments: nothing can be asked for by a
    // kind whose schema is missing. A test holds that every kind has one.
    known.unwrap_or_else(|| ActionSchema {
        kind,
        description: String::new(),
        arguments: closed(Map::new(), &[]),
    })
}

/// The schemas of several actions, in their order.
pub fn schemas_for(kinds: &[ActionKind]) -> Vec<ActionSchema> {
    kinds.iter().map(|kind| schema_of(*kind)).collect()
}

/// The schema of a whole reply `{"actions": […]}` for models without tool calling.
pub fn document_schema(kinds: &[ActionKind]) -> Value {
    let items: Vec<Value> = kinds.iter().map(|kind| document_item(*kind)).collect();
    let mut properties = Map::new();
    properties.insert(
        "actions".to_owned(),
        json!({
            "type": "array",
            "description": "The actions, in the order in which they are to be carried out; at least one.",
            "items": { "anyOf": items },
        }),
    );
    closed(properties, &["actions".to_owned()])
}

fn document_item(kind: ActionKind) -> Value {
    let schema = schema_of(kind);
    let mut properties = Map::new();
    let mut required = vec!["id".to_owned(), "kind".to_owned()];
    properties.insert(
        "id".to_owned(),
        json!({ "type": "string", "description": "A short name for this action, unique in the reply." }),
    );
    properties.insert("kind".to_owned(), json!({ "type": "string", "const": kind.name() }));
    if let Some(own) = schema.arguments.get("properties").and_then(Value::as_object) {
        properties.extend(own.clone());
    }
    required.extend(names(schema.arguments.get("required")));
    let mut item = closed(properties, &required);
    if let Some(item) = item.as_object_mut() {
        item.insert("description".to_owned(), Value::String(schema.description));
    }
    item
}

fn closed(properties: Map<String, Value>, required: &[String]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn names(list: Option<&Value>) -> Vec<String> {
    let texts = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// The schemas of all kinds, generated once: the variants of [`Action`] carry the descriptions.
static SCHEMAS: LazyLock<Vec<ActionSchema>> = LazyLock::new(|| {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let root = settings.into_generator().into_root_schema_for::<Action>().to_value();
    let variants = root.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
    variants.into_iter().filter_map(from_variant).collect()
});

fn from_variant(variant: Value) -> Option<ActionSchema> {
    let properties = variant.get("properties")?.as_object()?;
    let name = properties.get("kind")?.get("const")?.as_str()?;
    let kind = ActionKind::ALL.into_iter().find(|kind| kind.name() == name)?;
    let description = prose(variant.get("description")?.as_str()?);
    let required: Vec<String> =
        names(variant.get("required")).into_iter().filter(|name| name != "kind").collect();
    let arguments = properties
        .iter()
        .filter(|(name, _)| *name != "kind")
        .map(|(name, schema)| (name.clone(), plain(schema.clone())))
        .collect();
    Some(ActionSchema { kind, description, arguments: closed(arguments, &required) })
}

/// A doc comment on one line.
fn prose(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One property's schema without what strict modes refuse.
fn plain(mut schema: Value) -> Value {
    let Some(object) = schema.as_object_mut() else { return schema };
    for refused in ["format", "minimum", "maximum", "default", "title", "$schema"] {
        object.remove(refused);
    }
    if let Some(alternatives) = object.remove("oneOf") {
        // A plain enum whose variants are documented: each alternative is one constant.
        let constants: Vec<Value> = alternatives
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|alternative| alternative.get("const").cloned())
            .collect();
        object.insert("type".to_owned(), json!("string"));
        object.insert("enum".to_owned(), Value::Array(constants));
    }
    if let Some(description) = object.get("description").and_then(Value::as_str).map(prose) {
        object.insert("description".to_owned(), Value::String(description));
    }
    if let Some(items) = object.get_mut("items") {
        *items = plain(items.take());
    }
    for property in object.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        *property.1 = plain(property.1.take());
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::samples;

    fn walk(value: &Value, visit: &mut dyn FnMut(&Map<String, Value>)) {
        match value {
            Value::Object(object) => {
                visit(object);
                object.values().for_each(|value| walk(value, visit));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, visit)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_kind_has_a_closed_plain_schema() {
        for schema in schemas_for(&ActionKind::ALL) {
            assert!(!schema.description.is_empty(), "{:?}", schema.kind);
            assert_eq!(schema.arguments["additionalProperties"], false);
            let properties = schema.arguments["properties"].as_object().unwrap();
            assert!(
                !properties.is_empty() && !properties.contains_key("kind") && !properties.contains_key("id")
            );
            for (name, property) in properties {
                assert!(property["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
                assert!(property.get("type").is_some(), "{name}: {property}");
            }
        }
        walk(&document_schema(&ActionKind::ALL), &mut |object| {
            for refused in ["$ref", "$defs", "$schema", "oneOf", "allOf", "format", "minimum", "default"] {
                assert!(!object.contains_key(refused), "{refused} in {object:?}");
            }
        });
    }

    #[test]
    fn what_is_written_validates_and_what_is_unknown_does_not() {
        for action in samples::one_of_each() {
            let schema = schema_of(action.kind());
            let validator = jsonschema::validator_for(&schema.arguments).unwrap();
            let mut written = serde_json::to_value(&action).unwrap();
            written.as_object_mut().unwrap().remove("kind");
            assert!(validator.is_valid(&written), "{written}");
            written["surprise"] = json!(true);
            assert!(!validator.is_valid(&written), "{written}");
        }
    }

    #[test]
    fn a_document_validates_only_with_the_kinds_it_was_made_for() {
        let all = jsonschema::validator_for(&document_schema(&ActionKind::ALL)).unwrap();
        let reading =
            jsonschema::validator_for(&document_schema(&[ActionKind::ReadFile, ActionKind::Finish])).unwrap();
        for action in samples::one_of_each() {
            let kind = action.kind();
            let document = json!({ "actions": [samples::on_the_wire("a1", &action)] });
            assert!(all.is_valid(&document), "{document}");
            let expected = matches!(kind, ActionKind::ReadFile | ActionKind::Finish);
            assert_eq!(reading.is_valid(&document), expected, "{document}");
        }
    }

    #[test]
    fn optional_arguments_are_optional() {
        let schema = schema_of(ActionKind::ReadFile);
        assert_eq!(schema.arguments["required"], json!(["path"]));
        assert_eq!(
            schema_of(ActionKind::InsertAtSymbol).arguments["properties"]["side"]["enum"],
            json!(["before", "after"])
        );
    }
}
