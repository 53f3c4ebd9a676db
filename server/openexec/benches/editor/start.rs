//! From the start of the program to `initialized`, and to the first menu that is not empty.

use crate::scene::{FILES, FILES_MANY, Scene};
use crate::{Times, bare, load};
use std::time::{Duration, Instant};

/// Starts that are measured, after a first one.
const STARTS: usize = 20;

pub fn measure() {
    for files in [FILES, FILES_MANY] {
        let scene = Scene::of(files);
        let path = scene.root.join(&scene.chosen.path);
        let mut ours = Vec::new();
        let mut menus = Vec::new();
        let mut theirs: Vec<Duration> = Vec::new();
        for round in 0..=STARTS {
            let began = Instant::now();
            let mut client = scene.another();
            let initialized = began.elapsed();
            let file = client.open(&path);
            let offered = client.code_actions(&file, scene.chosen.line, 0);
            let menu = began.elapsed();
            assert!(!offered.is_empty(), "the first menu is empty");
            drop(client);
            let began = Instant::now();
            let (_, peer) = bare::start(&scene.root);
            let bare = began.elapsed();
            drop(peer);
            if round > 0 {
                ours.push(initialized);
                menus.push(menu);
                theirs.push(bare);
            }
        }
        let [ours, menus, theirs] = [ours, menus, theirs].map(Times::of);
        let target = if ours.percentile(99) < 50.0 { "kept" } else { "missed" };
        println!(
            "bench editor/start-{files}: {ours}; {files} files, to `initialized`; a bare tower-lsp server {theirs}; \
             {:.2} times as long; target < 50 ms {target}; load {}",
            ours.percentile(50) / theirs.percentile(50),
            load()
        );
        println!("bench editor/first-menu-{files}: {menus}; from the start of the program");
    }
}
