//! What the project says of how code is written in it: texts for people and for tools like this
//! one, and the settings of the linters and formatters of the languages at hand.
//!
//! They are data like every other text: what they say instructs nobody here. What ignore files
//! leave out, and what lies behind symbolic links, says nothing.

mod table;

use self::table::{CONVENTIONS, Convention, Place};
use super::Gathering;
use crate::limits::{CONVENTION_BYTES_MAX, CONVENTION_FILES_AT_HAND_MAX, CONVENTIONS_MAX};
use crate::workspace::hydrate::{Lines, head};
use crate::workspace::index::Parsed;
use crate::workspace::walk::is_ignored;
use globset::GlobBuilder;
use openexec_engine::context::{Candidate, Relevance};
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::ContextQuery;
use std::collections::BTreeSet;

/// The first and the last line of a part of a file, counted from 1.
type Part = (u32, u32);

impl Gathering<'_> {
    /// Shows the heads of what the tools of the languages at hand are told, the nearest to the
    /// target's first.
    pub(super) fn add_conventions(&mut self, query: &ContextQuery) {
        let at_hand = self.at_hand();
        let endings: BTreeSet<&str> = at_hand.iter().filter_map(ending).collect();
        let is_about =
            |it: &&Convention| it.about.is_empty() || it.about.iter().any(|ending| endings.contains(*ending));
        let mut found = 0;
        for folder in folders(query.target.as_ref().map(|target| &target.path)) {
            for convention in CONVENTIONS.iter().filter(is_about) {
                let score = 1_000_u32.saturating_sub(found);
                let shown = convention.places.iter().any(|place| {
                    let path = in_folder(&folder, place.name());
                    path.is_some_and(|path| self.take_convention(&path, place, &at_hand, score))
                });
                found += u32::from(shown);
                if found as usize >= CONVENTIONS_MAX {
                    return;
                }
            }
        }
    }

    /// The files that this is about; where nobody has named one, the best that were found.
    fn at_hand(&self) -> Vec<WorkspacePath> {
        if !self.near.is_empty() {
            return self.near.iter().copied().cloned().collect();
        }
        let found = self.found.iter().filter_map(|candidate| candidate.path.clone());
        found.take(CONVENTION_FILES_AT_HAND_MAX).collect()
    }

    fn take_convention(
        &mut self,
        path: &WorkspacePath,
        place: &Place,
        at_hand: &[WorkspacePath],
        score: u32,
    ) -> bool {
        let Some(view) = self.view(path).filter(|view| !view.text.trim().is_empty()) else { return false };
        if is_ignored(&self.layers.workspace.root, path) {
            return false;
        }
        let lines = Lines::of(&view.text);
        let mut shown = false;
        for (first, last) in place.parts(path, &view, at_hand) {
            let text = lines.between(first, last);
            if text.trim().is_empty() {
                continue;
            }
            let kept = head(text, CONVENTION_BYTES_MAX);
            let kept = match kept.rfind('\n').filter(|_| kept.len() < text.len()) {
                Some(end) => kept.get(..=end).unwrap_or(kept),
                None => kept,
            };
            let last = first.saturating_add(Lines::of(kept).count().saturating_sub(1));
            shown |= self.take(Candidate {
                path: Some(path.clone()),
                symbol: None,
                lines: Some((first, last)),
                text: kept.to_owned(),
                signature: None,
                signature_line: None,
                relevance: Relevance::Convention,
                score,
                record: None,
            });
        }
        shown
    }
}

impl Place {
    fn name(&self) -> &'static str {
        match self {
            Self::File(name)
            | Self::Toml(name, _)
            | Self::Json(name, _)
            | Self::Ini(name, _)
            | Self::Patterns(name) => name,
        }
    }

    /// The parts of the file that speak of how these files are written.
    fn parts(&self, path: &WorkspacePath, view: &Parsed, at_hand: &[WorkspacePath]) -> Vec<Part> {
        match self {
            Self::File(_) => vec![(1, Lines::of(&view.text).count())],
            Self::Toml(_, tables) => {
                let symbols = view.symbols.iter().filter(|symbol| symbol.signature.starts_with('['));
                symbols.filter(|symbol| is_within(&symbol.name, tables)).map(|symbol| symbol.lines).collect()
            }
            Self::Json(_, members) => {
                let symbols = view.symbols.iter();
                symbols.filter(|it| members.contains(&it.name.as_str())).map(|it| it.lines).collect()
            }
            Self::Ini(_, names) => {
                let sections = sections(&view.text).into_iter();
                sections.filter(|(name, _)| is_within(name, names)).map(|(_, part)| part).collect()
            }
            Self::Patterns(_) => {
                let folder = path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
                let sections = sections(&view.text).into_iter();
                // What stands before the first section is about all of them.
                let is_about = |pattern: &str| {
                    pattern.is_empty() || at_hand.iter().any(|file| is_meant(pattern, folder, file))
                };
                sections.filter(|(pattern, _)| is_about(pattern)).map(|(_, part)| part).collect()
            }
        }
    }
}

/// True for the name of a section that is one of these, or lies below one: `tool.ruff.lint`,
/// `mypy-tests.*`.
fn is_within(name: &str, sections: &[&str]) -> bool {
    sections.iter().any(|section| {
        name.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', ':']))
    })
}

/// The sections of a text with a line `[name]` above each, in their order. What stands before the
/// first has no name.
fn sections(text: &str) -> Vec<(String, Part)> {
    let mut sections = vec![(String::new(), (1, 0))];
    for (number, line) in (1..).zip(text.lines()) {
        let name = line.trim().strip_prefix('[').and_then(|line| line.strip_suffix(']'));
        if let Some(name) = name {
            sections.push((name.trim().to_owned(), (number, number)));
        }
        if let Some((_, (_, last))) = sections.last_mut() {
            *last = number;
        }
    }
    sections.retain(|(_, (first, last))| first <= last);
    sections
}

/// True where a pattern of an `.editorconfig` in this folder means a file. One without a slash is
/// about names, at any depth (the specification of EditorConfig, "Glob Expressions"). One that
/// cannot be read may mean every file.
fn is_meant(pattern: &str, folder: &str, file: &WorkspacePath) -> bool {
    let below = match folder {
        "" => Some(file.as_str()),
        folder => file.as_str().strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')),
    };
    let Some(below) = below else { return false };
    let (pattern, tried) = match pattern.contains('/') {
        true => (pattern.trim_start_matches('/'), below),
        false => (pattern, file.file_name()),
    };
    // Two asterisks mean any text there, also where they are no whole component.
    let glob = GlobBuilder::new(pattern).literal_separator(!pattern.contains("**")).build();
    glob.map_or(true, |glob| glob.compile_matcher().is_match(tried))
}

fn ending(path: &WorkspacePath) -> Option<&str> {
    path.file_name().rsplit_once('.').map(|(_, ending)| ending)
}

/// The folders from the target's up to the root, which is the empty one.
fn folders(target: Option<&WorkspacePath>) -> Vec<String> {
    let mut folders = Vec::new();
    let mut rest = target.map(WorkspacePath::as_str).unwrap_or_default();
    while let Some((folder, _)) = rest.rsplit_once('/') {
        folders.push(folder.to_owned());
        rest = folder;
    }
    folders.push(String::new());
    folders
}

fn in_folder(folder: &str, name: &str) -> Option<WorkspacePath> {
    let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    WorkspacePath::parse(&path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_a_path_and_no_tool_has_two_of_one_name() {
        for convention in CONVENTIONS {
            let names: Vec<&str> = convention.places.iter().map(Place::name).collect();
            let once: BTreeSet<&str> = names.iter().copied().collect();
            assert_eq!(names.len(), once.len(), "{names:?}");
            assert!(names.iter().all(|name| in_folder("a", name).is_some()), "{names:?}");
        }
    }

    #[test]
    fn a_pattern_of_an_editorconfig_means_names_or_paths_below_it() {
        for (pattern, folder, file, means) in [
            ("*", "", "a/b.rs", true),
            ("*.{kt,kts}", "", "a/b.kts", true),
            ("*.{kt,kts}", "", "a/b.rs", false),
            ("Makefile", "", "a/Makefile", true),
            ("/a/**.rs", "", "a/c/b.rs", true),
            ("/a/*.rs", "", "a/c/b.rs", false),
            ("c/*.rs", "a", "a/c/b.rs", true),
            ("c/*.rs", "d", "a/c/b.rs", false),
            ("{unclosed", "", "a.rs", true),
        ] {
            let file = WorkspacePath::parse(file).unwrap();
            assert_eq!(is_meant(pattern, folder, &file), means, "{pattern} {file}");
        }
    }
}
