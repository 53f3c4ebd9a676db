//! What the client can do, resolved once from what it said in `initialize`.
//!
//! The reply is read leniently, member by member: what a client writes wrongly or in a newer
//! version of the protocol counts as not supported and costs nothing else.

use openexec_engine::text::PositionEncoding;
use serde_json::Value;

/// What is done with files rather than texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ResourceOperations {
    pub(super) create: bool,
    pub(super) rename: bool,
    pub(super) delete: bool,
}

/// A sort of annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Annotated {
    /// Whether the client shows it.
    pub(super) shows: bool,
    /// Whether the client asks for it anew when it is told to.
    pub(super) refreshes: bool,
}

/// What the client can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClientTraits {
    /// For people and the journal: `Neovim 0.11.4`.
    pub(super) name: String,
    /// The unit of its columns.
    pub(super) encoding: PositionEncoding,
    /// Whether it takes `documentChanges`.
    pub(super) document_changes: bool,
    /// Whether each of its buffers ends with a line end, also one that was just created and is
    /// empty: Neovim's do.
    pub(super) ends_every_buffer: bool,
    pub(super) resources: ResourceOperations,
    /// Whether it shows progress.
    pub(super) progress: bool,
    /// Whether it opens documents on request.
    pub(super) show_document: bool,
    /// Whether it can put a question beside the user's work, without taking the keyboard.
    pub(super) questions: bool,
    /// Whether it lists runs itself, and tells its user in its own way how they stand.
    pub(super) lists_runs: bool,
    /// Whether it tells of files that change on disk, when it is asked to.
    pub(super) watches_files: bool,
    /// Whether it takes code actions that are more than commands.
    pub(super) code_action_literals: bool,
    /// Whether it shows actions that cannot be carried out now, with the reason.
    pub(super) disabled_actions: bool,
    /// Whether it shows lenses above lines, and asks for them anew when it is told to.
    pub(super) code_lens: Annotated,
    /// Whether it shows hints within lines, likewise.
    pub(super) inlay_hint: Annotated,
    /// Whether a diagnostic can name other places that explain it.
    pub(super) related_information: bool,
    /// Whether diagnostics can name the version that they are about.
    pub(super) diagnostics_version: bool,
    /// Whether it shows Markdown where the cursor rests.
    pub(super) markdown: bool,
    /// Whether symbols can be nested.
    pub(super) nested_symbols: bool,
    /// The features that it lets a server register for some files only, by their names among
    /// the capabilities.
    pub(super) registrable: Vec<&'static str>,
}

/// Features of ours that are about our own files only.
pub(super) const FILE_FEATURES: [&str; 6] =
    ["completion", "hover", "definition", "references", "documentSymbol", "rename"];

/// Clients that put a question of the server as a prompt which takes the keyboard at once
/// (`vim.ui.select`, `completing-read`), and so the next key of somebody who is typing. They
/// advertise the same as clients that show a notification with buttons.
const PROMPTING_CLIENTS: [&str; 3] = ["Neovim", "Eglot", "emacs"];

impl Default for ClientTraits {
    fn default() -> Self {
        Self::of(&Value::Null)
    }
}

impl ClientTraits {
    /// From the parameters of `initialize`.
    pub(super) fn of(params: &Value) -> Self {
        let flag = |pointer: &str| capability(params, pointer).and_then(Value::as_bool).unwrap_or(false);
        let operations = capability(params, "/workspace/workspaceEdit/resourceOperations");
        let operation = |name: &str| {
            operations.and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == name))
        };
        let name = name(params);
        let is_neovim = name.starts_with("Neovim");
        let prompts = PROMPTING_CLIENTS.iter().any(|client| name.starts_with(client));
        Self {
            questions: !prompts && capability(params, "/window/showMessage").is_some_and(Value::is_object),
            name,
            encoding: encoding(params),
            // Neovim (0.11.4) names resource operations, which exist in `documentChanges` only,
            // and does not name those.
            document_changes: flag("/workspace/workspaceEdit/documentChanges")
                || operations.is_some_and(Value::is_array),
            ends_every_buffer: is_neovim,
            resources: ResourceOperations {
                create: operation("create"),
                rename: operation("rename"),
                delete: operation("delete"),
            },
            progress: flag("/window/workDoneProgress"),
            show_document: flag("/window/showDocument/support"),
            lists_runs: flag("/experimental/openexec/runs"),
            watches_files: flag("/workspace/didChangeWatchedFiles/dynamicRegistration"),
            code_action_literals: capability(params, "/textDocument/codeAction/codeActionLiteralSupport")
                .is_some_and(Value::is_object),
            disabled_actions: flag("/textDocument/codeAction/disabledSupport"),
            code_lens: Annotated {
                // A lens of ours is a command. Neovim runs them and does not say so.
                shows: capability(params, "/textDocument/codeLens").is_some_and(Value::is_object)
                    && (is_neovim
                        || capability(params, "/workspace/executeCommand").is_some_and(Value::is_object)),
                refreshes: flag("/workspace/codeLens/refreshSupport"),
            },
            inlay_hint: Annotated {
                shows: capability(params, "/textDocument/inlayHint").is_some_and(Value::is_object),
                refreshes: flag("/workspace/inlayHint/refreshSupport"),
            },
            related_information: flag("/textDocument/publishDiagnostics/relatedInformation"),
            diagnostics_version: flag("/textDocument/publishDiagnostics/versionSupport"),
            markdown: capability(params, "/textDocument/hover/contentFormat")
                .and_then(Value::as_array)
                .is_some_and(|formats| formats.iter().any(|format| format == "markdown")),
            nested_symbols: flag("/textDocument/documentSymbol/hierarchicalDocumentSymbolSupport"),
            registrable: FILE_FEATURES
                .into_iter()
                .filter(|feature| flag(&format!("/textDocument/{feature}/dynamicRegistration")))
                .collect(),
        }
    }
}

fn capability<'a>(params: &'a Value, pointer: &str) -> Option<&'a Value> {
    params.get("capabilities")?.pointer(pointer)
}

fn name(params: &Value) -> String {
    let text = |key: &str| params.pointer(key).and_then(Value::as_str).map(str::trim).unwrap_or_default();
    match (text("/clientInfo/name"), text("/clientInfo/version")) {
        ("", _) => "an editor".to_owned(),
        (name, "") => name.to_owned(),
        (name, version) => format!("{name} {version}"),
    }
}

/// UTF-8 where it is offered, as it needs no conversion; then what the client prefers.
fn encoding(params: &Value) -> PositionEncoding {
    let offered = capability(params, "/general/positionEncodings").and_then(Value::as_array);
    let known: Vec<PositionEncoding> = offered
        .into_iter()
        .flatten()
        .filter_map(|name| match name.as_str() {
            Some("utf-8") => Some(PositionEncoding::Utf8),
            Some("utf-16") => Some(PositionEncoding::Utf16),
            Some("utf-32") => Some(PositionEncoding::Utf32),
            _ => None,
        })
        .collect();
    if known.contains(&PositionEncoding::Utf8) {
        return PositionEncoding::Utf8;
    }
    known.first().copied().unwrap_or(PositionEncoding::Utf16)
}

/// The encoding's name in the protocol.
pub(super) const fn encoding_name(encoding: PositionEncoding) -> &'static str {
    match encoding {
        PositionEncoding::Utf8 => "utf-8",
        PositionEncoding::Utf16 => "utf-16",
        PositionEncoding::Utf32 => "utf-32",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with_encodings(offered: Value) -> PositionEncoding {
        ClientTraits::of(&json!({ "capabilities": { "general": { "positionEncodings": offered } } })).encoding
    }

    #[test]
    fn utf_8_goes_before_what_the_client_prefers() {
        assert_eq!(with_encodings(json!(["utf-16", "utf-8"])), PositionEncoding::Utf8);
        assert_eq!(with_encodings(json!(["utf-32", "utf-16"])), PositionEncoding::Utf32);
        assert_eq!(with_encodings(json!(["utf-16"])), PositionEncoding::Utf16);
        assert_eq!(with_encodings(json!(["utf-7"])), PositionEncoding::Utf16);
        assert_eq!(with_encodings(json!("utf-8")), PositionEncoding::Utf16);
    }

    #[test]
    fn a_client_without_capabilities_can_nothing_and_stops_nothing() {
        for params in [json!(null), json!({}), json!({ "capabilities": null }), json!({ "capabilities": 7 })]
        {
            let traits = ClientTraits::of(&params);
            assert_eq!(traits, ClientTraits::default());
            assert!(!traits.document_changes && !traits.progress && !traits.show_document);
        }
    }

    #[test]
    fn questions_are_put_where_they_take_no_keys() {
        let asked = |name: &str, window: Value| {
            ClientTraits::of(&json!({ "clientInfo": { "name": name }, "capabilities": { "window": window } }))
                .questions
        };
        assert!(asked("Visual Studio Code", json!({ "showMessage": {} })));
        assert!(!asked("Visual Studio Code", json!({ "showMessage": null })));
        assert!(!asked("Neovim", json!({ "showMessage": {} })));
        assert!(!asked("helix", json!({})));
    }

    #[test]
    fn what_is_said_is_resolved() {
        let traits = ClientTraits::of(&json!({
            "clientInfo": { "name": "Neovim", "version": "0.11.4" },
            "capabilities": {
                "workspace": { "workspaceEdit": {
                    "documentChanges": true, "resourceOperations": ["create", "delete", "compost"] } },
                "window": { "workDoneProgress": true, "showDocument": { "support": true } },
                "textDocument": { "codeAction": { "codeActionLiteralSupport": {} } },
            },
        }));
        assert_eq!(traits.name, "Neovim 0.11.4");
        assert_eq!(traits.resources, ResourceOperations { create: true, rename: false, delete: true });
        assert!(traits.document_changes && traits.progress && traits.show_document);
        assert!(traits.code_action_literals);
    }
}
