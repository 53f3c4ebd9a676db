//! Pointers: where a symbol stood when a record was written, and by what it is known again
//! after its file has changed.
//!
//! A pointer holds no text of the workspace but names and one signature. It says nothing of
//! where the symbol stands now: that is the matter of [`super::resolve`].

use super::sketch::Sketch;
use crate::digest::Digest;
use crate::path::WorkspacePath;
use crate::syntax::{Symbol, SymbolKind};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::ops::Range;

/// A commit by its full name: 40 lowercase hexadecimal digits, or 64 in repositories with
/// SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct CommitId(String);

/// A text that names no commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a commit; write its 40 or 64 hexadecimal digits")]
pub struct CommitIdError(String);

impl CommitId {
    /// Judges `text`.
    ///
    /// # Errors
    /// When it is abbreviated, a branch, or anything else.
    pub fn parse(text: &str) -> Result<Self, CommitIdError> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if matches!(text.len(), 40 | 64) && text.bytes().all(is_digit) {
            return Ok(Self(text.to_owned()));
        }
        Err(CommitIdError(text.chars().take(80).collect()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CommitId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A pointer to a symbol as it stood when the record was written. Of records of earlier
/// versions only path, symbol and text are known; the rest is then empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolPointer {
    /// The file.
    pub path: WorkspacePath,
    /// The qualified name.
    pub symbol: String,
    /// The digest of the symbol's whole text, comments and attributes above it included.
    pub text: Digest,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<SymbolKind>,
    /// Its number among the symbols of the file that have the same qualified name, from 0.
    #[serde(default)]
    pub ordinal: u32,
    /// The bytes of the whole definition.
    #[serde(default)]
    pub range: Range<usize>,
    /// First and last line, counted from 1; zeros where they are not known.
    #[serde(default)]
    pub lines: (u32, u32),
    /// The digest of its tokens with its own name masked: equal for a symbol that was renamed,
    /// moved or laid out anew, and for nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Digest>,
    /// What makes its tokens comparable with those of another symbol.
    #[serde(default, skip_serializing_if = "Sketch::is_empty")]
    pub sketch: Sketch,
    /// The definition's head on one line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub signature: String,
    /// The commit in which the file held exactly this, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
}

impl SymbolPointer {
    /// The pointer to `symbols[index]`; nothing when there is no such symbol. `symbols` are all
    /// symbols of `source`, in the order of the file.
    pub fn of(path: &WorkspacePath, source: &str, symbols: &[Symbol], index: usize) -> Option<Self> {
        let symbol = symbols.get(index)?;
        let before = symbols.get(..index).unwrap_or_default();
        let ordinal = before.iter().filter(|other| other.name == symbol.name).count();
        Some(Self::with_ordinal(path, source, symbol, u32::try_from(ordinal).unwrap_or(u32::MAX)))
    }

    /// The same, where the number among its twins is known.
    pub(super) fn with_ordinal(path: &WorkspacePath, source: &str, symbol: &Symbol, ordinal: u32) -> Self {
        let text = source.get(symbol.range.clone()).unwrap_or_default();
        let name = source.get(symbol.name_range.clone()).unwrap_or_default();
        let (body, sketch) = super::sketch::measure(compared(source, symbol), name);
        Self {
            path: path.clone(),
            symbol: symbol.name.clone(),
            text: Digest::of(text.as_bytes()),
            kind: Some(symbol.kind),
            ordinal,
            range: symbol.range.clone(),
            lines: symbol.lines,
            body: Some(body),
            sketch,
            signature: symbol.signature.clone(),
            commit: None,
        }
    }

    /// A pointer of which no more than this is known, as in records of earlier versions.
    pub fn bare(path: WorkspacePath, symbol: impl Into<String>, text: Digest) -> Self {
        Self {
            path,
            symbol: symbol.into(),
            text,
            kind: None,
            ordinal: 0,
            range: 0..0,
            lines: (0, 0),
            body: None,
            sketch: Sketch::default(),
            signature: String::new(),
            commit: None,
        }
    }

    /// The same pointer, bound to a commit.
    #[must_use]
    pub fn at_commit(self, commit: CommitId) -> Self {
        Self { commit: Some(commit), ..self }
    }

    /// True where `place` tells more of the same symbol's present: it is somewhere else, its text
    /// is another one, or a commit is known in which it holds. Lines alone tell nothing by which
    /// a symbol is found.
    pub fn is_outdated_by(&self, place: &Self) -> bool {
        let identity = |it: &Self| (it.path.clone(), it.symbol.clone(), it.ordinal, it.text, it.body);
        identity(self) != identity(place) || (self.commit.is_none() && place.commit.is_some())
    }

    /// The last part of the qualified name.
    pub fn own_name(&self) -> &str {
        own_name(&self.symbol)
    }

    /// The qualified name without its last part; empty at the top of a file.
    pub fn container(&self) -> &str {
        let length = self.symbol.len() - self.own_name().len();
        let before = self.symbol.get(..length).unwrap_or_default();
        let joints = ["::", " > ", "."];
        joints.iter().find_map(|joint| before.strip_suffix(joint)).unwrap_or(before)
    }
}

/// The last part of a qualified name. Titles of tests may contain anything, so that behind them
/// only an identifier is a part by itself: `adds two > it works.handler` is a `handler`.
pub(super) fn own_name(qualified: &str) -> &str {
    let (titled, rest) = match qualified.rsplit_once(" > ") {
        Some((_, rest)) => (true, rest),
        None => (qualified.contains(' ') && !qualified.contains("::"), qualified),
    };
    let after_colons = if titled { rest } else { rest.rsplit_once("::").map_or(rest, |(_, last)| last) };
    let is_identifier = |name: &str| {
        !name.starts_with(|first: char| first.is_numeric())
            && name
                .chars()
                .all(|character| character.is_alphanumeric() || matches!(character, '_' | '$' | '#'))
    };
    match after_colons.rsplit_once('.') {
        Some((_, last)) if !last.is_empty() && (!titled || is_identifier(last)) => last,
        _ => after_colons,
    }
}

/// What of a definition is compared: from the line of its name on. Comments, attributes and
/// decorators above it change for reasons of their own.
fn compared<'a>(source: &'a str, symbol: &Symbol) -> &'a str {
    let whole = source.get(symbol.range.clone()).unwrap_or_default();
    let before = source.get(symbol.range.start..symbol.name_range.start).unwrap_or_default();
    // `typedef struct { … } point;` has its name behind its body.
    if before.contains('{') && !matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method) {
        return whole;
    }
    whole.get(before.rfind('\n').map_or(0, |at| at + 1)..).unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{Language, symbols_of};

    fn pointer(path: &str, source: &str, index: usize) -> SymbolPointer {
        let path = WorkspacePath::parse(path).unwrap();
        let symbols = symbols_of(Language::of_path(&path).unwrap(), source);
        SymbolPointer::of(&path, source, &symbols, index).unwrap()
    }

    #[test]
    fn a_record_of_an_earlier_version_still_loads() {
        let old = format!(r#"{{"path":"a.rs","symbol":"f","text":"{}"}}"#, Digest::of(b"x"));
        let loaded: SymbolPointer = serde_json::from_str(&old).unwrap();
        let path = WorkspacePath::parse("a.rs").unwrap();
        assert_eq!(loaded, SymbolPointer::bare(path, "f", Digest::of(b"x")));
    }

    #[test]
    fn a_pointer_survives_its_json() {
        let commit = CommitId::parse(&"a1".repeat(20)).unwrap();
        let pointer = pointer("a.rs", "/// Doc.\nfn f(a: u32) -> u32 {\n    a + 1\n}\n", 0).at_commit(commit);
        let json = serde_json::to_string(&pointer).unwrap();
        assert_eq!(serde_json::from_str::<SymbolPointer>(&json).unwrap(), pointer);
        assert_eq!(pointer.signature, "fn f(a: u32) -> u32");
        assert_eq!(pointer.lines, (1, 4));
    }

    #[test]
    fn the_masked_body_survives_a_new_name_a_new_layout_and_a_new_comment() {
        let one = pointer("a.rs", "/// Adds.\nfn add(a: u32) -> u32 { add(a + 1) }", 0);
        let two = pointer("b.rs", "#[inline]\nfn sum(a: u32) -> u32 {\n    sum(a + 1)\n}", 0);
        assert_eq!(one.body, two.body);
        assert_ne!(one.text, two.text);
        let three = pointer("b.rs", "fn sum(a: u32) -> u32 { sum(a + 2) }", 0);
        assert_ne!(one.body, three.body);
    }

    #[test]
    fn twins_are_numbered() {
        let source = "impl A for X { fn f() {} }\nimpl B for X { fn f() { g() } }\n";
        let (first, second) = (pointer("a.rs", source, 0), pointer("a.rs", source, 1));
        assert_eq!((first.symbol.as_str(), first.ordinal), ("X::f", 0));
        assert_eq!((second.symbol.as_str(), second.ordinal), ("X::f", 1));
    }

    #[test]
    fn qualified_names_have_a_last_part() {
        for (qualified, own, container) in [
            ("f", "f", ""),
            ("Printer::replace", "replace", "Printer"),
            ("Parser.next", "next", "Parser"),
            ("suite > adds 1.5 and 2", "adds 1.5 and 2", "suite"),
            ("adds 1.5 and 2", "adds 1.5 and 2", ""),
            ("a::b::c", "c", "a::b"),
            ("suite > it adds.handler", "handler", "suite > it adds"),
            ("<T as Read>::read", "read", "<T as Read>"),
        ] {
            let path = WorkspacePath::parse("a.rs").unwrap();
            let pointer = SymbolPointer::bare(path, qualified, Digest::of(b""));
            assert_eq!((pointer.own_name(), pointer.container()), (own, container));
        }
    }

    #[test]
    fn only_whole_names_of_commits_pass() {
        assert!(CommitId::parse(&"0".repeat(64)).is_ok());
        for text in ["HEAD", "a1b2c3", "--all", &"A".repeat(40), &"g".repeat(40)] {
            assert!(CommitId::parse(text).is_err(), "{text}");
        }
    }
}
