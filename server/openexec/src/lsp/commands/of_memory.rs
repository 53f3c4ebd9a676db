//! The arguments of commands about what is known of symbols.

use crate::lsp::protocol::Range;
use openexec_engine::digest::Digest;
use openexec_engine::ids::RecordId;
use openexec_engine::memory::{Kind, SymbolPointer};
use openexec_engine::path::WorkspacePath;
use serde::{Deserialize, Serialize};

/// The arguments of `openexec.remember`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::lsp) struct RememberArguments {
    /// The file.
    pub(in crate::lsp) uri: String,
    /// A range in the symbol.
    pub(in crate::lsp) range: Range,
    /// The version of the file that the range is of.
    #[serde(default)]
    pub(in crate::lsp) version: Option<i32>,
    /// Why the symbol is as it is. Without it, a memory file is begun in which it can be written.
    #[serde(default)]
    pub(in crate::lsp) why: Option<String>,
}

/// The arguments of `openexec.known`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::lsp) struct SymbolPlace {
    /// The file.
    pub(in crate::lsp) uri: String,
    /// A range in the symbol.
    pub(in crate::lsp) range: Range,
}

/// The arguments of `openexec.forget`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::lsp) struct ForgetArguments {
    /// A file of the workspace; the obvious one when absent.
    #[serde(default)]
    pub(in crate::lsp) uri: Option<String>,
    /// The kind of the record.
    pub(in crate::lsp) kind: Kind,
    /// Its id.
    pub(in crate::lsp) id: RecordId,
}

/// The arguments of `openexec.confirm`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::lsp) struct ConfirmArguments {
    /// A file of the workspace; the obvious one when absent.
    #[serde(default)]
    pub(in crate::lsp) uri: Option<String>,
    /// The kind of the record.
    pub(in crate::lsp) kind: Kind,
    /// Its id.
    pub(in crate::lsp) id: RecordId,
    /// The place that the user has seen.
    pub(in crate::lsp) place: OfferedPlace,
}

/// A place that a record may be about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::lsp) struct OfferedPlace {
    path: WorkspacePath,
    symbol: String,
    /// The digest of what stands there.
    text: Digest,
}

impl OfferedPlace {
    /// The place that a pointer names.
    pub(in crate::lsp) fn of(pointer: &SymbolPointer) -> Self {
        Self { path: pointer.path.clone(), symbol: pointer.symbol.clone(), text: pointer.text }
    }
}
