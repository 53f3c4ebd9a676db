//! Showing what is known of a symbol, writing down why it is as it is, and what the user does with
//! records of their own.

use super::super::commands::{
    ConfirmArguments, ForgetArguments, RememberArguments, RunArguments, SymbolPlace,
};
use super::super::memory::{RecordSummary, place_in};
use super::super::protocol::{MessageType, Range};
use super::super::review::write_document;
use super::{Shared, blocking};
use crate::lsp::documents::OpenFile;
use crate::store::Store;
use openexec_engine::digest::Digest;
use openexec_engine::ids::{BlueprintName, RecordId};
use openexec_engine::memory::{Kind, Record, to_yaml};
use openexec_engine::syntax::Symbol;
use openexec_engine::text::Position;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Shared {
    /// The records that are known of a symbol of a file.
    pub(super) fn known_about(&self, file: &Path, symbol: &str) -> Vec<RecordSummary> {
        let place = place_in(&self.session, file);
        place.map(|(root, path)| self.memory.known_about(&root, &path, symbol)).unwrap_or_default()
    }

    /// Opens what is known of a symbol as a document.
    pub(super) fn known(self: &Arc<Self>, place: &SymbolPlace) -> Result<Value, String> {
        let file = self.session.document(&place.uri).ok_or("the file is not open; open it")?;
        let (root, path) = place_in(&self.session, &file.path).ok_or("the file is in no open folder")?;
        let (_, symbol) = self.symbol_at(&file, place.range)?;
        let records = self.memory.known_about(&root, &path, &symbol.name);
        let told = self.memory.told(&root, &path, &symbol.name);
        let told = told.ok_or_else(|| format!("nothing is known about `{}` yet", symbol.name))?;
        let markdown = format!("# What is known about `{}` in {path}\n\n{told}", symbol.name);
        let name = format!("{}.md", Digest::of(format!("{path} {}", symbol.name).as_bytes()).short());
        let document = write_document(&self.state.join("known"), &name, &markdown)
            .map_err(|error| format!("it could not be written down: {error}"))?;
        self.show(document.clone());
        let records: Vec<Value> = records
            .iter()
            .map(|it| {
                let own = it.own.as_ref().map(|own| &own.id);
                json!({ "title": it.title, "kind": it.kind, "why": it.why, "state": it.state, "own": own })
            })
            .collect();
        Ok(json!({ "known": document, "records": records, "markdown": markdown }))
    }

    /// Keeps a reason. Where none is given, a memory file is begun in which it can be written.
    pub(super) async fn remember(self: Arc<Self>, arguments: RememberArguments) -> Result<Value, String> {
        match arguments.why {
            Some(why) => {
                let run = RunArguments {
                    blueprint: Some(BlueprintName::new("record_decision")),
                    uri: Some(arguments.uri),
                    range: Some(arguments.range),
                    version: arguments.version,
                    instruction: Some(why),
                    ..RunArguments::default()
                };
                Arc::clone(&self).start(run).await
            }
            None => self.begin_record(&arguments.uri, arguments.range).await,
        }
    }

    /// Lets one of the user's own records point at the place that the user has seen.
    pub(super) async fn confirm(self: Arc<Self>, of: ConfirmArguments) -> Result<Value, String> {
        let (root, store, mut record) = self.own_record(of.uri.as_deref(), of.kind, &of.id).await?;
        let changed = "its place has changed since it was shown; open the menu again";
        let (number, place) = self.memory.offered(&root, &of).ok_or(changed)?;
        let told = format!("{} is about `{}` in {}", record.title(), place.symbol, place.path);
        record.point(number, place);
        store.keep(&record).await.map_err(|error| error.to_string())?;
        self.memory_changed(told);
        Ok(json!({ "confirmed": record.title() }))
    }

    /// Removes one of the user's own records. What it said is in the answer, as a memory file.
    pub(super) async fn forget(self: Arc<Self>, of: ForgetArguments) -> Result<Value, String> {
        let (_, store, record) = self.own_record(of.uri.as_deref(), of.kind, &of.id).await?;
        let text = to_yaml(std::slice::from_ref(&record))?;
        store.forget(record.kind(), &record.id).await.map_err(|error| error.to_string())?;
        self.memory_changed(format!("{} is not among your own records any more", record.title()));
        Ok(json!({ "forgotten": record.title(), "record": text }))
    }

    /// One of the user's own records, with the workspace that it is about and where it is kept.
    async fn own_record(
        &self,
        uri: Option<&str>,
        kind: Kind,
        id: &RecordId,
    ) -> Result<(PathBuf, Store, Record), String> {
        let runtime = Arc::clone(self.runtime()?);
        let root = self.root_meant(uri)?;
        let id = id.clone();
        blocking(move || {
            let store = runtime.store(&root).map_err(|error| error.to_string())?;
            let records = store.records().map_err(|error| error.to_string())?;
            let found = records.into_iter().find(|record| record.kind() == kind && record.id == id);
            let missing = || {
                format!("there is no {} `{id}` among your own records; it may have been removed", kind.name())
            };
            Ok((root, store, found.ok_or_else(missing)?))
        })
        .await
    }

    /// Looks at memory again, and tells what has become of it.
    fn memory_changed(self: &Arc<Self>, told: String) {
        self.memory.refresh();
        self.surroundings.forget();
        self.publisher.refresh();
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            shared.editor.show_message(MessageType::INFO, format!("OpenExec: {told}")).await
        });
    }

    /// The innermost symbol around the beginning of a range.
    pub(super) fn symbol_at(&self, file: &OpenFile, range: Range) -> Result<(usize, Symbol), String> {
        let encoding = self.session.traits().encoding;
        let at = Position { line: range.start.line, character: range.start.character };
        let byte = file.text.byte_of(at, encoding).map_err(|error| error.to_string())?;
        let symbols = file.symbols();
        let around = symbols.iter().enumerate();
        around
            .filter(|(_, symbol)| symbol.range.start <= byte && byte <= symbol.range.end)
            .min_by_key(|(_, symbol)| symbol.range.len())
            .map(|(index, symbol)| (index, symbol.clone()))
            .ok_or_else(|| "no symbol stands there; put the cursor into one".to_owned())
    }
}
