//! What the server needs of memory.

use crate::bare;
use crate::load;
use crate::scene::{FILES, FILES_MANY, Scene, memory_of};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long a process must have done nothing to be idle: longer than it waits for files that were
/// written a moment ago.
const IDLE: Duration = Duration::from_secs(6);
/// How long it may work until then: on many files it makes its index.
const PATIENCE: Duration = Duration::from_secs(300);

pub fn measure() {
    idle_on_many_files();
    let mut scene = Scene::new();
    wait_until_idle(scene.process);
    let idle = scene.memory("VmRSS");
    println!("bench editor/memory-idle: {idle:.1} MiB; {FILES} files, indexed; load {}", load());

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
    let busy = wait_until_idle(scene.process).as_secs();
    let most = scene.memory("VmHWM");
    let (ours, peer) = (scene.memory("VmRSS"), memory_of(bare, "VmRSS"));
    let target = if ours < 60.0 { "kept" } else { "missed" };
    println!(
        "bench editor/memory-idle-many: {ours:.1} MiB, {:.2} times a bare tower-lsp server ({peer:.1} MiB); \
         {FILES_MANY} files, indexed within {busy} s with at most {most:.1} MiB; target < 60 MiB {target}; load {}",
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

/// Waits until a process does nothing any more. Says how long it did something.
fn wait_until_idle(process: u32) -> Duration {
    let began = Instant::now();
    let (mut worked, mut since) = (worked(process), began);
    while since.elapsed() < IDLE {
        assert!(began.elapsed() < PATIENCE, "the server is still at work");
        pause();
        let now = self::worked(process);
        if now > worked + 1 {
            (worked, since) = (now, Instant::now());
        }
    }
    since.duration_since(began)
}

/// The time that a process has worked, in ticks.
fn worked(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // Behind the name, which may hold anything: field 3 and the following ones.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum()
}

#[expect(clippy::disallowed_methods, reason = "what another process does can only be looked at")]
fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}
