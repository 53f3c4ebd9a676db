//! Secrets: found by their shape, by their exact value or as personal data, replaced by
//! placeholders that stand for the same value throughout a run, and restored when an edit brings
//! a placeholder back.
//!
//! Every placeholder has one grammar, `⟦secret:kind:n⟧`, whatever it stands for. One that already
//! stands in a text was not made by us. Its opening is treated as a value of its own
//! (`⟦secret:literal:n⟧`), so that a file which contains the text of a placeholder comes back as
//! it was, and never as somebody's secret.

mod keywords;
mod personal;
mod rules;
mod shapes;

pub use personal::PersonalData;

use crate::path::WorkspacePath;
use crate::policy::Taint;
use aho_corasick::{AhoCorasick, MatchKind};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// How every placeholder begins.
pub(crate) const OPENING: &str = "⟦secret:";
/// How every placeholder ends.
const CLOSING: char = '⟧';
/// The kind of the placeholder that stands for [`OPENING`] itself.
const LITERAL: &str = "literal";
/// The kind of a text that somebody wants masked.
const MASKED: &str = "address";
/// The kind of a value that stands in an environment file.
const ENVIRONMENT: &str = "environment";
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

/// What looks like a secret in a text: in order, without overlaps. Rules about certain files look
/// at the path; a text of which no path is known may be of any file.
pub(crate) fn find(text: &str, path: Option<&WorkspacePath>) -> Vec<Finding> {
    find_with(text, Look::First { path }, &BTreeSet::new(), &[])
}

/// Which look at a text this is.
#[derive(Clone, Copy)]
enum Look<'a> {
    /// The first, at a file's text or at one of no known file.
    First { path: Option<&'a WorkspacePath> },
    /// The last, at a text that was put together of texts which have been looked at, each with its
    /// path. Only what proves itself counts now: the rest was decided where its file was known.
    Last,
}

fn find_with(text: &str, look: Look<'_>, classes: &BTreeSet<PersonalData>, known: &[Taint]) -> Vec<Finding> {
    let (path, is_last) = match look {
        Look::First { path } => (path.map(WorkspacePath::as_str), false),
        Look::Last => (None, true),
    };
    let mut found = Vec::new();
    let called = keywords::called_by(text);
    let excepting = rules::RULES.excepting(path);
    for (index, parts) in called.rules() {
        let rule = rules::RULES.rules.get(index).filter(|rule| !(is_last && rule.is_about_files()));
        if let Some(rule) = rule.filter(|rule| excepting.get(rule.set()) != Some(&true)) {
            rule.find(text, parts, path, &mut found);
        }
    }
    for (index, parts) in called.shapes() {
        shapes::find(index, text, parts, &mut found);
    }
    found.retain(|finding| finding.certain || !is_last);
    personal::find(text, classes, &mut found);
    for place in known.iter().flat_map(|taint| taint.occurrences(text)) {
        let range = shapes::snapped(text, place.start..place.start + place.bytes);
        found.push(Finding { kind: ENVIRONMENT.to_owned(), range, certain: true });
    }
    found.retain(|finding| {
        text.get(finding.range.clone())
            .is_some_and(|value| value.len() >= SECRET_BYTES_MIN && !value.contains(['⟦', '⟧']))
    });
    united(found)
}

/// Findings that overlap are one: of none of them may a byte stay. It is called what the one that
/// begins first is called, or the longer of two.
fn united(mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort_by(|a, b| {
        let key = |it: &Finding| (it.range.start, std::cmp::Reverse(it.range.end), !it.certain);
        key(a).cmp(&key(b)).then_with(|| a.kind.cmp(&b.kind))
    });
    let mut kept: Vec<Finding> = Vec::new();
    for finding in found {
        match kept.last_mut() {
            Some(last) if finding.range.start < last.range.end => {
                last.range.end = last.range.end.max(finding.range.end);
                last.certain |= finding.certain;
            }
            _ => kept.push(finding),
        }
    }
    kept
}

/// A secret that a part of a file holds and that only the whole file gives away: a line of a key,
/// or a value whose name stands on the line above the part.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hidden {
    /// What it looks like.
    pub kind: String,
    /// The secret.
    pub text: String,
}

/// Says what it looks like, and not what it is.
impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hidden").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What looks like a secret in a whole file, for whoever shows parts of it and looks for the same
/// file's secrets more than once.
#[derive(Clone, Default)]
pub struct Secrets(Arc<[(String, String)]>);

/// Says how many there are.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secrets").field(&self.0.len()).finish()
    }
}

impl Secrets {
    /// Those of a file with this text.
    pub fn of(path: &WorkspacePath, whole: &str) -> Self {
        let value = |finding: Finding| Some((finding.kind, whole.get(finding.range)?.to_owned()));
        Self(find(whole, Some(path)).into_iter().filter_map(value).collect())
    }

    /// Those of which these parts of the file hold something.
    pub fn hidden_in(&self, parts: &[&str]) -> Vec<Hidden> {
        let stands = |text: &str| parts.iter().any(|part| part.contains(text));
        let hidden = self.0.iter().filter_map(|(kind, value)| {
            let whole = stands(value) || lines_of(value).any(stands);
            let shown = whole
                .then_some(value.as_str())
                .or_else(|| parts.iter().find_map(|part| begun(part, value)))?;
            Some(Hidden { kind: kind.clone(), text: shown.to_owned() })
        });
        hidden.collect()
    }
}

/// The secrets of a whole file of which these parts hold something.
pub fn hidden_in(path: &WorkspacePath, whole: &str, parts: &[&str]) -> Vec<Hidden> {
    Secrets::of(path, whole).hidden_in(parts)
}

/// The beginning of a secret with which a part ends, or that was cut and got an ellipsis.
fn begun<'v>(part: &str, value: &'v str) -> Option<&'v str> {
    let head = value.get(..SECRET_BYTES_MIN)?;
    part.match_indices(head).find_map(|(at, _)| {
        let rest = part.get(at..)?;
        let same = rest.chars().zip(value.chars()).take_while(|(a, b)| a == b);
        let bytes: usize = same.map(|(character, _)| character.len_utf8()).sum();
        let behind = rest.get(bytes..)?;
        (behind.is_empty() || behind.starts_with('…')).then_some(value.get(..bytes)?)
    })
}

/// The lines of a longer secret, each of which is one too. The lines that say what it is are none.
fn lines_of(value: &str) -> impl Iterator<Item = &str> {
    let lines = value.split(['\n', '\r']).map(str::trim).filter(|_| value.contains('\n'));
    lines.filter(|line| line.len() >= SECRET_BYTES_MIN && !line.starts_with("-----"))
}

/// The secrets that a run has seen, and their placeholders `⟦secret:kind:n⟧`.
#[derive(Clone, Default)]
pub struct Redactions {
    /// The personal data that is redacted as well.
    classes: BTreeSet<PersonalData>,
    /// The values of environment files, of which only fingerprints are known.
    environment: Vec<Taint>,
    /// What somebody wants masked, in any case: names of hosts have none.
    masked: Option<AhoCorasick>,
    /// Values and placeholders, in the order in which the run met them.
    secrets: Vec<(String, String)>,
    /// Where a value stands among the secrets.
    by_value: BTreeMap<String, usize>,
    /// Where the secret of a placeholder stands.
    by_placeholder: BTreeMap<String, usize>,
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
    /// Redacts these classes of personal data beside the secrets.
    pub fn of(classes: BTreeSet<PersonalData>) -> Self {
        Self { classes, ..Self::default() }
    }

    /// Redacts what a run must not show from its beginning on: these classes of personal data, the
    /// values of environment files, and texts that somebody wants masked.
    pub fn for_run<'t>(
        classes: BTreeSet<PersonalData>,
        environment: &Taint,
        masked: impl IntoIterator<Item = &'t str>,
    ) -> Self {
        let mut redactions = Self::of(classes);
        redactions.expect(environment);
        let masked: Vec<&str> = masked.into_iter().collect();
        masked.iter().for_each(|text| redactions.learn(MASKED, text));
        redactions.masked = AhoCorasick::builder().ascii_case_insensitive(true).build(masked).ok();
        redactions
    }

    /// Redacts from here on the values of environment files, whatever they look like.
    pub fn expect(&mut self, values: &Taint) {
        if values.is_empty() || self.environment.contains(values) {
            return;
        }
        // What stood there when the run began, and what stands there now.
        self.environment.truncate(1);
        self.environment.push(values.clone());
    }

    /// Takes in secrets that the parts which are still to come do not give away themselves.
    pub fn know(&mut self, hidden: &[Hidden]) {
        for secret in hidden {
            self.learn(&secret.kind, &secret.text);
        }
    }

    /// The values that this run has redacted, with their placeholders.
    pub(crate) fn known(&self) -> impl Iterator<Item = (&str, &str)> {
        let secrets = self.secrets.iter().filter(|(value, _)| value != OPENING);
        secrets.map(|(value, placeholder)| (value.as_str(), placeholder.as_str()))
    }

    /// Replaces every secret of a text that is of no file, and counts them. A value seen before
    /// anywhere in the run is replaced wherever it occurs.
    pub fn redact(&mut self, text: &str) -> (String, usize) {
        self.redact_in(None, text)
    }

    /// Replaces every secret of a file's text, or of a part of it, and counts them.
    pub fn redact_in(&mut self, path: Option<&WorkspacePath>, text: &str) -> (String, usize) {
        self.look_at(path, text);
        self.replace(text)
    }

    /// Takes in the secrets of a text that is replaced later, with those of others.
    pub(crate) fn look_at(&mut self, path: Option<&WorkspacePath>, text: &str) {
        if text.contains(OPENING) {
            self.learn(LITERAL, OPENING);
        }
        self.learn_from(Look::First { path }, text);
    }

    /// Replaces the secrets of a text that was looked at, and counts them.
    pub(crate) fn replace(&mut self, text: &str) -> (String, usize) {
        self.replaced(text, &[])
    }

    /// Takes in the secrets of a text that has passed redaction, should it have any.
    pub(crate) fn survey(&mut self, text: &str) {
        self.learn_from(Look::Last, text);
    }

    /// Replaces what a text that has passed redaction holds nevertheless. Placeholders stay.
    /// `None` when there is nothing, as there should be.
    pub(crate) fn sealed(&mut self, text: &str) -> Option<String> {
        let (sealed, count) = self.replaced(text, &openings(text));
        (count > 0).then_some(sealed)
    }

    fn learn_from(&mut self, look: Look<'_>, text: &str) {
        let mut found = find_with(text, look, &self.classes, &self.environment);
        // Also those that begin within another: of none of them may a byte stay.
        let masked = self.masked.iter().flat_map(|masked| masked.find_overlapping_iter(text));
        found.extend(masked.map(|hit| Finding {
            kind: MASKED.to_owned(),
            range: hit.range(),
            certain: true,
        }));
        for finding in united(found) {
            if let Some(value) = text.get(finding.range) {
                self.learn(&finding.kind, value);
            }
        }
    }

    /// The text with placeholders for all values, but for those that begin or end in `kept`.
    fn replaced(&mut self, text: &str, kept: &[Range<usize>]) -> (String, usize) {
        let Some(values) = self.values() else { return (text.to_owned(), 0) };
        let mut redacted = String::with_capacity(text.len());
        let (mut count, mut copied) = (0, 0);
        for hit in values.find_iter(text) {
            let Some((value, placeholder)) = self.secrets.get(hit.pattern().as_usize()) else { continue };
            if kept.iter().any(|kept| kept.start < hit.end() && hit.start() < kept.end) {
                continue;
            }
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
            let end = from.find(CLOSING).map(|at| at + CLOSING.len_utf8());
            let placeholder = end.and_then(|end| from.get(..end)).unwrap_or_default();
            let known = self.by_placeholder.get(placeholder).and_then(|index| self.secrets.get(*index));
            let Some((value, _)) = known else { return Err(UnknownPlaceholder(excerpt(from))) };
            restored.push_str(value);
            rest = from.get(placeholder.len()..).unwrap_or_default();
        }
        restored.push_str(rest);
        Ok(restored)
    }

    fn learn(&mut self, kind: &str, value: &str) {
        self.learn_one(kind, value);
        for line in lines_of(value) {
            self.learn_one(kind, line);
        }
    }

    fn learn_one(&mut self, kind: &str, value: &str) {
        // A value that occurs in placeholders themselves could not be kept out of a redacted text. What
        // somebody wants masked may: that a placeholder is called so says nothing of the masked.
        let occurs_in_placeholders = ![LITERAL, MASKED].contains(&kind) && keywords::is_named_like(value);
        if occurs_in_placeholders || self.by_value.contains_key(value) {
            return;
        }
        let index = self.secrets.len();
        let placeholder = format!("{OPENING}{kind}:{}{CLOSING}", index + 1);
        self.by_value.insert(value.to_owned(), index);
        self.by_placeholder.insert(placeholder.clone(), index);
        self.secrets.push((value.to_owned(), placeholder));
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

/// False for a text that stands in placeholders themselves, such as `secret`, in any case: to replace
/// it would make another one of it, so that it is left where it stands.
pub fn can_mask(text: &str) -> bool {
    let text = text.trim();
    !keywords::is_named_like(text) && !keywords::is_named_like(&text.to_lowercase())
}

/// Where placeholders, and what looks like one, stand in a text.
fn openings(text: &str) -> Vec<Range<usize>> {
    let spans = text.match_indices(OPENING).map(|(start, _)| {
        let rest = text.get(start..).unwrap_or_default();
        let closed = rest.find(CLOSING).map(|at| at + CLOSING.len_utf8());
        let end = closed.filter(|end| rest.get(..*end).is_some_and(|inside| !inside.contains('\n')));
        start..start + end.unwrap_or(OPENING.len())
    });
    spans.collect()
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
