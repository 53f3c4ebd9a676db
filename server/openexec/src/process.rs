//! Child processes: argv, a clean environment, limits, no network, killed as a tree; and the
//! parsers of their reports. There is no shell.

use openexec_engine::path::WorkspacePath;
use openexec_engine::task::{ReportFormat, TestCounts, TestFailure};

/// What a report says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParsedReport {
    /// The counts, when the report could be read.
    pub counts: Option<TestCounts>,
    /// The failing tests.
    pub failures: Vec<TestFailure>,
}

/// Reads a report. `output` is what the task printed, `report_file` what it wrote.
/// `locate` turns a path as the report prints it into a workspace path, if it is one.
pub fn parse_report(
    _format: ReportFormat,
    _output: &str,
    _report_file: Option<&str>,
    _locate: &dyn Fn(&str) -> Option<WorkspacePath>,
) -> ParsedReport {
    todo!()
}

/// The entry of the hidden subcommand `openexec __sandbox`: builds the sandbox described on
/// standard input's first line (or in a file), then becomes the task. Never returns on success.
pub fn sandbox_main() -> anyhow::Error {
    todo!()
}
