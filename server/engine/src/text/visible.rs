//! Text as it may be put before people who have to judge it: nothing in it hides, nothing in
//! it moves the cursor, and no padding pushes anything out of sight.

use crate::policy::content::hidden;
use std::collections::BTreeSet;

/// Blanks in a row that are shown as they are; more of them are counted instead. Deeper than
/// any indentation that people write.
const BLANKS_MAX: usize = 60;

/// The text with hidden characters as `⟪U+202E⟫` and long runs of blanks as `⟪120 blanks⟫`.
/// Line feeds and tabs stay. The marks are for people; there is no way back.
pub fn visible(text: &str) -> String {
    let hidden: BTreeSet<usize> = hidden(text).map(|(at, _, _)| at).collect();
    let mut shown = String::with_capacity(text.len());
    let mut blanks = String::new();
    for (at, character) in text.char_indices() {
        let is_blank = character != '\n' && character.is_whitespace() && !hidden.contains(&at);
        if is_blank {
            blanks.push(character);
            continue;
        }
        flush(&mut shown, &mut blanks);
        if hidden.contains(&at) || matches!(character, '⟪' | '\u{c}') {
            shown.push_str(&format!("⟪U+{:04X}⟫", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    flush(&mut shown, &mut blanks);
    shown
}

fn flush(shown: &mut String, blanks: &mut String) {
    match blanks.chars().count() {
        count if count > BLANKS_MAX => shown.push_str(&format!("⟪{count} blanks⟫")),
        _ => shown.push_str(blanks),
    }
    blanks.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_hides() {
        assert_eq!(visible("a\u{202e}b\u{1b}[2K\tc\n"), "a⟪U+202E⟫b⟪U+001B⟫[2K\tc\n");
        assert_eq!(visible(&format!("+x{}rm -rf ~", " ".repeat(200))), "+x⟪200 blanks⟫rm -rf ~");
        assert_eq!(visible(&format!("+{}x", " ".repeat(60))), format!("+{}x", " ".repeat(60)));
        assert_eq!(visible("⟪3 blanks⟫"), "⟪U+27EA⟫3 blanks⟫");
        assert_eq!(visible("größe ❤️ 日本\r\n"), "größe ❤️ 日本\r\n");
    }

    proptest! {
        /// Two texts that look alike are equal.
        #[test]
        fn no_two_texts_look_alike(left in "[a\u{202e}\u{200b}\u{1b} ⟪⟫\n]{0,8}", right in "[a\u{202e}\u{200b}\u{1b} ⟪⟫\n]{0,8}") {
            prop_assert_eq!(visible(&left) == visible(&right), left == right);
            prop_assert!(hidden(&visible(&left)).next().is_none());
        }
    }
}
