//! The shapes of secrets of known services, carried over as data: the rules of gitleaks
//! (`gitleaks.json`) and what the plugins of detect-secrets know (`detect_secrets.json`), each
//! with its notice beside it. This module reads and runs them; it knows no service by name.

use super::shapes::{Shannon, denies, snapped};
use super::{Finding, SECRET_BYTES_MIN};
use aho_corasick::AhoCorasick;
use regex::bytes::{Captures, Regex, RegexBuilder};
use serde::Deserialize;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

/// Bytes that a compiled expression may take. The largest of the rules needs a third of it.
const COMPILED_BYTES_MAX: usize = 64 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    /// Exceptions that hold for all rules of the file.
    allow: Vec<AllowText>,
    rules: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    id: String,
    /// Without one, a file whose path matches is a secret as a whole.
    regex: Option<String>,
    /// The files that the rule is about.
    path: Option<String>,
    /// Lowercase. The expression is run on texts that contain one of them in any case; without
    /// any, on every text.
    #[serde(default)]
    keywords: Vec<String>,
    /// Bytes between two dots of the secret, in place of keywords.
    dots: Option<usize>,
    /// True when a keyword stands in each match, on the secret's line or just above it.
    #[serde(default)]
    near: bool,
    #[serde(default)]
    entropy: f64,
    /// The group that is the secret; 0 for all of the match. Otherwise the first that matched.
    group: Option<usize>,
    /// True when a secret without a digit is none.
    #[serde(default)]
    digit: bool,
    /// False when only the surroundings suggest the secret.
    #[serde(default = "yes")]
    certain: bool,
    #[serde(default)]
    allow: Vec<AllowText>,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "snake_case")]
enum Target {
    #[default]
    Secret,
    Match,
    Line,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowText {
    #[serde(default)]
    target: Target,
    /// True when every given condition must hold, and not just one.
    #[serde(default)]
    all: bool,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    regexes: Vec<String>,
    #[serde(default)]
    stopwords: Vec<String>,
}

/// An exception: what matches it is no secret.
struct Allow {
    target: Target,
    all: bool,
    /// All paths in one expression; none where there are no paths.
    paths: Option<Regex>,
    regexes: Vec<Regex>,
    stopwords: Option<AhoCorasick>,
}

/// A rule's expressions, compiled when the rule is first needed.
struct Compiled {
    regex: Option<Regex>,
    path: Option<Regex>,
    allow: Vec<Allow>,
}

/// One rule.
pub(super) struct Rule {
    text: RuleText,
    /// Which of the sets it is from.
    set: usize,
    compiled: OnceLock<Option<Compiled>>,
}

/// All rules, and the exceptions of each set.
pub(super) struct Rules {
    pub(super) rules: Vec<Rule>,
    allow: Vec<Vec<Allow>>,
}

const SETS: [&str; 2] = [include_str!("gitleaks.json"), include_str!("detect_secrets.json")];

pub(super) static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let mut all = Rules { rules: Vec::new(), allow: Vec::new() };
    for (set, text) in SETS.iter().enumerate() {
        // The files are compiled in and a test reads them completely, so that none is ever left out.
        let file = serde_json::from_str(text).unwrap_or(RuleFile { allow: Vec::new(), rules: Vec::new() });
        all.allow.push(file.allow.iter().filter_map(Allow::compile).collect());
        let rules = file.rules.into_iter();
        all.rules.extend(rules.map(|text| Rule { text, set, compiled: OnceLock::new() }));
    }
    all
});

/// Bytes, not code points: compiling is then a hundred times cheaper, and secrets are ASCII.
fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).size_limit(COMPILED_BYTES_MAX).build().ok()
}

/// One place where a rule's expression matched.
struct Match<'a> {
    secret: &'a [u8],
    whole: &'a [u8],
    line: &'a [u8],
    path: Option<&'a str>,
}

impl Allow {
    fn compile(text: &AllowText) -> Option<Self> {
        let stopwords = match text.stopwords.as_slice() {
            [] => None,
            words => Some(AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()?),
        };
        let paths = match text.paths.as_slice() {
            [] => None,
            paths => {
                let each: Vec<String> = paths.iter().map(|path| format!("(?:{path})")).collect();
                Some(compile(&each.join("|"))?)
            }
        };
        let regexes = text.regexes.iter().map(|pattern| compile(pattern)).collect::<Option<_>>()?;
        Some(Self { target: text.target, all: text.all, paths, regexes, stopwords })
    }

    fn excepts(&self, path: Option<&str>) -> bool {
        let paths = self.paths.as_ref();
        path.zip(paths).is_some_and(|(path, paths)| paths.is_match(path.as_bytes()))
    }

    fn applies(&self, found: &Match<'_>) -> bool {
        let haystack = match self.target {
            Target::Secret => found.secret,
            Target::Match => found.whole,
            Target::Line => found.line,
        };
        let by_path = || self.excepts(found.path);
        let by_text = || self.regexes.iter().any(|regex| regex.is_match(haystack));
        let by_word = || self.stopwords.as_ref().is_some_and(|words| words.is_match(found.secret));
        match self.all {
            true => {
                (self.paths.is_none() || by_path())
                    && (self.regexes.is_empty() || by_text())
                    && (self.stopwords.is_none() || by_word())
            }
            false => by_path() || by_text() || by_word(),
        }
    }
}

impl Rule {
    /// What the placeholders of its findings are called.
    pub(super) fn kind(&self) -> &str {
        &self.text.id
    }

    /// Which of the sets it is from.
    pub(super) const fn set(&self) -> usize {
        self.set
    }

    /// The words by which texts are ruled out; none when it has to be run on every text.
    pub(super) fn keywords(&self) -> &[String] {
        &self.text.keywords
    }

    /// How far two dots of the secret are apart, where that is what it is known by.
    pub(super) const fn dots(&self) -> Option<usize> {
        self.text.dots
    }

    /// True when it says something only about certain files.
    pub(super) const fn is_about_files(&self) -> bool {
        self.text.path.is_some()
    }

    /// True when it has to be run only around its keywords.
    pub(super) const fn is_near(&self) -> bool {
        self.text.near
    }

    fn compiled(&self) -> Option<&Compiled> {
        let compiled = self.compiled.get_or_init(|| {
            let optional = |pattern: &Option<String>| match pattern {
                Some(pattern) => compile(pattern).map(Some),
                None => Some(None),
            };
            Some(Compiled {
                regex: optional(&self.text.regex)?,
                path: optional(&self.text.path)?,
                allow: self.text.allow.iter().map(Allow::compile).collect::<Option<Vec<_>>>()?,
            })
        });
        compiled.as_ref()
    }

    /// Adds what the rule finds in these parts of the text. A text of which no path is known may be
    /// of any file.
    pub(super) fn find(
        &self,
        text: &str,
        parts: &[Range<usize>],
        path: Option<&str>,
        found: &mut Vec<Finding>,
    ) {
        let Some(compiled) = self.compiled() else { return };
        if let (Some(rule), Some(path)) = (&compiled.path, path)
            && !rule.is_match(path.as_bytes())
        {
            return;
        }
        let Some(regex) = &compiled.regex else {
            if path.is_some() {
                found.push(self.finding(text, 0, text.len()));
            }
            return;
        };
        let bytes = text.as_bytes();
        for captures in parts.iter().flat_map(|part| matches_in(regex, bytes, part)) {
            let Some(whole) = captures.get(0) else { continue };
            let first_group = || captures.iter().skip(1).flatten().find(|group| !group.is_empty());
            let named = self.text.group.and_then(|group| captures.get(group)).or_else(first_group);
            // A group that is too short to be a secret is a piece of one.
            let secret = named.filter(|group| group.len() >= SECRET_BYTES_MIN).unwrap_or(whole);
            let (start, end) = trimmed(bytes, secret.start(), secret.end());
            let Some(value) = bytes.get(start..end) else { continue };
            if !self.is_plausible(value) {
                continue;
            }
            if self.is_generic() && denies(whole.as_bytes()) {
                continue;
            }
            let line = line_around(bytes, whole.start(), whole.end());
            let matched = Match { secret: value, whole: whole.as_bytes(), line, path };
            let global = RULES.allow.get(self.set).into_iter().flatten();
            if !compiled.allow.iter().chain(global).any(|allow| allow.applies(&matched)) {
                found.push(self.finding(text, start, end));
            }
        }
    }

    fn is_plausible(&self, value: &[u8]) -> bool {
        let wants_digit = self.text.digit || self.is_generic();
        !value.is_empty()
            && (self.text.entropy <= 0.0 || value.entropy() > self.text.entropy)
            && (!wants_digit || value.iter().any(u8::is_ascii_digit))
    }

    fn is_generic(&self) -> bool {
        self.text.id.starts_with("generic")
    }

    fn finding(&self, text: &str, start: usize, end: usize) -> Finding {
        Finding {
            kind: self.text.id.clone(),
            range: snapped(text, start..end),
            certain: self.text.certain && !self.is_generic(),
        }
    }
}

impl Rules {
    /// The sets whose exceptions take out the whole file: lock files, vendored sources, pictures.
    pub(super) fn excepting(&self, path: Option<&str>) -> Vec<bool> {
        self.allow.iter().map(|set| set.iter().any(|allow| allow.excepts(path))).collect()
    }
}

/// The matches that begin in a part of a text and end in it. What stands before it is seen by the
/// borders that an expression asks for.
pub(super) fn matches_in<'t>(
    regex: &'t Regex,
    text: &'t [u8],
    part: &Range<usize>,
) -> impl Iterator<Item = Captures<'t>> + 't {
    let text = text.get(..part.end).unwrap_or(text);
    let mut from = part.start;
    std::iter::from_fn(move || {
        let captures = (from <= text.len()).then(|| regex.captures_at(text, from)).flatten()?;
        let whole = captures.get(0)?;
        from = whole.end().max(whole.start() + 1);
        Some(captures)
    })
}

fn trimmed(bytes: &[u8], mut start: usize, mut end: usize) -> (usize, usize) {
    let is_break = |at: usize| bytes.get(at).is_some_and(|byte| matches!(byte, b'\n' | b'\r'));
    while start < end && is_break(start) {
        start += 1;
    }
    while end > start && is_break(end - 1) {
        end -= 1;
    }
    (start, end)
}

/// The lines that a match touches.
fn line_around(bytes: &[u8], start: usize, end: usize) -> &[u8] {
    let before = bytes.get(..start).unwrap_or_default();
    let after = bytes.get(end..).unwrap_or_default();
    let first = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let last = after.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| end + at);
    bytes.get(first..last).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_read_and_every_rule_compiles() {
        let counts = SETS.map(|text| serde_json::from_str::<RuleFile>(text).unwrap().rules.len());
        assert!(counts[0] > 220 && counts[1] > 20, "{counts:?}");
        assert_eq!(RULES.rules.len(), counts.iter().sum::<usize>());
        assert_eq!(RULES.allow[0].len(), 1);
        for rule in &RULES.rules {
            assert!(rule.compiled().is_some(), "{}", rule.text.id);
            assert!(rule.text.regex.is_some() || rule.text.path.is_some(), "{}", rule.text.id);
            let keywords = &rule.text.keywords;
            assert!(keywords.iter().all(|it| *it == it.to_lowercase()), "{}", rule.text.id);
        }
    }
}
