//! The kept inputs of the fuzzing targets, replayed by an ordinary test: seeds, and whatever was
//! found and mended. `server/fuzz` finds new ones.

#[path = "../../server/fuzz/src/targets.rs"]
mod targets;

use std::path::{Path, PathBuf};

/// The kept inputs of one target.
fn inputs(target: &str) -> Vec<PathBuf> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let mut files: Vec<PathBuf> = ["seeds", "regressions"]
        .into_iter()
        .filter_map(|kept| std::fs::read_dir(fuzz.join(kept).join(target)).ok())
        .flat_map(|entries| entries.map(|entry| entry.unwrap().path()))
        .collect();
    files.sort();
    files
}

#[test]
fn kept_inputs_of_the_fuzzing_targets_hold() {
    let mut replayed = Vec::new();
    for (name, target) in targets::TARGETS {
        let files = inputs(name);
        assert!(!files.is_empty(), "there are no seeds for `{name}`");
        for file in &files {
            let bytes = std::fs::read(file).unwrap();
            let held = std::panic::catch_unwind(|| target(&bytes));
            assert!(held.is_ok(), "`{name}` does not hold for {}", file.display());
        }
        replayed.push(format!("{name} {}", files.len()));
    }
    println!("fuzzing inputs replayed: {}", replayed.join(", "));
}
