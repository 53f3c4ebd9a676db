//! How many tokens a text takes, for the model that is going to read it.
//!
//! Where a model's vocabulary is public, its tokens are counted exactly; elsewhere there is an
//! upper estimate. What looks like a special token is counted as the ordinary text that it is.
//! This module must not cut or judge a text: it counts.

use crate::limits::COUNTED_AT_ONCE_BYTES_MAX;
use serde::{Deserialize, Serialize};
use std::fmt;
use tiktoken_rs::CoreBPE;
use tiktoken_rs::tokenizer::{Tokenizer, get_tokenizer};

/// ASCII bytes that are estimated as one token. Code takes 3.5 to 4.5 of them.
const ASCII_BYTES_PER_TOKEN: usize = 3;

/// What tells how a text falls into tokens. Recorded with a run, so that a replay counts alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Vocabulary {
    /// That of GPT-4 and GPT-3.5.
    #[serde(rename = "cl100k_base")]
    Cl100kBase,
    /// That of GPT-4o, GPT-5, the o series and gpt-oss.
    #[serde(rename = "o200k_base")]
    O200kBase,
    /// None that is known. ASCII counts as a token for each three bytes. Of anything else each
    /// byte counts as one, because no vocabulary of bytes ever needs more.
    #[default]
    #[serde(rename = "estimated")]
    Estimated,
}

impl Vocabulary {
    /// The vocabulary of a model, by the name under which its maker or a server offers it:
    /// `gpt-5-mini`, `openai/gpt-oss-20b`, `gpt-oss:20b`.
    pub fn of_model(name: &str) -> Self {
        let last = name.rsplit('/').next().unwrap_or(name);
        let tokenizer = get_tokenizer(last).or_else(|| get_tokenizer(&last.replace(':', "-")));
        match tokenizer {
            Some(Tokenizer::Cl100kBase) => Self::Cl100kBase,
            // Harmony differs in its special tokens only, and those are none in a text.
            Some(Tokenizer::O200kBase | Tokenizer::O200kHarmony) => Self::O200kBase,
            Some(Tokenizer::P50kBase | Tokenizer::R50kBase | Tokenizer::P50kEdit | Tokenizer::Gpt2)
            | None => Self::Estimated,
        }
    }

    /// The one that several models share; an estimate where they share none.
    pub fn shared_by(vocabularies: impl IntoIterator<Item = Self>) -> Self {
        let mut vocabularies = vocabularies.into_iter();
        let first = vocabularies.next().unwrap_or_default();
        if vocabularies.all(|other| other == first) { first } else { Self::Estimated }
    }

    /// True where tokens are estimated.
    pub const fn is_estimated(&self) -> bool {
        matches!(self, Self::Estimated)
    }

    /// The tokens of a text.
    pub fn count(self, text: &str) -> usize {
        self.thirds(text).div_ceil(ASCII_BYTES_PER_TOKEN)
    }

    /// The tokens of a text in thirds, so that what is estimated of lines adds up to what is
    /// estimated of all of them. Exact counts add up where each line ends with a line feed and
    /// begins with what is neither blank nor a slash: no token reaches across.
    pub(super) fn thirds(self, text: &str) -> usize {
        match self {
            Self::Cl100kBase => exact(tiktoken_rs::cl100k_base_singleton(), text) * ASCII_BYTES_PER_TOKEN,
            Self::O200kBase => exact(tiktoken_rs::o200k_base_singleton(), text) * ASCII_BYTES_PER_TOKEN,
            Self::Estimated => {
                let ascii = text.bytes().filter(u8::is_ascii).count();
                ascii + (text.len() - ascii) * ASCII_BYTES_PER_TOKEN
            }
        }
    }
}

impl fmt::Display for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cl100kBase => "cl100k_base",
            Self::O200kBase => "o200k_base",
            Self::Estimated => "estimated",
        })
    }
}

/// Counts part by part, so that no text, however odd, keeps the tokenizer's expressions busy.
fn exact(vocabulary: &CoreBPE, text: &str) -> usize {
    let (mut rest, mut count) = (text, 0);
    while rest.len() > COUNTED_AT_ONCE_BYTES_MAX {
        let end = (1..=COUNTED_AT_ONCE_BYTES_MAX).rev().find(|byte| rest.is_char_boundary(*byte));
        let (part, behind) = rest.split_at(end.unwrap_or(rest.len()));
        count += vocabulary.count_ordinary(part);
        rest = behind;
    }
    count + vocabulary.count_ordinary(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Vocabulary; 3] = [Vocabulary::Cl100kBase, Vocabulary::O200kBase, Vocabulary::Estimated];

    #[test]
    fn models_have_the_vocabulary_that_their_maker_publishes() {
        for (name, vocabulary) in [
            ("gpt-4", Vocabulary::Cl100kBase),
            ("gpt-4o-mini", Vocabulary::O200kBase),
            ("gpt-5.2-codex", Vocabulary::O200kBase),
            ("openai/gpt-5-mini", Vocabulary::O200kBase),
            ("gpt-oss:20b", Vocabulary::O200kBase),
            ("openai/gpt-oss-120b", Vocabulary::O200kBase),
            ("claude-sonnet-5", Vocabulary::Estimated),
            ("qwen3:8b", Vocabulary::Estimated),
            ("text-davinci-003", Vocabulary::Estimated),
            ("", Vocabulary::Estimated),
        ] {
            assert_eq!(Vocabulary::of_model(name), vocabulary, "{name}");
        }
    }

    #[test]
    fn models_of_different_vocabularies_share_an_estimate() {
        let (old, new) = (Vocabulary::Cl100kBase, Vocabulary::O200kBase);
        assert_eq!(Vocabulary::shared_by([new, new]), new);
        assert_eq!(Vocabulary::shared_by([old, new]), Vocabulary::Estimated);
        assert_eq!(Vocabulary::shared_by([new, Vocabulary::Estimated]), Vocabulary::Estimated);
        assert_eq!(Vocabulary::shared_by([]), Vocabulary::Estimated);
    }

    #[test]
    fn what_looks_like_a_special_token_is_text() {
        for vocabulary in ALL {
            assert!(vocabulary.count("<|endoftext|>") > 3, "{vocabulary}");
        }
        assert_eq!(Vocabulary::Cl100kBase.count("hello world"), 2);
        assert_eq!(Vocabulary::Estimated.count("hello world"), 4);
        assert_eq!(ALL.map(|vocabulary| vocabulary.count("")), [0; 3]);
    }

    #[test]
    fn odd_texts_are_counted_too() {
        for unit in [" ", "a", "A", "/", "\u{301}", "\r", "0", "語"] {
            let text = unit.repeat(COUNTED_AT_ONCE_BYTES_MAX + 7);
            for vocabulary in ALL {
                assert!(vocabulary.count(&text) > 0, "{vocabulary} {unit:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn lines_behind_a_margin_add_up(
            lines in proptest::collection::vec(
                prop_oneof!["\\PC{0,20}", "[ \t/{}a-z🙂語é\u{301}\u{200d}0-9]{0,24}", Just(String::new())],
                0..12,
            ),
        ) {
            let lines: Vec<String> = lines.iter().map(|line| format!("| {line}\n")).collect();
            for vocabulary in ALL {
                let sum: usize = lines.iter().map(|line| vocabulary.thirds(line)).sum();
                prop_assert_eq!(sum, vocabulary.thirds(&lines.concat()), "{}", vocabulary);
            }
        }

        #[test]
        fn an_estimate_is_enough_for_what_is_not_ascii(text in "[^\\x00-\\x7f]{0,40}") {
            for exact in [Vocabulary::Cl100kBase, Vocabulary::O200kBase] {
                prop_assert!(exact.count(&text) <= Vocabulary::Estimated.count(&text));
            }
        }
    }
}
