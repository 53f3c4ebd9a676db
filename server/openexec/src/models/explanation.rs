//! What a model's server said, made fit for an error: without the key, without the prompt,
//! on one line, short.
//!
//! INVARIANT: no text of a server reaches a [`ModelError`](openexec_engine::model::ModelError)
//! but through [`Explanation`].

use crate::limits::MODEL_ERROR_CHARS_MAX;
use openexec_engine::model::{Message, ModelRequest};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// Letters and digits in a row that make a text a repetition of the prompt.
const REPEATED_CHARS_MIN: usize = 20;

/// Knows what must not be repeated.
pub(super) struct Explanation<'a> {
    /// The keys that were used.
    pub keys: &'a [&'a SecretString],
    /// Where the key is, for people.
    pub key_name: &'a str,
    pub request: &'a ModelRequest,
}

impl Explanation<'_> {
    /// The part of an error's body that is meant for people.
    pub(super) fn of_body(&self, body: &str) -> String {
        let parsed: Option<Value> = serde_json::from_str(body).ok();
        let message = parsed.as_ref().and_then(message);
        self.of_text(message.unwrap_or(body))
    }

    /// A text of the server's.
    pub(super) fn of_text(&self, text: &str) -> String {
        let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        text.retain(|character| !character.is_control());
        for key in self.keys {
            text = text.replace(key.expose_secret(), "[key]");
        }
        if text.is_empty() {
            return "it gave no explanation".to_owned();
        }
        // The cut comes last: a cut key would not be found.
        let cut: String = text.chars().take(MODEL_ERROR_CHARS_MAX).collect();
        if self.repeats_prompt(&cut) {
            return "its explanation repeats the request and is left out here".to_owned();
        }
        if cut.len() < text.len() { format!("{cut}…") } else { cut }
    }

    fn repeats_prompt(&self, text: &str) -> bool {
        let said: Vec<char> = essence(text).chars().collect();
        if said.len() < REPEATED_CHARS_MIN {
            return false;
        }
        let prompt = essence(&prompt(self.request));
        said.windows(REPEATED_CHARS_MIN).any(|window| prompt.contains(&window.iter().collect::<String>()))
    }
}

/// The places where servers put what is meant for people.
fn message(body: &Value) -> Option<&str> {
    let error = body.get("error").unwrap_or(body);
    ["message", "detail", "error"]
        .iter()
        .find_map(|field| error.get(field).and_then(Value::as_str))
        .or_else(|| error.as_str())
}

/// Letters and digits only, so that neither line breaks nor JSON's escapes hide a repetition.
fn essence(text: &str) -> String {
    let mut characters = text.chars().peekable();
    let mut essence = String::with_capacity(text.len());
    while let Some(character) = characters.next() {
        if character == '\\' && characters.peek().is_some_and(|next| matches!(next, 'n' | 'r' | 't')) {
            characters.next();
        } else if character.is_alphanumeric() {
            essence.push(character);
        }
    }
    essence
}

fn prompt(request: &ModelRequest) -> String {
    let mut prompt = request.system.clone();
    for message in &request.messages {
        match message {
            Message::User { text } => prompt.push_str(text),
            Message::Model { reply } => {
                prompt.push_str(&reply.text);
                reply.tool_calls.iter().for_each(|call| prompt.push_str(&call.arguments));
            }
            Message::Results { results } => {
                results.iter().for_each(|result| prompt.push_str(&result.text));
            }
        }
    }
    prompt
}

/// The chain of an error's causes, on one line, each said once.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        next = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::super::tests::request;
    use super::*;

    #[test]
    fn the_message_is_found_where_servers_put_it() {
        let request = request();
        let explanation = Explanation { keys: &[], key_name: "the key", request: &request };
        for body in [
            r#"{"type":"error","error":{"type":"x","message":"no such model"}}"#,
            r#"{"error":"no such model"}"#,
            r#"{"detail":"no such model"}"#,
            r#"{"message":"no such model","code":3}"#,
            "no such\n model\u{7}",
        ] {
            assert_eq!(explanation.of_body(body), "no such model", "{body}");
        }
        assert_eq!(explanation.of_body(""), "it gave no explanation");
    }

    #[test]
    fn the_key_is_replaced_before_the_text_is_cut() {
        let request = request();
        let key = SecretString::from("sk-0123456789abcdef");
        let explanation = Explanation { keys: &[&key], key_name: "the key", request: &request };
        assert_eq!(explanation.of_text("bad sk-0123456789abcdef!"), "bad [key]!");
        for padding in MODEL_ERROR_CHARS_MAX - 20..MODEL_ERROR_CHARS_MAX {
            let said = explanation.of_text(&format!("{}sk-0123456789abcdef", "-".repeat(padding)));
            assert!(!said.contains("sk-0") && said.chars().count() <= MODEL_ERROR_CHARS_MAX + 1, "{said}");
        }
    }

    #[test]
    fn the_prompt_is_not_repeated() {
        let mut request = request();
        request.messages = vec![Message::User {
            text: "fn secret_of_the_house() {\n    let a = 123456;\n    b(\"a\")\n}".into(),
        }];
        let explanation = Explanation { keys: &[], key_name: "the key", request: &request };
        for said in [
            "unexpected token in: fn secret_of_the_house() { let a = 123456;",
            r#"{"input": "fn secret_of_the_house() {\n    let a = 123456;"}"#,
            r#"got {"text": "…_of_the_house() {\n    let a = 123456;\n    b(\"a\")\n}"}"#,
        ] {
            assert!(explanation.of_text(said).contains("is left out"), "{said}");
        }
        assert_eq!(explanation.of_text("the model secret is not there"), "the model secret is not there");
    }
}
