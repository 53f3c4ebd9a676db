//! Files of settings as values. Each form is read by the crate that knows it.

use super::{Form, Values};
use crate::limits::{CONFIG_DEPTH_MAX, CONFIG_NODES_MAX};
use serde_json::Value;

/// The settings of a text; `None` when it cannot be read.
pub(super) fn values(form: Form, text: &str) -> Option<Values> {
    if text.trim().is_empty() {
        return Some(Values::new());
    }
    match form {
        Form::Json => Some(flat(&serde_json::from_str(&without_comments(text)).ok()?)),
        Form::Toml => Some(flat(&toml::from_str(text).ok()?)),
        Form::Yaml => Some(flat(&serde_saphyr::from_str(text).ok()?)),
        Form::Ini => Some(ini(text)),
        Form::Make => Some(make(text)),
    }
}

/// Whole-line comments, which some readers of JSON allow.
fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// A tree of values as one level. An element of a list that has a name goes by it.
fn flat(value: &Value) -> Values {
    let mut values = Values::new();
    let mut open = vec![(Vec::new(), value)];
    let mut nodes = 0;
    while let Some((key, value)) = open.pop() {
        nodes += 1;
        if nodes > CONFIG_NODES_MAX {
            break;
        }
        let below = |part: &str| key.iter().cloned().chain([part.to_owned()]).collect::<Vec<String>>();
        match value {
            Value::Object(members) if key.len() < CONFIG_DEPTH_MAX => {
                open.extend(members.iter().map(|(name, value)| (below(name), value)));
            }
            Value::Array(elements) if elements.iter().any(Value::is_object) => {
                for (at, element) in elements.iter().enumerate() {
                    let name = element.get("name").and_then(Value::as_str);
                    open.push((below(name.unwrap_or(&at.to_string())), element));
                }
            }
            Value::Array(elements) => {
                values.insert(key, elements.iter().map(text_of).collect());
            }
            other => {
                values.insert(key, vec![text_of(other)]);
            }
        }
    }
    values
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Sections, keys, and values that go on in indented lines.
fn ini(text: &str) -> Values {
    let mut values = Values::new();
    let mut section = String::new();
    let mut key: Option<Vec<String>> = None;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t'])
            && let Some(key) = &key
        {
            values.entry(key.clone()).or_default().push(trimmed.to_owned());
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            section = name.trim().to_owned();
            key = None;
        } else if let Some((name, value)) = trimmed.split_once(['=', ':']) {
            let named = vec![section.clone(), name.trim().to_ascii_lowercase()];
            let value = value.trim();
            values.insert(named.clone(), if value.is_empty() { Vec::new() } else { vec![value.to_owned()] });
            key = Some(named);
        }
    }
    values
}

/// Targets and their recipes.
fn make(text: &str) -> Values {
    let mut values = Values::new();
    let mut targets: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with(['\t', ' ']) {
            for target in &targets {
                let recipe = line.trim();
                if !recipe.is_empty() && !recipe.starts_with('#') {
                    values.entry(vec![target.clone()]).or_default().push(recipe.to_owned());
                }
            }
        } else if let Some((names, _)) = line.split_once(':').filter(|(_, rest)| !rest.starts_with('=')) {
            targets = names.split_whitespace().map(ToOwned::to_owned).collect();
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            targets.clear();
        }
    }
    values
}
