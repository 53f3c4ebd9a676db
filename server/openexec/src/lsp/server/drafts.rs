//! Memory files that were begun at a symbol, for clients that cannot ask their user for a sentence:
//! a file with everything but the reason, opened where the reason goes. Who saves it has said it.

use super::super::memory::place_in;
use super::super::protocol::{MessageType, Position, Range};
use super::super::roots::{below, on_disk};
use super::{Shared, blocking};
use crate::driver::Runtime;
use crate::memory::{MEMORY_DIR, Shared as MemoryFiles};
use openexec_engine::ids::RecordId;
use openexec_engine::memory::{Anchor, Body, Origin, Record, SymbolNote, SymbolPointer, to_yaml};
use openexec_engine::path::WorkspacePath;
use openexec_engine::task::Trust;
use openexec_engine::text::visible;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A memory file that this session has begun.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    /// Whether the workspace was trusted with it as it was begun.
    is_trusted: bool,
    /// The text about which its writer was told last.
    told: String,
    /// The file and the name of the symbol that it is about.
    about: (PathBuf, String),
    /// The text that it was begun with, and where the reason goes.
    begun: (String, Range),
}

impl Shared {
    /// Begins a memory file about the symbol at a place, and opens it where the reason goes.
    pub(super) async fn begin_record(self: &Arc<Self>, uri: &str, range: Range) -> Result<Value, String> {
        let runtime = Arc::clone(self.runtime()?);
        let file = self.session.document(uri).ok_or("the file is not open; open it")?;
        let (root, path) = place_in(&self.session, &file.path).ok_or("the file is in no open folder")?;
        let (index, symbol) = self.symbol_at(&file, range)?;
        let pointer = SymbolPointer::of(&path, &file.text.to_string(), &file.symbols(), index);
        let pointer = pointer.ok_or_else(|| format!("`{}` cannot be pointed at", symbol.name))?;
        let about = (file.path.clone(), symbol.name.clone());
        if let Some((draft, at)) = self.draft_about(about.clone()).await {
            let written = below(&root, &draft).ok_or("the file is in no open folder")?;
            self.show_at(draft, at);
            return Ok(json!({ "record": written }));
        }
        let place = root.clone();
        let (written, at, draft) = blocking(move || {
            let pointers = runtime.pointers(&root).map_err(|error| error.to_string())?;
            let pointer = pointers.look().bound(pointer);
            let (id, path) = free_place(&root, pointer.own_name())?;
            let (text, at) = begun(id, pointer)?;
            runtime.write_memory(&root, &path, &text).map_err(|error| error.to_string())?;
            let is_trusted = runtime.declarations(&root).is_ok_and(|it| it.trust != Trust::Untrusted);
            Ok((path, at, Draft { is_trusted, told: String::new(), about, begun: (text, at) }))
        })
        .await?;
        let file = on_disk(&place, &written);
        self.drafts.lock().insert(file.clone(), draft);
        self.memory.refresh();
        self.publisher.refresh();
        self.show_at(file, at);
        Ok(json!({ "record": written }))
    }

    /// The file that was begun about this symbol and in which nothing has been written yet.
    async fn draft_about(&self, about: (PathBuf, String)) -> Option<(PathBuf, Range)> {
        let drafts = self.drafts.lock().clone();
        let look = move || {
            let mut drafts = drafts.into_iter().filter(|(_, draft)| draft.about == about);
            let is_left =
                |file: &Path, text: &str| std::fs::read_to_string(file).is_ok_and(|now| now == text);
            Ok(drafts.find(|(file, draft)| is_left(file, &draft.begun.0)))
        };
        let (file, draft) = blocking(look).await.ok()??;
        Some((file, draft.begun.1))
    }

    /// Takes the memory files that were begun here as their writer has saved them, and says that a
    /// reason is kept once there is one.
    pub(super) async fn keep_drafts(self: &Arc<Self>) {
        let Ok(runtime) = self.runtime().map(Arc::clone) else { return };
        let drafts: Vec<(PathBuf, Draft)> =
            self.drafts.lock().iter().map(|(file, draft)| (file.clone(), draft.clone())).collect();
        for (file, draft) in drafts {
            let saved = self.session.document_at(&file).map(|open| open.text.to_string());
            let Some(text) = saved.filter(|text| *text != draft.told) else { continue };
            let Some((root, path)) = place_in(&self.session, &file) else { continue };
            let (runtime, judged) = (Arc::clone(&runtime), text.clone());
            let keep = move || kept(&runtime, &root, &path, &judged, draft.is_trusted);
            match blocking(keep).await {
                Ok(None) => {}
                Ok(Some(message)) => {
                    if let Some(draft) = self.drafts.lock().get_mut(&file) {
                        draft.told = text;
                    }
                    self.memory.refresh();
                    self.publisher.refresh();
                    self.editor.show_message(MessageType::INFO, message).await;
                }
                Err(reason) => self.editor.show_message(MessageType::WARNING, reason).await,
            }
        }
    }
}

/// What is to be said of a memory file that its writer has saved; nothing while it holds no reason,
/// or while the file on the disk is another one.
///
/// INVARIANT: trust goes on only for a file that was begun here while the workspace was trusted, and
/// only where nothing else has changed since.
fn kept(
    runtime: &Runtime,
    root: &Path,
    path: &WorkspacePath,
    text: &str,
    was_trusted: bool,
) -> Result<Option<String>, String> {
    let told = |error: crate::driver::DriverError| error.to_string();
    let is_saved = std::fs::read_to_string(on_disk(root, path)).is_ok_and(|saved| saved == text);
    let read = MemoryFiles::of(&[(path.to_string(), text.to_owned())].into());
    if !is_saved || read.records().next().is_none() {
        return Ok(None);
    }
    let is_trusted = match runtime.declarations(root).map_err(told)?.trust {
        Trust::Trusted { .. } => true,
        Trust::Untrusted => was_trusted && runtime.trust_memory(root, path, text).map_err(told)?,
    };
    Ok(Some(match is_trusted {
        true => format!("OpenExec: the reason in {path} is kept"),
        false => format!(
            "OpenExec: the reason in {path} counts once you trust what this workspace declares: the code-action \
             menu, or `openexec.trust`"
        ),
    }))
}

/// What stands in the place of the reason while the rest is written.
const NO_REASON_YET: &str = "NO-REASON-YET";

/// The text of a memory file without a reason, and where that goes: an empty line, in which anything
/// can be written without a thought for the quotation marks of YAML.
fn begun(id: RecordId, pointer: SymbolPointer) -> Result<(String, Range), String> {
    let told = format!(
        "# Why `{}` in {} is as it is.\n\
         # Write it into the empty line below `why`, then save. From then on it is\n\
         # shown there, and told to models that work on it.\n\
         # Say who relies on it, what was tried, what would break: it is read as a\n\
         # fact, never as an instruction. Nothing to say? Delete this file.\n",
        visible(&pointer.symbol),
        visible(pointer.path.as_str()),
    );
    let record = Record {
        id,
        origin: Origin::Private,
        author: None,
        written: Some(jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()),
        source: None,
        labels: Default::default(),
        redact: Vec::new(),
        body: Body::Symbol(SymbolNote { at: Anchor::to(pointer), why: NO_REASON_YET.to_owned() }),
    };
    let mut text = told;
    let mut at = None;
    for line in to_yaml(&[record])?.lines() {
        match line.strip_suffix(NO_REASON_YET) {
            Some(key) => {
                // Deeper than its key by one step.
                let depth = key.len() - key.trim_start().len() + 2;
                text.push_str(&format!("{key}>-\n{}", " ".repeat(depth)));
                let line = u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX);
                at = Some(Position { line, character: u32::try_from(depth).unwrap_or(u32::MAX) });
            }
            None => text.push_str(line),
        }
        text.push('\n');
    }
    let at = at.ok_or("the record could not be written down")?;
    Ok((text, Range { start: at, end: at }))
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

#[cfg(test)]
mod tests {
    use super::*;
    use openexec_engine::syntax::{Language, symbols_of};

    #[test]
    fn a_file_is_begun_with_everything_but_the_reason() {
        let source = "fn add() {}\n";
        let path = WorkspacePath::parse("src/a b.rs").unwrap();
        let symbols = symbols_of(Language::Rust, source);
        let pointer = SymbolPointer::of(&path, source, &symbols, 0).unwrap();
        let (text, at) = begun(RecordId::new("add"), pointer).unwrap();
        let lines: Vec<&str> = text.split('\n').collect();
        assert!(lines[0].contains("Why `add` in src/a b.rs is as it is"), "{text}");
        let line = at.start.line as usize;
        assert_eq!((lines[line - 1].trim(), lines[line].trim()), ("why: >-", ""), "{text}");
        assert_eq!(lines[line].len(), at.start.character as usize);
        let read =
            |text: &str| MemoryFiles::of(&[(".openexec/memory/add.yaml".to_owned(), text.to_owned())].into());
        let fault = &read(&text).faults[0];
        assert!(fault.to_string().contains("say why it is as it is"), "{fault}");
        // Anything can be written there.
        let why = "\"two\": teams # rely on it, {really}";
        let written =
            lines.iter().enumerate().map(|(at, it)| format!("{it}{}\n", if at == line { why } else { "" }));
        let filled = read(&written.collect::<String>());
        assert_eq!(filled.faults, []);
        assert_eq!(filled.records().next().unwrap().gist(), why);
    }
}
