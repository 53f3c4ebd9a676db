use super::*;
use crate::action::samples::{any_action, arguments, on_the_wire, one_of_each};
use crate::limits::REPLY_DEPTH_MAX;
use proptest::prelude::*;
use serde_json::json;

fn error(document: &str) -> String {
    match parse_document(document) {
        Err(ReplyError(message)) => message,
        Ok(batch) => panic!("{document} was taken as {batch:?}"),
    }
}

fn finish(id: &str) -> String {
    format!(r#"{{"id":"{id}","kind":"finish","summary":"done"}}"#)
}

fn reply(actions: &str) -> String {
    format!(r#"{{"actions":[{actions}]}}"#)
}

#[test]
fn a_plain_reply_is_taken() {
    let batch = parse_document(&format!(" \r\n\t{}\n\n", reply(&finish("a1")))).unwrap();
    assert_eq!(batch.len(), 1);
    assert_eq!(batch[0].id.as_str(), "a1");
    assert_eq!(batch[0].action.kind(), ActionKind::Finish);
}

#[test]
fn whatever_is_not_one_document_is_refused() {
    let good = reply(&finish("a1"));
    for (document, says) in [
        (String::new(), "is empty"),
        ("  \n".to_owned(), "is empty"),
        (format!("\u{FEFF}{good}"), "byte order mark"),
        (format!("```json\n{good}\n```"), "markdown fence"),
        (format!("Here it is: {good}"), "text before"),
        (format!("{good} done"), "something stands after"),
        (format!("{good}{good}"), "something stands after"),
        (good[..good.len() - 4].to_owned(), "EOF"),
        (format!("[{good}]"), "does not begin with `{`"),
        (good.replace("\"done\"", "'done'"), "expected value"),
        (good.replace("\"done\"}", "\"done\",}"), "trailing comma"),
        (good.replace("\"done\"", "\"\\ud800\""), "hex escape"),
        (good.replace("\"done\"", "\"\\udc00x\""), "surrogate"),
        (good.replace("\"done\"", "\"a\nb\""), "control character"),
        (good.replace("\"done\"", "NaN"), "expected"),
        (good.replace("\"done\"", "Infinity"), "expected"),
        (format!("/* note */ {good}"), "does not begin with `{`"),
    ] {
        let message = error(&document);
        assert!(message.contains(says), "{document}: {message}");
    }
}

#[test]
fn unknown_and_missing_things_are_named() {
    for (document, says) in [
        (r#"{}"#.to_owned(), "`actions` is missing"),
        (r#"{"actions":{}}"#.to_owned(), "`actions` is missing or not a list"),
        (r#"{"run_id":"other","actions":[]}"#.to_owned(), "`run_id` is not a field of a reply"),
        (reply("3"), "`actions[0]` is not an object"),
        (reply(r#"{"kind":"finish","summary":""}"#), "`actions[0].id` is missing"),
        (reply(r#"{"id":"a","summary":""}"#), "`actions[0].kind` is missing"),
        (reply(r#"{"id":7,"kind":"finish","summary":""}"#), "`actions[0].id` is not a text"),
        (reply(r#"{"id":"a","kind":"exec","command":"id"}"#), "unknown kind `exec`"),
        (reply(r#"{"id":"a","kind":"Finish","summary":""}"#), "unknown kind `Finish`"),
        (reply("{\"id\":\"a\",\"kind\":\"f\u{456}nish\",\"summary\":\"\"}"), "unknown kind"),
        (
            format!(
                r#"{{"actions":[{},{{"id":"b","kind":"finish","summary":"","approved":true}}]}}"#,
                finish("a")
            ),
            "`actions[1].approved` is not a field of `finish`; its fields are summary",
        ),
        (reply(r#"{"id":"a","kind":"read_file"}"#), "`actions[0].path` is missing"),
        (reply(r#"{"id":"a","kind":"read_file","path":3}"#), "`actions[0].path` is a number"),
        (reply(r#"{"id":"a","kind":"read_file","path":null}"#), "`actions[0].path` is null; write a text"),
        (reply(r#"{"id":"a","kind":"read_file","path":"x","first_line":"3"}"#), "write a whole number"),
        (reply(r#"{"id":"a","kind":"read_file","path":"x","first_line":-1}"#), "whole number below"),
        (reply(r#"{"id":"a","kind":"read_file","path":"x","first_line":4294967296}"#), "whole number below"),
        (
            reply(r#"{"id":"a","kind":"insert_at_symbol","path":"x","symbol":"f","side":"left","text":""}"#),
            "`actions[0].side` is a text that does not fit; write one of before, after",
        ),
    ] {
        let message = error(&document);
        assert!(message.contains(says), "{document}: {message}");
    }
}

#[test]
fn numbers_are_whole_and_exact() {
    for number in ["1.0", "1e3", "1.5", "-0", "18446744073709551616", "1E400", "0.1e1"] {
        let message =
            error(&reply(&format!(r#"{{"id":"a","kind":"read_file","path":"x","first_line":{number}}}"#)));
        assert!(
            message.contains("first_line") || message.contains("number out of range"),
            "{number}: {message}"
        );
    }
    let null = reply(r#"{"id":"a","kind":"read_file","path":"x","first_line":null,"last_line":7}"#);
    assert!(parse_document(&null).is_ok());
}

#[test]
fn a_key_twice_is_refused_however_it_is_spelt() {
    for twice in [
        r#"{"id":"a","kind":"delete_file","path":"a","path":"b"}"#,
        r#"{"id":"a","kind":"delete_file","path":"a","\u0070ath":"b"}"#,
        r#"{"id":"a","kind":"delete_file","kind":"read_file","path":"b"}"#,
    ] {
        let message = error(&reply(twice));
        assert!(message.contains("is given twice"), "{message}");
        assert!(message.contains("actions[0]."), "{message}");
    }
    assert!(error(r#"{"actions":[],"\u0061ctions":[]}"#).contains("`actions` is given twice"));
    let nested = reply(r#"{"id":"a","kind":"finish","summary":{"x":{"y":1,"y":2}}}"#);
    assert!(error(&nested).contains("`actions[0].summary.x.y` is given twice"));
}

#[test]
fn ids_are_short_visible_and_unique() {
    for (id, says) in [
        ("".to_owned(), "is empty"),
        ("x".repeat(ACTION_ID_BYTES_MAX + 1), "is too long"),
        ("a\\u0000".to_owned(), "control character"),
        ("a\\u200b".to_owned(), "invisible"),
        ("a\\u202e".to_owned(), "invisible"),
    ] {
        let message = error(&reply(&finish(&id)));
        assert!(message.contains("`actions[0].id`") && message.contains(says), "{message}");
    }
    assert!(
        error(&reply(&format!("{},{}", finish("a"), finish("a"))))
            .contains("`actions[1].id` was used before")
    );
    assert!(parse_document(&reply(&finish(&"x".repeat(ACTION_ID_BYTES_MAX)))).is_ok());
}

#[test]
fn limits_hold() {
    let deep = format!("{}{}", "{\"actions\":", "[".repeat(100_000));
    assert!(error(&deep).contains("levels deep"));
    let objects = r#"{"a":"#.repeat(REPLY_DEPTH_MAX + 1);
    assert!(error(&objects).contains("levels deep"));
    let many: Vec<String> = (0..=REPLY_ACTIONS_MAX).map(|n| finish(&format!("a{n}"))).collect();
    assert!(error(&reply(&many.join(","))).contains("more than 200 entries"));
    assert_eq!(parse_document(&reply(&many[1..].join(","))).unwrap().len(), REPLY_ACTIONS_MAX);
    let long = reply(&finish("a")).replace("done", &"x".repeat(REPLY_BYTES_MAX));
    assert!(error(&long).contains("bytes"));
}

#[test]
fn tool_calls_are_held_to_the_same_rules() {
    let call = |id: &str, name: &str, arguments: &str| ToolCall {
        id: ActionId::new(id),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    };
    let good = parse_tool_calls(&[call("t1", "finish", r#"{"summary":"done"}"#)]).unwrap();
    assert_eq!(good[0].id.as_str(), "t1");
    for (calls, says) in [
        (vec![call("t", "bash", "{}")], "`tool_calls[0]` has the unknown kind `bash`"),
        (vec![call("t", "finish", "")], "is empty"),
        (vec![call("t", "finish", "{} {}")], "something stands after"),
        (vec![call("t", "finish", r#"{"summary":"","id":"x"}"#)], "`tool_calls[0].id` is not a field"),
        (
            vec![call("t", "finish", r#"{"summary":"","kind":"finish"}"#)],
            "`tool_calls[0].kind` is not a field",
        ),
        (vec![call("t", "finish", r#"{"summary":"","summary":""}"#)], "is given twice"),
        (
            vec![call("t", "finish", r#"{"summary":""}"#), call("t", "finish", r#"{"summary":""}"#)],
            "`tool_calls[1].id` was used before",
        ),
        (vec![call("", "finish", r#"{"summary":""}"#)], "`tool_calls[0].id` is empty"),
        (vec![call("t", "finish", "x"); REPLY_ACTIONS_MAX + 1], "at most 200"),
        (vec![call("t", "finish", &"x".repeat(REPLY_BYTES_MAX + 1))], "bytes"),
    ] {
        let message = parse_tool_calls(&calls).unwrap_err().0;
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn a_reply_may_ask_for_nothing() {
    assert_eq!(parse_document(r#"{"actions":[]}"#), Ok(Vec::new()));
    assert_eq!(parse_tool_calls(&[]), Ok(Vec::new()));
}

#[test]
fn nested_fields_are_held_to_the_same_rules() {
    let range = |range: &str| {
        format!(
            r#"{{"actions":[{{"id":"a","kind":"replace_range","path":"a.rs","version":1,"range":{range},"text":""}}]}}"#
        )
    };
    let good = r#"{"start":{"line":0,"character":0},"end":{"line":0,"character":1}}"#;
    assert!(parse_document(&range(good)).is_ok());
    for (wrong, says) in [
        (r#"{"start":{"line":0,"character":0}}"#, "missing field `end`"),
        (r#"{"start":{"line":-1,"character":0},"end":{"line":0,"character":1}}"#, "-1"),
        (
            r#"{"start":{"line":18446744073709551617,"character":0},"end":{"line":0,"character":1}}"#,
            "cannot be read",
        ),
        (r#"{"start":{"line":0,"character":0,"c":1},"end":{"line":0,"character":1}}"#, "unknown field `c`"),
        (r#"{"start":{"line":0,"line":0,"character":0},"end":{"line":0,"character":1}}"#, "twice"),
        (r#""0:0""#, "write an object"),
    ] {
        let message = parse_document(&range(wrong)).unwrap_err().0;
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn messages_do_not_repeat_what_could_harm() {
    let message = error(&reply("{\"id\":\"a\",\"kind\":\"finish\",\"summary\":\"\",\"\\u001b[31mx\\n\":1}"));
    assert!(!message.contains('\u{1b}') && !message.contains('\n'), "{message:?}");
}

#[test]
fn one_of_each_survives_its_wire_form() {
    for action in one_of_each() {
        let document = json!({ "actions": [on_the_wire("a1", &action)] }).to_string();
        assert_eq!(parse_document(&document).unwrap()[0].action, action);
    }
}

proptest! {
    #[test]
    fn actions_survive_both_wire_forms(actions in proptest::collection::vec(any_action(), 1..6)) {
        let items: Vec<Value> =
            actions.iter().enumerate().map(|(n, action)| on_the_wire(&format!("a{n}"), action)).collect();
        let parsed = parse_document(&json!({ "actions": items }).to_string()).unwrap();
        let calls: Vec<ToolCall> = actions
            .iter()
            .enumerate()
            .map(|(n, action)| ToolCall {
                id: ActionId::new(format!("a{n}")),
                name: action.kind().name().to_owned(),
                arguments: arguments(action).to_string(),
            })
            .collect();
        let called = parse_tool_calls(&calls).unwrap();
        prop_assert_eq!(&parsed, &called);
        prop_assert_eq!(parsed.into_iter().map(|request| request.action).collect::<Vec<_>>(), actions);
    }

    #[test]
    fn mutated_replies_never_panic_and_never_grow_kinds(
        actions in proptest::collection::vec(any_action(), 1..4),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..8),
    ) {
        let items: Vec<Value> =
            actions.iter().enumerate().map(|(n, action)| on_the_wire(&format!("a{n}"), action)).collect();
        let mut bytes = json!({ "actions": items }).to_string().into_bytes();
        for (at, byte, how) in cuts {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => { bytes.remove(at); }
                _ => bytes.truncate(at),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(batch) = parse_document(&text) {
            // What is taken says exactly what the text says.
            let again = json!({
                "actions": batch.iter().map(|one| on_the_wire(one.id.as_str(), &one.action)).collect::<Vec<_>>()
            });
            prop_assert_eq!(parse_document(&again.to_string()).unwrap(), batch);
        }
    }

    #[test]
    fn a_repeated_key_is_found_at_any_place(
        keys in proptest::collection::vec("[a-z]{1,6}", 1..8),
        twice in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
    ) {
        let mut unique: Vec<String> = Vec::new();
        for key in keys {
            if !unique.contains(&key) {
                unique.push(key);
            }
        }
        let escaped: String =
            unique[twice.index(unique.len())].chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
        let at = at.index(unique.len() + 1);
        unique.insert(at, escaped);
        let fields: Vec<String> = unique.iter().map(|key| format!("\"{key}\":1")).collect();
        let document = format!("{{\"actions\":[{{\"x\":{{{}}}}}]}}", fields.join(","));
        prop_assert!(error(&document).contains("is given twice"), "{}", document);
    }
}
