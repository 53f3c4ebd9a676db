//! JSON without second meanings: no key twice (compared after unescaping), no number that is
//! not a whole number, no deeper nesting than the limit, nothing after the document.
//!
//! What breaks a rule is refused while it is read, before the rest is built.

use crate::limits::{REPLY_ACTIONS_MAX, REPLY_BYTES_MAX, REPLY_DEPTH_MAX};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Reads one JSON document and nothing else.
///
/// # Errors
/// Says what is wrong, where, and what to write instead.
pub(super) fn read(text: &str) -> Result<Value, String> {
    if text.len() > REPLY_BYTES_MAX {
        return Err(format!(
            "it has {} bytes, and at most {REPLY_BYTES_MAX} are read; send fewer or smaller actions",
            text.len()
        ));
    }
    if text.starts_with('\u{FEFF}') {
        return Err("it begins with a byte order mark; begin with `{`".to_owned());
    }
    let trimmed = text.trim_start_matches([' ', '\t', '\n', '\r']);
    if trimmed.is_empty() {
        return Err("it is empty; write one JSON object".to_owned());
    }
    if !trimmed.starts_with('{') {
        return Err("it does not begin with `{`; write the JSON object alone, \
                    without a markdown fence and without text before or after it"
            .to_owned());
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { place: Place::Root, depth: 0 }
        .deserialize(&mut reader)
        .map_err(|error| error.to_string())?;
    reader.end().map_err(|error| {
        format!("something stands after the JSON object ({error}); write exactly one object and nothing else")
    })?;
    Ok(value)
}

/// Where in the document the reader is. It lives on the stack, one link for each level.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Key { parent: &'a Place<'a>, key: &'a str },
    Index { parent: &'a Place<'a>, index: usize },
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str(""),
            Self::Key { parent: Place::Root, key } => write!(f, "{}", shown(key)),
            Self::Key { parent, key } => write!(f, "{parent}.{}", shown(key)),
            Self::Index { parent, index } => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A key as it may stand in a message: escaped, and cut to a length that a name can have.
pub(super) fn shown(key: &str) -> String {
    key.chars().take(40).flat_map(char::escape_debug).collect()
}

impl Place<'_> {
    /// The list of actions: the only list there is, and the only one with a limit of its own.
    fn is_actions(&self) -> bool {
        matches!(self, Self::Key { parent: Self::Root, key: "actions" })
    }
}

struct Strict<'a> {
    place: Place<'a>,
    depth: usize,
}

impl Strict<'_> {
    fn enter<E: Error>(&self) -> Result<usize, E> {
        let depth = self.depth + 1;
        if depth > REPLY_DEPTH_MAX {
            return Err(E::custom(format!(
                "it is nested more than {REPLY_DEPTH_MAX} levels deep; write it flat"
            )));
        }
        Ok(depth)
    }

    fn not_whole<E: Error>(&self, number: impl fmt::Display) -> E {
        E::custom(format!(
            "`{}` is {number}; write a whole number, without fraction and exponent",
            self.place
        ))
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Err(self.not_whole(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let depth = self.enter()?;
        let mut list = Vec::new();
        loop {
            let place = Place::Index { parent: &self.place, index: list.len() };
            let Some(item) = items.next_element_seed(Strict { place, depth })? else { break };
            if self.place.is_actions() && list.len() >= REPLY_ACTIONS_MAX {
                return Err(A::Error::custom(format!(
                    "`actions` has more than {REPLY_ACTIONS_MAX} entries; send the most important ones first"
                )));
            }
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let depth = self.enter()?;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let place = Place::Key { parent: &self.place, key: &key };
            if object.contains_key(&key) {
                return Err(A::Error::custom(format!("`{place}` is given twice; give each field once")));
            }
            let value = entries.next_value_seed(Strict { place, depth })?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
