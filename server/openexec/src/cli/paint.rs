//! Colours, which `anstream` drops where the output is not a terminal.

use anstyle::{AnsiColor, Style};

fn styled(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}

pub(super) fn good(text: &str) -> String {
    styled(text, AnsiColor::Green.on_default().bold())
}

pub(super) fn bad(text: &str) -> String {
    styled(text, AnsiColor::Red.on_default().bold())
}

pub(super) fn warn(text: &str) -> String {
    styled(text, AnsiColor::Yellow.on_default().bold())
}

pub(super) fn dim(text: &str) -> String {
    styled(text, Style::new().dimmed())
}

pub(super) fn strong(text: &str) -> String {
    styled(text, Style::new().bold())
}

/// A unified diff, with its lines coloured. Control characters are shown, not obeyed.
pub(super) fn diff(text: &str) -> String {
    let paint = |line: &str| {
        let line = plain(line);
        match line.as_bytes() {
            [b'+', ..] if !line.starts_with("+++") => styled(&line, AnsiColor::Green.on_default()),
            [b'-', ..] if !line.starts_with("---") => styled(&line, AnsiColor::Red.on_default()),
            [b'@', ..] => styled(&line, AnsiColor::Cyan.on_default()),
            [b' ', ..] => line,
            _ => dim(&line),
        }
    };
    text.lines().map(paint).collect::<Vec<_>>().join("\n")
}

/// Text from a model, a task or a repository as it may be printed: what could move the cursor,
/// recolour or hide anything is shown as a mark.
pub(super) fn plain(text: &str) -> String {
    openexec_engine::text::visible(text)
}

/// The same, line by line.
pub(super) fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}
