//! End-to-end tests: the real executable, real processes, real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bad_input;
mod budget;
mod client;
mod command_line_models;
mod crash;
mod demo;
mod documents;
mod fuzz_corpus;
mod headless;
mod helix;
mod hostile;
mod injections;
mod keyring;
mod lsp;
mod manners;
mod models;
mod neovim;
mod own_files;
mod packages;
mod policy;
mod project;
mod proposals;
mod reach;
mod report;
mod routing;
mod run_list;
mod sandbox;
mod vscode;
mod wire;
mod wires;
