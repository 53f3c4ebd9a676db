//! What a proposed text newly brings in: things a reviewer cannot see, secrets, and sentences
//! that switch off what judges the work. What stood in the file before is not held against an
//! edit, so that a bad file can be mended.

mod environment;
mod identifiers;
mod invisible;
mod names;
mod redacted;
mod switches;
mod taint;

pub(crate) use invisible::{Hidden, hidden};
pub use redacted::Redacted;
pub use taint::{Form, Occurrence, Taint, fingerprints};

use super::Verdict;
use crate::path::WorkspacePath;
use crate::redact;
use std::collections::BTreeMap;

/// One objection to a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Objection {
    /// The rule that objects.
    pub rule: &'static str,
    /// Its verdict.
    pub verdict: Verdict,
    /// What it found, fit to be shown.
    pub found: String,
    /// What would make it pass.
    pub remedy: &'static str,
}

/// What `text` brings in that `base` did not have. `path` decides which sentences have a meaning;
/// a text without one is prose.
pub(super) fn objections(path: Option<&WorkspacePath>, base: &str, text: &str) -> Vec<Objection> {
    let mut objections = Vec::new();
    objections.extend(invisible(base, text));
    objections.extend(secret(path, base, text));
    if let Some(path) = path {
        objections.extend(switches::switched(path, base, text));
        objections.extend(identifiers::lookalike(path, base, text));
        objections.extend(environment::dumped(path, base, text));
        objections.extend(names::misleading(path, base, text));
    }
    objections
}

/// The first newly introduced character that cannot be seen or that steers a terminal.
fn invisible(base: &str, text: &str) -> Option<Objection> {
    hidden(text).next()?;
    // A byte order mark stays where it was, whatever happens to the rest of its line.
    let (base, text) = match (base.strip_prefix('\u{FEFF}'), text.strip_prefix('\u{FEFF}')) {
        (Some(base), Some(text)) => (base, text),
        _ => (base, text),
    };
    // A file whose lines end in a lone carriage return keeps that convention.
    let lone_returns = base.contains('\r') && !base.contains('\n');
    introduced_lines(base, text).into_iter().find_map(|line| {
        let (_, character, kind) =
            hidden(line).find(|(_, character, _)| !(lone_returns && *character == '\r'))?;
        let (rule, remedy) = match kind {
            Hidden::Nul => ("content.nul", "write a text without NUL; spell it as an escape of the language"),
            Hidden::Control => (
                "content.control",
                "write a text without control characters; spell them as escapes of the language",
            ),
            Hidden::Escape => (
                "content.escape",
                "write a text without the ESC character; spell it as an escape such as \\x1b",
            ),
            Hidden::Bidi => (
                "content.bidi",
                "write a text without bidirectional controls; spell them as escapes of the language",
            ),
            Hidden::Invisible => (
                "content.invisible",
                "write a text without invisible characters; spell them as escapes of the language",
            ),
        };
        Some(Objection {
            rule,
            verdict: Verdict::Block,
            found: format!("U+{:04X}", u32::from(character)),
            remedy,
        })
    })
}

/// The first secret that the base does not contain.
fn secret(path: Option<&WorkspacePath>, base: &str, text: &str) -> Option<Objection> {
    let mut new: Vec<redact::Finding> = redact::find(text, path)
        .into_iter()
        .filter(|finding| text.get(finding.range.clone()).is_some_and(|value| !base.contains(value)))
        .collect();
    new.sort_by_key(|finding| !finding.certain);
    let finding = new.into_iter().next()?;
    let verdict = if finding.certain { Verdict::Block } else { Verdict::Ask };
    Some(Objection {
        rule: "content.secret",
        verdict,
        found: finding.kind,
        remedy: "read the value from the environment or from a secret store; do not write it into a file",
    })
}

/// True when a text holds a secret that must not be shown even redacted: a whole key file.
pub(super) fn is_key_material(text: &str) -> bool {
    redact::find(text, None).iter().any(|finding| finding.certain && finding.kind.contains("private-key"))
}

/// The lines of `text` that `base` does not have, each as often as it has more of them.
/// A line's terminating `\r` belongs to the break after it.
fn introduced_lines<'a>(base: &str, text: &'a str) -> Vec<&'a str> {
    let mut had: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines(base) {
        *had.entry(line).or_default() += 1;
    }
    lines(text)
        .filter(|line| match had.get_mut(line) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        })
        .collect()
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').map(|line| match line.strip_suffix('\n') {
        Some(line) => line.strip_suffix('\r').unwrap_or(line),
        None => line,
    })
}

#[cfg(test)]
mod tests;
