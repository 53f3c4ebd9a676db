//! What an editor asks about our own files, and the documents that show them.

use super::super::actions::wanted;
use super::super::commands::{GraphArguments, obvious_root};
use super::super::own_files::{FILE_PATTERNS, Known, OwnFile, TOOLSETS_PAGE, fixes, toolsets_page};
use super::super::protocol::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, CodeActionResponse, Command,
    DocumentChanges, Location, OneOf, OptionalVersionedTextDocumentIdentifier, Position, Range,
    TextDocumentEdit, TextEdit, Url, WorkspaceEdit,
};
use super::super::review::write_document;
use super::super::session::Session;
use super::super::uri;
use super::{Shared, blocking};
use crate::driver::{Catalogue, Runtime};
use crate::graph;
use crate::limits::{CODE_ACTIONS_MAX, OWN_FILES_INLINE_BYTES_MAX};
use openexec_engine::blueprint::{Blueprint, Chart};
use openexec_engine::digest::Digest;
use openexec_engine::ids::BlueprintName;
use serde_json::{Value, json};
use std::sync::Arc;

impl Shared {
    /// Asks something about one of our files; nothing for every other file, which is not read.
    pub(super) async fn about<T: Send + 'static>(
        &self,
        uri: &Url,
        question: impl FnOnce(&OwnFile, &Known) -> T + Send + 'static,
    ) -> Option<T> {
        let open = self.session.document(uri.as_str())?;
        let surroundings = Arc::clone(&self.surroundings);
        surroundings.may_be_ours(&open.path).then_some(())?;
        let encoding = self.session.traits().encoding;
        let known = surroundings.at_hand(&open.path);
        let is_at_hand = known.is_some();
        let is_small = open.text.rope().len_bytes() <= OWN_FILES_INLINE_BYTES_MAX;
        let answer = move || {
            let file = OwnFile::of(&open, encoding, surroundings.config())?;
            let known = known.unwrap_or_else(|| surroundings.of(&file.path));
            Some(question(&file, &known))
        };
        if is_at_hand && is_small {
            return answer();
        }
        blocking(move || Ok(answer())).await.ok().flatten()
    }

    /// Edits that mend what was found in one of our files, and a look at a blueprint's graph.
    pub(super) async fn mends(&self, params: &CodeActionParams) -> CodeActionResponse {
        let traits = self.session.traits();
        let (range, only) = (params.range, params.context.only.clone().unwrap_or_default());
        let question = move |file: &OwnFile, known: &Known| {
            let mut actions = Vec::new();
            for fix in fixes(file, known, range) {
                actions.push(CodeAction {
                    title: fix.title,
                    kind: Some(CodeActionKind::from("quickfix.openexec.mend".to_owned())),
                    diagnostics: Some(vec![fix.diagnostic]),
                    edit: own_edit(file, fix.edits, traits.document_changes),
                    ..CodeAction::default()
                });
            }
            // An edit needs a literal; a command does not.
            actions.retain(|_| traits.code_action_literals);
            actions.extend(graph_action(file));
            actions.retain(|action| wanted(&only, action.kind.as_ref()));
            actions.truncate(CODE_ACTIONS_MAX);
            let as_client_takes_it = |action: CodeAction| match action.command {
                Some(command) if !traits.code_action_literals => CodeActionOrCommand::Command(command),
                _ => CodeActionOrCommand::CodeAction(action),
            };
            actions.into_iter().map(as_client_takes_it).collect()
        };
        self.about(&params.text_document.uri, question).await.unwrap_or_default()
    }

    /// Registers, where the client lets us, for our own files what would else be asked about all.
    pub(super) async fn register_for_own_files(self: Arc<Self>) {
        let traits = self.session.traits();
        if traits.registrable.is_empty() {
            return;
        }
        let selector: Vec<Value> =
            FILE_PATTERNS.iter().map(|pattern| json!({ "scheme": "file", "pattern": pattern })).collect();
        let registration = |feature: &&'static str| {
            let options = match *feature {
                "completion" => {
                    json!({ "documentSelector": selector, "triggerCharacters": [" ", "[", ","] })
                }
                "rename" => json!({ "documentSelector": selector, "prepareProvider": true }),
                _ => json!({ "documentSelector": selector }),
            };
            json!({
                "id": format!("openexec.{feature}"),
                "method": format!("textDocument/{feature}"),
                "registerOptions": options,
            })
        };
        // Where symbols are annotated, hovers are asked for everywhere already.
        let hovers_anywhere = self.annotates();
        let features = traits.registrable.iter().filter(|feature| **feature != "hover" || !hovers_anywhere);
        let registrations: Vec<Value> = features.map(registration).collect();
        if !self.editor.register(Value::Array(registrations)).await {
            tracing::warn!("the editor registers nothing for our own files although it said it would");
        }
    }

    /// The place of a toolset on the page of all of them, which is written when somebody goes
    /// there.
    pub(super) async fn place_of_toolset(&self, name: String) -> Option<Location> {
        let state = self.state.clone();
        let written = blocking(move || {
            let Some((page, line)) = toolsets_page(&name) else { return Ok(None) };
            let file = write_document(&state, TOOLSETS_PAGE, &page).map_err(|error| error.to_string())?;
            let uri = Url::from_file_path(&file).map_err(|()| file.display().to_string())?;
            let at = Position { line, character: 0 };
            Ok(Some(Location { uri, range: Range { start: at, end: at } }))
        });
        match written.await {
            Ok(place) => place,
            Err(reason) => {
                tracing::warn!(reason, "the page of toolsets could not be written");
                None
            }
        }
    }

    /// Opens a blueprint's graph as a document.
    pub(super) async fn graph(self: &Arc<Self>, arguments: GraphArguments) -> Result<Value, String> {
        let (runtime, session) = (self.runtime.clone(), Arc::clone(&self.session));
        let folder = self.state.join("graphs");
        let (file, markdown) = blocking(move || {
            let blueprint = match arguments.blueprint {
                Some(name) => blueprint_named(&name, runtime.as_deref().ok(), &session)?,
                None => blueprint_of_file(arguments.uri.as_deref(), &session)?,
            };
            let chart = Chart::of(&blueprint);
            let markdown = graph::markdown(&chart);
            let name = format!("{}.md", Digest::of(chart.name.as_bytes()).short());
            let file = write_document(&folder, &name, &markdown).map_err(|error| {
                format!("the graph could not be written to `{}`: {error}", folder.display())
            })?;
            Ok((file, markdown))
        })
        .await?;
        self.show(file.clone());
        Ok(json!({ "graph": file, "markdown": markdown }))
    }
}

/// Edits of one of our files, as the client takes them.
pub(super) fn own_edit(
    file: &OwnFile,
    edits: Vec<TextEdit>,
    document_changes: bool,
) -> Option<WorkspaceEdit> {
    let uri = Url::parse(&file.uri).ok()?;
    if !document_changes {
        return Some(WorkspaceEdit { changes: Some([(uri, edits)].into()), ..WorkspaceEdit::default() });
    }
    let text_document = OptionalVersionedTextDocumentIdentifier { uri, version: Some(file.version) };
    let edits = edits.into_iter().map(OneOf::Left).collect();
    let changes = DocumentChanges::Edits(vec![TextDocumentEdit { text_document, edits }]);
    Some(WorkspaceEdit { document_changes: Some(changes), ..WorkspaceEdit::default() })
}

/// A look at the graph of the blueprint that is open.
fn graph_action(file: &OwnFile) -> Option<CodeAction> {
    let title = file.is_blueprint().then(|| "Show the graph of this blueprint".to_owned())?;
    let command = Command {
        title: title.clone(),
        command: "openexec.graph".to_owned(),
        arguments: Some(vec![json!({ "uri": file.uri })]),
    };
    let kind = Some(CodeActionKind::from("source.openexec.graph".to_owned()));
    Some(CodeAction { title, kind, command: Some(command), ..CodeAction::default() })
}

/// The blueprint of this name, of the workspace that is in the user's hands or of ours.
fn blueprint_named(
    name: &BlueprintName,
    runtime: Option<&Runtime>,
    session: &Session,
) -> Result<Blueprint, String> {
    let root = obvious_root(&session.roots(), session.focus().as_deref());
    let catalogue = match (runtime, root) {
        (Some(runtime), Ok(root)) => runtime.catalogue(&root).map_err(|error| error.to_string())?,
        _ => Catalogue::shipped(),
    };
    catalogue.take(name).map_err(|error| error.to_string())
}

/// The blueprint of a file as the editor shows it, else as it lies on the disk. It need not be
/// proven: its graph is looked at to mend it.
fn blueprint_of_file(uri: Option<&str>, session: &Session) -> Result<Blueprint, String> {
    let open = match uri {
        Some(uri) => session.document(uri),
        None => session.focus(),
    };
    let (name, text) = match (open, uri) {
        (Some(file), _) => (file.path.display().to_string(), file.text.to_string()),
        (None, Some(uri)) => {
            let path = uri::path_of(uri).map_err(|error| error.to_string())?;
            (path.display().to_string(), graph::text_of(&path)?)
        }
        (None, None) => return Err("no blueprint is open; name one: {\"blueprint\": \"…\"}".to_owned()),
    };
    graph::blueprint(&name, &text)
}
