//! Paths. What a model wrote is a [`RequestedPath`], which opens nothing; only after
//! [`WorkspacePath::parse`] has judged it does it become a [`WorkspacePath`].
//!
//! The judgement is the same on every platform, because the editor that applies an edit
//! may run on another one than the server.

use crate::limits::{PATH_BYTES_MAX, PATH_COMPONENT_BYTES_MAX, PATH_COMPONENTS_MAX};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use unicode_normalization::UnicodeNormalization as _;

/// A path as somebody wrote it. It is text, nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RequestedPath(String);

impl RequestedPath {
    /// Wraps the text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_debug())
    }
}

/// A relative, canonical path strictly below the workspace root, with `/` between its
/// components. It says nothing about symbolic links: those are facts, which the policy sees.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct WorkspacePath(String);

/// Why a text is not a path within the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing, or `.`.
    #[error("it is empty or names the workspace itself")]
    Empty,
    /// Longer than the limits allow.
    #[error("it is too long or too deep")]
    TooLong,
    /// Begins with `/`, `~`, a drive letter or a scheme.
    #[error("it is not relative to the workspace")]
    NotRelative,
    /// Contains `.`, `..`, an empty component or a trailing slash.
    #[error("it is not canonical; write it without `.`, `..`, `//` and without a trailing `/`")]
    NotCanonical,
    /// Contains a character that means different things in different places.
    #[error("it contains {0:?}, which is not allowed in a workspace path")]
    Character(char),
    /// A name that some platform treats as another name.
    #[error("a component ends with a dot or a blank, or has an 8.3 alias or a reserved name")]
    Alias,
    /// Not in Unicode normal form C, so that two spellings would name one file.
    #[error("it is not in Unicode normal form C")]
    NotNormalized,
}

impl WorkspacePath {
    /// Judges `text`.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() || text == "." {
            return Err(PathError::Empty);
        }
        if text.len() > PATH_BYTES_MAX {
            return Err(PathError::TooLong);
        }
        if text.starts_with(['/', '~']) {
            return Err(PathError::NotRelative);
        }
        if let Some(character) = text.chars().find(|character| is_forbidden(*character)) {
            return Err(match character {
                ':' => PathError::NotRelative,
                _ => PathError::Character(character),
            });
        }
        if has_percent_escape(text) {
            return Err(PathError::Character('%'));
        }
        if !text.nfc().eq(text.chars()) {
            return Err(PathError::NotNormalized);
        }
        let mut components = 0;
        for component in text.split('/') {
            components += 1;
            if matches!(component, "" | "." | "..") {
                return Err(PathError::NotCanonical);
            }
            if component.len() > PATH_COMPONENT_BYTES_MAX || components > PATH_COMPONENTS_MAX {
                return Err(PathError::TooLong);
            }
            if is_alias(component) {
                return Err(PathError::Alias);
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The text, with `/` between components.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The components, in order.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The text after the file name's last dot, lowercased; empty when there is none.
    pub fn extension(&self) -> String {
        match self.file_name().rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => extension.to_ascii_lowercase(),
            _ => String::new(),
        }
    }

    /// The path folded for comparison: lowercase, without ignorable code points. Two paths
    /// with one key may name one file on some platform.
    pub fn comparison_key(&self) -> String {
        comparison_key(&self.0)
    }
}

/// Rounds of folding after which a key is taken as it is. Two are enough for Unicode 16.
const FOLDS_MAX: usize = 8;

/// [`WorkspacePath::comparison_key`] for any name, also one that no workspace path may have.
/// Folding a key gives the same key: what one step leaves, such as a letter that composes only
/// after it was lowered, the next takes up.
pub fn comparison_key(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let fold = |text: &str| -> String {
        let seen: String = text.chars().filter(|character| !is_ignorable(*character)).collect();
        seen.nfkc().flat_map(char::to_lowercase).filter(|character| !is_ignorable(*character)).collect()
    };
    let mut key = fold(name);
    // Compositions shorten the text and everything else stays, so this ends; the bound is for
    // what Unicode may yet bring.
    for _ in 0..FOLDS_MAX {
        let again = fold(&key);
        if again == key {
            break;
        }
        key = again;
    }
    key
}

impl fmt::Display for WorkspacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for WorkspacePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .map_err(|error| serde::de::Error::custom(format!("`{}`: {error}", text.escape_debug())))
    }
}

/// Characters that no workspace path contains: separators and wildcards of other platforms,
/// controls, and everything invisible.
fn is_forbidden(character: char) -> bool {
    matches!(character, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        || character.is_control()
        || is_ignorable(character)
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{FFFD}')
        || is_lookalike_separator(character)
}

/// Code points that some file system or some reader drops: Unicode's Default_Ignorable set,
/// which includes the bidirectional controls (UAX #44, DerivedCoreProperties).
pub fn is_ignorable(character: char) -> bool {
    matches!(character,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}

/// Characters that look like `/`, `\` or `.` and are folded to them by some layer (NFKC, best fit).
fn is_lookalike_separator(character: char) -> bool {
    matches!(
        character,
        '\u{2024}'
            ..='\u{2026}'
                | '\u{2044}'
                | '\u{2215}'
                | '\u{29F5}'
                | '\u{29F8}'
                | '\u{FE52}'
                | '\u{FE68}'
                | '\u{FF0E}'
                | '\u{FF0F}'
                | '\u{FF3C}'
                | '\u{FF1A}'
                | '\u{FE55}'
    )
}

fn has_percent_escape(text: &str) -> bool {
    text.as_bytes().windows(3).any(
        |window| matches!(window, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
    )
}

/// True for a component that some platform treats as another name: trailing dots and blanks
/// (Windows drops them), 8.3 short names, device names.
fn is_alias(component: &str) -> bool {
    if component.ends_with(['.', ' ']) || component.starts_with(' ') {
        return true;
    }
    let bytes = component.as_bytes();
    let short_name = bytes.windows(2).any(|window| matches!(window, [b'~', digit] if digit.is_ascii_digit()));
    let stem = component.split('.').next().unwrap_or(component).trim_end().to_ascii_lowercase();
    let device = matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$" | "clock$")
        || stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt")).is_some_and(|rest| {
            matches!(rest, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
        });
    short_name || device
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A key is what its own folding gives, and spellings that fold alike have one key.
        #[test]
        fn keys_are_stable(name in "[jtJTıſＡ]?[a-zA-Z\u{300}-\u{30f}\u{200c}\u{ad}\u{212a}ﬀ]{0,6}") {
            let key = comparison_key(&name);
            prop_assert_eq!(comparison_key(&key), key.clone());
            prop_assert_eq!(comparison_key(&name.to_uppercase()), comparison_key(&comparison_key(&name.to_uppercase())));
        }
    }

    #[test]
    fn what_composes_late_is_folded_too() {
        assert_eq!(comparison_key("t\u{200c}\u{308}"), comparison_key("\u{1e97}"));
        assert_eq!(comparison_key("J\u{30c}"), comparison_key("\u{1f0}"));
    }

    #[test]
    fn plain_paths_pass() {
        for text in ["a", "src/lib.rs", ".gitignore", "a b/c-d_e.txt", "src/größe.rs", "100%.md", "x~y"] {
            assert!(WorkspacePath::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn other_spellings_do_not() {
        for text in [
            "",
            ".",
            "./a",
            "a/",
            "a//b",
            "../a",
            "a/../b",
            "/etc/passwd",
            "~/.bashrc",
            "C:\\x",
            "C:/x",
            "a\\b",
            "file:///x",
            "a%2fb",
            "a\0b",
            "a\u{200b}b",
            "a\u{202e}b",
            "GIT~1/config",
            "aux.txt",
            "COM1",
            "a.",
            "a ",
            "a/b. /c",
            "src\u{2215}lib.rs",
            "..\u{FF0F}x",
            "e\u{301}.rs",
            "x::$DATA",
        ] {
            assert!(WorkspacePath::parse(text).is_err(), "{text:?}");
        }
    }
}
