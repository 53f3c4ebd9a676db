//! Parameters as clients write them, made into ones that tower-lsp's types can hold.
//!
//! What editors pass on comes from other servers and from newer versions of the protocol, and
//! tower-lsp refuses a whole request for one value in it that its types do not know. Only what
//! nobody here needs is left out.

use crate::lsp::protocol::{CodeActionTriggerKind, Diagnostic, NumberOrString, ProgressToken, Range};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// The parameters of a request, mended. Those of which nothing is wrong stay as they are.
pub(super) fn mended(method: &str, mut params: Value) -> Value {
    if let Some(members) = params.as_object_mut() {
        for token in ["workDoneToken", "partialResultToken"] {
            keep_if::<ProgressToken>(members, token);
        }
        match method {
            "textDocument/codeAction" => mend_context(members),
            "workspace/executeCommand" => mend_arguments(members),
            _ => {}
        }
    }
    params
}

/// Leaves a member out that cannot be read as this.
fn keep_if<T: DeserializeOwned>(members: &mut Map<String, Value>, name: &str) {
    if members.get(name).is_some_and(|value| !is_readable::<T>(value)) {
        members.remove(name);
    }
}

fn is_readable<T: DeserializeOwned>(value: &Value) -> bool {
    T::deserialize(value).is_ok()
}

fn mend_context(members: &mut Map<String, Value>) {
    let context = members.entry("context").or_insert(Value::Null);
    if !context.is_object() {
        *context = json!({});
    }
    let Some(context) = context.as_object_mut() else { return };
    keep_if::<CodeActionTriggerKind>(context, "triggerKind");
    let said = context.get_mut("diagnostics").and_then(Value::as_array_mut).map(std::mem::take);
    let diagnostics: Vec<Value> = said.unwrap_or_default().into_iter().filter_map(diagnostic).collect();
    context.insert("diagnostics".to_owned(), diagnostics.into());
}

/// A diagnostic of whichever server: itself, else what can be read of it, else nothing.
fn diagnostic(said: Value) -> Option<Value> {
    if is_readable::<Diagnostic>(&said) {
        return Some(said);
    }
    let range = said.get("range").filter(|range| is_readable::<Range>(range))?;
    let message = said.get("message")?;
    // Since LSP 3.18 a message may be marked up.
    let message = message.as_str().or_else(|| message.get("value")?.as_str())?;
    let mut read = json!({ "range": range, "message": message });
    let members = read.as_object_mut()?;
    if let Some(source) = said.get("source").filter(|source| source.is_string()) {
        members.insert("source".to_owned(), source.clone());
    }
    match said.get("code") {
        Some(code) if is_readable::<NumberOrString>(code) => {
            members.insert("code".to_owned(), code.clone());
        }
        Some(Value::Number(number)) => {
            members.insert("code".to_owned(), number.to_string().into());
        }
        _ => {}
    }
    // Our own mends are found by what our own server has said.
    if let Some(data) = said.get("data") {
        members.insert("data".to_owned(), data.clone());
    }
    Some(read)
}

/// Arguments are a list; `null` is none, and one alone is a list of one.
fn mend_arguments(members: &mut Map<String, Value>) {
    match members.get_mut("arguments") {
        None | Some(Value::Array(_)) => {}
        Some(Value::Null) => {
            members.remove("arguments");
        }
        Some(alone) => *alone = Value::Array(vec![alone.take()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lsp::protocol::{CodeActionParams, ExecuteCommandParams};

    fn asked(diagnostics: Value) -> Vec<Diagnostic> {
        let place = json!({ "start": { "line": 2, "character": 4 }, "end": { "line": 2, "character": 6 } });
        let params = json!({ "textDocument": { "uri": "file:///a" }, "range": place,
                             "context": { "diagnostics": diagnostics, "triggerKind": 9 } });
        let params = mended("textDocument/codeAction", params);
        serde_json::from_value::<CodeActionParams>(params).unwrap().context.diagnostics
    }

    #[test]
    fn an_unusual_diagnostic_takes_nothing_else_with_it() {
        let range = json!({ "start": { "line": 2, "character": 4 }, "end": { "line": 2, "character": 6 } });
        for (name, value) in [
            ("codeDescription", json!({ "href": "" })),
            ("code", json!(4_294_967_295_u32)),
            ("code", json!(1.5)),
            ("code", json!({ "value": "x" })),
            ("message", json!({ "kind": "markdown", "value": "said" })),
            (
                "relatedInformation",
                json!([{ "location": { "uri": "gen/a.rs", "range": range }, "message": "" }]),
            ),
            ("severity", json!("Error")),
            ("tags", json!("old")),
        ] {
            let mut odd = json!({ "range": range, "message": "said", "source": "other" });
            odd[name] = value;
            let read = asked(json!([odd, { "range": range, "message": "plain" }]));
            let said: Vec<&str> = read.iter().map(|it| it.message.as_str()).collect();
            assert_eq!(said, ["said", "plain"], "{name}");
            assert_eq!(read[0].source.as_deref(), Some("other"), "{name}");
        }
        let code =
            asked(json!([{ "range": range, "message": "m", "code": 4_294_967_295_u32 }])).remove(0).code;
        assert_eq!(code, Some(NumberOrString::String("4294967295".to_owned())));
    }

    #[test]
    fn what_says_nothing_is_left_out_and_what_can_be_read_stays() {
        let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 1 } });
        let whole = json!({ "range": range, "message": "m", "severity": 1, "codeDescription": { "href": "https://e.org/" },
                            "data": { "a": 1 } });
        let odd = [
            json!(7),
            json!({ "message": "m" }),
            json!({ "range": range }),
            json!({ "range": 1, "message": "m" }),
        ];
        let read = asked(Value::from([odd.as_slice(), std::slice::from_ref(&whole)].concat()));
        assert_eq!(read, [serde_json::from_value(whole).unwrap()]);
        assert_eq!(asked(Value::Null), []);
    }

    #[test]
    fn a_menu_needs_no_context() {
        let place = json!({ "start": { "line": 2, "character": 4 }, "end": { "line": 2, "character": 6 } });
        for context in [json!(null), json!({}), json!({ "diagnostics": null })] {
            let params =
                json!({ "textDocument": { "uri": "file:///a" }, "range": place, "context": context });
            assert!(is_readable::<CodeActionParams>(&mended("textDocument/codeAction", params)), "{context}");
        }
    }

    #[test]
    fn arguments_are_a_list_whatever_is_written() {
        let of = |arguments: Value| {
            let params = json!({ "command": "c", "arguments": arguments, "workDoneToken": 1.5 });
            let params = mended("workspace/executeCommand", params);
            serde_json::from_value::<ExecuteCommandParams>(params).unwrap().arguments
        };
        assert_eq!(of(json!(null)), [] as [Value; 0]);
        assert_eq!(of(json!([])), [] as [Value; 0]);
        assert_eq!(of(json!({ "run": "x" })), [json!({ "run": "x" })]);
        assert_eq!(of(json!([1])), [json!(1)]);
    }
}
