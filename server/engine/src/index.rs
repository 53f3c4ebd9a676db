//! What is known of the files of a workspace without reading them again: a [`FileSummary`] for
//! each, which is a pure function of its text, and the [`Corpus`] of all of them, in which the
//! context builder ranks.
//!
//! Nothing here reads a file or decides what may be shown.

mod corpus;
mod plain;
mod summarise;
mod summary;
#[cfg(test)]
mod tests;
mod version;
mod words;

pub use corpus::{Corpus, Entry};
pub use plain::summarise_plain;
pub use summarise::{summarise, summarise_tree};
pub use summary::{Counts, Definition, FileSummary, Held, NameKey, Term};
pub use version::summary_version;
pub use words::{names_in, own_name, terms_of};
