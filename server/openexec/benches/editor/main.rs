//! What a user waits for in the editor, measured on the real server (`openexec lsp` as a child
//! process) with a generated project of 2,000 files, and of 50,000 where that may matter:
//!
//! - `change`: one letter in a file of 10,000 lines;
//! - `start`: from the start of the program to `initialized`;
//! - `request`: from the command that starts a run to the arrival of the model's request;
//! - `typing`: how long the menu of code actions takes while somebody types;
//! - `memory`: what the server needs when idle, and at the peak of a whole run.
//!
//! `cargo bench -p openexec --bench editor` or, for one of them, `… --bench editor -- typing`.
//!
//! Each figure is one line that begins with `bench NAME:`. The machine may be busy, so that a
//! figure stands beside a floor or a peer of the same minute, and nothing is asserted on time.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that cannot be made must end the bench"
)]

mod bare;
mod change;
// The language client of the end-to-end tests, which ends with the first fault.
#[path = "../../../../tests/e2e/client.rs"]
mod client;
mod memory;
mod model;
mod project;
mod request;
mod scene;
mod start;
mod typing;

use std::time::Duration;

fn main() {
    if std::env::args().any(|argument| argument == bare::ARGUMENT) {
        return bare::serve();
    }
    // What cargo itself passes begins with a dash.
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    for (name, measure) in [
        ("change", change::measure as fn()),
        ("start", start::measure),
        ("request", request::measure),
        ("typing", typing::measure),
        ("memory", memory::measure),
    ] {
        if is_wanted(name) {
            measure();
        }
    }
}

/// Measured times in order.
struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    /// In milliseconds, the time that so many of a hundred do not exceed.
    fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [p50, p99, most] = [50, 99, 100].map(|percent| self.percentile(percent));
        write!(out, "p50 {p50:.2} ms, p99 {p99:.2} ms, max {most:.2} ms of {}", self.0.len())
    }
}

/// The machine's load, as the kernel tells it.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("?").to_owned()
}
