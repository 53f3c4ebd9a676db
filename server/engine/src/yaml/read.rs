//! From nodes to values of the file's types. A value that cannot be read is reported and
//! left out; reading goes on with the next.

use super::problem::{Problems, one_of};
use super::tree::{Node, Place, Value};
use crate::limits::{BLUEPRINT_NAME_BYTES_MAX, BLUEPRINT_PROSE_BYTES_MAX, RETRY_LIMIT_MAX};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use std::borrow::Cow;

/// What can be read from a node. `subject` is how messages call it: `` `retry_limit` ``.
pub(crate) trait Read: Sized {
    fn read(node: &Node, subject: &str, problems: &mut Problems<'_>) -> Option<Self>;
}

/// A key's value in a mapping of the file.
#[derive(Debug, Default)]
pub(crate) enum Entry<T> {
    /// The key does not occur.
    #[default]
    Absent,
    /// It occurs, and what is wrong with it was reported.
    Faulty,
    /// It occurs.
    Present(Placed<T>),
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed<T> {
    pub(crate) place: Place,
    pub(crate) value: T,
}

impl<T> Entry<T> {
    pub(crate) fn read(node: &Node, subject: &str, problems: &mut Problems<'_>) -> Self
    where
        T: Read,
    {
        match T::read(node, subject, problems) {
            Some(value) => Self::Present(Placed { place: node.place, value }),
            None => Self::Faulty,
        }
    }

    pub(crate) fn present(&self) -> Option<&Placed<T>> {
        match self {
            Self::Present(placed) => Some(placed),
            Self::Absent | Self::Faulty => None,
        }
    }

    pub(crate) fn value(&self) -> Option<&T> {
        self.present().map(|placed| &placed.value)
    }

    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    pub(crate) fn is_faulty(&self) -> bool {
        matches!(self, Self::Faulty)
    }

    /// A key that was misspelt counts as one that was reported, so that nobody is told both
    /// of the misspelling and of the absence.
    pub(crate) fn suspect(&mut self) {
        if self.is_absent() {
            *self = Self::Faulty;
        }
    }
}

impl<T: JsonSchema> JsonSchema for Entry<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<T: JsonSchema> JsonSchema for Placed<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Reports that a node is of another kind than wanted.
pub(crate) fn wrong_kind(node: &Node, subject: &str, wanted: &str, problems: &mut Problems<'_>) {
    match &node.value {
        Value::Null => {
            problems.report(
                node.place,
                format!("{subject} has no value"),
                format!("write {wanted}, or leave the key out"),
            );
        }
        other => {
            problems.report(node.place, format!("{subject} is {}", other.kind()), format!("write {wanted}"));
        }
    }
}

/// The text of a node that holds one.
pub(crate) fn text<'n>(node: &'n Node, subject: &str, problems: &mut Problems<'_>) -> Option<&'n str> {
    match &node.value {
        Value::Text(text) => Some(text),
        Value::Bool(_) | Value::Integer(_) | Value::Decimal(_) => {
            wrong_kind(node, subject, "text, in quotes", problems);
            None
        }
        Value::Null | Value::List(_) | Value::Mapping(_) => {
            wrong_kind(node, subject, "text", problems);
            None
        }
    }
}

impl Read for bool {
    fn read(node: &Node, subject: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.value {
            Value::Bool(value) => Some(*value),
            _ => {
                wrong_kind(node, subject, "`true` or `false`", problems);
                None
            }
        }
    }
}

/// The version of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version;

impl Read for Version {
    fn read(node: &Node, subject: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match &node.value {
            Value::Integer(1) => Some(Self),
            Value::Integer(other) => {
                problems.report(
                    node.place,
                    format!("{subject} is {other}"),
                    "write `version: 1`, the only one there is",
                );
                None
            }
            _ => {
                wrong_kind(node, subject, "the number 1", problems);
                None
            }
        }
    }
}

impl JsonSchema for Version {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Version".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": 1 })
    }
}

/// How often something may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryLimit(pub(crate) u32);

impl Read for RetryLimit {
    fn read(node: &Node, subject: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Integer(number) = &node.value else {
            wrong_kind(node, subject, &format!("a whole number from 0 to {RETRY_LIMIT_MAX}"), problems);
            return None;
        };
        match u32::try_from(*number) {
            Ok(limit) if limit <= RETRY_LIMIT_MAX => Some(Self(limit)),
            _ => {
                problems.report(
                    node.place,
                    format!("{subject} is {number}"),
                    format!("write a whole number from 0 to {RETRY_LIMIT_MAX}"),
                );
                None
            }
        }
    }
}

impl JsonSchema for RetryLimit {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "RetryLimit".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": RETRY_LIMIT_MAX })
    }
}

/// The identifier of a stage or an artifact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(pub(crate) String);

impl Read for Name {
    fn read(node: &Node, subject: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let text = text(node, subject, problems)?;
        let good = text.len() <= BLUEPRINT_NAME_BYTES_MAX
            && text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
            && text.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | '.'));
        if !good {
            problems.report(
                node.place,
                format!("{subject} is `{}`", shown(text)),
                format!(
                    "write letters, digits, `_`, `-` and `.`, beginning with a letter, a digit or `_`, \
                     at most {BLUEPRINT_NAME_BYTES_MAX}"
                ),
            );
        }
        good.then(|| Self(text.to_owned()))
    }
}

impl JsonSchema for Name {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]*$",
            "maxLength": BLUEPRINT_NAME_BYTES_MAX,
        })
    }
}

/// The name of a blueprint or a task: one line that a person reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label(pub(crate) String);

impl Read for Label {
    fn read(node: &Node, subject: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let text = text(node, subject, problems)?;
        let good = !text.is_empty()
            && text.len() <= BLUEPRINT_NAME_BYTES_MAX
            && text.trim() == text
            && !text.chars().any(|it| it.is_control() || it == '`' || crate::path::is_ignorable(it));
        if !good {
            problems.report(
                node.place,
                format!("{subject} is `{}`", shown(text)),
                format!(
                    "write one line of at most {BLUEPRINT_NAME_BYTES_MAX} bytes without invisible characters \
                     and backticks"
                ),
            );
        }
        good.then(|| Self(text.to_owned()))
    }
}

impl JsonSchema for Label {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Label".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": BLUEPRINT_NAME_BYTES_MAX })
    }
}

/// Sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prose(pub(crate) String);

impl Read for Prose {
    fn read(node: &Node, subject: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let text = text(node, subject, problems)?;
        if text.len() > BLUEPRINT_PROSE_BYTES_MAX {
            problems.report(
                node.place,
                format!("{subject} has {} bytes", text.len()),
                format!("write at most {BLUEPRINT_PROSE_BYTES_MAX}"),
            );
            return None;
        }
        Some(Self(text.trim().to_owned()))
    }
}

impl JsonSchema for Prose {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Prose".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": BLUEPRINT_PROSE_BYTES_MAX })
    }
}

impl<T: Read> Read for Vec<Placed<T>> {
    /// Items that cannot be read make the whole list one that cannot, so that nothing is
    /// concluded from their absence.
    fn read(node: &Node, subject: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::List(items) = &node.value else {
            wrong_kind(node, subject, "a list, such as `[a, b]`", problems);
            return None;
        };
        let subject = format!("an item of {subject}");
        let read: Vec<Option<Placed<T>>> = items
            .iter()
            .map(|item| T::read(item, &subject, problems).map(|value| Placed { place: item.place, value }))
            .collect();
        read.into_iter().collect()
    }
}

/// One of a closed set, whose names are those under which serde knows them.
pub(crate) fn read_choice<T: for<'de> Deserialize<'de>>(
    node: &Node,
    subject: &str,
    problems: &mut Problems<'_>,
) -> Option<T> {
    let text = if let Value::Text(text) = &node.value { text.as_str() } else { "" };
    let deserializer: serde::de::value::StrDeserializer<'_, NotAChoice> = text.into_deserializer();
    let choices = match T::deserialize(deserializer) {
        Ok(value) => return Some(value),
        Err(NotAChoice(choices)) => choices,
    };
    if text.is_empty() {
        wrong_kind(node, subject, &one_of(choices), problems);
    } else {
        problems.report_choice(node.place, format!("{subject} is `{}`", shown(text)), text, choices);
    }
    None
}

/// The error of [`read_choice`]: it holds what could have been chosen.
#[derive(Debug, thiserror::Error)]
#[error("none of {0:?}")]
struct NotAChoice(&'static [&'static str]);

impl serde::de::Error for NotAChoice {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self(&[])
    }

    fn unknown_variant(_: &str, choices: &'static [&'static str]) -> Self {
        Self(choices)
    }
}

/// Reads these closed sets by the names under which serde knows them.
macro_rules! read_choices {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::yaml::Read for $type {
            fn read(
                node: &$crate::yaml::Node,
                subject: &str,
                problems: &mut $crate::yaml::Problems<'_>,
            ) -> Option<Self> {
                $crate::yaml::read_choice(node, subject, problems)
            }
        }
    )*};
}
pub(crate) use read_choices;

read_choices!(crate::policy::ApprovalMode, crate::policy::SandboxMode);

/// The beginning of a text, fit for a message.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String =
        text.chars().take(BLUEPRINT_NAME_BYTES_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(BLUEPRINT_NAME_BYTES_MAX).is_some() {
        shown.push('…');
    }
    shown
}
