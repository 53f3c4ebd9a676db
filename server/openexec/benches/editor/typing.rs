//! Code actions while somebody types in a large file.

use crate::scene::{FILES, FILES_MANY, Scene};
use crate::{Times, client, load, project};
use openexec_engine::syntax::{Language, SyntaxTree};
use openexec_engine::text::{Document, Position, PositionEncoding};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Lines of the file.
const LINES: usize = 2_000;
/// Keys per second.
const KEYS_PER_SECOND: u32 = 50;
/// Every so many keys the editor asks for code actions, as it does when the cursor rests.
const KEYS_PER_MENU: u32 = 10;
/// How long somebody types.
const SECONDS: u32 = 20;
/// What stands before the place where somebody types.
const LABEL: &str = "with_label(\"";

pub fn measure() {
    for files in [FILES, FILES_MANY] {
        measure_among(files);
    }
}

fn measure_among(files: usize) {
    let mut scene = Scene::of(files);
    let path = scene.root.join("crates/part_0/src/large.rs");
    let text = project::large_rust_file(LINES);
    std::fs::write(&path, &text).unwrap();
    let uri = scene.client.open(&path);
    // Within the name in quotes of a function in the middle of the file.
    let is_there = |(_, line): &(usize, &str)| line.contains(LABEL);
    let (line, content) = text.lines().enumerate().skip(LINES / 2).find(is_there).unwrap();
    let column = u32::try_from(content.find(LABEL).unwrap() + LABEL.len()).unwrap();
    // What can be offered is read from the disk when the conversation begins.
    let deadline = Instant::now() + client::PATIENCE;
    while scene.client.code_actions(&uri, u32::try_from(line).unwrap(), column).is_empty() {
        assert!(Instant::now() < deadline, "nothing is offered");
        pause(Duration::from_millis(10));
    }

    let mut idle = Vec::new();
    for _ in 0..SECONDS * KEYS_PER_SECOND / KEYS_PER_MENU {
        idle.push(menu(&mut scene, &uri, line, column));
    }
    let idle = Times::of(idle);
    let typing = Times::of(type_and_ask(&mut scene, &uri, line, column));
    let target = if typing.percentile(99) < 5.0 { "kept" } else { "missed" };
    let ratio = typing.percentile(50) / idle.percentile(50);
    println!(
        "bench editor/code-action-typing-{files}: {typing}; {files} files, {LINES} lines, {} bytes, \
         {KEYS_PER_SECOND} keys/s; \
         target p99 < 5 ms {target}; load {}",
        text.len(),
        load()
    );
    println!(
        "bench editor/code-action-idle-{files}: {idle}; nobody types; typing is {ratio:.2} times as slow"
    );
    if files == FILES {
        parts(&text, line, column);
    }
}

/// What the server does for each key and each menu, alone in this process.
fn parts(text: &str, line: usize, column: u32) {
    let mut document = Document::new(text);
    let mut tree = SyntaxTree::parse(Language::Rust, document.rope()).unwrap();
    let [mut rough, mut edits, mut directives, mut symbols] = [(); 4].map(|()| Vec::new());
    let line = u32::try_from(line).unwrap();
    for key in 0..SECONDS * KEYS_PER_SECOND / KEYS_PER_MENU {
        let at = Position { line, character: column + key };
        let began = Instant::now();
        let edit = document.change(Some((at, at)), "a", PositionEncoding::Utf16).unwrap();
        tree.shift(&edit);
        let mut at_once = tree.clone();
        at_once.read_roughly(document.rope(), &mut || true);
        rough.push(began.elapsed());
        let began = Instant::now();
        tree.read_again(document.rope());
        edits.push(began.elapsed());
        let began = Instant::now();
        std::hint::black_box(tree.directive_at(&document.to_string(), line + 1));
        directives.push(began.elapsed());
        let began = Instant::now();
        std::hint::black_box(tree.symbols(&document.to_string()));
        symbols.push(began.elapsed());
    }
    println!("bench editor/part-edit-roughly: {}; per key, before the menu", Times::of(rough));
    println!("bench editor/part-parse: {}; per key at most, in the background", Times::of(edits));
    println!("bench editor/part-directive: {}; per menu", Times::of(directives));
    println!("bench editor/part-symbols: {}; per key at most, in the background", Times::of(symbols));
}

/// Types and asks at a steady pace; how long each answer took. The answer to a menu is awaited
/// before the next key, which is late then; the pace is made up for afterwards.
fn type_and_ask(scene: &mut Scene, uri: &str, line: usize, column: u32) -> Vec<Duration> {
    let pace = Duration::from_secs(1) / KEYS_PER_SECOND;
    let began = Instant::now();
    let mut times = Vec::new();
    for key in 0..SECONDS * KEYS_PER_SECOND {
        pause((began + pace * key).saturating_duration_since(Instant::now()));
        let character = column + key;
        let at = json!({ "line": line, "character": character });
        let letter = char::from(b'a' + u8::try_from(key % 26).unwrap()).to_string();
        scene.client.notify(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": uri, "version": key + 2 },
                    "contentChanges": [{ "range": { "start": at, "end": at }, "text": letter }] }),
        );
        if key % KEYS_PER_MENU == 0 {
            // Straight behind the key, when nothing is known yet of the new text.
            times.push(menu(scene, uri, line, character + 1));
        }
    }
    times
}

#[expect(clippy::disallowed_methods, reason = "a pace is what is simulated here")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

fn menu(scene: &mut Scene, uri: &str, line: usize, character: u32) -> Duration {
    let at = json!({ "line": line, "character": character });
    let params = json!({
        "textDocument": { "uri": uri }, "range": { "start": at, "end": at },
        "context": { "diagnostics": [], "triggerKind": 2 },
    });
    let began = Instant::now();
    let actions = scene.client.request("textDocument/codeAction", params).unwrap();
    let time = began.elapsed();
    assert!(matches!(&actions, Value::Array(actions) if !actions.is_empty()), "{actions}");
    time
}
