//! Ranking, trimming and wrapping.

use super::{Candidate, ContextPack};
use crate::redact::Redactions;

/// Makes envelopes, each with a nonce of its own that the wrapped text cannot know.
#[derive(Debug, Clone)]
pub struct Envelopes {
    entropy: String,
    count: u64,
}

impl Envelopes {
    /// `entropy` is the run's own randomness, in hexadecimal.
    pub fn new(entropy: &str) -> Self {
        Self { entropy: entropy.to_owned(), count: 0 }
    }

    /// Wraps a text as data: normalised, special tokens neutralised, between two lines with a
    /// fresh nonce of 128 bits. `header` is written by the runtime and says what it is.
    pub fn wrap(&mut self, _header: &str, _text: &str) -> String {
        let _ = (&self.entropy, self.count);
        todo!()
    }
}

/// Builds the pack. The same inputs give the same bytes.
pub fn build(
    _candidates: &[Candidate],
    _budget_tokens: usize,
    _redactions: &mut Redactions,
    _envelopes: &mut Envelopes,
) -> ContextPack {
    todo!()
}

/// An upper estimate of a text's tokens, at three bytes a token.
pub fn estimate_tokens(text: &str) -> usize {
    text.len().div_ceil(3)
}
