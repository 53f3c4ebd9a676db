//! Text documents as editors see them: lines end at `\n`, `\r\n` or a lone `\r` and nowhere
//! else, and columns are counted in the encoding that the client negotiated.
//!
//! Nothing here knows of files, versions or editors: a document is its text.

mod lines;
#[cfg(test)]
mod tests;
mod visible;

pub(crate) use lines::content_of;
pub use lines::{LineEnding, LineIndex, split_lines};
pub use visible::visible;

use ropey::{Rope, RopeSlice};
use serde::{Deserialize, Serialize};

/// What some files begin with, and most editors keep to themselves.
pub const BYTE_ORDER_MARK: char = '\u{FEFF}';

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

/// A change of one byte range, as tree-sitter wants to hear of it. The points count rows as
/// tree-sitter does, at `\n` alone, so in a document with lone `\r` they differ from [`Position`].
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
    /// before its line break, as LSP demands; a column inside a character means the character's
    /// start. The line directly after the last one means the document's end, because clients
    /// send it for "everything".
    ///
    /// # Errors
    /// The line must exist.
    pub fn byte_of(&self, position: Position, encoding: PositionEncoding) -> Result<usize, PositionError> {
        let lines = self.rope.len_lines();
        let line = position.line as usize;
        if line == lines {
            return Ok(self.rope.len_bytes());
        }
        let (Ok(start), Some(slice)) = (self.rope.try_line_to_byte(line), self.rope.get_line(line)) else {
            return Err(PositionError { line: position.line, lines });
        };
        let content = slice.slice(..content_chars(slice));
        let column = position.character as usize;
        let char_column = match encoding {
            PositionEncoding::Utf8 => content.byte_to_char(column.min(content.len_bytes())),
            PositionEncoding::Utf16 => content.utf16_cu_to_char(column.min(content.len_utf16_cu())),
            PositionEncoding::Utf32 => column.min(content.len_chars()),
        };
        Ok(start + content.char_to_byte(char_column))
    }

    /// The position of a byte offset, which is clamped to the document, to a character's start,
    /// and to the end of its line's content: there is no position within a line break.
    pub fn position_of(&self, byte: usize, encoding: PositionEncoding) -> Position {
        let char_index = self.rope.byte_to_char(byte.min(self.rope.len_bytes()));
        let line = self.rope.char_to_line(char_index);
        let slice = self.rope.line(line);
        let column = (char_index - self.rope.line_to_char(line)).min(content_chars(slice));
        let character = match encoding {
            PositionEncoding::Utf8 => slice.char_to_byte(column),
            PositionEncoding::Utf16 => slice.char_to_utf16_cu(column),
            PositionEncoding::Utf32 => column,
        };
        Position { line: saturated(line), character: saturated(character) }
    }

    /// Replaces a range, or everything when there is none. A reversed range means the same
    /// range the right way round: LSP forbids it, editors accept it, and refusing it would
    /// leave the document out of step with the editor's.
    ///
    /// # Errors
    /// Both lines must exist. The document is unchanged then.
    pub fn change(
        &mut self,
        range: Option<(Position, Position)>,
        text: &str,
        encoding: PositionEncoding,
    ) -> Result<ByteEdit, PositionError> {
        let (start, old_end, text) = match range {
            None => self.difference(text),
            Some((from, to)) => {
                let (from, to) = (self.byte_of(from, encoding)?, self.byte_of(to, encoding)?);
                (from.min(to), from.max(to), text)
            }
        };
        let start_point = advance((0, 0), self.rope.byte_slice(..start).chunks());
        let old_end_point = advance(start_point, self.rope.byte_slice(start..old_end).chunks());
        let new_end_point = advance(start_point, std::iter::once(text));
        let (from, to) = (self.rope.byte_to_char(start), self.rope.byte_to_char(old_end));
        if from == 0 && to == self.rope.len_chars() {
            self.rope = Rope::from_str(text);
        } else {
            self.rope.remove(from..to);
            self.rope.insert(from, text);
        }
        let new_end = start + text.len();
        Ok(ByteEdit { start, old_end, new_end, start_point, old_end_point, new_end_point })
    }

    /// Between which bytes another text differs, and what it has there: some editors send all of
    /// a text for each key.
    fn difference<'t>(&self, text: &'t str) -> (usize, usize, &'t str) {
        let (old, new) = (self.rope.len_bytes(), text.len());
        let same = self.rope.bytes().zip(text.bytes()).take_while(|(one, other)| one == other).count();
        let start = (0..=same).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let ends = self.rope.bytes_at(old).reversed().zip(text.bytes().rev());
        let most = old.min(new) - start;
        let same = ends.take(most).take_while(|(one, other)| one == other).count();
        let kept = (0..=same).rev().find(|kept| text.is_char_boundary(new - kept)).unwrap_or(0);
        (start, old - kept, text.get(start..new - kept).unwrap_or_default())
    }
}

impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.rope.chunks().try_for_each(|chunk| f.write_str(chunk))
    }
}

/// The characters of a line before its line break.
fn content_chars(line: RopeSlice<'_>) -> usize {
    let chars = line.len_chars();
    let at = |back: usize| chars.checked_sub(back).and_then(|index| line.get_char(index));
    match (at(2), at(1)) {
        (Some('\r'), Some('\n')) => chars - 2,
        (_, Some('\r' | '\n')) => chars - 1,
        _ => chars,
    }
}

/// Moves a point over a text, counting rows as tree-sitter does: at `\n` alone.
fn advance<'a>(point: (usize, usize), chunks: impl Iterator<Item = &'a str>) -> (usize, usize) {
    chunks.fold(point, |(row, column), chunk| {
        let breaks = chunk.bytes().filter(|byte| *byte == b'\n').count();
        match chunk.rfind('\n') {
            Some(last) => (row + breaks, chunk.len() - last - 1),
            None => (row, column + chunk.len()),
        }
    })
}

fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// True for texts that differ only in what editors do by themselves: the byte order mark, the
/// style of line ends, the end of the last line.
pub fn same_to_editors(one: &str, other: &str) -> bool {
    fn lines(text: &str) -> impl Iterator<Item = &str> {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line))
    }
    one == other || lines(one).eq(lines(other))
}

/// True for texts that differ only in blanks and line breaks, or in the byte order mark.
pub fn same_but_for_blanks(one: &str, other: &str) -> bool {
    fn ink(text: &str) -> impl Iterator<Item = char> {
        text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).chars().filter(|letter| !letter.is_whitespace())
    }
    ink(one).eq(ink(other))
}

/// The beginning of a text, of at most so many bytes, without a cut character.
pub(crate) fn beginning(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
