//! What the fuzzing targets do with the bytes they are given. The end-to-end tests replay the
//! kept inputs through the same functions.

mod targets;

pub use targets::{TARGETS, blueprint, evaluate, guard, memory_file, outline, path, reply, rules, tasks};
