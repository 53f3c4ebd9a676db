//! Replacing a piece of text that occurs exactly once.

use crate::text::{LineEnding, LineIndex, split_lines};

/// Places that an error names.
const PLACES_NAMED_MAX: usize = 10;

/// The text with `old` replaced. Where all lines of the text end alike, the line breaks of
/// `old` and `new` are written that way first, so that a file with `\r\n` can be edited by
/// someone who writes `\n`.
pub(super) fn replaced(text: &str, old: &str, new: &str) -> Result<String, String> {
    if old.is_empty() {
        return Err("`old` is empty; give the exact present text".to_owned());
    }
    let (old, new) = match LineEnding::only_of(text) {
        Some(ending) => (ending.apply(old), ending.apply(new)),
        None => (old.to_owned(), new.to_owned()),
    };
    if old == new {
        return Err("`old` and `new` are the same; leave the action out".to_owned());
    }
    let places = occurrences(text, &old);
    match places.as_slice() {
        [] => Err(missing(text, &old)),
        [at] => {
            let (before, rest) = text.split_at(*at);
            let after = rest.get(old.len()..).unwrap_or_default();
            Ok(format!("{before}{new}{after}"))
        }
        several => Err(ambiguous(text, several)),
    }
}

/// Where a text occurs, overlapping occurrences included.
fn occurrences(text: &str, piece: &str) -> Vec<usize> {
    let step = piece.chars().next().map_or(1, char::len_utf8);
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(piece)) {
        places.push(from + at);
        from += at + step;
    }
    places
}

fn ambiguous(text: &str, places: &[usize]) -> String {
    let index = LineIndex::new(text);
    let lines: Vec<String> =
        places.iter().take(PLACES_NAMED_MAX).map(|at| (index.line_of(*at) + 1).to_string()).collect();
    let more = if places.len() > PLACES_NAMED_MAX { " and further ones" } else { "" };
    format!(
        "`old` occurs {} times, in lines {}{more}; give more of the text around the one that is meant",
        places.len(),
        lines.join(", ")
    )
}

/// Why a text was not found: what stands there that resembles it.
fn missing(text: &str, old: &str) -> String {
    let unified = LineEnding::Lf.apply(text);
    let wanted = LineEnding::Lf.apply(old);
    if let Some(at) = unified.find(&wanted) {
        let line = unified.get(..at).unwrap_or_default().matches('\n').count() + 1;
        return format!(
            "`old` does not occur; it matches at line {line} except for line endings, which are mixed in \
             this file; replace the lines one by one"
        );
    }
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = split_lines(text).into_iter().map(squeezed).collect();
    let wanted: Vec<String> = split_lines(old).into_iter().map(squeezed).collect();
    let wanted = wanted.as_slice();
    let begins = wanted.iter().position(|line| !line.is_empty());
    let ends = wanted.iter().rposition(|line| !line.is_empty());
    let (Some(begins), Some(ends)) = (begins, ends) else {
        return "`old` is blank and does not occur; give text that is there".to_owned();
    };
    let wanted = wanted.get(begins..=ends).unwrap_or_default();
    if let Some(at) = lines.windows(wanted.len()).position(|window| window == wanted) {
        let last = at + wanted.len();
        return format!(
            "`old` does not occur; lines {}-{last} match except for blanks; copy them exactly",
            at + 1
        );
    }
    let first = wanted.first().map(String::as_str).unwrap_or_default();
    let similar: Vec<String> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !first.is_empty() && line.contains(first))
        .take(PLACES_NAMED_MAX)
        .map(|(at, _)| (at + 1).to_string())
        .collect();
    if similar.is_empty() {
        return format!(
            "`old` does not occur in the file, which has {}; read it again",
            counted(lines.len())
        );
    }
    format!(
        "`old` does not occur; its first line stands in line {}, but what follows differs; read it again",
        similar.join(" and ")
    )
}

fn counted(lines: usize) -> String {
    if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") }
}
