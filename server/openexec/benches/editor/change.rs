//! One letter in a large file: from the change to the answer of the question behind it, which the
//! server takes up after the change.

use crate::client::Client;
use crate::scene::Scene;
use crate::{Times, bare, load, project};
use serde_json::json;
use std::time::{Duration, Instant};

/// Lines of the file.
const LINES: usize = 10_000;
/// Letters that are typed.
const LETTERS: u32 = 2_000;

pub fn measure() {
    let mut scene = Scene::new();
    let path = scene.root.join("crates/part_0/src/large.rs");
    let text = project::large_rust_file(LINES);
    std::fs::write(&path, &text).unwrap();
    let (_, mut peer) = bare::start(&scene.root);
    // Of a place outside of all folders nothing is known, so the answer itself costs nothing.
    let outside = scene.root.parent().unwrap().join("outside.rs");
    for client in [&mut scene.client, &mut peer] {
        let (file, outside) = (client.open(&path), client.open(&outside));
        drop((changes(client, &file, &outside), questions(client, &outside)));
    }
    let [ours, floor] = both(&mut scene.client, &path, &outside);
    let [theirs, their_floor] = both(&mut peer, &path, &outside);
    let target = if ours.percentile(99) < 2.0 { "kept" } else { "missed" };
    println!(
        "bench editor/change: {ours}; one letter and a question, {LINES} lines, {} bytes; question alone {floor}; \
         target p99 < 2 ms {target}; load {}",
        text.len(),
        load()
    );
    println!(
        "bench editor/change-bare: {theirs}; the same with a bare tower-lsp server, question alone {their_floor}; \
         ours is {:.2} times as slow",
        ours.percentile(50) / theirs.percentile(50)
    );
}

fn both(client: &mut Client, path: &std::path::Path, outside: &std::path::Path) -> [Times; 2] {
    let [file, outside] = [path, outside].map(crate::client::uri);
    [Times::of(changes(client, &file, &outside)), Times::of(questions(client, &outside))]
}

/// Types in the middle of the file, on a line of its own comment.
fn changes(client: &mut Client, file: &str, outside: &str) -> Vec<Duration> {
    let at = json!({ "line": LINES / 2, "character": 0 });
    let (method, params) = bare::question(outside);
    let mut type_letter = |letter: u32| {
        let version = client.buffers[file].version + 1;
        client.buffers.get_mut(file).unwrap().version = version;
        let text = if letter == 0 { "//\n" } else { "a" };
        let at = if letter == 0 { at.clone() } else { json!({ "line": LINES / 2, "character": 2 }) };
        let began = Instant::now();
        client.notify(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": file, "version": version },
                    "contentChanges": [{ "range": { "start": at, "end": at }, "text": text }] }),
        );
        client.request(method, params.clone()).unwrap();
        began.elapsed()
    };
    type_letter(0);
    (1..=LETTERS).map(type_letter).collect()
}

fn questions(client: &mut Client, outside: &str) -> Vec<Duration> {
    let (method, params) = bare::question(outside);
    let mut ask = |_| {
        let began = Instant::now();
        client.request(method, params.clone()).unwrap();
        began.elapsed()
    };
    (0..LETTERS).map(&mut ask).collect()
}
