//! The report as Markdown, which every editor shows: as a text, or drawn.

use super::Timeline;
use super::shown::{since, span};
use super::story::{Body, CALL_HEADS, Detail, Line, Piece, Story, Told, Tone};
use crate::limits::REPORT_TEXT_LINES_MAX;
use std::fmt::Write as _;

/// The report of a run.
pub fn markdown(timeline: &Timeline) -> String {
    let story = Story::of(timeline);
    let mut text = format!(
        "# {} {}: {}\n\n{}\n\n",
        mark(story.tone),
        code(&story.blueprint),
        story.standing,
        prose(&story.summary)
    );
    for reason in &story.reasons {
        let _ = writeln!(text, "- {}", prose(reason));
    }
    let _ = writeln!(text, "- **run**: {}", code(&story.run));
    for (name, fact) in &story.facts {
        let _ = writeln!(text, "- **{name}**: {}", pieces(fact));
    }
    text.push_str("\n## What happened\n");
    story.told.iter().for_each(|told| chapter(&mut text, told));
    if !story.evidence.is_empty() {
        text.push_str("\n## Evidence\n\n");
        lines(&mut text, &story.evidence, 0);
    }
    if !story.calls.is_empty() {
        text.push_str("\n## What was sent\n\n");
        let _ = writeln!(text, "| {} |\n|{}", CALL_HEADS.join(" | "), "---|".repeat(CALL_HEADS.len()));
        for call in &story.calls {
            let cells: Vec<String> = call.cells.iter().map(|cell| prose(cell).replace('|', "\\|")).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        text.push_str(
            "\n`openexec.request` shows one of them whole, with the body as it goes over the wire.\n",
        );
    }
    if let Some((title, diff)) = &story.changes {
        let _ = write!(text, "\n## {title}\n\n{}", fenced("diff", diff, ""));
    }
    let _ = write!(
        text,
        "\n{} events in {}. `openexec report {}` has the same on one page, with what was said and \
         printed. What cannot be seen is shown between ⟪ and ⟫, and placeholders stand for secrets.\n",
        story.events,
        span(story.duration_ms),
        story.run
    );
    text
}

fn chapter(text: &mut String, told: &Told) {
    text.push('\n');
    if let Some((stage, attempt)) = &told.stage {
        let attempt = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
        let (mark, stage) = (mark(told.tone), prose(stage));
        let _ = writeln!(
            text,
            "### {mark} {stage}{attempt} · {} · {}\n",
            since(told.began_ms),
            span(told.duration_ms)
        );
    }
    lines(text, &told.lines, 0);
    if let Some(outcome) = &told.outcome {
        lines(text, std::slice::from_ref(outcome), 0);
    }
}

fn lines(text: &mut String, lines: &[Line], depth: usize) {
    let indent = "  ".repeat(depth);
    for line in lines {
        let time = line.at_ms.map(|at_ms| format!("`{}` ", since(at_ms))).unwrap_or_default();
        let _ = writeln!(text, "{indent}- {time}{} {}", mark(line.tone), pieces(&line.pieces));
        line.details.iter().for_each(|it| detail(text, it, depth + 1));
    }
}

fn detail(text: &mut String, detail: &Detail, depth: usize) {
    match &detail.body {
        Body::List(list) => lines(text, list, depth),
        Body::Text(body) => {
            let all: Vec<&str> = body.lines().collect();
            let indent = "  ".repeat(depth);
            let mut shown = all.iter().copied().take(REPORT_TEXT_LINES_MAX).collect::<Vec<_>>().join("\n");
            if all.len() > REPORT_TEXT_LINES_MAX {
                let _ = write!(shown, "\n⟪{} more lines⟫", all.len() - REPORT_TEXT_LINES_MAX);
            }
            let _ = write!(
                text,
                "{indent}- {}:\n\n{}\n",
                prose(&detail.title),
                fenced("text", &shown, &format!("{indent}  "))
            );
        }
        // The end of the document shows the diff and all requests, and another document each request.
        Body::Diff(_) | Body::Facts(_) | Body::Sent(_) => {}
    }
}

const fn mark(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "✓",
        Tone::Bad => "✗",
        Tone::Ask => "!",
        Tone::Plain => "·",
    }
}

fn pieces(pieces: &[Piece]) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Words(words) => words.clone(),
        Piece::Code(text) => code(text),
        Piece::Said(text) => prose(text),
    };
    pieces.iter().map(piece).collect()
}

/// A text between backticks that it cannot close.
fn code(text: &str) -> String {
    let ticks = "`".repeat(longest_run(text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.trim().is_empty() { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// A text whose tags, links, pictures and headings are only text.
fn prose(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        let is_markup = matches!(character, '\\' | '<' | '[' | ']' | '&' | '*');
        let begins = at == 0 && matches!(character, '#' | '>' | '-' | '+' | '=' | '~' | '|');
        if is_markup || begins {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A block behind a fence that the text cannot close.
fn fenced(language: &str, text: &str, indent: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    let mut block = format!("{indent}{fence}{language}\n");
    for line in text.lines() {
        let _ = writeln!(block, "{indent}{line}");
    }
    let _ = writeln!(block, "{indent}{fence}");
    block
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or_default()
}
