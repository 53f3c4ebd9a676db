//! Reading for the model: parts of files and literal searches, cut to their limits.

use super::layers::Layers;
use super::walk::Listed;
use crate::limits::{SEARCH_FILES_MAX, SEARCH_LINE_BYTES_MAX};
use openexec_engine::digest::Digest;
use openexec_engine::limits::{FILE_BYTES_MAX, READ_BYTES_MAX, SEARCH_MATCHES_MAX};
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::is_hidden;
use openexec_engine::redact::{Hidden, hidden_in};
use openexec_engine::run::{HydratedText, Read, ReadScope};
use openexec_engine::syntax::{Language, find, symbols_of};
use openexec_engine::text::LineIndex;

pub(super) fn hydrate(layers: &Layers<'_>, read: &Read) -> HydratedText {
    match read {
        Read::File { path, scope } => match file(layers, path, scope) {
            Ok(part) => {
                let hidden = hidden_in(path, &part.whole, &[&part.text]);
                let base = Some(Digest::of(part.whole.as_bytes()));
                let path = Some(path.clone());
                HydratedText { title: part.title, text: Ok(part.text), base, path, hidden }
            }
            Err(reason) => HydratedText {
                title: path.to_string(),
                text: Err(reason),
                base: None,
                path: Some(path.clone()),
                hidden: Vec::new(),
            },
        },
        Read::Search { text, below } => {
            let mut hidden = Vec::new();
            let text = search(layers, text, below.as_ref(), &mut hidden);
            HydratedText { title: "search results".to_owned(), text, base: None, path: None, hidden }
        }
    }
}

/// A part of a file, and the file.
struct Part {
    title: String,
    text: String,
    whole: String,
}

fn file(layers: &Layers<'_>, path: &WorkspacePath, scope: &ReadScope) -> Result<Part, String> {
    if let Some(why) = layers.workspace.withheld(path) {
        return Err(why);
    }
    let text = layers.text(path).map_err(|error| error.reason)?.ok_or("there is no such file")?;
    let (title, part) = part_of(path, &text, scope)?;
    Ok(Part { title, text: part, whole: text })
}

fn part_of(path: &WorkspacePath, text: &str, scope: &ReadScope) -> Result<(String, String), String> {
    match scope {
        ReadScope::Lines { first, last } => {
            if first > last {
                return Err(format!("line {first} comes after line {last}"));
            }
            let lines = Lines::of(text);
            let (first, last) = ((*first).max(1), (*last).min(lines.count()));
            if text.is_empty() {
                return Ok((format!("{path}, empty"), text.to_owned()));
            }
            if first > last {
                return Err(format!("there are only {} lines", lines.count()));
            }
            let part = lines.between(first, last);
            Ok((format!("{path}, lines {first}-{last} of {}", lines.count()), cut(part, first)))
        }
        ReadScope::Symbol { name } => {
            let language = Language::of_path(path)
                .ok_or("symbols of this kind of file are not known; read it by lines")?;
            let symbols = symbols_of(language, text);
            let symbol = find(&symbols, name).map_err(|error| error.to_string())?;
            let part = text.get(symbol.range.clone()).ok_or("the symbol lies outside the text")?;
            let (first, last) = symbol.lines;
            Ok((format!("{path}, `{}`, lines {first}-{last}", symbol.name), cut(part, first)))
        }
    }
}

/// The lines of a text, as editors count them.
pub(super) struct Lines<'a> {
    text: &'a str,
    index: LineIndex,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, index: LineIndex::new(text) }
    }

    /// How many there are; a line break at the end begins no new one.
    pub(super) fn count(&self) -> u32 {
        let ends_open = self.text.ends_with(['\n', '\r']);
        u32::try_from(self.index.count() - usize::from(ends_open)).unwrap_or(u32::MAX)
    }

    /// The byte at which a line, counted from 1, begins; the text's end beyond the last.
    pub(super) fn start(&self, line: u32) -> usize {
        self.index.range_of(line.saturating_sub(1) as usize).start
    }

    /// Lines counted from 1, both included, cut at the text's end.
    pub(super) fn between(&self, first: u32, last: u32) -> &'a str {
        self.text.get(self.start(first)..self.start(last.saturating_add(1))).unwrap_or_default()
    }
}

/// Cuts at the last line that fits whole, and says where to read on.
fn cut(part: &str, first_line: u32) -> String {
    if part.len() <= READ_BYTES_MAX {
        return part.to_owned();
    }
    let head = head(part, READ_BYTES_MAX);
    match head.rfind('\n') {
        Some(end) => {
            let kept = head.get(..=end).unwrap_or(head);
            let next = first_line.saturating_add(Lines::of(kept).count());
            format!("{kept}[cut here, at {READ_BYTES_MAX} bytes; read on from line {next}]\n")
        }
        None => format!("{head}\n[cut here, within a line of more than {READ_BYTES_MAX} bytes]\n"),
    }
}

/// The longest beginning of at most so many bytes that ends between characters.
pub(super) fn head(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|byte| text.is_char_boundary(*byte));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// `hidden` takes in the secrets on the lines that were found.
fn search(
    layers: &Layers<'_>,
    wanted: &str,
    below: Option<&WorkspacePath>,
    hidden: &mut Vec<Hidden>,
) -> Result<String, String> {
    if wanted.trim().is_empty() {
        return Err("a search needs a text to look for".to_owned());
    }
    let mut matches = Vec::new();
    let mut looked_at = 0;
    let candidates = searched(layers, below)?;
    let all = candidates.len();
    for file in candidates.into_iter().take(SEARCH_FILES_MAX) {
        if matches.len() > SEARCH_MATCHES_MAX {
            break;
        }
        looked_at += 1;
        let Ok(Some(text)) = layers.text(&file.path) else {
            continue;
        };
        if !text.contains('\0') {
            let before = matches.len();
            lines_with(&file.path, &text, wanted, &mut matches);
            let new: Vec<&str> = matches.iter().skip(before).map(String::as_str).collect();
            if !new.is_empty() {
                hidden.extend(hidden_in(&file.path, &text, &new));
            }
        }
    }
    let cut = matches.len() > SEARCH_MATCHES_MAX;
    matches.truncate(SEARCH_MATCHES_MAX);
    if cut {
        matches.push(format!(
            "[there are more than {SEARCH_MATCHES_MAX} matches; search for a longer text, or below a folder]"
        ));
    } else if looked_at < all {
        matches.push(format!(
            "[only the first {looked_at} of {all} files were searched; search below a folder]"
        ));
    } else if matches.is_empty() {
        return Ok("[no match]\n".to_owned());
    }
    matches.push(String::new());
    Ok(matches.join("\n"))
}

/// The files to search: those below a folder, or the one file that was named.
fn searched(layers: &Layers<'_>, below: Option<&WorkspacePath>) -> Result<Vec<Listed>, String> {
    let workspace = layers.workspace;
    let shown = |file: &Listed| workspace.sift.as_ref().is_none_or(|sift| sift(&file.path).is_none());
    let fits = |file: &Listed| file.bytes <= FILE_BYTES_MAX as u64 && !is_hidden(&file.path) && shown(file);
    let Some(below) = below else {
        return Ok(layers.files().into_iter().filter(fits).collect());
    };
    let folder = format!("{below}/");
    let mut files: Vec<Listed> = layers.files();
    files.retain(|file| file.path.as_str().starts_with(&folder) && fits(file));
    if !files.is_empty() || layers.is_directory(below) {
        return Ok(files);
    }
    if let Some(why) = workspace.withheld(below) {
        return Err(why);
    }
    match layers.text(below) {
        Ok(Some(text)) => Ok(vec![Listed { path: below.clone(), bytes: text.len() as u64, stamp: None }]),
        Ok(None) => Err(format!("there is no file or folder `{below}`")),
        Err(error) => Err(error.to_string()),
    }
}

/// One entry for each line in which a match begins.
fn lines_with(path: &WorkspacePath, text: &str, wanted: &str, matches: &mut Vec<String>) {
    let mut found = text.match_indices(wanted).map(|(byte, _)| byte).peekable();
    if found.peek().is_none() {
        return;
    }
    let index = LineIndex::new(text);
    let mut last = None;
    for byte in found {
        let line = index.line_of(byte);
        if last.replace(line) == Some(line) {
            continue;
        }
        let content = text.get(index.range_of(line)).unwrap_or_default();
        let content = content.split(['\n', '\r']).next().unwrap_or_default().trim();
        let shown = head(content, SEARCH_LINE_BYTES_MAX);
        let ellipsis = if shown.len() < content.len() { "…" } else { "" };
        matches.push(format!("{path}:{}: {shown}{ellipsis}", line + 1));
        if matches.len() > SEARCH_MATCHES_MAX {
            return;
        }
    }
}
