//! The one binary: `openexec lsp` serves editors, everything else is for terminals and CI.

use std::process::ExitCode;

fn main() -> ExitCode {
    openexec::cli::main()
}
