//! Texts that are not ours, as they may be put before people: without secrets, cut to a limit,
//! with nothing in them that hides.

use crate::limits::{REPORT_LINE_CHARS_MAX, REPORT_TEXT_CHARS_MAX};
use openexec_engine::budget::grouped;
use openexec_engine::redact::Redactions;
use openexec_engine::text::visible;
use regex::Regex;
use std::sync::LazyLock;

/// A placeholder that a run has put in the place of a secret; it stays as it is.
static PLACEHOLDER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("⟦secret:[a-z0-9-]+:[0-9]+⟧").ok());

/// What shows the texts of one run. A secret that it has seen once it knows again anywhere.
#[derive(Default)]
pub(super) struct Glass {
    redactions: Redactions,
}

impl Glass {
    /// A text on one line.
    pub(super) fn line(&mut self, text: &str) -> String {
        let cut = cut(text, REPORT_LINE_CHARS_MAX);
        let blank = |character: char| if matches!(character, '\n' | '\r' | '\t') { ' ' } else { character };
        let line: String = self.without_secrets(&cut.text).chars().map(blank).collect();
        cut.told(visible(line.trim()))
    }

    /// A text of several lines.
    pub(super) fn block(&mut self, text: &str) -> String {
        let cut = cut(text, REPORT_TEXT_CHARS_MAX);
        let whole = self.without_secrets(&cut.text);
        let lines: Vec<String> = whole
            .lines()
            .map(|line| {
                let cut = self::cut(line, REPORT_LINE_CHARS_MAX);
                cut.told(visible(&cut.text))
            })
            .collect();
        cut.told(lines.join("\n"))
    }

    /// Secrets are looked for between the placeholders that are there already.
    fn without_secrets(&mut self, text: &str) -> String {
        let Some(placeholder) = &*PLACEHOLDER else { return self.redactions.redact(text).0 };
        let mut shown = String::with_capacity(text.len());
        let mut from = 0;
        for found in placeholder.find_iter(text) {
            shown.push_str(&self.redactions.redact(text.get(from..found.start()).unwrap_or_default()).0);
            shown.push_str(found.as_str());
            from = found.end();
        }
        shown.push_str(&self.redactions.redact(text.get(from..).unwrap_or_default()).0);
        shown
    }
}

struct Cut {
    text: String,
    /// Characters that are not in it.
    left_out: usize,
}

fn cut(text: &str, chars_max: usize) -> Cut {
    match text.char_indices().nth(chars_max) {
        None => Cut { text: text.to_owned(), left_out: 0 },
        Some((at, _)) => {
            let (head, rest) = text.split_at(at);
            Cut { text: head.to_owned(), left_out: rest.chars().count() }
        }
    }
}

impl Cut {
    /// With what was left out; the marks occur in no text that has been made visible.
    fn told(&self, mut shown: String) -> String {
        if self.left_out > 0 {
            shown.push_str(&format!(" ⟪{} more characters⟫", grouped(self.left_out as u64)));
        }
        shown
    }
}

/// A span of time: `840 ms`, `12.4 s`, `3 min 7 s`, `2 h 5 min`.
pub(super) fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// A time of a run: `+1.24 s`.
pub(super) fn since(ms: u64) -> String {
    match ms {
        0..60_000 => format!("+{}.{:02} s", ms / 1_000, ms % 1_000 / 10),
        _ => format!("+{}:{:02} min", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// A day and a time: `2026-07-14 09:30:00 UTC`.
pub(super) fn moment(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default()
}

/// `1 file`, `2 files`.
pub(super) fn counted(number: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(number as u64), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shown_without_secrets_and_tricks() {
        let mut glass = Glass::default();
        let key = ["ghp_", "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2"].concat();
        assert_eq!(glass.line("a\nb\u{202e}c"), "a b⟪U+202E⟫c");
        assert!(!glass.block(&format!("token: {key}\nrest")).contains(&key));
        assert!(!glass.line(&format!("again {key}")).contains(&key), "it is known by now");
        assert_eq!(glass.line("⟦secret:github-token:1⟧ stays"), "⟦secret:github-token:1⟧ stays");
        let beside = format!("⟦secret:a:1⟧ {key} ⟦secret:b:2⟧");
        assert!(!glass.line(&beside).contains(&key));
    }

    #[test]
    fn a_huge_text_is_cut_and_says_so() {
        let mut glass = Glass::default();
        let line = glass.line(&"x".repeat(1_000_000));
        assert!(line.ends_with(" ⟪999,600 more characters⟫") && line.len() < 500, "{}", line.len());
        let block = glass.block(&format!("{}\nend", "y".repeat(10_000)));
        assert!(block.ends_with("\nend") && block.contains("⟪9,600 more characters⟫"), "{block}");
        assert!(glass.block(&"z\n".repeat(100_000)).ends_with("more characters⟫"));
    }

    #[test]
    fn times_are_told_as_people_tell_them() {
        assert_eq!(
            [0, 999, 12_449, 187_000, 7_500_000].map(span),
            ["0 ms", "999 ms", "12.4 s", "3 min 7 s", "2 h 5 min"]
        );
        assert_eq!([0, 1_245, 61_000].map(since), ["+0.00 s", "+1.24 s", "+1:01 min"]);
        assert_eq!(moment(1_784_021_400_000), "2026-07-14 09:30:00 UTC");
    }
}
