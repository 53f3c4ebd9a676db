use super::*;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

fn frame(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

/// What is handed on of a stream that arrives in small pieces.
fn handed_on(stream: &[u8]) -> Vec<Value> {
    let pieces: Vec<std::io::Result<Bytes>> =
        stream.chunks(7).map(|it| Ok(Bytes::copy_from_slice(it))).collect();
    let input = StreamReader::new(futures::stream::iter(pieces).boxed());
    let mut left = Vec::new();
    let mut reader = std::pin::pin!(decodable(input));
    futures::executor::block_on(reader.read_to_end(&mut left)).unwrap();
    let mut messages = Vec::new();
    let mut left = left.as_slice();
    while !left.is_empty() {
        let text = std::str::from_utf8(left).unwrap();
        let (length, _) = text.strip_prefix("Content-Length: ").unwrap().split_once("\r\n\r\n").unwrap();
        let start = "Content-Length: ".len() + length.len() + 4;
        let end = start + length.parse::<usize>().unwrap();
        messages.push(serde_json::from_slice(&left[start..end]).unwrap());
        left = &left[end..];
    }
    messages
}

const NEXT: &str = r#"{"jsonrpc":"2.0","id":7,"method":"next"}"#;

/// What is handed on of bytes, with the proof that the message behind them arrives.
fn before_the_next(stream: &[u8]) -> Vec<Value> {
    let mut messages = handed_on(&[stream, &frame(NEXT)].concat());
    assert_eq!(
        messages.pop(),
        Some(serde_json::from_str(NEXT).unwrap()),
        "{}",
        String::from_utf8_lossy(stream)
    );
    messages
}

/// The id and the code with which bytes are refused.
fn refused_as(stream: &[u8]) -> (Value, i64) {
    let messages = before_the_next(stream);
    let [refusal] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(refusal["method"], REFUSED);
    assert!(refusal["params"]["message"].as_str().is_some_and(|it| !it.is_empty()), "{refusal}");
    (refusal["id"].clone(), refusal["params"]["code"].as_i64().unwrap())
}

#[test]
fn what_can_be_decoded_is_handed_on_as_it_is() {
    for message in [
        json!({ "jsonrpc": "2.0", "method": "initialized", "params": {} }),
        json!({ "jsonrpc": "2.0", "id": "a", "method": "textDocument/hover", "params": [1] }),
        json!({ "jsonrpc": "2.0", "id": 1, "result": null }),
        json!({ "jsonrpc": "2.0", "id": null, "error": { "code": 1, "message": "größe 🦀" } }),
    ] {
        assert_eq!(before_the_next(&frame(message.to_string())), [message]);
    }
}

#[test]
fn headers_are_read_as_people_write_them() {
    let length = NEXT.len();
    for headers in [
        format!("content-length: {length}\r\n"),
        format!("CONTENT-LENGTH:{length}\r\n"),
        format!(
            "Content-Type: application/vscode-jsonrpc; charset=utf-16\r\nContent-Length: {length}\r\nX: y\r\nZ: z\r\n"
        ),
        format!("Content-Length: {length}\n"),
        format!("\r\n\r\nContent-Length: {length}\r\n"),
    ] {
        assert_eq!(before_the_next(format!("{headers}\r\n{NEXT}").as_bytes()).len(), 1, "{headers}");
    }
}

#[test]
fn what_cannot_be_decoded_is_refused_and_the_next_message_arrives() {
    let deep =
        format!("{{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":{}{}}}", "[".repeat(500), "]".repeat(500));
    for (body, id, code) in [
        ("{bad}", Value::Null, -32700),
        ("{\"jsonrpc\":\"2.0\",\"method\":", Value::Null, -32700),
        (deep.as_str(), Value::Null, -32700),
        ("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":[1e999]}", Value::Null, -32700),
        ("[]", Value::Null, -32600),
        (&format!("[{NEXT}]"), Value::Null, -32600),
        ("7", Value::Null, -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":3.5,\"method\":\"x\"}", Value::Null, -32600),
        ("{\"id\":78,\"method\":\"x\"}", json!(78), -32600),
        ("{\"jsonrpc\":\"1.0\",\"id\":\"a\",\"method\":\"x\"}", json!("a"), -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":7}", json!(5), -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":5}", json!(5), -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"x\",\"method\":\"y\"}", json!(5), -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"x\",\"id\":6}", json!(6), -32600),
    ] {
        assert_eq!(refused_as(&frame(body)), (id, code), "{body}");
    }
    let latin = b"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"x\",\"params\":\"\xff\"}";
    assert_eq!(refused_as(&frame(latin)), (json!(4), -32700));
    assert_eq!(refused_as(b"Content-Length: many\r\n\r\n"), (Value::Null, -32700));
    assert_eq!(refused_as(b"Content-Type: x\r\n\r\n"), (Value::Null, -32700));
}

#[test]
fn a_message_longer_than_its_header_says_hides_no_other() {
    let long = b"Content-Length: 2\r\n\r\n{}, \"a\": 1}";
    let messages = before_the_next(long);
    assert_eq!(messages.len(), 1, "{messages:?}");
    // One that is cut off by the end of the stream is none.
    assert!(handed_on(b"Content-Length: 20\r\n\r\n{}").is_empty());
    assert!(handed_on(b"Content-Len").is_empty());
}

#[test]
fn what_is_too_long_is_passed_over() {
    let mut frames = Frames::default();
    let mut source = BytesMut::from(format!("Content-Length: {}\r\n\r\n", MESSAGE_BYTES_MAX + 3).as_bytes());
    assert_eq!(frames.decode(&mut source).unwrap(), None);
    let piece = vec![b' '; 1 << 20];
    for _ in 0..MESSAGE_BYTES_MAX >> 20 {
        source.extend_from_slice(&piece);
        assert_eq!(frames.decode(&mut source).unwrap(), None);
        assert!(source.is_empty());
    }
    source.extend_from_slice(b"   ");
    let refusal = frames.decode(&mut source).unwrap().unwrap();
    assert!(String::from_utf8_lossy(&refusal).contains("-32600"));
    source.extend_from_slice(&vec![b'x'; HEADER_LINE_BYTES_MAX + 1]);
    assert_eq!(frames.decode(&mut source).unwrap(), None);
    assert!(source.is_empty());
}

#[test]
fn half_a_character_is_what_editors_write_for_it() {
    let of = |text: &str| {
        let body = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":\"{text}\"}}");
        let messages = before_the_next(&frame(body));
        messages[0]["params"].as_str().unwrap().to_owned()
    };
    for (json, text) in [
        ("\\ud83e", "\u{FFFD}"),
        ("a\\uDD80b", "a\u{FFFD}b"),
        ("\\ud83e\\udd80", "🦀"),
        ("\\ud83e\\ud83e\\udd80", "\u{FFFD}🦀"),
        ("\\udd80\\ud83e", "\u{FFFD}\u{FFFD}"),
        ("\\ud83e\\n\\u0041", "\u{FFFD}\nA"),
        ("\\\\ud83e", "\\ud83e"),
        ("\\\\\\ud83eß", "\\\u{FFFD}ß"),
    ] {
        assert_eq!(of(json), text, "{json}");
    }
}

#[test]
fn an_answer_that_cannot_be_read_is_a_failure_of_the_editor() {
    let messages = before_the_next(&frame(r#"{"jsonrpc":"2.0","id":5,"error":{"message":"x"}}"#));
    assert_eq!((&messages[0]["id"], &messages[0]["error"]["code"]), (&json!(5), &json!(-32603)));
    let messages = before_the_next(&frame(r#"{"jsonrpc":"2.0","id":5,"result":1,"result":2}"#));
    assert_eq!((&messages[0]["id"], &messages[0]["error"]["code"]), (&json!(5), &json!(-32603)));
    assert!(before_the_next(&frame(r#"{"jsonrpc":"2.0","id":5.5,"result":1}"#)).is_empty());
}

#[test]
fn a_change_that_cannot_be_read_takes_the_document_with_it() {
    let change = b"{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didChange\",\"params\":{\"textDocument\":\
        {\"uri\":\"file:///a\",\"version\":2},\"contentChanges\":[{\"text\":\"\xff\"}]}}";
    let messages = before_the_next(&frame(change));
    assert_eq!(messages[0]["params"], json!({ "textDocument": { "uri": "file:///a", "version": 2 } }));
    assert_eq!(messages[1]["method"], REFUSED);
}
