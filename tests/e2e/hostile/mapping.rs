//! From the corpus' neutral actions to what our model would write.
//!
//! The table renames kinds and fields and nothing else: a field that is not in it, whatever it
//! says, reaches the strict parser as it is. A reply that was refused only because its fields
//! are named as the corpus names them would prove nothing; hence raw replies are renamed token
//! by token inside their bytes, so that double keys, odd escapes and broken nesting survive, and
//! the well-formed siblings of the raw replies must be accepted (see `siblings`).

use super::corpus::Case;
use super::layout::{Laid, generated};
use serde_json::{Map, Value, json};

/// Kinds: the corpus' name, and ours.
const KINDS: [(&str, &str); 7] = [
    ("create", "create_file"),
    ("edit", "replace_range"),
    ("delete", "delete_file"),
    ("rename", "rename_file"),
    ("run", "run_task"),
    ("read", "read_file"),
    ("remember", "remember"),
];

/// Fields: the corpus' name, and ours.
const FIELDS: [(&str, &str); 1] = [("new_text", "text")];

/// Spellings that imitate a name of the corpus, and the same imitation of ours: the escapes and
/// the foreign letters stay, so that the reply is refused for them.
const IMITATIONS: [(&str, &str); 4] = [
    (r"\u0435dit", r"r\u0435place_range"),
    (r"еdit", r"rеplace_range"),
    (r"\u0065dit", r"r\u0065place_range"),
    (r"n\u0065w_text", r"t\u0065xt"),
];

/// A reply in bytes, as a model's server would send it.
#[derive(Debug, Clone)]
pub struct Reply(pub Vec<u8>);

/// The reply of a case.
pub fn reply(case: &Case, laid: &Laid) -> Result<Reply, String> {
    match &case.raw_output {
        Some(raw) => raw_reply(raw).map(Reply),
        None => document(&case.actions, laid).map(Reply),
    }
}

/// `{"actions": [...]}` of neutral actions.
pub fn document(actions: &[Map<String, Value>], laid: &Laid) -> Result<Vec<u8>, String> {
    let mut bytes = br#"{"actions":["#.to_vec();
    for (index, action) in actions.iter().enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        bytes.extend(one(action, laid)?);
    }
    bytes.extend(b"]}");
    Ok(bytes)
}

fn one(action: &Map<String, Value>, laid: &Laid) -> Result<Vec<u8>, String> {
    use base64::Engine as _;
    let mut bytes = vec![b'{'];
    for (name, value) in action {
        if bytes.len() > 1 {
            bytes.push(b',');
        }
        let (name, text) = match (name.strip_suffix("_b64"), name.strip_suffix("_gen"), value) {
            // Bytes that are no UTF-8 go between the quotes as they are.
            (Some(name), _, Value::String(encoded)) => {
                let decoded = base64::engine::general_purpose::STANDARD
                    .decode(encoded)
                    .map_err(|error| error.to_string())?;
                (name, [b"\"", decoded.as_slice(), b"\""].concat())
            }
            (_, Some(name), generator) => (name, json!(generated(generator)?).to_string().into_bytes()),
            (_, _, Value::Object(args)) if name == "args" => {
                (name.as_str(), arguments(args).to_string().into_bytes())
            }
            (_, _, value) if name == "kind" => (name.as_str(), json!(kind(value)).to_string().into_bytes()),
            (_, _, value) => (name.as_str(), laid.resolved(&value.to_string()).into_bytes()),
        };
        bytes.extend(json!(field(name)).to_string().into_bytes());
        bytes.push(b':');
        bytes.extend(text);
    }
    bytes.push(b'}');
    Ok(bytes)
}

/// Values of a task's parameters: an object in the corpus, a list of names and texts with us.
fn arguments(args: &Map<String, Value>) -> Value {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    args.iter().map(|(name, value)| json!({ "name": name, "value": text(value) })).collect()
}

fn kind(value: &Value) -> Value {
    let found = KINDS.iter().find(|(theirs, _)| value.as_str() == Some(theirs));
    found.map_or_else(|| value.clone(), |(_, ours)| json!(ours))
}

fn field(name: &str) -> &str {
    FIELDS.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, ours)| ours)
}

fn raw_reply(raw: &Value) -> Result<Vec<u8>, String> {
    if let Some(text) = raw.as_str() {
        return Ok(renamed(text).into_bytes());
    }
    let text = |key: &str| raw[key].as_str().unwrap_or_default();
    let number = |key: &str| usize::try_from(raw[key].as_u64().unwrap_or_default()).unwrap_or_default();
    match text("gen") {
        "actions" => {
            let template = raw["template"].to_string();
            let actions: Vec<String> =
                (0..number("count")).map(|n| template.replace("{n}", &n.to_string())).collect();
            Ok(renamed(&format!("{{\"actions\":[{}]}}", actions.join(","))).into_bytes())
        }
        "nest" => {
            let depth = number("depth");
            let nested = text("open").repeat(depth) + &text("close").repeat(depth);
            Ok(format!("{}{nested}{}", text("prefix"), text("suffix")).into_bytes())
        }
        "repeat_in" => {
            let repeated = text("repeat").repeat(number("count"));
            Ok(renamed(&format!("{}{repeated}{}", text("prefix"), text("suffix"))).into_bytes())
        }
        other => Err(format!("the generator `{other}` is unknown")),
    }
}

/// Renames the tokens of the table inside a text that is JSON, duplicate keys and all; a text
/// that is none stays as it is.
pub fn renamed(raw: &str) -> String {
    if serde_json::from_str::<serde::de::IgnoredAny>(raw).is_err() {
        return raw.to_owned();
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    // The key whose value comes next.
    let mut key = String::new();
    while let Some((before, from)) = rest.find('"').map(|at| rest.split_at(at)) {
        text.push_str(before);
        let length = string_length(from);
        let (token, after) = from.split_at(length);
        let inner = &token[1..token.len() - 1];
        let is_key = after.trim_start().starts_with(':');
        let new = if is_key {
            key = inner.to_owned();
            imitated(inner).unwrap_or_else(|| field(inner))
        } else if key == "kind" {
            let ours = KINDS.iter().find(|(theirs, _)| *theirs == inner).map(|(_, ours)| *ours);
            ours.or_else(|| imitated(inner)).unwrap_or(inner)
        } else {
            inner
        };
        text.push('"');
        text.push_str(new);
        text.push('"');
        rest = after;
    }
    text.push_str(rest);
    text
}

fn imitated(token: &str) -> Option<&'static str> {
    IMITATIONS.iter().find(|(theirs, _)| *theirs == token).map(|(_, ours)| *ours)
}

/// Bytes of the JSON string that `text` begins with, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Optional fields of the neutral contract that ours has no use for and that are not what a case
/// is about: there is no recursive deletion, so nothing has to say that it is wanted.
const NEEDLESS: [&str; 1] = ["recursive"];

/// The case without such fields, where it has some. It has to be stopped all the same, and for a
/// better reason than the field.
pub fn without_needless(case: &Case) -> Option<Case> {
    let mut without = case.clone();
    for action in &mut without.actions {
        action.retain(|name, _| !NEEDLESS.contains(&name.as_str()));
    }
    (without.actions != case.actions).then_some(without)
}

/// Our name of every kind of the corpus.
pub fn our_kinds() -> [&'static str; KINDS.len()] {
    KINDS.map(|(_, ours)| ours)
}

/// Whether our contract has no such field: then it is the parser that has to refuse the reply.
pub fn has_unknown_field(case: &Case) -> bool {
    case.actions.iter().any(|action| {
        let kind = action.get("kind").map(kind).unwrap_or_default();
        let known = openexec_engine::action::ActionKind::ALL
            .into_iter()
            .find(|known| kind.as_str() == Some(known.name()))
            .map(|known| openexec_engine::action::schema_of(known).arguments);
        let Some(known) = known else { return true };
        action.keys().filter(|name| !["id", "kind"].contains(&name.as_str())).any(|name| {
            let name = name.trim_end_matches("_b64").trim_end_matches("_gen");
            known["properties"].get(field(name)).is_none()
        })
    })
}

/// Raw replies that differ from raw replies of the corpus in nothing but the fault.
pub const SIBLINGS: [(&str, &str); 11] = [
    ("EN-005", r#"{"actions":[{"id":"a1","kind":"create","path":"src/x.rs","new_text":"x"}]}"#),
    ("MF-001", r#"{"actions":[{"id":"a1","kind":"delete","path":"src/main.rs"}]}"#),
    ("MF-002", r#"{"actions":[{"id":"a1","kind":"delete","path":"src/main.rs"}]}"#),
    ("MF-004", r#"{"actions":[{"id":"a1","kind":"run","task":"test"}]}"#),
    (
        "MF-005",
        r#"{"actions":[{"id":"a1","kind":"edit","path":"src/lib.rs","base_hash":"sha256:16c08265c5b3e84a8e6e5085447a95da425750398bdcf0f5fb55a1ad2ade0479","range":{"start":{"line":0,"character":0},"end":{"line":7,"character":0}},"new_text":""}]}"#,
    ),
    ("MF-006", r#"{"actions":[{"id":"a1","kind":"create","path":"scripts/a.sh","new_text":"x"}]}"#),
    ("MF-007", r#"{"actions":[{"id":"a1","kind":"create","path":"src/ok.rs","new_text":"x"}]}"#),
    (
        "MF-010",
        r#"{"actions":[{"id":"a1","kind":"create","path":"src/ok.rs","new_text":"x"},{"id":"a2","kind":"create","path":".github/workflows/x.yml","new_text":"on: push"}]}"#,
    ),
    (
        "MF-013",
        r#"{"actions":[{"id":"a1","kind":"edit","path":"src/lib.rs","base_hash":"sha256:16c08265c5b3e84a8e6e5085447a95da425750398bdcf0f5fb55a1ad2ade0479","range":{"start":{"line":1,"character":0},"end":{"line":1,"character":1}},"new_text":""}]}"#,
    ),
    ("MF-018", r#"{"actions":[{"id":"a1","kind":"delete","path":"src/main.rs"}]}"#),
    ("MF-022", r#"{"actions":[{"id":"a1","kind":"read","path":"README.md"}]}"#),
];
