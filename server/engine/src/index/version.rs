//! What a summary that was kept must have been made with to be worth anything.

use crate::digest::Digest;
use crate::syntax::Language;

/// INVARIANT: goes up by one whenever the same text gets another summary, or a summary another form:
/// with a change of `Definition`, of `FileSummary` or of their order, of how words become terms and
/// terms digests, of what counts as a call or an import, and of the queries that find symbols. Else
/// summaries of both kinds would stand side by side in an index that was kept. What is computed of
/// a path or of a query (`Entry`, `rank`) is not kept and needs none.
const SUMMARY_FORMAT: u32 = 1;

/// The version of the summaries of files in this language. A summary that was kept under another
/// one is made anew.
pub fn summary_version(language: Option<Language>) -> Digest {
    let grammar = language.map(|language| format!("{language:?} {}", language.grammar_version()));
    let all = format!("{SUMMARY_FORMAT} {} {}", env!("CARGO_PKG_VERSION"), grammar.unwrap_or_default());
    Digest::of(all.as_bytes())
}
