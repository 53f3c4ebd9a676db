//! Blueprints for people who look at them: from a file that need not be proven to its graph.

use openexec_engine::blueprint::{Blueprint, Chart, examine};
use openexec_engine::limits::CONFIG_BYTES_MAX;
use std::io::Read as _;
use std::path::Path;

/// The text of a blueprint file.
///
/// # Errors
/// When it cannot be read, is larger than a blueprint may be, or no UTF-8.
pub fn text_of(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let file = std::fs::File::open(path).map_err(|error| format!("could not read `{shown}`: {error}"))?;
    let mut text = String::new();
    file.take(CONFIG_BYTES_MAX as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|error| format!("could not read `{shown}`: {error}"))?;
    match text.len() > CONFIG_BYTES_MAX {
        true => Err(format!("`{shown}` is larger than {CONFIG_BYTES_MAX} bytes; write less")),
        false => Ok(text),
    }
}

/// The blueprint of a text whose graph is known, proven or not.
///
/// # Errors
/// Everything that hides its graph, with file, line, column and remedy.
pub fn blueprint(file: &str, text: &str) -> Result<Blueprint, String> {
    let examined = examine(file, text);
    let lines = || examined.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    examined.blueprint.clone().ok_or_else(lines)
}

/// A graph as a document: the Mermaid source, which many viewers draw, and a drawing in text,
/// which all of them show.
pub fn markdown(chart: &Chart) -> String {
    format!("# Graph\n\n```mermaid\n{}```\n\n```text\n{}```\n", chart.mermaid(), chart.drawing())
}
