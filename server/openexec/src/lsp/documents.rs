//! The open documents, as the editor has described them so far.
//!
//! A document is replaced as a whole with every change, so that whoever holds one holds it as
//! it was. The text follows the editor's own edits at once, its structure when somebody asks for
//! it; nothing is read from the disk.

use super::uri;
use crate::limits::{MENU_PARSE_MAX, SYMBOLS_INLINE_BYTES_MAX};
use crate::thread_time::ThreadTime;
use openexec_engine::edit::FileChange;
use openexec_engine::limits::FILE_BYTES_MAX;
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::{Directive, Language, Symbol, SyntaxTree};
use openexec_engine::text::{Document, Position, PositionEncoding};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Whether a document's text can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is what the editor shows.
    Live,
    /// Its file was deleted by an edit of ours, and the editor has not touched the buffer since.
    Deleted,
    /// A change did not fit: the editor shows something else than what stands here.
    Lost,
}

/// An open document at one version.
#[derive(Clone)]
pub(super) struct OpenFile {
    /// The URI exactly as the client wrote it.
    pub(super) uri: String,
    /// The canonical path.
    pub(super) path: PathBuf,
    /// The client's version.
    pub(super) version: i32,
    /// The text.
    pub(super) text: Document,
    /// Whether the text can be relied on.
    pub(super) standing: Standing,
    /// What is known of its structure from before the latest changes.
    before: Structure,
    /// Its structure now, from the moment at which somebody wants to know it: whoever types does
    /// not wait for a parser.
    now: Arc<OnceLock<Option<SyntaxTree>>>,
    /// Its structure nearly, for whoever cannot wait until that is known.
    nearly: Arc<OnceLock<SyntaxTree>>,
    symbols: Arc<Symbols>,
}

/// What is known of the structure of a document.
#[derive(Clone)]
enum Structure {
    /// Nothing yet.
    Unread,
    /// This, with its places moved by the changes since.
    Moved(SyntaxTree),
    /// That nothing can be known: no grammar, too large, or too hard to parse.
    Unreadable,
}

/// The definitions of a document; shared by its versions, so that one version can fall back
/// on those of an earlier one.
#[derive(Default)]
struct Symbols {
    /// The definitions, and the version that they were extracted from.
    known: Mutex<Option<(i32, Arc<Vec<Symbol>>)>>,
    /// Whether somebody extracts in the background.
    extracting: AtomicBool,
}

/// All open documents. A file can be open under several URIs, through links: then each of them is
/// a document of its own, with its own text and version.
#[derive(Clone, Default)]
pub(super) struct Documents {
    /// By URI, in the normalised spelling.
    by_uri: BTreeMap<String, Arc<OpenFile>>,
    /// The URIs under which a file is open, by its canonical path. The first is the one under which
    /// it is known best: its own, else the one that was opened first.
    names: BTreeMap<PathBuf, Vec<String>>,
    /// The edits of ours whose effect is awaited, by canonical path.
    awaited: BTreeMap<PathBuf, Awaited>,
}

/// An edit that was sent to the editor.
#[derive(Clone)]
struct Awaited {
    change: FileChange,
    /// The first text in which it stood, as the editor has it, whatever became of that since.
    seen: Option<String>,
}

/// Why a notification changed nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SyncError {
    #[error("it is malformed: {0}")]
    Malformed(String),
    #[error(transparent)]
    Uri(#[from] uri::UriError),
    #[error("`{0}` is not open")]
    NotOpen(String),
    #[error("a change of `{uri}` does not fit the text: {reason}; close the file and open it again")]
    DoesNotFit { uri: String, reason: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    text_document: OpenedDocument,
}

#[derive(Deserialize)]
struct OpenedDocument {
    uri: String,
    #[serde(default)]
    version: i32,
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    text_document: Named,
    content_changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Named {
    uri: String,
    #[serde(default)]
    version: Option<i32>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    range: Option<ChangedRange>,
    text: String,
}

#[derive(Deserialize)]
struct ChangedRange {
    start: Position,
    end: Position,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClosedOrSaved {
    text_document: Named,
}

fn parsed<T: for<'de> Deserialize<'de>>(params: Value) -> Result<T, SyncError> {
    serde_json::from_value(params).map_err(|error| SyncError::Malformed(error.to_string()))
}

impl Documents {
    /// `textDocument/didOpen`. Answers the canonical path.
    pub(super) fn open(&mut self, params: Value) -> Result<PathBuf, SyncError> {
        let OpenedDocument { uri, version, text } = parsed::<Opened>(params)?.text_document;
        let named = uri::path_of(&uri)?;
        let path = uri::canonical(&named);
        let text = Document::new(&text);
        let name = uri::normalised(&uri);
        let file = OpenFile {
            uri,
            path: path.clone(),
            version,
            text,
            standing: Standing::Live,
            before: Structure::Unread,
            now: Arc::default(),
            nearly: Arc::default(),
            symbols: Arc::default(),
        };
        if self.awaited.contains_key(&path) {
            self.note(&path, &file.text.to_string());
        }
        self.forget(&name);
        self.by_uri.insert(name.clone(), Arc::new(file));
        let names = self.names.entry(path.clone()).or_default();
        let at = if named == path { 0 } else { names.len() };
        names.insert(at, name);
        Ok(path)
    }

    /// A URI is not open any more, whichever file it meant.
    fn forget(&mut self, name: &str) {
        if let Some(file) = self.by_uri.remove(name)
            && let Some(names) = self.names.get_mut(&file.path)
        {
            names.retain(|other| other != name);
            if names.is_empty() {
                self.names.remove(&file.path);
            }
        }
    }

    /// `textDocument/didChange`. Answers the canonical path.
    pub(super) fn change(&mut self, params: Value, encoding: PositionEncoding) -> Result<PathBuf, SyncError> {
        let Changed { text_document: named, content_changes } = parsed(params)?;
        let (path, name) = self.opened(&named)?;
        let not_open = || SyncError::NotOpen(named.uri.clone());
        let file = Arc::make_mut(self.by_uri.get_mut(&name).ok_or_else(not_open)?);
        if let Some(version) = named.version {
            file.version = version;
        }
        for change in content_changes {
            if let Err(reason) = file.change(&change, encoding).and_then(|()| file.is_whole_after(&change)) {
                file.standing = Standing::Lost;
                return Err(SyncError::DoesNotFit { uri: named.uri, reason });
            }
            // What the user types can come in the same notification as the edit before it.
            if let Some(awaited) = self.awaited.get_mut(&path) {
                awaited.look(&file.text.to_string());
            }
        }
        Ok(path)
    }

    /// Notes that a change of a document could not be read. False when it is not open.
    pub(super) fn lose(&mut self, uri: &str) -> bool {
        let file = self.by_uri.get_mut(&uri::normalised(uri));
        file.map(|file| Arc::make_mut(file).standing = Standing::Lost).is_some()
    }

    /// `textDocument/didSave`. Answers the canonical path.
    pub(super) fn saved(&mut self, params: Value) -> Result<PathBuf, SyncError> {
        let (path, name) = self.opened(&parsed::<ClosedOrSaved>(params)?.text_document)?;
        if let Some(file) = self.by_uri.get_mut(&name)
            && file.standing == Standing::Deleted
        {
            Arc::make_mut(file).standing = Standing::Live;
        }
        Ok(path)
    }

    /// `textDocument/didClose`. Answers the canonical path.
    pub(super) fn close(&mut self, params: Value) -> Result<PathBuf, SyncError> {
        let (path, name) = self.opened(&parsed::<ClosedOrSaved>(params)?.text_document)?;
        self.forget(&name);
        Ok(path)
    }

    /// The document that the client knows under this URI.
    pub(super) fn of_uri(&self, uri: &str) -> Option<Arc<OpenFile>> {
        self.by_uri.get(&uri::normalised(uri)).cloned()
    }

    /// The document at this canonical path: under the URI under which the file is known best.
    pub(super) fn at(&self, path: &Path) -> Option<Arc<OpenFile>> {
        self.by_uri.get(self.names.get(path)?.first()?).cloned()
    }

    /// Everything that is open of the file at this canonical path, the best known first.
    pub(super) fn all_at(&self, path: &Path) -> Vec<Arc<OpenFile>> {
        let names = self.names.get(path).into_iter().flatten();
        names.filter_map(|name| self.by_uri.get(name).cloned()).collect()
    }

    /// One document of each file, by path.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<OpenFile>> {
        self.names.values().filter_map(|names| self.by_uri.get(names.first()?))
    }

    /// Notes that an edit of ours deleted the file of an open buffer.
    pub(super) fn mark_deleted(&mut self, path: &Path) {
        for name in self.names.get(path).into_iter().flatten() {
            if let Some(file) = self.by_uri.get_mut(name)
                && file.standing == Standing::Live
            {
                Arc::make_mut(file).standing = Standing::Deleted;
            }
        }
    }

    /// From here on the effect of this edit is awaited.
    pub(super) fn await_edit(&mut self, path: PathBuf, change: FileChange) {
        self.awaited.insert(path, Awaited { change, seen: None });
    }

    /// Notes what stands in a file whose edit is awaited.
    pub(super) fn note(&mut self, path: &Path, text: &str) {
        if let Some(awaited) = self.awaited.get_mut(path) {
            awaited.look(text);
        }
    }

    /// Whether an awaited edit has been seen.
    pub(super) fn has_seen_edit(&self, path: &Path) -> bool {
        self.awaited.get(path).is_some_and(|awaited| awaited.seen.is_some())
    }

    /// Awaits an edit no longer. Answers the text in which it was seen to stand.
    pub(super) fn end_awaiting(&mut self, path: &Path) -> Option<String> {
        self.awaited.remove(path)?.seen
    }

    /// The canonical path of a URI that is open, and its normalised spelling.
    fn opened(&self, named: &Named) -> Result<(PathBuf, String), SyncError> {
        uri::path_of(&named.uri)?;
        let name = uri::normalised(&named.uri);
        let path = self.by_uri.get(&name).map(|file| file.path.clone());
        Ok((path.ok_or_else(|| SyncError::NotOpen(named.uri.clone()))?, name))
    }
}

impl Awaited {
    fn look(&mut self, text: &str) {
        if self.seen.is_none() && self.change.stands_formatted_in(text) {
            self.seen = Some(text.to_owned());
        }
    }
}

impl OpenFile {
    /// True for what the editor has kept of a file that an edit of ours deleted. Once the file is
    /// there again, this is its buffer again. Looks at the disk.
    pub(super) fn is_gone(&self) -> bool {
        self.standing == Standing::Deleted && !self.path.exists()
    }

    fn change(&mut self, change: &Change, encoding: PositionEncoding) -> Result<(), String> {
        let range = change.range.as_ref().map(|range| (range.start, range.end));
        let edit = self.text.change(range, &change.text, encoding).map_err(|error| error.to_string())?;
        let before = match self.now.get() {
            Some(Some(tree)) => Structure::Moved(tree.clone()),
            Some(None) => Structure::Unreadable,
            None => std::mem::replace(&mut self.before, Structure::Unread),
        };
        (self.now, self.nearly) = Default::default();
        // A whole new text heals everything.
        if range.is_none() || self.standing == Standing::Deleted {
            self.standing = Standing::Live;
        }
        let before = match before {
            Structure::Moved(mut tree) => {
                tree.shift(&edit);
                Structure::Moved(tree)
            }
            Structure::Unreadable if range.is_some() => Structure::Unreadable,
            Structure::Unread | Structure::Unreadable => Structure::Unread,
        };
        self.replace_structure(before);
        Ok(())
    }

    /// Whether the text can be what the editor shows after this change. Half a character arrives
    /// as U+FFFD; two of them side by side may be one character there.
    fn is_whole_after(&self, change: &Change) -> Result<(), String> {
        let may_join = change.text.starts_with('\u{FFFD}') || change.text.ends_with('\u{FFFD}');
        match may_join && self.text.to_string().contains("\u{FFFD}\u{FFFD}") {
            true => Err("it may hold the halves of one character".to_owned()),
            false => Ok(()),
        }
    }

    /// To free the tree of a large file takes milliseconds, which the next change would wait for.
    fn replace_structure(&mut self, before: Structure) {
        let replaced = std::mem::replace(&mut self.before, before);
        if matches!(replaced, Structure::Moved(_)) && self.text.rope().len_bytes() > SYMBOLS_INLINE_BYTES_MAX
        {
            // Where no thread can be had, it is freed here.
            let _ = std::thread::Builder::new().spawn(move || drop(replaced));
        }
    }

    /// Whether nobody has asked for the structure since the latest change, so that the next one
    /// waits for a parser.
    pub(super) fn is_unread(&self) -> bool {
        self.now.get().is_none() && self.nearly.get().is_none()
    }

    /// Parses what a menu needs and is not parsed yet.
    pub(super) fn read_for_menu(&self) {
        let _ = self.tree_at_hand();
    }

    /// The structure of the text as it is. The first who asks after a change parses it.
    fn tree(&self) -> Option<&SyntaxTree> {
        let read = || match &self.before {
            Structure::Unread => tree_of(&self.path, &self.text),
            Structure::Moved(tree) => {
                let mut tree = tree.clone();
                tree.read_again(self.text.rope());
                Some(tree)
            }
            Structure::Unreadable => None,
        };
        self.now.get_or_init(read).as_ref()
    }

    /// The structure for a menu, which cannot wait until a large file with an error somewhere is
    /// parsed as a whole: what is known of it from before the latest changes is brought up to them,
    /// as far as there is time for that.
    fn tree_at_hand(&self) -> Option<&SyntaxTree> {
        let (None, Structure::Moved(tree)) = (self.now.get(), &self.before) else { return self.tree() };
        let near = || {
            let mut tree = tree.clone();
            let began = ThreadTime::now();
            tree.read_roughly(self.text.rope(), &mut || began.elapsed() < MENU_PARSE_MAX);
            tree
        };
        Some(self.nearly.get_or_init(near))
    }

    /// The structure of exactly this text, if it is the document's and was read before: then what
    /// the changes since have left of it need not be read again.
    pub(super) fn tree_of(&self, text: &str) -> Option<SyntaxTree> {
        if *self.text.rope() != *text {
            return None;
        }
        let tree = match (self.now.get(), &self.before) {
            (Some(known), _) => known.clone(),
            (None, Structure::Moved(tree)) => {
                let mut tree = tree.clone();
                tree.read_again(self.text.rope());
                Some(tree)
            }
            (None, Structure::Unread | Structure::Unreadable) => None,
        };
        tree.filter(SyntaxTree::is_exact)
    }

    /// The directive in or directly around a line, counted from 0.
    pub(super) fn directive_at(&self, line: u32) -> Option<Directive> {
        self.tree_at_hand()?.directive_at(&self.text.to_string(), line.saturating_add(1))
    }

    /// The definitions, for a menu. Of a large document perhaps those of an earlier version:
    /// extracting them takes longer than a menu may.
    pub(super) fn symbols(&self) -> Arc<Vec<Symbol>> {
        let known = self.symbols.known.lock().clone();
        match known {
            Some((version, symbols)) if version == self.version => symbols,
            _ if self.text.rope().len_bytes() <= SYMBOLS_INLINE_BYTES_MAX => match self.now.get() {
                Some(_) => self.extract_symbols(),
                None => self.tree_at_hand().map(|tree| self.symbols_in(tree)).unwrap_or_default(),
            },
            Some((_, symbols)) => symbols,
            None => Arc::default(),
        }
    }

    fn symbols_in(&self, tree: &SyntaxTree) -> Arc<Vec<Symbol>> {
        Arc::new(tree.symbols(&self.text.to_string()))
    }

    /// The definitions of exactly this version, if that takes no longer than an answer may.
    pub(super) fn symbols_at_hand(&self) -> Option<Arc<Vec<Symbol>>> {
        let is_small = self.text.rope().len_bytes() <= SYMBOLS_INLINE_BYTES_MAX;
        let known = self.symbols.known.lock().clone();
        match known {
            Some((version, symbols)) if version == self.version => Some(symbols),
            _ => is_small.then(|| self.extract_symbols()),
        }
    }

    /// True when the definitions of some version are at hand.
    pub(super) fn knows_symbols(&self) -> bool {
        self.symbols.known.lock().is_some()
    }

    /// Claims the extraction in the background. False when somebody is at it, or there is
    /// nothing to extract.
    pub(super) fn begin_extraction(&self) -> bool {
        self.is_readable() && !self.symbols.extracting.swap(true, Ordering::AcqRel)
    }

    /// Whether there may be any structure.
    fn is_readable(&self) -> bool {
        match self.now.get() {
            Some(tree) => tree.is_some(),
            None => match self.before {
                Structure::Unread => language_of(&self.path).is_some(),
                Structure::Moved(_) => true,
                Structure::Unreadable => false,
            },
        }
    }

    /// Gives the claim back.
    pub(super) fn end_extraction(&self) {
        self.symbols.extracting.store(false, Ordering::Release);
    }

    /// Extracts the definitions, if those at hand are of another version.
    pub(super) fn extract_symbols(&self) -> Arc<Vec<Symbol>> {
        let Some(tree) = self.tree() else {
            return Arc::default();
        };
        if let Some((version, symbols)) = &*self.symbols.known.lock()
            && *version == self.version
        {
            return Arc::clone(symbols);
        }
        let symbols = self.symbols_in(tree);
        *self.symbols.known.lock() = Some((self.version, Arc::clone(&symbols)));
        symbols
    }
}

fn tree_of(path: &Path, text: &Document) -> Option<SyntaxTree> {
    if text.rope().len_bytes() > FILE_BYTES_MAX {
        return None;
    }
    SyntaxTree::parse(language_of(path)?, text.rope())
}

fn language_of(path: &Path) -> Option<Language> {
    Language::of_path(&WorkspacePath::parse(path.file_name()?.to_str()?).ok()?)
}

#[cfg(test)]
mod tests;
