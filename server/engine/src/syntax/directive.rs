//! Comments that ask for work: `// openexec: return an error instead`.

use super::Directive;
use super::grammar::Grammar;
use super::walk::begins_line;
use crate::limits::{DIRECTIVE_BYTES_MAX, SYNTAX_DEPTH_MAX};
use crate::text::{LineIndex, beginning};
use std::ops::Range;
use tree_sitter::{Node, Tree};

/// What a directive's text begins with, in any case.
const MARKER: &str = "openexec:";

/// Blanks by which a line must be indented more than the first one to continue a directive.
/// A remark, a doc comment or a licence below a directive is never taken for part of it.
const CONTINUATION_INDENT: usize = 2;

/// One comment.
struct Comment<'a> {
    /// Its bytes, without a line break; with the braces around it in JSX.
    range: Range<usize>,
    /// First and last line, counted from 1.
    lines: (u32, u32),
    /// What it says, and how its line comment begins: `//`, `///`. Empty for a block comment.
    text: String,
    opening: &'a str,
    /// Blanks between the two; a tab counts as `CONTINUATION_INDENT`.
    indent: usize,
}

/// The directive whose lines hold `line`, else the one that ends directly above it.
pub(super) fn directive_at(grammar: &Grammar, tree: &Tree, source: &str, line: u32) -> Option<Directive> {
    // Menus ask this at every rest of the cursor, and walking a large tree takes milliseconds.
    if !mentions_marker(source) {
        return None;
    }
    let lines = LineIndex::new(source);
    let comments = comments(grammar, tree, source, &lines);
    let mut above = None;
    for (index, comment) in comments.iter().enumerate() {
        if comment.lines.0 > line {
            break;
        }
        let Some(directive) = directive(&comments, index, source, &lines) else {
            continue;
        };
        if (directive.lines.0..=directive.lines.1).contains(&line) {
            return Some(directive);
        }
        if directive.lines.1 + 1 == line {
            above = Some(directive);
        }
    }
    above
}

/// The directive that begins with this comment. Only lines that are indented under its first
/// one continue it: what is deleted with it must not be a comment of somebody else's.
fn directive(comments: &[Comment<'_>], index: usize, source: &str, lines: &LineIndex) -> Option<Directive> {
    let first = comments.get(index)?;
    let mut instruction = asked(&first.text)?.to_owned();
    let mut last = first;
    if !first.opening.is_empty() && begins_line(source, first.range.start) {
        for next in comments.get(index + 1..).unwrap_or_default() {
            let continues = next.lines.0 == last.lines.1 + 1
                && next.opening == first.opening
                && next.indent >= first.indent.saturating_add(CONTINUATION_INDENT)
                && begins_line(source, next.range.start)
                && asked(&next.text).is_none();
            if !continues || next.text.is_empty() {
                break;
            }
            instruction.push(' ');
            instruction.push_str(&next.text);
            last = next;
        }
    }
    let instruction = cut(instruction.trim());
    let range = whole(source, lines, first.range.start..last.range.end);
    (!instruction.is_empty()).then_some(Directive {
        instruction,
        range,
        lines: (first.lines.0, last.lines.1),
    })
}

/// False where no comment can be a directive.
fn mentions_marker(source: &str) -> bool {
    source.as_bytes().windows(MARKER.len()).any(|part| part.eq_ignore_ascii_case(MARKER.as_bytes()))
}

/// What a comment asks for, if it is a directive.
fn asked(text: &str) -> Option<&str> {
    let marker = text.get(..MARKER.len())?;
    marker.eq_ignore_ascii_case(MARKER).then(|| text.get(MARKER.len()..).unwrap_or_default().trim())
}

fn cut(instruction: &str) -> String {
    beginning(instruction, DIRECTIVE_BYTES_MAX).to_owned()
}

/// The bytes to delete, so that neither an empty line nor a trailing blank remains.
fn whole(source: &str, lines: &LineIndex, comment: Range<usize>) -> Range<usize> {
    let before = source.get(..comment.start).unwrap_or_default();
    let after = source.get(comment.end..).unwrap_or_default();
    let blanks_after = after.len() - after.trim_start_matches([' ', '\t']).len();
    let ends_line =
        after.get(blanks_after..).is_none_or(|rest| rest.is_empty() || rest.starts_with(['\n', '\r']));
    let start = before.trim_end_matches([' ', '\t']).len();
    match (begins_line(source, comment.start), ends_line) {
        (true, true) => {
            let line_end = lines.range_of(lines.line_of(comment.end + blanks_after)).end;
            let has_break = line_end > comment.end + blanks_after;
            if has_break || start == 0 {
                return start..line_end;
            }
            // The file's last line has no line break of its own: the one before it goes instead.
            let head = source.get(..start).unwrap_or_default();
            let kept = head.strip_suffix("\r\n").or_else(|| head.strip_suffix(['\n', '\r'])).unwrap_or(head);
            kept.len()..line_end
        }
        (false, true) => start..comment.end + blanks_after,
        (_, false) => comment.start..comment.end + blanks_after,
    }
}

/// All comments, in the order of the file.
fn comments<'a>(grammar: &Grammar, tree: &Tree, source: &'a str, lines: &LineIndex) -> Vec<Comment<'a>> {
    let mut found = Vec::new();
    let mut cursor = tree.walk();
    let mut braces: Option<Node<'_>> = None;
    let mut depth = 0;
    loop {
        let node = cursor.node();
        if grammar.comments.contains(&node.kind()) {
            let outer = braces.filter(|outer| outer.named_child(0) == Some(node));
            found.extend(read(grammar, source, lines, node, outer));
        }
        let is_lone = node.kind() == "jsx_expression" && node.named_child_count() == 1;
        if depth < SYNTAX_DEPTH_MAX && cursor.goto_first_child() {
            depth += 1;
            braces = is_lone.then_some(node);
            continue;
        }
        while !cursor.goto_next_sibling() {
            braces = None;
            depth = depth.saturating_sub(1);
            if !cursor.goto_parent() {
                return found;
            }
        }
    }
}

fn read<'a>(
    grammar: &Grammar,
    source: &'a str,
    lines: &LineIndex,
    node: Node<'_>,
    outer: Option<Node<'_>>,
) -> Option<Comment<'a>> {
    let raw = source.get(node.byte_range())?.trim_end();
    let (opening, said) = match grammar.block_comments.iter().find(|(start, _)| raw.starts_with(start)) {
        Some((start, end)) => ("", words_within(raw, start, end)),
        None => {
            let marks = grammar.line_comments.iter().find_map(|mark| raw.strip_prefix(mark))?;
            let text = marks.trim_start_matches(['/', '!', '#', '-']);
            (raw.get(..raw.len() - text.len())?, text.to_owned())
        }
    };
    let blanks = said.chars().take_while(|character| character.is_whitespace());
    let indent = blanks.map(|blank| if blank == '\t' { CONTINUATION_INDENT } else { 1 }).sum();
    let text = said.trim().to_owned();
    let range = match outer {
        Some(outer) => outer.byte_range(),
        None => node.start_byte()..node.start_byte() + raw.len(),
    };
    Some(Comment { lines: lines.lines_of(&range), range, text, opening, indent })
}

/// What a comment between two signs says, on one line.
fn words_within(comment: &str, start: &str, end: &str) -> String {
    let inner = comment.trim_start_matches(start).trim_end_matches(end);
    let lines = inner.lines().map(|line| line.trim().trim_start_matches('*').trim());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
