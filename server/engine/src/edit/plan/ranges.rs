//! Replacing ranges. A range means nothing without the text that it was chosen in, so each
//! names one; and the ranges of one batch that name the same text all count in that text, as
//! the edits of one `WorkspaceEdit` do.

use crate::action::{Place, ReplaceRange};
use crate::digest::Digest;
use crate::path::WorkspacePath;
use crate::text::{Document, LineEnding, Position, PositionEncoding};
use std::collections::BTreeMap;
use std::ops::Range;

/// The ranges of one batch so far.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    epochs: BTreeMap<WorkspacePath, Epoch>,
}

/// A text, and what was replaced in it.
#[derive(Debug)]
struct Epoch {
    base: String,
    digest: Digest,
    /// In the base's own bytes, in order; none overlaps another.
    replaced: Vec<(Range<usize>, String)>,
    /// The base with all of them carried out.
    result: String,
}

impl Ranges {
    /// The text with the range replaced. `version` is the open document's, where it is open.
    pub(super) fn replaced(
        &mut self,
        path: &WorkspacePath,
        present: &str,
        version: Option<i32>,
        edit: &ReplaceRange,
    ) -> Result<String, String> {
        if let Some(known) = self.epochs.get(path)
            && known.result != present
        {
            // Something else has rewritten the file since.
            self.epochs.remove(path);
        }
        let epoch = self.epoch(path, present, version, edit)?;
        let range = epoch.range(path, edit)?;
        epoch.replace(path, range, &edit.text)?;
        Ok(epoch.result.clone())
    }

    /// The text that the range was chosen in: the present one, or the one that earlier ranges
    /// of the batch were chosen in.
    fn epoch(
        &mut self,
        path: &WorkspacePath,
        present: &str,
        version: Option<i32>,
        edit: &ReplaceRange,
    ) -> Result<&mut Epoch, String> {
        let wanted = match (&edit.base_hash, edit.version) {
            (Some(hash), None) => Some(hash.parse::<Digest>().map_err(|error| error.to_string())?),
            (None, Some(wanted)) => {
                let is_known = version.is_some_and(|known| i64::from(known) == i64::from(wanted));
                if !is_known {
                    return Err(stale(path, &known_version(version)));
                }
                None
            }
            (None, None) | (Some(_), Some(_)) => {
                return Err(
                    "a range needs the text that it was chosen in; give exactly one of `base_hash` and `version`"
                        .to_owned(),
                );
            }
        };
        let is_same = |epoch: &Epoch| wanted.is_none_or(|wanted| wanted == epoch.digest);
        if !self.epochs.get(path).is_some_and(is_same) {
            let digest = Digest::of(present.as_bytes());
            if wanted.is_some_and(|wanted| wanted != digest) {
                return Err(stale(path, &format!("the present text is {digest}")));
            }
            self.epochs.insert(
                path.clone(),
                Epoch { base: present.to_owned(), digest, replaced: Vec::new(), result: present.to_owned() },
            );
        }
        self.epochs.get_mut(path).ok_or_else(|| format!("`{path}` is not known"))
    }
}

fn known_version(version: Option<i32>) -> String {
    match version {
        Some(version) => format!("the document stands at version {version}"),
        None => "the file is not open, so that it has no version; give `base_hash`".to_owned(),
    }
}

fn stale(path: &WorkspacePath, known: &str) -> String {
    format!(
        "the range was chosen in another text of `{path}` than there is now: {known}; read the file again"
    )
}

impl Epoch {
    fn range(&self, path: &WorkspacePath, edit: &ReplaceRange) -> Result<Range<usize>, String> {
        let document = Document::new(&self.base);
        let byte = |place: Place| {
            let position = Position { line: place.line, character: place.character };
            let byte = document
                .byte_of(position, PositionEncoding::Utf16)
                .map_err(|error| format!("{error} in `{path}`; read the file again"))?;
            // The protocol clamps a column that is too large. Nobody has chosen such a place.
            let found = document.position_of(byte, PositionEncoding::Utf16);
            let is_end = place.character == 0 && byte == self.base.len();
            if found != position && !is_end {
                return Err(format!(
                    "line {} of `{path}` has no character {}; read the file again",
                    place.line, place.character
                ));
            }
            Ok(byte)
        };
        let (start, end) = (byte(edit.range.start)?, byte(edit.range.end)?);
        if start > end || edit.range.start > edit.range.end {
            return Err(format!("the range in `{path}` ends before it begins; give `start` first"));
        }
        Ok(start..end)
    }

    fn replace(&mut self, path: &WorkspacePath, range: Range<usize>, text: &str) -> Result<(), String> {
        // Ranges that touch do not overlap; two insertions at one place stand one after the other.
        let overlaps = |other: &Range<usize>| range.start < other.end && other.start < range.end;
        if self.replaced.iter().any(|(other, _)| overlaps(other)) {
            return Err(format!("two ranges in `{path}` overlap; make them one"));
        }
        let ending = LineEnding::only_of(&self.base);
        let text = ending.map_or_else(|| text.to_owned(), |ending| ending.apply(text));
        let key = |range: &Range<usize>| (range.start, range.end);
        let at = self.replaced.partition_point(|(other, _)| key(other) <= key(&range));
        self.replaced.insert(at, (range, text));
        let mut result = String::with_capacity(self.base.len());
        let mut from = 0;
        for (range, text) in &self.replaced {
            result.push_str(self.base.get(from..range.start).unwrap_or_default());
            result.push_str(text);
            from = range.end;
        }
        result.push_str(self.base.get(from..).unwrap_or_default());
        self.result = result;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::PlaceRange;
    use crate::path::RequestedPath;
    use proptest::prelude::*;

    fn path() -> WorkspacePath {
        WorkspacePath::parse("src/a.rs").unwrap()
    }

    fn edit(base: &str, from: (u32, u32), to: (u32, u32), text: &str) -> ReplaceRange {
        let place = |(line, character)| Place { line, character };
        ReplaceRange {
            path: RequestedPath::new("src/a.rs"),
            base_hash: Some(Digest::of(base.as_bytes()).to_string()),
            version: None,
            range: PlaceRange { start: place(from), end: place(to) },
            text: text.to_owned(),
        }
    }

    /// Carries out several edits, the present text being what the last one left.
    fn apply(base: &str, edits: &[ReplaceRange]) -> Result<String, String> {
        let mut ranges = Ranges::default();
        edits.iter().try_fold(base.to_owned(), |present, edit| ranges.replaced(&path(), &present, None, edit))
    }

    #[test]
    fn ranges_of_one_base_count_in_that_base() {
        let base = "fn a() {}\nfn b() {}\n";
        let edits = [
            edit(base, (0, 3), (0, 4), "longer\nname"),
            edit(base, (1, 3), (1, 4), "c"),
            edit(base, (1, 4), (1, 4), "d"),
        ];
        assert_eq!(apply(base, &edits).unwrap(), "fn longer\nname() {}\nfn cd() {}\n");
        let backwards: Vec<ReplaceRange> = edits.iter().rev().cloned().collect();
        assert_eq!(apply(base, &backwards).unwrap(), "fn longer\nname() {}\nfn cd() {}\n");
    }

    #[test]
    fn a_range_may_name_the_text_that_an_action_before_it_left() {
        let base = "one\n";
        let edits = [edit(base, (0, 0), (0, 3), "two"), edit("two\n", (0, 3), (0, 3), "!")];
        assert_eq!(apply(base, &edits).unwrap(), "two!\n");
    }

    #[test]
    fn utf16_columns_end_of_file_and_crlf() {
        let base = "let s = \"🦀 ok\";\r\n";
        let edits = [edit(base, (0, 12), (0, 14), "fine"), edit(base, (1, 0), (1, 0), "x\n")];
        assert_eq!(apply(base, &edits).unwrap(), "let s = \"🦀 fine\";\r\nx\r\n");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let base = "one\ntwo\n";
        for (edits, said) in [
            (vec![edit("other", (0, 0), (0, 1), "")], "another text"),
            (vec![edit(base, (9, 0), (9, 0), "")], "line 9"),
            (vec![edit(base, (0, 4), (0, 4), "")], "no character 4"),
            (vec![edit(base, (1, 0), (0, 0), "")], "ends before it begins"),
            (vec![edit(base, (0, 0), (1, 1), ""), edit(base, (1, 0), (1, 2), "")], "overlap"),
            (vec![edit(base, (0, 0), (0, 3), ""), edit(base, (0, 1), (0, 1), "x")], "overlap"),
            (vec![ReplaceRange { base_hash: None, ..edit(base, (0, 0), (0, 0), "") }], "exactly one"),
            (vec![ReplaceRange { version: Some(1), ..edit(base, (0, 0), (0, 0), "") }], "exactly one"),
            (
                vec![ReplaceRange { base_hash: Some("1".into()), ..edit(base, (0, 0), (0, 0), "") }],
                "not a digest",
            ),
            (
                vec![ReplaceRange { base_hash: None, version: Some(1), ..edit(base, (0, 0), (0, 0), "") }],
                "has no version",
            ),
        ] {
            let error = apply(base, &edits).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_version_names_the_open_document() {
        let by_version = |version| ReplaceRange {
            base_hash: None,
            version: Some(version),
            ..edit("", (0, 0), (0, 3), "two")
        };
        let replaced =
            |known, wanted| Ranges::default().replaced(&path(), "one\n", known, &by_version(wanted));
        assert_eq!(replaced(Some(5), 5).unwrap(), "two\n");
        for (known, wanted) in [(Some(5), 3), (Some(5), 99), (None, 5)] {
            assert!(replaced(known, wanted).is_err());
        }
    }

    proptest! {
        /// Edits of one base, in any order, are what carrying them out from the back gives.
        #[test]
        fn ranges_agree_with_splicing_from_the_back(
            lines in proptest::collection::vec("[a-c🦀]{0,4}", 1..6),
            cuts in proptest::collection::btree_set(0_usize..40, 0..8),
            shuffle in any::<u64>(),
        ) {
            let base = lines.join("\n");
            let document = Document::new(&base);
            let boundaries: Vec<usize> =
                cuts.into_iter().filter(|at| base.is_char_boundary(*at)).collect();
            let mut pieces: Vec<Range<usize>> = boundaries.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let mut expected = base.clone();
            for piece in pieces.iter().rev() {
                expected.replace_range(piece.clone(), "X");
            }
            if !pieces.is_empty() {
                let by = (shuffle as usize) % pieces.len();
                pieces.rotate_left(by);
            }
            let edits: Vec<ReplaceRange> = pieces
                .iter()
                .map(|piece| {
                    let place = |byte| {
                        let at = document.position_of(byte, PositionEncoding::Utf16);
                        (at.line, at.character)
                    };
                    edit(&base, place(piece.start), place(piece.end), "X")
                })
                .collect();
            prop_assert_eq!(apply(&base, &edits).unwrap(), expected);
        }
    }
}
