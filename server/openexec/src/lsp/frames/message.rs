//! One message: whether tower-lsp can decode it, and what is said of it when not.

use crate::lsp::protocol::notification::{DidChangeTextDocument, Notification as _};
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::borrow::Cow;
use tokio_util::bytes::Bytes;
use tower_lsp::jsonrpc::{Error, ErrorCode, Id, Request, Response};

/// The method under which a refusal is handed on, so that it is answered in its turn. It is between
/// [`super`] and the service; an editor that sends it is told what it says itself.
pub(in crate::lsp) const REFUSED: &str = "openexec/refused";

/// What is wrong with a message, for its sender.
pub(super) struct Refusal {
    id: Value,
    code: ErrorCode,
    reason: String,
}

impl Refusal {
    /// Of a message of which is unknown whose answer it would be.
    pub(super) fn of_nobody(code: ErrorCode, reason: String) -> Self {
        Self { id: Value::Null, code, reason }
    }
}

/// The request in whose place a refusal is answered.
pub(super) fn refusal(Refusal { id, code, reason }: &Refusal) -> Bytes {
    tracing::warn!(reason, "a message of the editor could not be read");
    let params = json!({ "code": code.code(), "message": reason });
    json!({ "jsonrpc": "2.0", "id": id, "method": REFUSED, "params": params }).to_string().into()
}

/// The answer to a refusal that was handed on.
pub(in crate::lsp) fn refused(request: &Request) -> Response {
    let said = |name: &str| request.params().and_then(|params| params.get(name));
    let code = said("code").and_then(Value::as_i64).map_or(ErrorCode::InvalidRequest, ErrorCode::from);
    let message = said("message").and_then(Value::as_str).unwrap_or_default().to_owned();
    let error = Error { code, message: message.into(), data: None };
    Response::from_error(request.id().cloned().unwrap_or_default(), error)
}

/// What is handed on of a message: itself, or what stands for it.
pub(super) fn judged(body: Bytes) -> Vec<Bytes> {
    if body.is_empty() {
        return Vec::new();
    }
    let (text, unreadable) = match std::str::from_utf8(&body) {
        Ok(text) => (with_whole_characters(text), None),
        // What it was about can be seen all the same.
        Err(error) => (String::from_utf8_lossy(&body), Some(format!("the message is not UTF-8: {error}"))),
    };
    let message: Value = match serde_json::from_str(&text) {
        Ok(message) => message,
        Err(error) => {
            let reason = unreadable.unwrap_or_else(|| format!("the message is not JSON: {error}"));
            return vec![refusal(&Refusal::of_nobody(ErrorCode::ParseError, reason))];
        }
    };
    let fault = match unreadable {
        Some(reason) => Some((ErrorCode::ParseError, reason)),
        None => fault(&message, &text).map(|reason| (ErrorCode::InvalidRequest, reason)),
    };
    match (fault, text) {
        (None, Cow::Borrowed(_)) => vec![body],
        (None, Cow::Owned(mended)) => vec![mended.into()],
        (Some(_), _) if is_answer(&message) => failed_answer(&message).into_iter().collect(),
        (Some((code, reason)), _) => {
            let id = known_id(&message).unwrap_or_default();
            lost(&message).into_iter().chain([refusal(&Refusal { id, code, reason })]).collect()
        }
    }
}

/// Why tower-lsp could not decode it. It reads the text itself: where a member stands there twice, the
/// value has forgotten the first.
fn fault(message: &Value, text: &str) -> Option<String> {
    if message.is_array() {
        return Some("a batch of messages; the protocol has none, send them one by one".to_owned());
    }
    if !message.is_object() {
        return Some("a message is a JSON object".to_owned());
    }
    if is_answer(message) {
        return serde_json::from_str::<Response>(text).err().map(|error| error.to_string());
    }
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Some("`jsonrpc` is not \"2.0\"".to_owned());
    }
    if message.get("id").is_some() && known_id(message).is_none() {
        return Some("`id` is neither a whole number nor a text".to_owned());
    }
    match message.get("method") {
        Some(Value::String(_)) => serde_json::from_str::<Request>(text).err().map(|error| error.to_string()),
        _ => Some("a message has a `method`, or a `result` or `error`".to_owned()),
    }
}

/// Whether it answers a request of ours.
fn is_answer(message: &Value) -> bool {
    let has = |name| message.get(name).is_some();
    !has("method") && (has("result") || has("error"))
}

fn known_id(message: &Value) -> Option<Value> {
    let id = message.get("id")?;
    Id::deserialize(id).is_ok().then(|| id.clone())
}

/// An answer that cannot be read is one all the same: whoever asked does not wait for ever.
fn failed_answer(message: &Value) -> Option<Bytes> {
    let Some(id) = known_id(message).filter(|id| !id.is_null()) else {
        tracing::warn!("an answer of the editor belongs to no request");
        return None;
    };
    let error = json!({ "code": ErrorCode::InternalError.code(), "message": "the answer could not be read" });
    Some(json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string().into())
}

/// What stands for a change of a document that cannot be read: a change without a content, at
/// which the document counts as lost.
fn lost(message: &Value) -> Option<Bytes> {
    let method = message.get("method")?.as_str()?;
    let document = message.pointer("/params/textDocument")?;
    let change = json!({ "jsonrpc": "2.0", "method": method, "params": { "textDocument": document } });
    (method == DidChangeTextDocument::METHOD).then(|| change.to_string().into())
}

/// A JSON text in which U+FFFD stands for each half of a character that stands alone, as editors
/// write it into files. JSON can name such halves, and no text of ours can hold them.
fn with_whole_characters(json: &str) -> Cow<'_, str> {
    let mut mended: Option<String> = None;
    let mut from = 0;
    // Outside of texts, JSON has no backslash.
    while let Some(found) = json.get(from..).and_then(|rest| rest.find('\\')) {
        let at = from + found;
        from = match (unit(json, at), unit(json, at + UNIT)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => at + 2 * UNIT,
            (Some(0xD800..=0xDFFF), _) => {
                mended.get_or_insert_with(|| json.to_owned()).replace_range(at..at + UNIT, "\\ufffd");
                at + UNIT
            }
            (Some(_), _) => at + UNIT,
            (None, _) => {
                at + json.get(at + 1..).and_then(|rest| rest.chars().next()).map_or(1, |it| 1 + it.len_utf8())
            }
        };
    }
    mended.map_or(Cow::Borrowed(json), Cow::Owned)
}

/// Bytes of `\u0000`.
const UNIT: usize = 6;

/// The UTF-16 unit that is escaped at this byte.
fn unit(json: &str, at: usize) -> Option<u16> {
    let digits = json.get(at..at + UNIT)?.strip_prefix("\\u")?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}
