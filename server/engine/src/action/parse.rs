//! From a reply's bytes to actions, strictly. Nothing is repaired, guessed or skipped: a reply
//! that breaks one rule has no effect at all, and its error tells the model what to write.

mod strict_json;

use super::schema::schema_of;
use super::{Action, ActionKind, ActionRequest};
use crate::ids::ActionId;
use crate::limits::{ACTION_ID_BYTES_MAX, REPLY_ACTIONS_MAX, REPLY_BYTES_MAX};
use crate::model::ToolCall;
use crate::path::is_ignorable;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use strict_json::shown;

/// Why a reply is not a list of actions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReplyError(pub String);

/// Parses `{"actions": [{"id": "a1", "kind": "replace_text", …}, …]}`. An empty list is a valid
/// reply that asks for nothing.
///
/// # Errors
/// Names the place and what to write instead.
pub fn parse_document(document: &str) -> Result<Vec<ActionRequest>, ReplyError> {
    let value =
        strict_json::read(document).map_err(|error| refused(format!("the reply cannot be read: {error}")))?;
    let Value::Object(mut reply) = value else {
        return Err(refused("the reply is not an object; write {\"actions\": [...]}".to_owned()));
    };
    let actions = reply.remove("actions");
    if let Some(key) = reply.keys().next() {
        return Err(refused(format!(
            "`{}` is not a field of a reply; write {{\"actions\": [...]}} and nothing beside it",
            shown(key)
        )));
    }
    let Some(Value::Array(items)) = actions else {
        return Err(refused("`actions` is missing or not a list; write {\"actions\": [...]}".to_owned()));
    };
    let mut ids = Ids::default();
    let mut batch = Vec::with_capacity(items.len().min(REPLY_ACTIONS_MAX));
    for (index, item) in items.into_iter().enumerate() {
        batch.push(request_of(&format!("actions[{index}]"), item, &mut ids)?);
    }
    Ok(batch)
}

/// Parses native tool calls: the tool's name is the action's kind, its arguments the rest.
///
/// # Errors
/// Names the call and what to write instead.
pub fn parse_tool_calls(calls: &[ToolCall]) -> Result<Vec<ActionRequest>, ReplyError> {
    if calls.len() > REPLY_ACTIONS_MAX {
        return Err(refused(format!(
            "the reply has {} tool calls, and at most {REPLY_ACTIONS_MAX} are read; send the most important ones first",
            calls.len()
        )));
    }
    let bytes = calls.iter().fold(0_usize, |sum, call| sum.saturating_add(call.arguments.len()));
    if bytes > REPLY_BYTES_MAX {
        return Err(refused(format!(
            "the arguments of the tool calls have {bytes} bytes, and at most {REPLY_BYTES_MAX} are read; \
             send fewer or smaller actions"
        )));
    }
    let mut ids = Ids::default();
    let mut batch = Vec::with_capacity(calls.len());
    for (index, call) in calls.iter().enumerate() {
        let place = format!("tool_calls[{index}]");
        let id = ids.admit(&place, call.id.as_str())?;
        let kind = kind_of(&place, &call.name)?;
        let value = strict_json::read(&call.arguments)
            .map_err(|error| refused(format!("the arguments of `{place}` cannot be read: {error}")))?;
        let Value::Object(arguments) = value else {
            return Err(refused(format!("the arguments of `{place}` are not an object; write one object")));
        };
        batch.push(ActionRequest { id, action: action_of(&place, kind, arguments)? });
    }
    Ok(batch)
}

fn refused(message: String) -> ReplyError {
    ReplyError(message)
}

/// The ids of one reply so far.
#[derive(Default)]
struct Ids(BTreeSet<String>);

impl Ids {
    fn admit(&mut self, place: &str, id: &str) -> Result<ActionId, ReplyError> {
        let wrong = if id.is_empty() {
            Some("is empty")
        } else if id.len() > ACTION_ID_BYTES_MAX {
            Some("is too long")
        } else if id.chars().any(|character| character.is_control() || is_ignorable(character)) {
            Some("contains a control character or an invisible one")
        } else if !self.0.insert(id.to_owned()) {
            Some("was used before")
        } else {
            None
        };
        match wrong {
            None => Ok(ActionId::new(id)),
            Some(wrong) => Err(refused(format!(
                "`{place}.id` {wrong}; give each action a short id of its own, such as `a1`"
            ))),
        }
    }
}

fn request_of(place: &str, item: Value, ids: &mut Ids) -> Result<ActionRequest, ReplyError> {
    let Value::Object(mut fields) = item else {
        return Err(refused(format!(
            "`{place}` is not an object; write {{\"id\": ..., \"kind\": ..., ...}}"
        )));
    };
    let mut text_of = |name: &str| match fields.remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(refused(format!("`{place}.{name}` is not a text; write it in quotes"))),
        None => Err(refused(format!("`{place}.{name}` is missing; every action has an `id` and a `kind`"))),
    };
    let id = text_of("id")?;
    let name = text_of("kind")?;
    let id = ids.admit(place, &id)?;
    let kind = kind_of(place, &name)?;
    Ok(ActionRequest { id, action: action_of(place, kind, fields)? })
}

fn kind_of(place: &str, name: &str) -> Result<ActionKind, ReplyError> {
    ActionKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
        let known: Vec<&str> = ActionKind::ALL.into_iter().map(ActionKind::name).collect();
        refused(format!(
            "`{place}` has the unknown kind `{}`; write one of {}",
            shown(name),
            known.join(", ")
        ))
    })
}

fn action_of(place: &str, kind: ActionKind, fields: Map<String, Value>) -> Result<Action, ReplyError> {
    if let Some(fault) = fault(place, kind, &fields) {
        return Err(refused(fault));
    }
    let value = Value::Object(fields);
    match kind {
        ActionKind::ReplaceText => typed(place, value).map(Action::ReplaceText),
        ActionKind::ReplaceSymbol => typed(place, value).map(Action::ReplaceSymbol),
        ActionKind::InsertAtSymbol => typed(place, value).map(Action::InsertAtSymbol),
        ActionKind::ReplaceRange => typed(place, value).map(Action::ReplaceRange),
        ActionKind::CreateFile => typed(place, value).map(Action::CreateFile),
        ActionKind::DeleteFile => typed(place, value).map(Action::DeleteFile),
        ActionKind::RenameFile => typed(place, value).map(Action::RenameFile),
        ActionKind::ReadFile => typed(place, value).map(Action::ReadFile),
        ActionKind::ReadSymbol => typed(place, value).map(Action::ReadSymbol),
        ActionKind::Search => typed(place, value).map(Action::Search),
        ActionKind::RunTask => typed(place, value).map(Action::RunTask),
        ActionKind::Remember => typed(place, value).map(Action::Remember),
        ActionKind::Finish => typed(place, value).map(Action::Finish),
    }
}

/// The types have the last word; the schema only words the common faults better.
fn typed<T: DeserializeOwned>(place: &str, value: Value) -> Result<T, ReplyError> {
    serde_json::from_value(value).map_err(|error| refused(format!("`{place}` cannot be understood: {error}")))
}

/// The first thing that is wrong with an action's fields, in words that name the field.
fn fault(place: &str, kind: ActionKind, fields: &Map<String, Value>) -> Option<String> {
    let schema = schema_of(kind);
    let known = schema.arguments.get("properties").and_then(Value::as_object)?;
    let required: Vec<&str> = schema
        .arguments
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, value) in fields {
        let name_shown = shown(name);
        let Some(property) = known.get(name) else {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            return Some(format!(
                "`{place}.{name_shown}` is not a field of `{}`; its fields are {}",
                kind.name(),
                names.join(", ")
            ));
        };
        if let Some(expected) = mismatch(property, value) {
            return Some(format!("`{place}.{name_shown}` is {}; write {expected}", sort_of(value)));
        }
    }
    let missing = required.into_iter().find(|name| !fields.contains_key(*name))?;
    Some(format!("`{place}.{missing}` is missing; `{}` needs it", kind.name()))
}

fn mismatch(property: &Value, value: &Value) -> Option<String> {
    let allows = |sort: &str| match property.get("type") {
        Some(Value::String(one)) => one == sort,
        Some(Value::Array(several)) => several.iter().any(|one| one == sort),
        _ => false,
    };
    let fits = match value {
        Value::Null => allows("null"),
        Value::String(_) => allows("string"),
        Value::Number(number) => {
            return (!allows("integer")
                || number.as_u64().is_none_or(|number| u32::try_from(number).is_err()))
            .then(|| {
                if allows("integer") { "a whole number below 4294967296" } else { "a text" }.to_owned()
            });
        }
        Value::Bool(_) => allows("boolean"),
        // What they hold is judged by the types.
        Value::Array(_) => allows("array"),
        Value::Object(_) => allows("object"),
    };
    let choices: Option<Vec<&str>> = property
        .get("enum")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect());
    match (fits, choices) {
        (true, Some(choices)) if value.as_str().is_none_or(|text| !choices.contains(&text)) => {
            Some(format!("one of {}", choices.join(", ")))
        }
        (true, _) => None,
        (false, Some(choices)) => Some(format!("one of {}", choices.join(", "))),
        (false, None) if allows("integer") => Some("a whole number".to_owned()),
        (false, None) if allows("boolean") => Some("true or false".to_owned()),
        (false, None) if allows("array") => Some("a list".to_owned()),
        (false, None) if allows("object") => Some("an object".to_owned()),
        (false, None) => Some("a text".to_owned()),
    }
}

fn sort_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number that does not fit",
        Value::String(_) => "a text that does not fit",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
