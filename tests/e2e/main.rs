//! End-to-end tests: the real executable, real processes, real files.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod client;
mod lsp;
mod packages;
mod sandbox;
mod wire;
