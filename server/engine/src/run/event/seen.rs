//! What was seen in the user's files: for a model that reads, before edits are applied, and after.

use crate::digest::Digest;
use crate::path::WorkspacePath;
use crate::redact::Hidden;
use serde::{Deserialize, Serialize};

/// The text that a reading action asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HydratedText {
    /// What was read, for the header of the envelope: a path, or `search results`.
    pub title: String,
    /// The text, or why there is none.
    pub text: Result<String, String>,
    /// The digest of the whole file that the text is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Digest>,
    /// The file that the text is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<WorkspacePath>,
    /// The secrets in it, as the whole file gives them away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<Hidden>,
}

/// What stands at a path now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveText {
    /// The path.
    pub path: WorkspacePath,
    /// The open buffer's text, else the disk's; `None` when there is no such file.
    pub text: Option<String>,
}

/// How near to edits of a run somebody else may change lines, so that both can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nearness {
    /// With an unchanged line between them. Journals of before know nothing else.
    #[default]
    Apart,
    /// Directly above or below.
    Beside,
}

impl Nearness {
    pub(super) const fn is_apart(&self) -> bool {
        matches!(self, Self::Apart)
    }
}

/// What applying led to, by looking, not by believing the editor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyReport {
    /// File by file.
    pub files: Vec<FileOutcome>,
    /// What the editor or the file system answered, when it said anything.
    pub answer: Option<String>,
}

/// What stands in one file after applying.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOutcome {
    /// The file.
    pub path: WorkspacePath,
    /// The digest of its text; `None` when there is no such file.
    pub text: Option<Digest>,
    /// What else was seen there. Journals of before have none: then the digest is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Look>,
}

/// What was seen in a file that does not hold exactly the proposed text; empty for one that does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Look {
    /// The text in which the proposed one was seen after the edit had been sent, byte for byte,
    /// or as the editor had formatted it; whatever became of it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// The text that stands there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}
