//! Planned edits. A [`ChangeSet`] holds, for each touched file, the text it was planned
//! against and the text proposed; everything else (hunks, diff, inverse, rebase) is computed
//! from these two.
//!
//! Nothing here reads or writes a file.

mod diff;
mod parts;
mod plan;
mod rebase;
#[cfg(test)]
mod tests;

pub use diff::{Hunk, hunks, unified_diff};
pub use parts::{NoSuchPart, Part, ShownPart, hunks_of, parts, without};
pub use plan::{PlanError, plan};
pub(crate) use plan::{Rewriting, check_base};
pub(crate) use rebase::merge_steps;
pub use rebase::{Rebased, rebase, rebase_beside};

use crate::digest::Digest;
use crate::path::WorkspacePath;
use crate::text::{same_but_for_blanks, same_to_editors};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What happens to one file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FileChange {
    /// The text the change was planned against; `None` when the file did not exist.
    pub base: Option<String>,
    /// The text proposed; `None` when the file is to be deleted.
    pub proposed: Option<String>,
    /// For a renamed file: the path whose text it takes over. That path's own change is a deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<WorkspacePath>,
}

impl FileChange {
    /// Whether the proposed text stands here, as editors have it. Where the change is nothing but
    /// what editors do by themselves, the text must be exactly the proposed one.
    pub fn stands_in(&self, text: &str) -> bool {
        self.stands_as(text, same_to_editors)
    }

    /// Whether the proposed text stands here, perhaps with other blanks and line breaks: editors that
    /// format what they are given do that before anybody can look.
    pub fn stands_formatted_in(&self, text: &str) -> bool {
        self.stands_as(text, same_but_for_blanks)
    }

    fn stands_as(&self, text: &str, same: fn(&str, &str) -> bool) -> bool {
        let Some(proposed) = &self.proposed else { return false };
        text == proposed || same(proposed, text) && !self.base.as_deref().is_some_and(|base| same(base, text))
    }
}

/// Planned edits over any number of files, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChangeSet {
    /// The files, by path.
    pub files: BTreeMap<WorkspacePath, FileChange>,
}

impl ChangeSet {
    /// True when no file differs from its base.
    pub fn is_empty(&self) -> bool {
        self.files.values().all(|change| change.base == change.proposed)
    }

    /// Names the proposed tree: paths and proposed texts.
    pub fn tree(&self) -> Digest {
        let mut parts: Vec<&[u8]> = Vec::new();
        for (path, change) in self.effective() {
            parts.push(path.as_str().as_bytes());
            match &change.proposed {
                Some(text) => parts.extend([b"text".as_slice(), text.as_bytes()]),
                None => parts.push(b"none"),
            }
        }
        Digest::of_parts(parts)
    }

    /// Names the change set completely, bases included: what an approval binds.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// The files that really differ from their base.
    pub fn effective(&self) -> impl Iterator<Item = (&WorkspacePath, &FileChange)> {
        self.files.iter().filter(|(_, change)| change.base != change.proposed)
    }

    /// How many files it changes, as people count them: one that is renamed is one.
    pub fn files_changed(&self) -> usize {
        let is_taken_over = |path: &WorkspacePath| {
            self.effective().any(|(_, change)| change.renamed_from.as_ref() == Some(path))
        };
        let files = self.effective();
        files.filter(|(path, change)| change.proposed.is_some() || !is_taken_over(path)).count()
    }

    /// The change set that takes this one back.
    pub fn invert(&self) -> Self {
        let mut files: BTreeMap<_, _> = self
            .effective()
            .map(|(path, change)| {
                let inverse = FileChange {
                    base: change.proposed.clone(),
                    proposed: change.base.clone(),
                    renamed_from: None,
                };
                (path.clone(), inverse)
            })
            .collect();
        for (path, change) in self.effective() {
            if let Some(from) = &change.renamed_from
                && let Some(inverse) = files.get_mut(from)
            {
                inverse.renamed_from = Some(path.clone());
            }
        }
        Self { files }
    }
}
