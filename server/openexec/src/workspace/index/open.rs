//! What an editor has open: it has been parsed already, edit by edit, by whoever follows it.

use super::Index;
use super::work::Left;
use crate::limits::{INDEX_PAUSE, INDEX_PAUSE_MAX};
use openexec_engine::index::{FileSummary, summarise_tree};
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::SyntaxTree;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The texts that an editor has open. What it does not know is parsed anew, so that it has no
/// errors to tell of.
pub trait OpenTexts: Send + Sync {
    /// The tree of exactly this text, if that is what is open at this canonical place.
    fn tree_of(&self, place: &Path, text: &str) -> Option<SyntaxTree>;

    /// When somebody last typed in one of them.
    fn typed_last(&self) -> Option<Instant>;
}

impl Index {
    /// From now on, what is open there is not parsed a second time.
    pub(in crate::workspace) fn follow(&self, texts: Arc<dyn OpenTexts>) {
        *self.texts.lock() = Some(texts);
    }

    /// Waits while somebody types, for they wait for answers, and threads that stand aside still
    /// hold caches and locks of the allocator. Whoever types for long is not waited for.
    pub(super) fn let_them_type(&self, left: Left<'_>) {
        let began = Instant::now();
        let mut waiting = self.pausing.lock();
        while !left() && began.elapsed() < INDEX_PAUSE_MAX {
            let typed = self.texts.lock().clone().and_then(|texts| texts.typed_last());
            let pause = typed.map_or(Duration::ZERO, |typed| INDEX_PAUSE.saturating_sub(typed.elapsed()));
            if pause.is_zero() {
                return;
            }
            self.typed.wait_for(&mut waiting, pause);
        }
    }

    /// The summary of a text by the tree that somebody has of it. A tree that would not be the
    /// one that parsing gives is none.
    pub(super) fn summary_by_open(
        &self,
        root: &Path,
        path: &WorkspacePath,
        text: &str,
    ) -> Option<FileSummary> {
        let texts = self.texts.lock().clone()?;
        let tree = texts.tree_of(&root.join(path.as_str()), text).filter(SyntaxTree::is_exact)?;
        Some(summarise_tree(&tree, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Changed, Knowledge, Workspace};
    use openexec_engine::index::summarise;
    use openexec_engine::syntax::Language;
    use openexec_engine::text::{Document, Position, PositionEncoding};
    use parking_lot::Mutex;
    use std::path::PathBuf;

    /// One open file, and how often its tree was of use.
    struct Open {
        place: PathBuf,
        text: Document,
        tree: Mutex<SyntaxTree>,
        used: Mutex<usize>,
        typed: Option<Instant>,
    }

    impl OpenTexts for Open {
        fn tree_of(&self, place: &Path, text: &str) -> Option<SyntaxTree> {
            let is_it = place == self.place && *self.text.rope() == *text;
            is_it.then(|| {
                *self.used.lock() += 1;
                self.tree.lock().clone()
            })
        }

        fn typed_last(&self) -> Option<Instant> {
            self.typed
        }
    }

    const BEFORE: &str = "fn one() {\n    two();\n}\n\nfn three() {}\n";
    const AFTER: &str = "fn one() {\n    two(four());\n}\n\nfn three() {}\n";

    /// A file that was changed in an editor from `BEFORE` to `AFTER`.
    fn open(place: PathBuf) -> Open {
        let mut text = Document::new(BEFORE);
        let mut tree = SyntaxTree::parse(Language::Rust, text.rope()).unwrap();
        let at = Position { line: 1, character: 8 };
        let edit = text.change(Some((at, at)), "four()", PositionEncoding::Utf16).unwrap();
        tree.shift(&edit);
        Open { place, text, tree: Mutex::new(tree), used: Mutex::new(0), typed: None }
    }

    #[test]
    fn what_is_open_is_summarised_by_its_tree_and_as_if_it_were_parsed() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().canonicalize().unwrap().join("a.rs");
        std::fs::write(&place, BEFORE).unwrap();
        let known = Knowledge::default();
        let workspace = Workspace::open(root.path()).unwrap().knowing(&known);
        workspace.indexed(&[]);

        let open = Arc::new(open(place.clone()));
        open.tree.lock().read_again(open.text.rope());
        known.follow(Arc::clone(&open) as Arc<dyn OpenTexts>);
        let saved = |text: &str| {
            std::fs::write(&place, text).unwrap();
            let mut changed = Changed::default();
            changed.add(place.clone());
            workspace.catch_up(&changed);
            let path = WorkspacePath::parse("a.rs").unwrap();
            let indexed = workspace.indexed(&[]);
            (*indexed.corpus.get(&path).unwrap().summary).clone()
        };
        assert_eq!(saved(AFTER), summarise(Language::Rust, AFTER));
        assert_eq!(*open.used.lock(), 1);
        // Something else than what is open was saved.
        let other = format!("{AFTER}fn other() {{}}\n");
        assert_eq!(saved(&other), summarise(Language::Rust, &other));
        assert_eq!(*open.used.lock(), 1);
    }

    #[test]
    fn the_background_waits_for_whoever_types_and_not_for_ever() {
        let index = Index::default();
        let waits = |typed: Option<Instant>, left: bool| {
            index.follow(Arc::new(Open { typed, ..open(PathBuf::from("/root/a.rs")) }));
            index.let_them_type(&|| left);
        };
        let now = Instant::now();
        waits(Some(now), false);
        assert!(now.elapsed() >= INDEX_PAUSE);
        // Whoever types for as long as can be told is not waited for longer than this.
        let began = Instant::now();
        waits(Some(now + 10 * INDEX_PAUSE_MAX), false);
        assert!(began.elapsed() >= INDEX_PAUSE_MAX);
        // Nobody types any more, or the session is over: that these return is what is tested.
        waits(Some(now), false);
        waits(None, false);
        waits(Some(Instant::now() + 10 * INDEX_PAUSE_MAX), true);
    }

    #[test]
    fn a_tree_that_is_not_brought_up_to_its_text_is_not_used() {
        let index = Index::default();
        let root = Path::new("/root");
        let path = WorkspacePath::parse("a.rs").unwrap();
        let open = Arc::new(open(root.join("a.rs")));
        index.follow(Arc::clone(&open) as Arc<dyn OpenTexts>);
        assert_eq!(index.summary_by_open(root, &path, AFTER), None);
        open.tree.lock().read_roughly(open.text.rope(), &mut || true);
        assert_eq!(index.summary_by_open(root, &path, AFTER), None);
        open.tree.lock().read_again(open.text.rope());
        assert_eq!(index.summary_by_open(root, &path, AFTER), Some(summarise(Language::Rust, AFTER)));
    }
}
