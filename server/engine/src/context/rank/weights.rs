//! What counts how much.

/// The weights of a ranking. Scores of words are relative to the best match, which is 1.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each says what it weighs")]
pub struct Weights {
    /// BM25: how soon repetition stops to count.
    pub saturation: f64,
    /// BM25: how much a long body counts against it, from 0 to 1.
    pub length: f64,
    pub name: f64,
    pub path: f64,
    pub file: f64,
    pub signature: f64,
    pub doc: f64,
    pub body: f64,
    /// Words of the first line of a text, compared with the rest of it.
    pub subject: f64,
    /// Words of code, compared with those of a text.
    pub code: f64,
    /// A whole name of several parts, compared with its parts.
    pub whole: f64,
    /// A definition whose own name is written in a text, if there is one of this name.
    pub named: f64,
    /// The same, for a name in code.
    pub named_in_code: f64,
    /// What is left of a score in test code.
    pub test: f64,
    /// What is left of a score for what is no function.
    pub other: f64,
    /// The best of a file, for the others in it.
    pub beside: f64,
    pub called: f64,
    pub calls: f64,
    pub co_changed: f64,
    pub mirrored: f64,
    pub imported: f64,
    pub cursor_file: f64,
    pub cursor_called: f64,
    pub cursor_calls: f64,
    pub cursor_type: f64,
    pub test_file: f64,
    pub test_called: f64,
    pub reported: f64,
    pub repaired: f64,
    /// How much more a signature counts of a body that is twice as long.
    pub listed_length: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            saturation: 2.0,
            length: 0.3,
            name: 4.0,
            path: 2.0,
            file: 5.0,
            signature: 1.0,
            doc: 0.5,
            body: 1.0,
            subject: 2.0,
            code: 0.5,
            whole: 1.0,
            named: 0.8,
            named_in_code: 0.5,
            test: 0.1,
            other: 0.25,
            beside: 0.2,
            called: 0.3,
            calls: 0.2,
            co_changed: 0.6,
            mirrored: 0.3,
            imported: 0.05,
            cursor_file: 0.2,
            cursor_called: 0.4,
            cursor_calls: 0.4,
            cursor_type: 0.2,
            test_file: 0.2,
            test_called: 0.3,
            reported: 1.0,
            repaired: 0.6,
            listed_length: 0.5,
        }
    }
}
