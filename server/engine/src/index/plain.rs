//! What can be said of a text without its grammar: where definitions seem to begin, and, by
//! their indentation, where they end. It answers until the parser has been there, and for
//! languages that have none.

use super::summarise::of_symbols;
use super::summary::FileSummary;
use super::words::words;
use crate::limits::{SIGNATURE_BYTES_MAX, SYMBOL_NAME_BYTES_MAX, SYMBOLS_MAX};
use crate::syntax::{Spot, Symbol, SymbolKind, UseKind};
use crate::text::{LineIndex, beginning};
use regex::Regex;
use std::sync::LazyLock;

/// The head of a definition: some modifiers, a word that says what it is, a name; or a name
/// with parameters and an opening brace at the line's end.
static HEAD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^\s*(?:(?:pub(?:\([^)]*\))?|export|default|async|unsafe|static|public|private|protected|internal|open|override|abstract|final|local|inline|extern|const)\s+)*",
        r"(?:(?<sort>fn|def|func|fun|function|sub|proc|class|struct|enum|interface|trait|module|object|record|type)\s+(?:\([^)]*\)\s*)?(?<name>[\w$]+)",
        r"|(?:[\w:<>\[\],&*?]+\s+)*[*&]*(?<plain>[\w$]+)\s*\([^;{}]*\)[^;{}=]*\{\s*$)",
    ))
    .ok()
});
/// Words before a parenthesis that define nothing.
const STATEMENTS: [&str; 8] = ["if", "for", "while", "switch", "catch", "return", "else", "match"];

/// The summary of a text in an unknown language.
pub fn summarise_plain(source: &str) -> FileSummary {
    of_symbols(&symbols(source), &calls(source), (source, &LineIndex::new(source)))
}

/// Names that are followed by a parenthesis.
fn calls(source: &str) -> Vec<Spot> {
    let called = words(source).filter(|word| {
        let behind = source.get(word.start + word.text.len()..).unwrap_or_default();
        behind.starts_with('(') && !STATEMENTS.contains(&word.text)
    });
    called.map(|word| Spot { kind: UseKind::Call, range: word.start..word.start + word.text.len() }).collect()
}

struct Line<'a> {
    start: usize,
    text: &'a str,
    indent: usize,
}

fn symbols(source: &str) -> Vec<Symbol> {
    let Some(head) = HEAD.as_ref() else { return Vec::new() };
    let mut at = 0;
    let lines: Vec<Line<'_>> = source
        .split_inclusive('\n')
        .map(|text| {
            let start = at;
            at += text.len();
            Line { start, text: text.trim_end(), indent: text.len() - text.trim_start().len() }
        })
        .collect();
    let mut found: Vec<Symbol> = Vec::new();
    // Names of what is open, with their indentation.
    let mut around: Vec<(usize, String)> = Vec::new();
    for (row, line) in lines.iter().enumerate() {
        if line.text.trim().is_empty() || line.text.len() > SIGNATURE_BYTES_MAX {
            continue;
        }
        let Some(captures) = head.captures(line.text) else { continue };
        let Some(name) = captures.name("name").or_else(|| captures.name("plain")) else { continue };
        if STATEMENTS.contains(&name.as_str()) || found.len() >= SYMBOLS_MAX {
            continue;
        }
        while around.last().is_some_and(|(indent, _)| *indent >= line.indent) {
            around.pop();
        }
        let mut qualified: Vec<&str> = around.iter().map(|(_, name)| name.as_str()).collect();
        qualified.push(name.as_str());
        let qualified = qualified.join(".");
        around.push((line.indent, name.as_str().to_owned()));
        if qualified.len() > SYMBOL_NAME_BYTES_MAX {
            continue;
        }
        let last = last_line(&lines, row);
        let Some(end) = lines.get(last).map(|line| line.start + line.text.len()) else { continue };
        let is_method = around.len() > 1;
        let (first, last) =
            (u32::try_from(row + 1).unwrap_or(u32::MAX), u32::try_from(last + 1).unwrap_or(u32::MAX));
        found.push(Symbol {
            name: qualified,
            kind: kind_of(captures.name("sort").map_or("", |sort| sort.as_str()), is_method),
            range: line.start + line.indent..end,
            name_range: line.start + name.start()..line.start + name.end(),
            lines: (first, last),
            signature: beginning(line.text.trim().trim_end_matches(['{', ':', ' ']), SIGNATURE_BYTES_MAX)
                .to_owned(),
            is_test: name.as_str().to_ascii_lowercase().starts_with("test"),
        });
    }
    found
}

/// The last line of what begins here: before the next line that is indented no further, or that
/// line itself where it only closes.
fn last_line(lines: &[Line<'_>], row: usize) -> usize {
    let indent = lines.get(row).map_or(0, |line| line.indent);
    let mut last = row;
    for (at, line) in lines.iter().enumerate().skip(row + 1) {
        let text = line.text.trim();
        if text.is_empty() {
            continue;
        }
        if line.indent <= indent {
            let closes = text.starts_with(['}', ')', ']']) || matches!(text, "end" | "done" | "fi");
            let opens = text == "{";
            if closes {
                return at;
            }
            if !opens {
                return last;
            }
        }
        last = at;
    }
    last
}

fn kind_of(sort: &str, is_method: bool) -> SymbolKind {
    match sort {
        "class" | "object" | "record" => SymbolKind::Class,
        "struct" => SymbolKind::Struct,
        "enum" => SymbolKind::Enum,
        "interface" => SymbolKind::Interface,
        "trait" => SymbolKind::Trait,
        "module" => SymbolKind::Module,
        "type" => SymbolKind::Type,
        _ if is_method => SymbolKind::Method,
        _ => SymbolKind::Function,
    }
}
