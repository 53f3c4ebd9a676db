//! Secrets: found by their shape, replaced by placeholders that stand for the same value
//! throughout a run, and restored when an edit brings a placeholder back.

/// The secrets that a run has seen, and their placeholders `⟦secret:kind:n⟧`.
#[derive(Debug, Clone, Default)]
pub struct Redactions {
    secrets: Vec<(String, String)>,
}

/// A placeholder that stands for nothing this run has seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` stands for no secret of this run; leave placeholders exactly as they are")]
pub struct UnknownPlaceholder(pub String);

impl Redactions {
    /// Replaces every secret, and counts them. A value seen before anywhere in the run is
    /// replaced wherever it occurs.
    pub fn redact(&mut self, _text: &str) -> (String, usize) {
        todo!()
    }

    /// Puts the secrets back.
    ///
    /// # Errors
    /// On a placeholder that this run has not made.
    pub fn restore(&self, _text: &str) -> Result<String, UnknownPlaceholder> {
        let _ = &self.secrets;
        todo!()
    }
}
