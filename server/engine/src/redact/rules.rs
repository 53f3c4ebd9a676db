//! The shapes of secrets of known services: gitleaks' rules, carried over as data
//! (`gitleaks.json`, licence beside it), with a keyword search before any expression is run.

use super::Finding;
use super::shapes::{Shannon, snapped};
use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::{LazyLock, OnceLock};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    allow: Vec<AllowText>,
    rules: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    id: String,
    regex: String,
    keywords: Vec<String>,
    #[serde(default)]
    entropy: f64,
    group: Option<usize>,
    #[serde(default)]
    allow: Vec<AllowText>,
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
    #[serde(default)]
    regexes: Vec<String>,
    #[serde(default)]
    stopwords: Vec<String>,
}

/// An exception: what matches it is no secret.
struct Allow {
    target: Target,
    regexes: Vec<Regex>,
    stopwords: Option<AhoCorasick>,
}

/// A rule's expressions, compiled when the rule's keyword is first seen.
struct Compiled {
    regex: Regex,
    allow: Vec<Allow>,
}

struct Rule {
    text: RuleText,
    compiled: OnceLock<Option<Compiled>>,
}

struct Rules {
    rules: Vec<Rule>,
    allow: Vec<Allow>,
    keywords: Option<AhoCorasick>,
    /// For each keyword, the rule it belongs to.
    owners: Vec<usize>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    // The file is compiled in and a test reads it completely, so that the default is never used.
    let file = serde_json::from_str(include_str!("gitleaks.json"));
    let file = file.unwrap_or(RuleFile { allow: Vec::new(), rules: Vec::new() });
    let mut owners = Vec::new();
    let mut keywords = Vec::new();
    for (index, rule) in file.rules.iter().enumerate() {
        owners.extend(rule.keywords.iter().map(|_| index));
        keywords.extend(rule.keywords.iter().cloned());
    }
    Rules {
        rules: file.rules.into_iter().map(|text| Rule { text, compiled: OnceLock::new() }).collect(),
        allow: file.allow.iter().filter_map(Allow::compile).collect(),
        keywords: AhoCorasick::builder().ascii_case_insensitive(true).build(keywords).ok(),
        owners,
    }
});

/// Bytes, not code points: compiling is then a hundred times cheaper, and secrets are ASCII.
fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).size_limit(64 * 1024 * 1024).build().ok()
}

impl Allow {
    fn compile(text: &AllowText) -> Option<Self> {
        let regexes = text.regexes.iter().map(|pattern| compile(pattern)).collect::<Option<Vec<_>>>()?;
        let stopwords = match text.stopwords.as_slice() {
            [] => None,
            words => Some(AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()?),
        };
        Some(Self { target: text.target, regexes, stopwords })
    }

    fn applies(&self, secret: &[u8], matched: &[u8], line: &[u8]) -> bool {
        let haystack = match self.target {
            Target::Secret => secret,
            Target::Match => matched,
            Target::Line => line,
        };
        self.regexes.iter().any(|regex| regex.is_match(haystack))
            || self.stopwords.as_ref().is_some_and(|words| words.is_match(secret))
    }
}

impl Rule {
    fn compiled(&self) -> Option<&Compiled> {
        let compiled = self.compiled.get_or_init(|| {
            let allow = self.text.allow.iter().map(Allow::compile).collect::<Option<Vec<_>>>()?;
            Some(Compiled { regex: compile(&self.text.regex)?, allow })
        });
        compiled.as_ref()
    }

    fn find(&self, text: &str, global: &[Allow], found: &mut Vec<Finding>) {
        let Some(compiled) = self.compiled() else { return };
        let bytes = text.as_bytes();
        for captures in compiled.regex.captures_iter(bytes) {
            let Some(whole) = captures.get(0) else { continue };
            let first_group = || captures.iter().skip(1).flatten().find(|group| !group.is_empty());
            let named = self.text.group.and_then(|group| captures.get(group)).or_else(first_group);
            let secret = named.unwrap_or(whole);
            let (start, end) = trimmed(bytes, secret.start(), secret.end());
            let Some(value) = bytes.get(start..end) else { continue };
            let generic = self.text.id.starts_with("generic");
            if value.is_empty()
                || (self.text.entropy > 0.0 && value.entropy() <= self.text.entropy)
                || (generic && !value.iter().any(u8::is_ascii_digit))
            {
                continue;
            }
            let line = line_around(bytes, whole.start(), whole.end());
            if compiled.allow.iter().chain(global).any(|allow| allow.applies(value, whole.as_bytes(), line)) {
                continue;
            }
            found.push(Finding {
                kind: self.text.id.clone(),
                range: snapped(text, start..end),
                certain: !generic,
            });
        }
    }
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

/// Adds what the rules find in the text.
pub(super) fn find(text: &str, found: &mut Vec<Finding>) {
    let rules = &*RULES;
    let Some(keywords) = &rules.keywords else { return };
    let hit: BTreeSet<usize> = keywords
        .find_overlapping_iter(text)
        .filter_map(|hit| rules.owners.get(hit.pattern().as_usize()).copied())
        .collect();
    for index in hit {
        if let Some(rule) = rules.rules.get(index) {
            rule.find(text, &rules.allow, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles_and_has_a_keyword() {
        let rules = &*RULES;
        assert!(rules.rules.len() > 200, "{}", rules.rules.len());
        assert!(rules.keywords.is_some());
        assert_eq!(rules.allow.len(), 1);
        for rule in &rules.rules {
            assert!(!rule.text.keywords.is_empty(), "{}", rule.text.id);
            let compiled = rule.compiled();
            assert!(compiled.is_some(), "{}", rule.text.id);
        }
    }
}
