//! The form of an entry on disk: a checksum, what the summary is of, the summary.

use super::state::{Content, Known};
use crate::workspace::walk::Stamp;
use openexec_engine::digest::Digest;
use openexec_engine::index::FileSummary;
use serde::{Deserialize, Serialize};

/// Bytes of the checksum before everything else.
const CHECKSUM_BYTES: usize = 4;

/// What a saved summary is of.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    stamp: Stamp,
    is_settled: bool,
    content: Content,
    /// Of the summary: the grammar's, and that of the summary's form.
    version: [u8; 32],
}

impl Head {
    /// What is known of the file, if the summary is of this version.
    pub(super) fn known(&self, version: &Digest) -> Option<Known> {
        let Self { stamp, is_settled, content, version: of } = *self;
        (of == *version.as_bytes()).then_some(Known { stamp, is_settled, content })
    }
}

/// An entry. `None` where there is no form for it, which no summary comes to.
pub(super) fn encode(path: &str, known: &Known, version: &Digest, summary: &FileSummary) -> Option<Vec<u8>> {
    let Known { stamp, is_settled, content } = *known;
    let head = Head { stamp, is_settled, content, version: *version.as_bytes() };
    let bytes = postcard::to_extend(&head, vec![0; CHECKSUM_BYTES]).ok()?;
    let mut bytes = postcard::to_extend(summary, bytes).ok()?;
    let checksum = checksum(path, bytes.get(CHECKSUM_BYTES..)?);
    bytes.get_mut(..CHECKSUM_BYTES)?.copy_from_slice(&checksum);
    Some(bytes)
}

/// The head of an entry, and its summary as it was saved. `None` where the bytes are not those
/// that were saved for this path.
pub(super) fn decode_head<'a>(path: &str, bytes: &'a [u8]) -> Option<(Head, &'a [u8])> {
    let (sum, rest) = bytes.split_at_checked(CHECKSUM_BYTES)?;
    if sum != checksum(path, rest) {
        return None;
    }
    postcard::take_from_bytes(rest).ok()
}

/// The summary.
pub(super) fn decode_summary(bytes: &[u8]) -> Option<FileSummary> {
    postcard::from_bytes(bytes).ok()
}

fn checksum(path: &str, bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(path.as_bytes());
    hasher.update(bytes);
    hasher.finalize().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use openexec_engine::index::{summarise, summary_version};
    use openexec_engine::syntax::Language;

    const SOURCE: &str = "/// Adds.\nfn add(a: u8, b: u8) -> u8 {\n    sum(a, b)\n}\n";

    fn entry(version: &Digest) -> (Known, FileSummary, Vec<u8>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let stamp = Stamp::of(&file.as_file().metadata().unwrap());
        let known = Known { stamp, is_settled: true, content: [7; 32] };
        let summary = summarise(Language::Rust, SOURCE);
        let bytes = encode("a.rs", &known, version, &summary).unwrap();
        (known, summary, bytes)
    }

    #[test]
    fn an_entry_comes_back_as_it_was() {
        let version = summary_version(Some(Language::Rust));
        let (known, summary, bytes) = entry(&version);
        let (head, rest) = decode_head("a.rs", &bytes).unwrap();
        assert_eq!(head.known(&version), Some(known));
        assert_eq!(decode_summary(rest), Some(summary));
    }

    #[test]
    fn an_entry_of_another_grammar_or_version_is_none() {
        let (_, _, bytes) = entry(&Digest::of(b"the grammar before the last update"));
        let (head, _) = decode_head("a.rs", &bytes).unwrap();
        assert_eq!(head.known(&summary_version(Some(Language::Rust))), None);
    }

    #[test]
    fn an_entry_with_any_other_byte_or_path_is_none() {
        let version = summary_version(Some(Language::Rust));
        let (_, _, bytes) = entry(&version);
        assert!(decode_head("b.rs", &bytes).is_none());
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(decode_head("a.rs", &damaged).is_none(), "byte {at}");
            assert!(decode_head("a.rs", &bytes[..at]).is_none(), "{at} bytes");
        }
    }
}
