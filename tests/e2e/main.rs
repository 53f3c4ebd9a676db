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
mod drafts;
mod fuzz_corpus;
mod headless;
mod helix;
mod hostile;
mod injections;
mod keyring;
mod lsp;
mod manners;
mod masks;
mod memory;
mod models;
mod neovim;
mod neovim_screens;
mod own_files;
mod packages;
mod pitfalls;
mod policy;
mod project;
mod proposals;
mod pytest_lsp;
mod reach;
mod report;
mod reviews;
mod routing;
mod run_list;
mod sandbox;
mod several_editors;
mod soak;
mod terminal;
mod texts;
mod vscode;
mod wire;
mod wires;
mod workspaces;
