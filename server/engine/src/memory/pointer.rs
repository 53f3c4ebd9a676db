//! Pointers: where a symbol stood when a record was written.

use crate::digest::Digest;
use crate::path::WorkspacePath;
use serde::{Deserialize, Serialize};

/// A pointer to a symbol as it stood when the record was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SymbolPointer {
    /// The file.
    pub path: WorkspacePath,
    /// The qualified name.
    pub symbol: String,
    /// The digest of the symbol's text after the change.
    pub text: Digest,
}
