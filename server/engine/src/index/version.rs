//! What a summary that was kept must have been made with to be worth anything.

use crate::digest::Digest;
use crate::syntax::Language;

/// Goes up by one whenever the same text gets another summary, or a summary another form.
const SUMMARY_FORMAT: u32 = 1;

/// The version of the summaries of files in this language. A summary that was kept under another
/// one is made anew.
pub fn summary_version(language: Option<Language>) -> Digest {
    let grammar = language.map(|language| format!("{language:?} {}", language.grammar_version()));
    let all = format!("{SUMMARY_FORMAT} {} {}", env!("CARGO_PKG_VERSION"), grammar.unwrap_or_default());
    Digest::of(all.as_bytes())
}
