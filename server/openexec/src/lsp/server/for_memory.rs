//! Showing what is known of a symbol, and writing down why it is as it is.

use super::super::commands::{RememberArguments, RunArguments, SymbolPlace};
use super::super::memory::place_in;
use super::super::protocol::Range;
use super::super::review::write_document;
use super::Shared;
use crate::lsp::documents::OpenFile;
use openexec_engine::digest::Digest;
use openexec_engine::ids::BlueprintName;
use openexec_engine::syntax::Symbol;
use openexec_engine::text::Position;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

impl Shared {
    /// How many records are known of a symbol of a file.
    pub(super) fn known_about(&self, file: &Path, symbol: &str) -> usize {
        let place = place_in(&self.session, file);
        place.map_or(0, |(root, path)| self.memory.known_about(&root, &path, symbol).len())
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
            .map(|it| json!({ "title": it.title, "kind": it.kind, "why": it.why, "state": it.state }))
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
