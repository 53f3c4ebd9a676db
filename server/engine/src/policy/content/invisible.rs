//! Characters that a reader does not see, or that change what he sees.

use crate::path::is_ignorable;
use regex::Regex;
use std::sync::LazyLock;

/// Why a character is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hidden {
    /// U+0000.
    Nul,
    /// A control character other than tab, line feed, form feed, and carriage return before a
    /// line feed; a line or paragraph separator.
    Control,
    /// U+001B, with which terminals are steered, or its one-character form U+009B.
    Escape,
    /// A bidirectional control (Trojan Source, CVE-2021-42574).
    Bidi,
    /// Anything else that is not drawn.
    Invisible,
}

/// The hidden characters of a text, with their byte offsets. Joiners and variation selectors
/// inside emoji, and joiners inside words of scripts that need them, are not hidden.
pub(crate) fn hidden(text: &str) -> impl Iterator<Item = (usize, char, Hidden)> {
    text.char_indices().filter_map(move |(at, character)| {
        // Nearly all characters of nearly all texts end here.
        if character.is_ascii() && !character.is_ascii_control() {
            return None;
        }
        let after = || text.get(at + character.len_utf8()..).and_then(|rest| rest.chars().next());
        let before = || text.get(..at).and_then(|head| head.chars().next_back());
        let kind = match character {
            '\t' | '\n' | '\u{c}' => return None,
            '\r' if after() == Some('\n') => return None,
            '\0' => Hidden::Nul,
            '\u{1b}' | '\u{9b}' => Hidden::Escape,
            '\u{2028}' | '\u{2029}' => Hidden::Control,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                Hidden::Bidi
            }
            _ if character.is_control() => Hidden::Control,
            '\u{e0020}'..='\u{e007f}' if is_in_flag(text, at) => return None,
            _ if is_ignorable(character) && !is_needed(character, before(), after()) => Hidden::Invisible,
            _ => return None,
        };
        Some((at, character, kind))
    })
}

static PICTOGRAPH: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\p{Extended_Pictographic}$").ok());
static JOINING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^[\p{Arabic}\p{Syriac}\p{Mongolian}\p{Devanagari}\p{Bengali}\p{Gujarati}\p{Gurmukhi}\p{Kannada}\p{Malayalam}\p{Oriya}\p{Sinhala}\p{Tamil}\p{Telugu}\p{Khmer}\p{Myanmar}]$",
    )
    .ok()
});

static IDEOGRAPH: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Unified_Ideograph}$").ok());

/// The flags of England, Scotland and Wales: the only emoji that are spelled with tags (UTS #51).
const TAGGED_FLAGS: [&str; 3] = [
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// True for a tag within one of the flags that need it.
fn is_in_flag(text: &str, at: usize) -> bool {
    const TAGS_MAX: usize = 6;
    let mut before = text.get(..at).unwrap_or_default().char_indices().rev().take(TAGS_MAX);
    let Some((flag, _)) = before.find(|(_, character)| *character == '\u{1f3f4}') else { return false };
    let rest = text.get(flag..).unwrap_or_default();
    TAGGED_FLAGS.iter().any(|known| rest.starts_with(known) && at < flag + known.len())
}

fn is(class: &Option<Regex>, character: char) -> bool {
    class.as_ref().is_some_and(|class| class.is_match(character.encode_utf8(&mut [0; 4])))
}

/// True where an ignorable character changes how its neighbours are drawn (UTS #51, UAX #31).
fn is_needed(character: char, before: Option<char>, after: Option<char>) -> bool {
    let (Some(before), after) = (before, after) else { return false };
    let joining = |other: char| is(&JOINING, other);
    match character {
        '\u{200d}' => {
            let emoji_before = is(&PICTOGRAPH, before)
                || before == '\u{fe0f}'
                || matches!(before, '\u{1f3fb}'..='\u{1f3ff}');
            let emoji_after = after.is_some_and(|after| !after.is_ascii() && is(&PICTOGRAPH, after));
            (emoji_before && emoji_after) || (joining(before) && after.is_some_and(joining))
        }
        '\u{200c}' => joining(before) && after.is_some_and(joining),
        // One of the variants of an ideograph, as names of people and places are written (UTS #37).
        '\u{e0100}'..='\u{e01ef}' => is(&IDEOGRAPH, before),
        '\u{fe0e}' | '\u{fe0f}' => {
            let keycap = matches!(before, '0'..='9' | '#' | '*') && after == Some('\u{20e3}');
            keycap || (!before.is_ascii() && is(&PICTOGRAPH, before))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Hidden> {
        hidden(text).map(|(_, _, kind)| kind).collect()
    }

    #[test]
    fn visible_texts_hide_nothing() {
        for text in [
            "fn main() {\r\n\t\u{c}x();\n}",
            "größe 日本語 مرحبا שלום Δt",
            "👨\u{200d}👩\u{200d}👧 👍🏽 👩🏽\u{200d}💻 ❤\u{fe0f}\u{200d}🔥",
            "❤\u{fe0f} ⚠\u{fe0f} 1\u{fe0f}\u{20e3}",
            "می\u{200c}خواهم क्\u{200d}ष",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "葛\u{e0100}城 辻\u{e0101}",
            "\\x1b[31m \\u{202e}",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }

    #[test]
    fn hidden_characters_are_named() {
        for (text, kind) in [
            ("a\0b", Hidden::Nul),
            ("a\u{1b}[2K", Hidden::Escape),
            ("a\u{9b}2K", Hidden::Escape),
            ("rm\u{8}\u{8}", Hidden::Control),
            ("curl x #\recho", Hidden::Control),
            ("x\r", Hidden::Control),
            ("x\u{7f}", Hidden::Control),
            ("x\u{85}", Hidden::Control),
            ("// a\u{2028}b", Hidden::Control),
            ("/*\u{202e} }", Hidden::Bidi),
            ("\u{2066}x\u{2069}", Hidden::Bidi),
            ("is\u{200b}admin", Hidden::Invisible),
            ("is\u{200d}admin", Hidden::Invisible),
            ("is\u{200c}admin", Hidden::Invisible),
            ("a\u{ad}b", Hidden::Invisible),
            ("\u{feff}x", Hidden::Invisible),
            ("x\u{e0069}", Hidden::Invisible),
            ("x\u{fe0f}", Hidden::Invisible),
            ("x\u{e0100}", Hidden::Invisible),
            ("葛\u{e0100}\u{e0101}", Hidden::Invisible),
            ("\u{1f3f4}\u{e0067}\u{e0069}\u{e007f}", Hidden::Invisible),
            ("\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}\u{e0067}", Hidden::Invisible),
            ("\u{9d}0;title\u{7}", Hidden::Control),
            ("\u{1b}]8;;https://c2.example\u{7}x", Hidden::Escape),
            ("❤\u{fe0f}\u{fe0f}", Hidden::Invisible),
            ("\u{3164}", Hidden::Invisible),
        ] {
            assert_eq!(kinds(text).first(), Some(&kind), "{text:?}");
        }
    }
}
