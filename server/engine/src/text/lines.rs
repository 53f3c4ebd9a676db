//! Where lines begin and how they end, for texts that are not in a rope.

use std::ops::Range;

/// Bytes of a line as people write them, so that room is made once.
const LINE_BYTES_USUAL: usize = 24;

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineEnding {
    /// `\n`.
    Lf,
    /// `\r\n`.
    CrLf,
    /// A lone `\r`.
    Cr,
}

impl LineEnding {
    /// The bytes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
            Self::Cr => "\r",
        }
    }

    /// How a line ends; `None` for a last line without a line break.
    pub fn of_line(line: &str) -> Option<Self> {
        if line.ends_with("\r\n") {
            Some(Self::CrLf)
        } else if line.ends_with('\n') {
            Some(Self::Lf)
        } else if line.ends_with('\r') {
            Some(Self::Cr)
        } else {
            None
        }
    }

    /// The ending of every line of a text; `None` when there is no line break or they differ.
    pub fn only_of(text: &str) -> Option<Self> {
        let mut endings = split_lines(text).into_iter().filter_map(Self::of_line);
        let first = endings.next()?;
        endings.all(|ending| ending == first).then_some(first)
    }

    /// The most frequent ending of a text; `\n` when none is.
    pub fn dominant_of(text: &str) -> Self {
        let (mut lf, mut crlf, mut cr) = (0_usize, 0_usize, 0_usize);
        for line in split_lines(text) {
            match Self::of_line(line) {
                Some(Self::Lf) => lf += 1,
                Some(Self::CrLf) => crlf += 1,
                Some(Self::Cr) => cr += 1,
                None => {}
            }
        }
        if crlf > lf && crlf >= cr {
            Self::CrLf
        } else if cr > lf {
            Self::Cr
        } else {
            Self::Lf
        }
    }

    /// The text with each of its line breaks written like this one.
    pub fn apply(self, text: &str) -> String {
        let mut adapted = String::with_capacity(text.len());
        for line in split_lines(text) {
            adapted.push_str(content_of(line));
            if Self::of_line(line).is_some() {
                adapted.push_str(self.as_str());
            }
        }
        adapted
    }
}

/// A line without its line break.
pub(crate) fn content_of(line: &str) -> &str {
    line.strip_suffix("\r\n").or_else(|| line.strip_suffix(['\n', '\r'])).unwrap_or(line)
}

/// The lines of a text, each with its line break, which is `\n`, `\r\n` or a lone `\r`. Joined
/// they are the text; an empty text has none.
pub fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r']) {
        let length = if rest.get(at..at + 2) == Some("\r\n") { at + 2 } else { at + 1 };
        let (line, after) = rest.split_at(length);
        lines.push(line);
        rest = after;
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// The lines of a text, by byte.
#[derive(Debug, Clone)]
pub struct LineIndex {
    /// The first byte of each line; never empty.
    starts: Vec<usize>,
    length: usize,
}

impl LineIndex {
    /// Finds the lines of a text. A text that ends with a line break has an empty last line.
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = Vec::with_capacity(text.len() / LINE_BYTES_USUAL + 1);
        starts.push(0);
        let ends = memchr::memchr2_iter(b'\n', b'\r', bytes);
        let ends = ends.filter(|at| bytes.get(*at..at + 2) != Some(b"\r\n"));
        starts.extend(ends.map(|at| at + 1));
        Self { starts, length: text.len() }
    }

    /// How many lines there are, at least one.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// The line of a byte, counted from 0.
    pub fn line_of(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte).saturating_sub(1)
    }

    /// The bytes of a line, counted from 0, with its line break. Empty beyond the last line.
    pub fn range_of(&self, line: usize) -> Range<usize> {
        let start = self.starts.get(line).copied().unwrap_or(self.length);
        start..self.starts.get(line + 1).copied().unwrap_or(self.length)
    }

    /// First and last line of a byte range, counted from 1, both included.
    pub fn lines_of(&self, range: &Range<usize>) -> (u32, u32) {
        let number = |byte| u32::try_from(self.line_of(byte) + 1).unwrap_or(u32::MAX);
        let last = range.end.saturating_sub(1).max(range.start);
        (number(range.start), number(last))
    }
}
