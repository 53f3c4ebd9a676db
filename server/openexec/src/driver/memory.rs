//! What is known of a workspace besides its files: records that it shares, where they are
//! trusted, the user's own, and what runs have left. This is where they are brought together
//! for a run; which of them matter is for the engine to say.

use super::{Declarations, DriverError, Runtime, canonical};
use crate::memory::{Present, Shared, is_memory_file, standing};
use crate::store::Store;
use crate::tasks::Declared;
use crate::workspace::Sought;
use anyhow::Context as _;
use openexec_engine::context::{Candidate, RecordTag, Relevance};
use openexec_engine::limits::MEMORY_RECORDS_MAX;
use openexec_engine::memory::{
    MaintenanceRecord, Operations, PointerState, Record, Resolution, SymbolPointer,
};
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::rules::PointerKind;
use openexec_engine::task::{Task, Trust};
use std::collections::BTreeMap;
use std::path::Path;

/// The score of a record whose symbol the run is about.
const SCORE_OF_SYMBOL: u32 = 1_500;
/// The score of what runs have left, less one for each newer.
const SCORE_OF_LESSON: u32 = 1_000;
/// The score of a record of which nobody knows what it is about now.
const SCORE_OF_DOUBT: u32 = 500;

/// Records of a workspace.
#[derive(Debug, Clone, Default)]
pub struct Remembered {
    /// Those that it shares; nothing where it is not trusted.
    pub shared: Shared,
    /// Memory files that were not looked into because the workspace is not trusted.
    pub untrusted: Vec<String>,
    /// The user's own.
    pub private: Vec<Record>,
    /// The declared tasks.
    pub tasks: Vec<Task>,
}

impl Remembered {
    /// What the run of a blueprint knows of the system.
    pub fn operations(&self) -> Operations {
        Operations::new(self.records().cloned())
    }

    /// All records, shared ones first.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.shared.records().chain(&self.private)
    }

    /// The records that point at symbols.
    pub fn notes(&self) -> Vec<Record> {
        self.records().filter(|record| !record.anchors().is_empty()).cloned().collect()
    }
}

impl Runtime {
    /// The records of a workspace. Reads the disk.
    ///
    /// # Errors
    /// When its declarations or the state cannot be read. A memory file with a fault is none: it
    /// is told in [`Shared::faults`].
    pub fn memory(&self, root: &Path) -> Result<Remembered, DriverError> {
        let root = canonical(root)?;
        let declarations = self.declarations(&root)?;
        self.remembered(&root, declarations)
    }

    /// Writes a memory file as the user's own hand. Where the workspace was trusted as it was,
    /// and nothing but this file has changed, it is trusted as it is now.
    ///
    /// # Errors
    /// When the file cannot be written, or trust cannot be read or stored.
    pub fn write_memory(&self, root: &Path, path: &WorkspacePath, text: &str) -> Result<(), DriverError> {
        let root = canonical(root)?;
        let before = self.declarations(&root)?;
        self.workspace(&root)?.write(path, Some(text)).context("the record cannot be written")?;
        if before.trust == Trust::Untrusted {
            return Ok(());
        }
        let after = self.declarations(&root)?.declared;
        let others = |declared: &Declared| {
            let mut files = declared.files.clone();
            files.remove(path.as_str());
            files
        };
        let is_ours = after.files.get(path.as_str()).is_some_and(|it| it.text.as_deref() == Some(text));
        match is_ours && others(&before.declared) == others(&after) {
            true => self.trust(&root, after.content),
            false => Ok(()),
        }
    }

    /// INVARIANT: a shared record is read from exactly the bytes that the user has trusted.
    pub(super) fn remembered(
        &self,
        root: &Path,
        declarations: Declarations,
    ) -> Result<Remembered, DriverError> {
        let files = declarations.declared.files.iter().filter(|(path, _)| is_memory_file(path));
        let texts: BTreeMap<String, String> =
            files.map(|(path, file)| (path.clone(), file.text.clone().unwrap_or_default())).collect();
        let (shared, untrusted) = match declarations.trust {
            Trust::Trusted { .. } => (Shared::of(&texts), Vec::new()),
            Trust::Untrusted => (Shared::default(), texts.into_keys().collect()),
        };
        for fault in &shared.faults {
            tracing::warn!("no record of this file counts: {fault}");
        }
        let private = self.store(root)?.records().context("your own records cannot be read")?;
        Ok(Remembered { shared, untrusted, private, tasks: declarations.declared.tasks })
    }
}

/// The records that matter to what a run asks memory for, the most relevant first. What points
/// at something doubtful says so, and is never put forward as knowledge of what stands there.
pub(super) fn recall(store: &Store, notes: &[Record], sought: &Sought<'_>) -> Vec<Candidate> {
    let lessons = store.recall(sought.places, sought.errors, MEMORY_RECORDS_MAX).unwrap_or_else(|error| {
        tracing::warn!("memory cannot be read: {error}");
        Vec::new()
    });
    let lessons = (0..).zip(&lessons).map(|(at, lesson)| told(lesson, SCORE_OF_LESSON.saturating_sub(at)));
    let mut found: Vec<Candidate> = lessons.collect();
    let files: std::collections::BTreeSet<WorkspacePath> =
        sought.places.iter().map(|(path, _)| path.clone()).collect();
    let present = Present::new(sought.read, files.iter().cloned());
    for record in notes {
        let matters = record.anchors().iter().find_map(|anchor| {
            let resolution = standing(anchor, &present);
            match &resolution.place {
                Some(place) if resolution.state.is_certain() => {
                    is_sought(place, sought).then_some(resolution)
                }
                Some(_) | None => files.contains(&anchor.path).then_some(resolution),
            }
        });
        if let Some(resolution) = matters {
            found.push(pointed(record, &resolution));
        }
    }
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    found
}

fn is_sought(place: &SymbolPointer, sought: &Sought<'_>) -> bool {
    sought.places.iter().any(|(path, symbol)| {
        *path == place.path && symbol.as_ref().is_none_or(|symbol| *symbol == place.symbol)
    })
}

/// What a run has left, as a candidate.
fn told(lesson: &MaintenanceRecord, score: u32) -> Candidate {
    Candidate {
        path: None,
        symbol: None,
        lines: None,
        text: lesson.describe(),
        signature: None,
        signature_line: None,
        relevance: Relevance::Memory,
        score,
        record: Some(RecordTag {
            pointer: PointerKind::Maintenance,
            labels: Vec::new(),
            files: lesson.files.clone(),
        }),
    }
}

/// A record with how its pointer stands.
fn pointed(record: &Record, resolution: &Resolution) -> Candidate {
    let (score, warning) = match resolution.state {
        PointerState::Exact | PointerState::Edited | PointerState::Moved | PointerState::Renamed => {
            (SCORE_OF_SYMBOL, "")
        }
        PointerState::Suspect => {
            (SCORE_OF_DOUBT, "SUSPECT: nobody has confirmed what this record points at now. ")
        }
        PointerState::Stale => (SCORE_OF_DOUBT, "STALE: what this record points at is gone. "),
    };
    let mut candidate = record.candidate(score);
    candidate.text = format!("{warning}pointer: {}\n{}", resolution.why, candidate.text);
    if let Some(tag) = &mut candidate.record
        && let Some(place) = &resolution.place
        && !tag.files.contains(&place.path)
    {
        tag.files.push(place.path.clone());
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;
    use openexec_engine::ids::RecordId;
    use openexec_engine::memory::{Anchor, Body, Origin, SymbolNote};
    use openexec_engine::syntax::{Language, symbols_of};

    const THEN: &str = "fn key(a: u32, b: u32) -> u32 {\n    let mixed = a ^ b;\n    mixed * 31 + 7\n}\n";

    fn path(text: &str) -> WorkspacePath {
        WorkspacePath::parse(text).unwrap()
    }

    fn note() -> Record {
        let at = path("src/cache.rs");
        let pointer = SymbolPointer::of(&at, THEN, &symbols_of(Language::Rust, THEN), 0).unwrap();
        Record {
            id: RecordId::new("key"),
            origin: Origin::Private,
            author: None,
            written: None,
            source: None,
            labels: Default::default(),
            redact: Vec::new(),
            body: Body::Symbol(SymbolNote {
                at: Anchor { path: at, symbol: "key".into(), pointer: Some(Box::new(pointer)) },
                why: "the order of the two does not count".into(),
            }),
        }
    }

    /// What is recalled when a run is about this symbol of the file, which holds this text now.
    fn recalled(symbol: &str, now: &str) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("state.db")).unwrap();
        let read = |_: &WorkspacePath| Some(now.to_owned());
        let places = [(path("src/cache.rs"), Some(symbol.to_owned()))];
        let sought = Sought { places: &places, errors: &[], read: &read };
        recall(&store, &[note()], &sought).into_iter().map(|candidate| candidate.text).collect()
    }

    #[test]
    fn a_record_is_recalled_at_its_symbol_under_any_name() {
        let [text] = &recalled("key", THEN)[..] else { panic!("one record") };
        assert!(text.starts_with("pointer: ") && text.contains("the order of the two"), "{text}");
        let [text] = &recalled("digest", &THEN.replace("fn key", "fn digest"))[..] else {
            panic!("one record")
        };
        assert!(text.starts_with("pointer: `key` was renamed"), "{text}");
        let beside = format!("{THEN}fn other() {{}}\n");
        assert!(recalled("other", &beside).is_empty(), "it is about another symbol");
    }

    #[test]
    fn what_is_doubtful_says_so() {
        let [text] = &recalled("other", "fn other() {}\n")[..] else { panic!("one record") };
        assert!(text.starts_with("STALE: ") || text.starts_with("SUSPECT: "), "{text}");
    }
}
