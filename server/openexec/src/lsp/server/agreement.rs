//! `openexec/documentDigest`: what the server holds of an open document, for whoever suspects
//! that it is not what the editor shows. It is a diagnosis and no part of any workflow.

use super::Handlers;
use crate::lsp::documents::Standing;
use openexec_engine::digest::Digest;
use serde::{Deserialize, Serialize};
use tower_lsp::jsonrpc;

/// The parameters of `openexec/documentDigest`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::lsp) struct DocumentOf {
    uri: String,
}

/// A document as the server holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::lsp) struct DocumentDigest {
    /// The version of the last change.
    version: i32,
    /// Of its text, as UTF-8.
    bytes: usize,
    digest: Digest,
    /// False when a change did not fit, so that the text is known to be another one.
    live: bool,
}

impl Handlers {
    /// `openexec/documentDigest`; nothing for a document that is not open.
    pub(in crate::lsp) async fn document_digest(
        &self,
        of: DocumentOf,
    ) -> jsonrpc::Result<Option<DocumentDigest>> {
        Ok(self.0.session.document(&of.uri).map(|file| {
            let text = file.text.to_string();
            DocumentDigest {
                version: file.version,
                bytes: text.len(),
                digest: Digest::of(text.as_bytes()),
                live: file.standing == Standing::Live,
            }
        }))
    }
}
