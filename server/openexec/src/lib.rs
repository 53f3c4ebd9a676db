//! OpenExec at the edge: everything that waits or touches the world.
//!
//! **Architecture invariant:** siblings do not import each other. Only [`driver`] knows
//! several of them, and [`lsp`] and [`cli`] stand above it.
#![warn(missing_docs)]

mod allocator;
pub mod cli;
pub mod config;
pub mod disclosure;
pub mod driver;
pub mod graph;
pub mod history;
pub mod limits;
pub mod lsp;
pub mod memory;
pub mod models;
pub mod policy;
pub mod process;
pub mod report;
pub mod shadow;
pub mod store;
pub mod tasks;
mod thread_time;
pub mod workspace;
