//! How much of what a fix needed stands in a pack. A pack is a list of line ranges, the best
//! first; it is rendered as a header for each file, the lines, and a mark for what lies between,
//! and cut at the budget.

use crate::task::{Changed, Task, View};
use openexec_engine::context::Vocabulary;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A file and a range of its lines, counted from 1, both included.
pub(crate) type Span = (String, u32, u32);

/// Lines of a file; `None` where there is none.
pub(crate) type Lines<'a> = dyn FnMut(&str) -> Option<Arc<Vec<String>>> + 'a;

/// How one pack does. A share is absent where nothing was wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Score {
    pub(crate) files: Option<f64>,
    pub(crate) signatures: Option<f64>,
    pub(crate) bodies: Option<f64>,
    /// Tokens of the whole pack, before it is cut.
    pub(crate) tokens: usize,
}

/// What counts the tokens of all packs.
pub(crate) const VOCABULARY: Vocabulary = Vocabulary::Cl100kBase;

/// Tokens of a text.
pub(crate) fn tokens(text: &str) -> usize {
    VOCABULARY.count(text)
}

/// The text of some lines of a file.
pub(crate) fn rendered(file: &str, is_shown: bool, lines: &[&str]) -> String {
    let header = if is_shown { String::new() } else { format!("{file}:\n") };
    let gap = if lines.is_empty() { "" } else { "\n⋮\n" };
    format!("{header}{}{gap}", lines.join("\n"))
}

pub(crate) fn score(
    task: &Task,
    view: View,
    spans: &[Span],
    budget: usize,
    lines_of: &mut Lines<'_>,
) -> Score {
    let mut shown: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    let mut files: BTreeSet<&str> = BTreeSet::new();
    let (mut used, mut is_cut) = (0, false);
    let mut whole = 0;
    for (file, first, last) in spans {
        let Some(lines) = lines_of(file) else { continue };
        let have = shown.entry(file).or_default();
        let last = (*last).min(u32::try_from(lines.len()).unwrap_or(u32::MAX));
        let new: Vec<u32> = ((*first).max(1)..=last).filter(|line| !have.contains(line)).collect();
        if new.is_empty() && files.contains(file.as_str()) {
            continue;
        }
        let texts: Vec<&str> = new.iter().map(|line| lines[*line as usize - 1].as_str()).collect();
        let cost = tokens(&rendered(file, files.contains(file.as_str()), &texts));
        whole += cost;
        if is_cut {
            continue;
        }
        if used + cost <= budget {
            used += cost;
            have.extend(new);
            files.insert(file);
            continue;
        }
        is_cut = true;
        if !files.contains(file.as_str()) {
            let header = tokens(&format!("{file}:\n"));
            if used + header > budget {
                continue;
            }
            used += header;
            files.insert(file);
        }
        for (line, text) in new.into_iter().zip(texts) {
            let cost = tokens(&format!("{text}\n"));
            if used + cost > budget {
                break;
            }
            used += cost;
            have.insert(line);
        }
    }
    judged(task, view, &shown, &files, whole)
}

/// The score of a pack that has kept its budget itself.
pub(crate) fn score_whole(task: &Task, view: View, spans: &[Span], tokens: usize) -> Score {
    let mut shown: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for (file, first, last) in spans {
        shown.entry(file).or_default().extend(*first..=*last);
    }
    let files = shown.keys().copied().collect();
    judged(task, view, &shown, &files, tokens)
}

fn judged(
    task: &Task,
    view: View,
    shown: &BTreeMap<&str, BTreeSet<u32>>,
    files: &BTreeSet<&str>,
    tokens: usize,
) -> Score {
    let (functions, wanted_files) = task.wanted(view);
    let has = |function: &Changed, line: u32| {
        shown.get(function.file.as_str()).is_some_and(|lines| lines.contains(&line))
    };
    let has_body = |function: &Changed| {
        let lines = function.start_line..=function.end_line;
        let count = lines.clone().count() as f64;
        lines.filter(|line| has(function, *line)).count() as f64 >= 0.9 * count
    };
    let share = |count: usize, of: usize| (of > 0).then(|| count as f64 / of as f64);
    let named = functions.iter().filter(|it| has(it, it.name_line)).count();
    let bodies = functions.iter().filter(|it| has_body(it)).count();
    let found = wanted_files.iter().filter(|it| files.contains(it.as_str())).count();
    Score {
        files: share(found, wanted_files.len()),
        signatures: share(named, functions.len()),
        bodies: share(bodies, functions.len()),
        tokens,
    }
}
