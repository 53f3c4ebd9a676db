//! What a published JSON Schema says of a place: which keys can stand there, which values, and
//! what they mean. It understands the part of JSON Schema that our own schemas use.

use super::{Node, Outline, Step};
use serde_json::Value;

/// A JSON Schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema(Value);

/// A key that can stand in a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// What it means.
    pub description: String,
    /// Whether the mapping must have it.
    pub is_required: bool,
    /// Whether its value is a list or a mapping.
    pub is_nested: bool,
}

/// A value that can stand at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// As it is written.
    pub name: String,
    /// What it means; empty where the schema does not say.
    pub description: String,
}

impl Schema {
    /// A schema as it is published.
    pub fn new(schema: Value) -> Self {
        Self(schema)
    }

    /// The keys that the mapping at this path can have, given what stands in it already.
    pub fn keys(&self, outline: &Outline, path: &[Step]) -> Vec<Key> {
        let Some(schema) = self.at(path) else { return Vec::new() };
        let (barred, demanded) = self.conditional(schema, outline.get(path));
        let is_in = |list: Option<&Value>, name: &str| {
            list.and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == name))
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        properties
            .into_iter()
            .flatten()
            .filter(|(name, _)| !barred.contains(name))
            .map(|(name, property)| Key {
                name: name.clone(),
                description: self.description(property),
                is_required: is_in(schema.get("required"), name) || demanded.contains(name),
                is_nested: self.is_nested(property),
            })
            .collect()
    }

    /// The values that can stand at this path, where they are a closed set.
    pub fn choices(&self, path: &[Step]) -> Vec<Choice> {
        self.at(path).map(|schema| self.choices_of(schema)).unwrap_or_default()
    }

    /// What the schema says about the key, or the item, that this path leads to.
    pub fn describe(&self, path: &[Step]) -> Option<String> {
        let (Some(Step::Key(key)), Some(before)) = (path.last(), path.get(..path.len().saturating_sub(1)))
        else {
            return None;
        };
        let property = self.at(before)?.get("properties")?.get(key)?;
        Some(self.description(property)).filter(|text| !text.is_empty())
    }

    fn at(&self, path: &[Step]) -> Option<&Value> {
        path.iter().try_fold(self.resolved(&self.0), |schema, step| {
            let next = match step {
                Step::Key(key) => match schema.get("properties").and_then(|all| all.get(key)) {
                    Some(property) => property,
                    None => schema.get("additionalProperties").filter(|it| it.is_object())?,
                },
                Step::Item(_) => schema.get("items")?,
            };
            Some(self.resolved(next))
        })
    }

    /// Follows a reference into the definitions, and what may be absent to what it is else.
    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let is_something = |one: &&Value| one.get("type").and_then(Value::as_str) != Some("null");
        let mut alternatives =
            schema.get("anyOf").and_then(Value::as_array).into_iter().flatten().filter(is_something);
        let schema = match (alternatives.next(), alternatives.next()) {
            (Some(only), None) => only,
            _ => schema,
        };
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix('#'));
        target.and_then(|pointer| self.0.pointer(pointer)).unwrap_or(schema)
    }

    /// True for a list or a mapping.
    fn is_nested(&self, property: &Value) -> bool {
        let is_it = |kind: &Value| kind == "object" || kind == "array";
        match self.resolved(property).get("type") {
            Some(Value::Array(kinds)) => kinds.iter().any(is_it),
            Some(kind) => is_it(kind),
            None => false,
        }
    }

    fn description(&self, property: &Value) -> String {
        let said = property.get("description").or_else(|| self.resolved(property).get("description"));
        let text = said.and_then(Value::as_str).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn choices_of(&self, schema: &Value) -> Vec<Choice> {
        let schema = self.resolved(schema);
        if schema.get("type").and_then(Value::as_str) == Some("boolean") {
            let named = |name: &str| Choice { name: name.to_owned(), description: String::new() };
            return vec![named("true"), named("false")];
        }
        if let Some(value) = schema.get("const") {
            let name = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            return vec![Choice { name, description: self.description(schema) }];
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            let named = |value: &Value| Choice {
                name: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
                description: String::new(),
            };
            return values.iter().filter(|value| !value.is_null()).map(named).collect();
        }
        let alternatives = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
        alternatives.into_iter().flatten().flat_map(|one| self.choices_of(one)).collect()
    }

    /// The keys that a condition of the schema forbids, and those that it demands. A condition
    /// whose key does not stand there yet says nothing.
    fn conditional(&self, schema: &Value, mapping: Option<&Node>) -> (Vec<String>, Vec<String>) {
        let nothing = (Vec::new(), Vec::new());
        let Some(conditions) = schema.pointer("/if/properties").and_then(Value::as_object) else {
            return nothing;
        };
        let mut holds = true;
        for (key, wanted) in conditions {
            match mapping.and_then(|mapping| mapping.text_of(key)) {
                Some(text) if !text.is_empty() => holds &= wanted.get("const").is_some_and(|it| it == text),
                _ => return nothing,
            }
        }
        let Some(branch) = schema.get(if holds { "then" } else { "else" }) else { return nothing };
        let properties = branch.get("properties").and_then(Value::as_object);
        let barred = properties.into_iter().flatten().filter(|(_, it)| **it == Value::Bool(false));
        let demanded = branch.get("required").and_then(Value::as_array);
        let demanded = demanded.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        (barred.map(|(name, _)| name.clone()).collect(), demanded.collect())
    }
}
