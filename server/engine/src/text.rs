//! Text documents as editors see them: lines end at `\n`, `\r\n` or a lone `\r` and nowhere
//! else, and columns are counted in the encoding that the client negotiated.

use ropey::Rope;
use serde::{Deserialize, Serialize};

/// The unit in which a client counts columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PositionEncoding {
    /// Bytes of UTF-8.
    Utf8,
    /// Code units of UTF-16.
    Utf16,
    /// Code points.
    Utf32,
}

/// A place in a document, both counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in the negotiated encoding.
    pub character: u32,
}

/// A change of one byte range, as tree-sitter wants to hear of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteEdit {
    /// First byte that changed.
    pub start: usize,
    /// End of the old text.
    pub old_end: usize,
    /// End of the new text.
    pub new_end: usize,
    /// Line and byte column of `start`.
    pub start_point: (usize, usize),
    /// Line and byte column of `old_end`, before the change.
    pub old_end_point: (usize, usize),
    /// Line and byte column of `new_end`, after the change.
    pub new_end_point: (usize, usize),
}

/// A position that is not in the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is beyond the end of the document ({lines} lines)")]
pub struct PositionError {
    /// The line asked for, counted from 0.
    pub line: u32,
    /// The lines there are.
    pub lines: usize,
}

/// A document.
#[derive(Debug, Clone)]
pub struct Document {
    rope: Rope,
}

impl Document {
    /// A document with this text.
    pub fn new(text: &str) -> Self {
        Self { rope: Rope::from_str(text) }
    }

    /// The rope.
    pub fn rope(&self) -> &Rope {
        &self.rope
    }

    /// The byte offset of a position. A column beyond the line's end means the line's end,
    /// as LSP demands; a column inside a character means the character's start.
    ///
    /// # Errors
    /// The line must exist.
    pub fn byte_of(&self, _position: Position, _encoding: PositionEncoding) -> Result<usize, PositionError> {
        todo!()
    }

    /// The position of a byte offset, which is clamped to the document and to a character's start.
    pub fn position_of(&self, _byte: usize, _encoding: PositionEncoding) -> Position {
        todo!()
    }

    /// Replaces a range, or everything when there is none.
    ///
    /// # Errors
    /// Both lines must exist. The document is unchanged then.
    pub fn change(
        &mut self,
        _range: Option<(Position, Position)>,
        _text: &str,
        _encoding: PositionEncoding,
    ) -> Result<ByteEdit, PositionError> {
        todo!()
    }
}

impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.rope.chunks().try_for_each(|chunk| f.write_str(chunk))
    }
}
