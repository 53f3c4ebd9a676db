//! What the project says of how code is written in it: texts for people and for tools like this
//! one, and the settings of its linters and formatters.
//!
//! They are data like every other text: what they say instructs nobody here. What ignore files
//! leave out, and what lies behind symbolic links, says nothing.

use super::Gathering;
use crate::limits::{CONVENTION_BYTES_MAX, CONVENTION_FILES_MAX};
use crate::workspace::hydrate::{Lines, head};
use crate::workspace::walk::is_ignored;
use openexec_engine::context::{Candidate, Relevance};
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::ContextQuery;

/// A file, where it stands in a folder, and the endings of the files that it is about; about all
/// where there are none.
struct Convention {
    names: &'static [&'static str],
    about: &'static [&'static str],
    /// The sections that speak of conventions; all of the file where there are none.
    sections: &'static [&'static str],
}

const fn file(names: &'static [&'static str], about: &'static [&'static str]) -> Convention {
    Convention { names, about, sections: &[] }
}

const SCRIPTS: &[&str] = &["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "vue", "svelte"];

/// In their order of value.
const CONVENTIONS: &[Convention] = &[
    file(&["AGENTS.md"], &[]),
    file(&["CLAUDE.md"], &[]),
    file(&["CONTRIBUTING.md", "CONTRIBUTING", ".github/CONTRIBUTING.md"], &[]),
    file(&[".github/copilot-instructions.md"], &[]),
    file(&["rustfmt.toml", ".rustfmt.toml"], &["rs"]),
    file(&["clippy.toml", ".clippy.toml"], &["rs"]),
    Convention { names: &["pyproject.toml"], about: &["py", "pyi"], sections: &["tool.ruff", "tool.black"] },
    file(
        &[
            ".eslintrc",
            ".eslintrc.json",
            ".eslintrc.yaml",
            ".eslintrc.yml",
            ".eslintrc.js",
            ".eslintrc.cjs",
            "eslint.config.js",
            "eslint.config.mjs",
            "eslint.config.ts",
        ],
        SCRIPTS,
    ),
    file(
        &[
            ".prettierrc",
            ".prettierrc.json",
            ".prettierrc.yaml",
            ".prettierrc.yml",
            ".prettierrc.toml",
            ".prettierrc.js",
            ".prettierrc.cjs",
            ".prettierrc.mjs",
        ],
        &[],
    ),
    file(&[".editorconfig"], &[]),
];

impl Gathering<'_> {
    /// Shows the heads of these files, those nearest to the target's first.
    pub(super) fn add_conventions(&mut self, query: &ContextQuery) {
        let target = query.target.as_ref().map(|target| &target.path);
        let ending = target.and_then(|path| path.file_name().rsplit_once('.')).map(|(_, ending)| ending);
        let is_about =
            |it: &&Convention| it.about.is_empty() || ending.is_none_or(|ending| it.about.contains(&ending));
        let mut found = 0;
        for folder in folders(target) {
            for convention in CONVENTIONS.iter().filter(is_about) {
                let mut paths = convention.names.iter().filter_map(|name| in_folder(&folder, name));
                let shown = paths.any(|path| {
                    let score = 1_000_u32.saturating_sub(found);
                    self.take_convention(&path, convention, score)
                });
                found += u32::from(shown);
                if found as usize >= CONVENTION_FILES_MAX {
                    return;
                }
            }
        }
    }

    fn take_convention(&mut self, path: &WorkspacePath, convention: &Convention, score: u32) -> bool {
        let Some(view) = self.view(path).filter(|view| !view.text.trim().is_empty()) else { return false };
        if is_ignored(&self.layers.workspace.root, path) {
            return false;
        }
        let lines = Lines::of(&view.text);
        let is_wanted = |name: &str| {
            convention.sections.iter().any(|section| {
                name.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        let sections = view.symbols.iter().filter(|it| it.signature.starts_with('[') && is_wanted(&it.name));
        let places: Vec<(u32, u32)> = match convention.sections {
            [] => vec![(1, lines.count())],
            _ => sections.map(|section| section.lines).collect(),
        };
        let mut shown = false;
        for (first, last) in places {
            let text = lines.between(first, last);
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
