//! Replacing a symbol, and inserting beside one.
//!
//! A replacement takes the place of the whole symbol, its doc comments and attributes
//! included, as the symbol was shown. The text is taken as it was given, but for its line
//! endings and for the indentation of its lines where it has plainly lost that.

use crate::action::Side;
use crate::path::WorkspacePath;
use crate::syntax::{Language, Symbol, SyntaxTree, find};
use crate::text::{LineEnding, LineIndex, content_of, split_lines};
use ropey::Rope;
use std::ops::Range;

/// The most empty lines that an insertion puts between itself and its neighbour.
const GAP_LINES_MAX: usize = 2;

/// A file, and the symbol in it.
struct Target<'a> {
    text: &'a str,
    language: Language,
    lines: LineIndex,
    symbol: Symbol,
    ending: LineEnding,
}

/// The file with the whole symbol replaced.
pub(super) fn replaced(path: &WorkspacePath, text: &str, name: &str, new: &str) -> Result<String, String> {
    let target = Target::find(path, text, name)?;
    let new = trimmed(new);
    if new.is_empty() {
        return Err(format!("the new text of `{name}` is empty; to remove it, use replace_text"));
    }
    let mut range = target.symbol.range.clone();
    if new.starts_with([' ', '\t']) && target.begins_line(range.start) {
        // The text brings the indentation of its first line along.
        range.start = target.line_range(range.start).start;
    }
    let indentation = if range.start == target.symbol.range.start { target.indentation() } else { "" };
    target.fitted(indentation, new, |piece| target.spliced(range.clone(), piece))
}

/// The file with a text before or after the symbol, on lines of its own.
pub(super) fn inserted(
    path: &WorkspacePath,
    text: &str,
    name: &str,
    side: Side,
    new: &str,
) -> Result<String, String> {
    let target = Target::find(path, text, name)?;
    let new = trimmed(new);
    if new.is_empty() {
        return Err("the text to insert is empty; leave the action out".to_owned());
    }
    let indentation = if new.starts_with([' ', '\t']) { "" } else { target.indentation() };
    target.fitted(indentation, new, |piece| target.beside(side, &format!("{indentation}{piece}")))
}

/// A text without line breaks around it and without blanks at its end.
fn trimmed(text: &str) -> &str {
    let mut rest = text.trim_end();
    while let Some(first) = split_lines(rest).first().filter(|line| line.trim().is_empty()) {
        rest = rest.get(first.len()..).unwrap_or_default();
    }
    rest
}

impl<'a> Target<'a> {
    fn find(path: &WorkspacePath, text: &'a str, name: &str) -> Result<Self, String> {
        let language = Language::of_path(path)
            .filter(|language| language.is_built_in())
            .ok_or_else(|| format!("no grammar is known for `{path}`; use replace_text instead"))?;
        let tree = SyntaxTree::parse(language, &Rope::from_str(text)).ok_or_else(|| {
            format!("`{path}` is too large or too strange to parse; use replace_text instead")
        })?;
        let symbols = tree.symbols(text);
        let symbol = find(&symbols, name)
            .map_err(|error| format!("{error}; name one of `{path}`, or use replace_text"))?
            .clone();
        let ending = LineEnding::dominant_of(text);
        Ok(Self { text, language, lines: LineIndex::new(text), symbol, ending })
    }

    fn line_range(&self, byte: usize) -> Range<usize> {
        self.lines.range_of(self.lines.line_of(byte))
    }

    fn line(&self, line: usize) -> &'a str {
        content_of(self.text.get(self.lines.range_of(line)).unwrap_or_default())
    }

    /// The blanks before the symbol, when nothing else stands before it on its line.
    fn indentation(&self) -> &'a str {
        let start = self.line_range(self.symbol.range.start).start;
        let before = self.text.get(start..self.symbol.range.start).unwrap_or_default();
        if before.trim().is_empty() { before } else { "" }
    }

    fn begins_line(&self, byte: usize) -> bool {
        self.text.get(self.line_range(byte).start..byte).unwrap_or_default().trim().is_empty()
    }

    fn spliced(&self, range: Range<usize>, piece: &str) -> String {
        let before = self.text.get(..range.start).unwrap_or_default();
        let after = self.text.get(range.end..).unwrap_or_default();
        format!("{before}{piece}{after}")
    }

    /// Puts the text in place as it was given; if its later lines have plainly lost the
    /// indentation of their place, with that added. Plainly means: its last line stands further
    /// left than its first, or the file can be parsed only with the indentation.
    fn fitted(&self, indentation: &str, new: &str, place: impl Fn(&str) -> String) -> Result<String, String> {
        let given = place(&self.ending.apply(new));
        let lines = split_lines(new);
        if indentation.is_empty() || lines.len() < 2 {
            return Ok(given);
        }
        let shifted = place(&self.ending.apply(&self.shifted(new, indentation)));
        let closes_left = lines.last().is_some_and(|line| !line.starts_with(indentation));
        let given_parses = parses(self.language, &given);
        let shifted_parses = parses(self.language, &shifted);
        let shift = if given_parses == shifted_parses { closes_left } else { shifted_parses };
        Ok(if shift { shifted } else { given })
    }

    /// The text with its later lines indented, except where they stand within a string.
    fn shifted(&self, new: &str, indentation: &str) -> String {
        let tree = SyntaxTree::parse(self.language, &Rope::from_str(new));
        let mut at = 0;
        let mut text = String::new();
        for line in split_lines(new) {
            let in_string = tree.as_ref().is_some_and(|tree| is_in_string(tree, at));
            if at > 0 && !line.trim().is_empty() && !in_string {
                text.push_str(indentation);
            }
            text.push_str(line);
            at += line.len();
        }
        text
    }

    /// The file with a piece on lines of its own before or after the symbol.
    fn beside(&self, side: Side, piece: &str) -> String {
        let (first, last) =
            (self.lines.line_of(self.symbol.range.start), self.lines.line_of(self.symbol.range.end));
        let mut above =
            Neighbour::look(first.checked_sub(1), |line| line.checked_sub(1), |line| self.line(line));
        // What closes above is a sibling; only what closes below may be the block around.
        above.closes = false;
        let next = |line: usize| Some(line + 1).filter(|line| *line <= self.lines.line_of(self.text.len()));
        let below = Neighbour::look(next(last), next, |line| self.line(line));
        let gap = self.gap(&above, &below, piece);
        let end = self.ending.as_str();
        let blank = end.repeat(gap);
        let outer = |neighbour: &Neighbour| {
            let crowds = neighbour.gap == 0 && neighbour.is_sibling(self.indentation().len());
            if crowds { blank.as_str() } else { "" }
        };
        match side {
            Side::Before if self.begins_line(self.symbol.range.start) => {
                let at = self.line_range(self.symbol.range.start).start;
                self.spliced(at..at, &format!("{}{piece}{end}{blank}", outer(&above)))
            }
            Side::Before => {
                let at = self.symbol.range.start;
                self.spliced(at..at, &format!("{end}{piece}{end}{}", self.indentation()))
            }
            Side::After => {
                let line = self.line_range(self.symbol.range.end);
                let rest = self.text.get(self.symbol.range.end..line.end).unwrap_or_default();
                let code = content_of(rest);
                let at = self.symbol.range.end + if self.is_remark(code) { code.len() } else { 0 };
                let broken = !self.is_remark(code);
                let after = if broken { end } else { outer(&below) };
                self.spliced(at..at, &format!("{end}{blank}{piece}{after}"))
            }
        }
    }

    /// True for what may stay behind a symbol on its line: blanks, or a comment.
    fn is_remark(&self, rest: &str) -> bool {
        let rest = rest.trim_start();
        rest.is_empty() || [",", "//", "#", "--"].iter().any(|mark| rest.starts_with(mark))
    }

    /// The empty lines to keep between the piece and the symbol: as many as separate the symbol
    /// from its neighbours; one for a text of several lines where there is no neighbour.
    fn gap(&self, above: &Neighbour, below: &Neighbour, piece: &str) -> usize {
        let indentation = self.indentation().len();
        let siblings = [above, below].into_iter().filter(|neighbour| neighbour.is_sibling(indentation));
        match siblings.map(|neighbour| neighbour.gap).max() {
            Some(gap) => gap.min(GAP_LINES_MAX),
            None if split_lines(piece).len() > 1 || self.symbol.lines.0 != self.symbol.lines.1 => 1,
            None => 0,
        }
    }
}

/// The nearest line with text on it.
struct Neighbour {
    /// Its indentation in bytes; `None` at the file's edge.
    at: Option<usize>,
    /// True when it only closes a block.
    closes: bool,
    /// The empty lines before it.
    gap: usize,
}

impl Neighbour {
    /// True for a line of the same block, as far as indentation tells.
    fn is_sibling(&self, indentation: usize) -> bool {
        !self.closes && self.at.is_some_and(|at| at >= indentation)
    }

    fn look<'t>(
        from: Option<usize>,
        next: impl Fn(usize) -> Option<usize>,
        text_of: impl Fn(usize) -> &'t str,
    ) -> Self {
        let mut gap = 0;
        let mut line = from;
        while let Some(at) = line {
            let text = text_of(at);
            let content = text.trim_start();
            if !content.is_empty() {
                let closes = content.starts_with(['}', ')', ']']);
                return Self { at: Some(text.len() - content.len()), closes, gap };
            }
            gap += 1;
            line = next(at);
        }
        Self { at: None, closes: false, gap }
    }
}

fn parses(language: Language, text: &str) -> bool {
    SyntaxTree::parse(language, &Rope::from_str(text))
        .is_some_and(|tree| !tree.tree().root_node().has_error())
}

/// True when a line that begins at this byte begins within a string.
fn is_in_string(tree: &SyntaxTree, byte: usize) -> bool {
    const ANCESTORS_MAX: usize = 3;
    let mut node = tree.tree().root_node().descendant_for_byte_range(byte, byte);
    for _ in 0..ANCESTORS_MAX {
        let Some(found) = node else {
            return false;
        };
        let is_string =
            ["string", "text_block", "heredoc", "nowdoc"].iter().any(|kind| found.kind().contains(kind));
        if is_string && found.start_byte() < byte {
            return true;
        }
        node = found.parent();
    }
    false
}
