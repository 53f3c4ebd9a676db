//! Where a cursor stands, in a text that is still being written.
//!
//! A mark is put in the place of the word at the cursor, and the text is read with it: as a
//! value, as a key, and with the bracket closed that the writer has not closed yet. What the
//! mark turns out to be is what the word could become. Which of it makes sense, the schema says.

use super::{Node, Outline, Role, Step, Value, line_around};
use crate::limits::{CONFIG_BYTES_MAX, SITE_REPAIRED_BYTES_MAX, SITE_REPAIRS_MAX};
use std::ops::Range;

/// Stands for the word at the cursor. Nobody writes it.
const MARK: &str = "openexec-writes-here";

/// What may be missing behind the word: nothing, the colon of a key, an end of a flow.
const ENDINGS: [&str; 6] = ["", ":", "]", "}", ": }", ": }]"];

/// Something that the word at the cursor could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The way to the value; for a key, to the mapping that would hold it.
    pub path: Vec<Step>,
    /// Whether it would be a key or a value.
    pub role: Role,
    /// The keys, or the items, that stand beside it already.
    pub beside: Vec<String>,
    /// The bytes of the word that it would take the place of.
    pub word: Range<usize>,
    /// True when a colon stands behind the word.
    pub has_colon: bool,
    /// The whole text, read with the mark in the place of the word. Bytes behind it are shifted.
    pub outline: Outline,
}

/// Everything that the word at a byte could be; nothing where no word of ours can stand, as in
/// a comment or in prose.
pub fn sites(text: &str, byte: usize) -> Vec<Site> {
    if text.len() > CONFIG_BYTES_MAX || !text.is_char_boundary(byte) {
        return Vec::new();
    }
    let word = word_around(text, byte);
    let line = line_around(text, byte);
    let (Some(before), Some(after)) = (text.get(..word.start), text.get(word.end..)) else {
        return Vec::new();
    };
    let has_colon = after.trim_start_matches([' ', '\t']).starts_with(':');
    let endings: &[&str] = if has_colon { &[""] } else { &ENDINGS };
    // A text that is YAML with the mark in it tells more than one that must be repaired.
    // A long one is not repaired again and again: a writer waits for the answer.
    let attempts: &[bool] = if text.len() > SITE_REPAIRED_BYTES_MAX { &[false] } else { &[false, true] };
    for is_repaired in attempts.iter().copied() {
        let mut found: Vec<Site> = Vec::new();
        let mut least = usize::MAX;
        for ending in endings {
            let marked = format!("{before}{MARK}{ending}{after}");
            let repairs_max = if is_repaired { SITE_REPAIRS_MAX } else { 0 };
            let outline = Outline::read_sparing(&marked, Some(line.start), repairs_max);
            if !is_repaired && !outline.is_whole() {
                continue;
            }
            let Some((path, role, beside)) = mark_in(&outline) else { continue };
            // What leaves the least of the text unread is what was meant.
            if outline.unread > least {
                continue;
            }
            if outline.unread < least {
                found.clear();
                least = outline.unread;
            }
            let is_new = !found.iter().any(|site| site.path == path && site.role == role);
            if is_new {
                found.push(Site { path, role, beside, word: word.clone(), has_colon, outline });
            }
        }
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// The bytes of the word around a byte, as names in our files are spelt.
pub(crate) fn word_around(text: &str, byte: usize) -> Range<usize> {
    let is_word = |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-' | b'.');
    let (before, after) = text.as_bytes().split_at(byte.min(text.len()));
    let mut start = before.iter().rposition(|it| !is_word(it)).map_or(0, |at| at + 1);
    // The dash of a list belongs to no word.
    if before.get(start) == Some(&b'-') && (byte == start + 1 || before.get(start + 1) == Some(&b' ')) {
        start += 1;
    }
    let end = after.iter().position(|it| !is_word(it)).map_or(text.len(), |at| byte + at);
    start..end.max(start)
}

/// Where the mark stands, and what stands beside it.
fn mark_in(outline: &Outline) -> Option<(Vec<Step>, Role, Vec<String>)> {
    let mut path = Vec::new();
    let (role, beside) = search(outline.root()?, &mut path)?;
    Some((path, role, beside))
}

fn search(node: &Node, path: &mut Vec<Step>) -> Option<(Role, Vec<String>)> {
    match &node.value {
        Value::Scalar(text) if text == MARK => Some((Role::Value, Vec::new())),
        Value::Scalar(_) | Value::Alias => None,
        Value::List(items) => {
            for (at, item) in items.iter().enumerate() {
                path.push(Step::Item(at));
                if let Some((role, mut beside)) = search(item, path) {
                    if item.text() == Some(MARK) {
                        let others = items.iter().filter_map(Node::text).filter(|text| *text != MARK);
                        beside.extend(others.map(str::to_owned));
                    }
                    return Some((role, beside));
                }
                path.pop();
            }
            None
        }
        Value::Mapping(entries) => {
            if entries.iter().any(|entry| entry.key.text() == Some(MARK)) {
                let keys = entries.iter().filter_map(|entry| entry.key.text());
                return Some((Role::Key, keys.filter(|key| *key != MARK).map(str::to_owned).collect()));
            }
            for entry in entries {
                path.push(Step::Key(entry.key.text().unwrap_or_default().to_owned()));
                if let Some(found) = search(&entry.value, path) {
                    return Some(found);
                }
                path.pop();
            }
            None
        }
    }
}
