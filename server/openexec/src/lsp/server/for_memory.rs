//! Showing what is known of a symbol, and writing down why it is as it is.

use super::super::commands::{RememberArguments, RunArguments, SymbolPlace};
use super::super::memory::place_in;
use super::super::protocol::Range;
use super::super::review::write_document;
use super::super::roots::on_disk;
use super::{Shared, blocking};
use crate::lsp::documents::OpenFile;
use crate::memory::MEMORY_DIR;
use openexec_engine::digest::Digest;
use openexec_engine::ids::{BlueprintName, RecordId};
use openexec_engine::memory::{Anchor, Body, Origin, Record, SymbolNote, SymbolPointer, to_yaml};
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::Symbol;
use openexec_engine::text::Position;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// What stands in a record before its writer has said why.
const ASKS_WHY: &str = "Say why it is as it is.";

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

    async fn begin_record(self: &Arc<Self>, uri: &str, range: Range) -> Result<Value, String> {
        let runtime = Arc::clone(self.runtime()?);
        let file = self.session.document(uri).ok_or("the file is not open; open it")?;
        let (root, path) = place_in(&self.session, &file.path).ok_or("the file is in no open folder")?;
        let (index, symbol) = self.symbol_at(&file, range)?;
        let pointer = SymbolPointer::of(&path, &file.text.to_string(), &file.symbols(), index);
        let pointer = pointer.ok_or_else(|| format!("`{}` cannot be pointed at", symbol.name))?;
        let place = root.clone();
        let written = blocking(move || {
            let pointers = runtime.pointers(&root).map_err(|error| error.to_string())?;
            let pointer = pointers.look().bound(pointer);
            let (id, path) = free_place(&root, pointer.own_name())?;
            let record = draft(id, pointer);
            let text = to_yaml(std::slice::from_ref(&record))?;
            runtime.write_memory(&root, &path, &text).map_err(|error| error.to_string())?;
            Ok(path)
        })
        .await?;
        self.memory.refresh();
        self.publisher.refresh();
        self.show(on_disk(&place, &written));
        Ok(json!({ "record": written }))
    }

    /// The innermost symbol around the beginning of a range.
    fn symbol_at(&self, file: &OpenFile, range: Range) -> Result<(usize, Symbol), String> {
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

fn draft(id: RecordId, pointer: SymbolPointer) -> Record {
    let at = Anchor::to(pointer);
    Record {
        id,
        origin: Origin::Private,
        author: None,
        written: Some(jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()),
        source: None,
        labels: Default::default(),
        redact: Vec::new(),
        body: Body::Symbol(SymbolNote { at, why: ASKS_WHY.to_owned() }),
    }
}

/// A name that no memory file has, and its place.
fn free_place(root: &Path, symbol: &str) -> Result<(RecordId, WorkspacePath), String> {
    let plain: String =
        symbol.chars().filter(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-')).take(48).collect();
    let plain = if plain.is_empty() { "symbol".to_owned() } else { plain };
    let numbered = (2..1000).map(|number| format!("{plain}-{number}"));
    let mut names = std::iter::once(plain.clone()).chain(numbered);
    let free = names.find(|name| !root.join(MEMORY_DIR).join(format!("{name}.yaml")).exists());
    let name = free.ok_or("there are too many records of this name; write one by hand")?;
    let path =
        WorkspacePath::parse(&format!("{MEMORY_DIR}/{name}.yaml")).map_err(|error| error.to_string())?;
    Ok((RecordId::new(name), path))
}
