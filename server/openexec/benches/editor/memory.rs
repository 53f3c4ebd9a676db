//! What the server needs of memory.

use crate::bare;
use crate::load;
use crate::scene::{FILES, FILES_MANY, Scene, memory_of};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long the server may settle after `initialize`.
const SETTLING: Duration = Duration::from_secs(2);

pub fn measure() {
    idle_on_many_files();
    let mut scene = Scene::new();
    settle();
    let idle = scene.memory("VmRSS");
    println!("bench editor/memory-idle: {idle:.1} MiB; {FILES} files, after `initialize`; load {}", load());

    let name = function_at(&scene);
    let old = format!("Ok(summary.with_label(\"{name}\"))");
    let new = format!("Ok(summary.with_label(\"{name}: checked\"))");
    let path = scene.chosen.path.clone();
    scene.model.answer_with(vec![
        ("replace_text", json!({ "path": path, "old": old, "new": new })),
        ("finish", json!({ "summary": "the label says more" })),
    ]);
    let arguments = scene.run();
    scene.client.heard.clear();
    let began = Instant::now();
    scene.client.execute("openexec.run", arguments).unwrap();
    let said = scene.announcement();
    let took = began.elapsed().as_millis();
    let (peak, after) = (scene.memory("VmHWM"), scene.memory("VmRSS"));
    let ratio = peak / idle;
    println!(
        "bench editor/memory-run: peak {peak:.1} MiB, {ratio:.2} times idle, {after:.1} MiB after; \
         one `implement` in {took} ms that said: {}",
        said.lines().next().unwrap_or_default()
    );
}

/// Beside a server that does nothing, which any server on the same crates needs.
fn idle_on_many_files() {
    let scene = Scene::of(FILES_MANY);
    let (bare, _client) = bare::start(&scene.root);
    settle();
    let (ours, peer) = (scene.memory("VmRSS"), memory_of(bare, "VmRSS"));
    let target = if ours < 60.0 { "kept" } else { "missed" };
    println!(
        "bench editor/memory-idle-many: {ours:.1} MiB, {:.2} times a bare tower-lsp server ({peer:.1} MiB); \
         {FILES_MANY} files; target < 60 MiB {target}; load {}",
        ours / peer,
        load()
    );
}

/// The name of the function that the run is about.
fn function_at(scene: &Scene) -> String {
    let text = std::fs::read_to_string(scene.root.join(&scene.chosen.path)).unwrap();
    let line = text.lines().nth(usize::try_from(scene.chosen.line).unwrap()).unwrap();
    line.trim_start_matches("pub fn ").split('(').next().unwrap().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "doing nothing for a while is what is measured")]
fn settle() {
    std::thread::sleep(SETTLING);
}
