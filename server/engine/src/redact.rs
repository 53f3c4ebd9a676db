//! Secrets: found by their shape, replaced by placeholders that stand for the same value
//! throughout a run, and restored when an edit brings a placeholder back.
//!
//! A placeholder that already stands in a text was not made by us. Its opening is treated as a
//! value of its own (`⟦secret:literal:n⟧`), so that a file which contains the text of a
//! placeholder comes back as it was, and never as somebody's secret.

mod rules;
mod shapes;

use aho_corasick::{AhoCorasick, MatchKind};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

/// How every placeholder begins.
const OPENING: &str = "⟦secret:";
/// How every placeholder ends.
const CLOSING: char = '⟧';
/// The kind of the placeholder that stands for [`OPENING`] itself.
const LITERAL: &str = "literal";
/// Bytes of the shortest value that is replaced. Shorter ones would be found inside ordinary words.
const SECRET_BYTES_MIN: usize = 6;

/// A place in a text that looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What it looks like.
    pub kind: String,
    /// Its bytes.
    pub range: Range<usize>,
    /// True when the shape alone proves it, false when only its surroundings suggest it.
    pub certain: bool,
}

/// What looks like a secret in a text: in order, without overlaps.
pub(crate) fn find(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    rules::find(text, &mut found);
    shapes::find(text, &mut found);
    found.retain(|finding| {
        text.get(finding.range.clone())
            .is_some_and(|value| value.len() >= SECRET_BYTES_MIN && !value.contains(['⟦', '⟧']))
    });
    // Of two findings that overlap, the one that begins first and is longer says more.
    found.sort_by(|a, b| {
        let key = |it: &Finding| (it.range.start, std::cmp::Reverse(it.range.end), !it.certain);
        key(a).cmp(&key(b)).then_with(|| a.kind.cmp(&b.kind))
    });
    let mut kept: Vec<Finding> = Vec::new();
    for finding in found {
        if kept.last().is_none_or(|last| finding.range.start >= last.range.end) {
            kept.push(finding);
        }
    }
    kept
}

/// The secrets that a run has seen, and their placeholders `⟦secret:kind:n⟧`.
#[derive(Clone, Default)]
pub struct Redactions {
    /// Values and placeholders, in the order in which the run met them.
    secrets: Vec<(String, String)>,
    /// Finds all values at once. Made again when a value is added.
    values: Option<AhoCorasick>,
}

/// Says how many secrets there are, and none of them.
impl fmt::Debug for Redactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactions").field("secrets", &self.secrets.len()).finish_non_exhaustive()
    }
}

/// A placeholder that stands for nothing this run has seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` stands for no secret of this run; leave placeholders exactly as they are")]
pub struct UnknownPlaceholder(pub String);

impl Redactions {
    /// The values that this run has redacted.
    pub(crate) fn known(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(|(value, _)| value.as_str()).filter(|value| *value != OPENING)
    }

    /// Replaces every secret, and counts them. A value seen before anywhere in the run is
    /// replaced wherever it occurs.
    pub fn redact(&mut self, text: &str) -> (String, usize) {
        if text.contains(OPENING) {
            self.learn(LITERAL, OPENING);
        }
        for finding in find(text) {
            if let Some(value) = text.get(finding.range) {
                self.learn(&finding.kind, value);
            }
        }
        let Some(values) = self.values() else { return (text.to_owned(), 0) };
        let mut redacted = String::with_capacity(text.len());
        let mut count = 0;
        let mut copied = 0;
        for hit in values.find_iter(text) {
            let Some((value, placeholder)) = self.secrets.get(hit.pattern().as_usize()) else { continue };
            redacted.push_str(text.get(copied..hit.start()).unwrap_or_default());
            redacted.push_str(placeholder);
            copied = hit.end();
            count += usize::from(value != OPENING);
        }
        redacted.push_str(text.get(copied..).unwrap_or_default());
        (redacted, count)
    }

    /// Puts the secrets back.
    ///
    /// # Errors
    /// On a placeholder that this run has not made.
    pub fn restore(&self, text: &str) -> Result<String, UnknownPlaceholder> {
        let mut restored = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, from)) = rest.find(OPENING).map(|at| rest.split_at(at)) {
            restored.push_str(before);
            let known = self.secrets.iter().find(|(_, placeholder)| from.starts_with(placeholder.as_str()));
            let Some((value, placeholder)) = known else { return Err(UnknownPlaceholder(excerpt(from))) };
            restored.push_str(value);
            rest = from.get(placeholder.len()..).unwrap_or_default();
        }
        restored.push_str(rest);
        Ok(restored)
    }

    /// Replaces this text from now on wherever it occurs, whatever it looks like.
    pub(crate) fn mask(&mut self, kind: &str, value: &str) {
        self.learn(kind, value);
    }

    fn learn(&mut self, kind: &str, value: &str) {
        // A value that occurs in placeholders themselves could not be kept out of a redacted text.
        let occurs_in_placeholders = kind != LITERAL && format!("{OPENING}{kind}:").contains(value);
        if occurs_in_placeholders || self.secrets.iter().any(|(known, _)| known == value) {
            return;
        }
        let number = self.secrets.len() + 1;
        self.secrets.push((value.to_owned(), format!("{OPENING}{kind}:{number}{CLOSING}")));
        self.values = None;
    }

    fn values(&mut self) -> Option<AhoCorasick> {
        if self.values.is_none() && !self.secrets.is_empty() {
            let values = self.secrets.iter().map(|(value, _)| value);
            self.values = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(values).ok();
        }
        self.values.clone()
    }
}

/// How many secrets a redacted text stands for, by kind. The values are not in it.
pub fn placeholders(text: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeSet::new();
    for rest in text.split(OPENING).skip(1) {
        let named = rest.split_once(CLOSING).and_then(|(inside, _)| inside.rsplit_once(':'));
        if let Some((kind, number)) = named
            && kind != LITERAL
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            found.insert((kind, number));
        }
    }
    let mut counts = BTreeMap::new();
    for (kind, _) in found {
        *counts.entry(kind.to_owned()).or_insert(0) += 1;
    }
    counts
}

/// The placeholder, cut where it ends or where a name would be too long to be one.
fn excerpt(text: &str) -> String {
    let end = text.char_indices().find(|(_, character)| *character == CLOSING);
    let whole = end.and_then(|(at, closing)| text.get(..at + closing.len_utf8())).unwrap_or(text);
    whole.chars().take(60).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
