//! What the server says that it can do.

use super::super::commands;
use super::super::protocol::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CodeLensOptions, CompletionOptions,
    ExecuteCommandOptions, HoverProviderCapability, OneOf, PositionEncodingKind, RenameOptions, SaveOptions,
    ServerCapabilities, TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions, WorkDoneProgressOptions, WorkspaceFoldersServerCapabilities,
    WorkspaceServerCapabilities,
};
use super::super::session::Session;
use super::super::traits::encoding_name;
use serde_json::json;

/// For the client at hand; `annotates` when something is shown about other files than our own.
/// Lenses are there in any case, for reviews.
pub(super) fn capabilities(session: &Session, annotates: bool) -> ServerCapabilities {
    let traits = session.traits();
    let kinds = ["quickfix.openexec", "refactor.rewrite.openexec", "source.openexec"];
    let code_actions = if traits.code_action_literals {
        CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(kinds.into_iter().map(CodeActionKind::from).collect()),
            work_done_progress_options: WorkDoneProgressOptions::default(),
            resolve_provider: None,
        })
    } else {
        CodeActionProviderCapability::Simple(true)
    };
    // What the client lets us register for our own files is registered for them alone; the rest
    // is asked about every file, and answered with nothing for those that are not ours.
    let asked_always = |feature: &'static str| !traits.registrable.contains(&feature);
    ServerCapabilities {
        completion_provider: asked_always("completion").then(CompletionOptions::default),
        hover_provider: (annotates || asked_always("hover")).then_some(HoverProviderCapability::Simple(true)),
        code_lens_provider: traits.code_lens.shows.then_some(CodeLensOptions { resolve_provider: None }),
        // One of the two is enough.
        inlay_hint_provider: (annotates && traits.inlay_hint.shows && !traits.code_lens.shows)
            .then_some(OneOf::Left(true)),
        definition_provider: asked_always("definition").then_some(OneOf::Left(true)),
        references_provider: asked_always("references").then_some(OneOf::Left(true)),
        document_symbol_provider: asked_always("documentSymbol").then_some(OneOf::Left(true)),
        rename_provider: asked_always("rename").then_some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        })),
        position_encoding: Some(PositionEncodingKind::from(encoding_name(traits.encoding).to_owned())),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: None })),
            ..TextDocumentSyncOptions::default()
        })),
        code_action_provider: Some(code_actions),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: commands::IDS.map(str::to_owned).to_vec(),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        }),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            file_operations: None,
        }),
        experimental: Some(
            json!({ "openexec": { "version": 1, "instructionInput": "openexec.run", "runs": true } }),
        ),
        ..ServerCapabilities::default()
    }
}
