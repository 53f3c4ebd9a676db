//! The context pack: what a model is shown of the workspace, and why.
//!
//! The edge gathers [`Candidate`]s; [`build`] redacts, ranks, plans what the budget has room for,
//! wraps what is shown of each file in an envelope of its own, and looks at the bytes once more.
//! Everything hydrated is data; nothing in it instructs.

mod envelope;
mod marks;
mod pack;
pub mod plan;
pub mod rank;
mod tokens;

pub use envelope::{ENVELOPE_RULES, Envelopes};
pub(crate) use marks::has_special;
pub use marks::unmark;
pub use pack::build;
pub use tokens::Vocabulary;

use crate::digest::Digest;
use crate::path::WorkspacePath;
use crate::policy::Policy;
use crate::policy::rules::{Outgoing, PointerKind, Withheld};
use crate::redact::Redactions;
use serde::{Deserialize, Serialize};

/// Why a piece of text is worth showing. Ordered: the most valuable first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Relevance {
    /// The symbol at the cursor or in the selection.
    Target,
    /// A test that failed.
    FailingTest {
        /// Its name.
        test: String,
    },
    /// A place that a report or a diagnostic names.
    Reported {
        /// What named it.
        by: String,
    },
    /// A record of earlier work at this symbol.
    Memory,
    /// What the project says of how code is written in it.
    Convention,
    /// What the ranking over functions found.
    Ranked {
        /// What speaks for it most.
        because: rank::Reason,
    },
    /// What a file imports in which something of this stands.
    Neighbour,
}

impl Relevance {
    /// Its place in the order of value; smaller is better.
    pub const fn rank(&self) -> u8 {
        match self {
            Self::Target => 0,
            Self::FailingTest { .. } => 1,
            Self::Reported { .. } => 2,
            Self::Memory => 3,
            Self::Convention => 4,
            Self::Ranked { .. } => 5,
            Self::Neighbour => 6,
        }
    }

    /// True where nobody has to guess that it matters.
    pub const fn is_certain(&self) -> bool {
        match self {
            Self::Target
            | Self::FailingTest { .. }
            | Self::Reported { .. }
            | Self::Memory
            | Self::Convention => true,
            Self::Ranked { .. } | Self::Neighbour => false,
        }
    }
}

impl Relevance {
    /// What [`Display`](std::fmt::Display) says; in few words where it was a ranking's guess.
    pub fn brief(&self) -> String {
        match self {
            Self::Ranked { because } => because.brief(),
            Self::Target
            | Self::FailingTest { .. }
            | Self::Reported { .. }
            | Self::Memory
            | Self::Convention
            | Self::Neighbour => self.to_string(),
        }
    }
}

impl std::fmt::Display for Relevance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Target => f.write_str("the target"),
            Self::FailingTest { test } => write!(f, "failing test {test}"),
            Self::Reported { by } => write!(f, "named by {by}"),
            Self::Memory => f.write_str("earlier work"),
            Self::Convention => f.write_str("conventions of the project"),
            Self::Ranked { because } => because.fmt(f),
            Self::Neighbour => f.write_str("imports around it"),
        }
    }
}

/// A piece of text that may enter the pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Where it comes from. A memory record has none.
    pub path: Option<WorkspacePath>,
    /// The symbol's qualified name, when it is one.
    pub symbol: Option<String>,
    /// First and last line, counted from 1, both included.
    pub lines: Option<(u32, u32)>,
    /// The text itself, not yet redacted.
    pub text: String,
    /// A one-line stand-in when the text does not fit.
    pub signature: Option<String>,
    /// The line on which the signature's name stands, where that is not the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_line: Option<u32>,
    /// Why it is here.
    pub relevance: Relevance,
    /// Ties within one relevance: greater is better. Quantised by whoever computes it.
    pub score: u32,
    /// What a memory record is, by which rules decide whether it may leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordTag>,
}

/// What is known of a memory record besides its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordTag {
    /// What it describes.
    pub pointer: PointerKind,
    /// Its labels.
    #[serde(default)]
    pub labels: Vec<String>,
    /// The files that it is about.
    #[serde(default)]
    pub files: Vec<WorkspacePath>,
}

impl Candidate {
    /// Says whether it may go to the run's model.
    ///
    /// # Errors
    /// Says which rule keeps it.
    pub fn may_leave(&self, policy: &Policy, model_is_local: bool) -> Result<(), Withheld> {
        let record = self.record.as_ref();
        let files = record.map(|record| record.files.as_slice()).unwrap_or_default();
        let paths: Vec<WorkspacePath> = self.path.iter().chain(files).cloned().collect();
        let text = Outgoing {
            paths: &paths,
            pointer: record.map(|record| record.pointer),
            labels: record.map(|record| record.labels.as_slice()).unwrap_or_default(),
        };
        policy.may_leave(&text, model_is_local)
    }
}

/// What a pack may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The most tokens.
    pub tokens: usize,
    /// What counts them.
    pub vocabulary: Vocabulary,
}

/// Builds the pack of what the policy lets go to the run's model; what it keeps is named in the
/// table of contents.
pub fn build_allowed(
    candidates: &[Candidate],
    (policy, model_is_local): (&Policy, bool),
    budget: Budget,
    redactions: &mut Redactions,
    envelopes: &mut Envelopes,
) -> ContextPack {
    let mut withheld = Vec::new();
    let mut leaving = Vec::new();
    for candidate in candidates {
        match candidate.may_leave(policy, model_is_local) {
            Ok(()) => leaving.push(candidate.clone()),
            Err(why) => withheld.push(PackPart::withheld(candidate, &why)),
        }
    }
    let mut pack = build(&leaving, budget, redactions, envelopes);
    pack.parts.extend(withheld);
    pack
}

/// How much of a candidate the pack shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// All of it.
    Whole,
    /// Its signature only.
    Signature,
    /// Nothing: the budget was used up, or a rule keeps it from the model.
    LeftOut,
}

/// One line of the pack's table of contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackPart {
    /// The candidate's place.
    pub path: Option<WorkspacePath>,
    /// Its symbol.
    pub symbol: Option<String>,
    /// Its lines.
    pub lines: Option<(u32, u32)>,
    /// Why it was considered.
    pub relevance: Relevance,
    /// How much of it is shown.
    pub shown: Shown,
    /// Its tokens. The envelope's are in those of its first part.
    pub tokens: usize,
    /// Secrets that were replaced in it.
    pub redactions: usize,
    /// Which rule keeps it from the model, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
}

impl PackPart {
    /// The entry of a candidate that a rule keeps from the model.
    fn withheld(candidate: &Candidate, why: &Withheld) -> Self {
        Self {
            path: candidate.path.clone(),
            symbol: candidate.symbol.clone(),
            lines: candidate.lines,
            relevance: candidate.relevance.clone(),
            shown: Shown::LeftOut,
            tokens: 0,
            redactions: 0,
            withheld: Some(why.to_string()),
        }
    }
}

/// What a model is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextPack {
    /// The rendered text, envelopes included.
    pub text: String,
    /// Its parts and what was left out, in order.
    pub parts: Vec<PackPart>,
    /// Tokens of the text.
    pub tokens: usize,
    /// What has counted them.
    #[serde(default)]
    pub vocabulary: Vocabulary,
    /// The budget it had to fit.
    pub budget_tokens: usize,
}

impl ContextPack {
    /// Names the pack's bytes.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }
}
