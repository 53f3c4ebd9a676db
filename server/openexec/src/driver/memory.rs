//! What is known of a workspace besides its files: records that it shares, where they are
//! trusted, the user's own, and what runs have left. This is where they are brought together
//! for a run; which of them matter is for the engine to say.

use super::{Declarations, DriverError, Pointers, Runtime, TrustChanges, canonical};
use crate::memory::{Present, Shared, illegible, is_memory_file};
use crate::store::Store;
use crate::tasks::Declared;
use crate::workspace::{Sought, Workspace};
use anyhow::{Context as _, anyhow};
use openexec_engine::context::{Candidate, RecordTag, Relevance};
use openexec_engine::limits::MEMORY_RECORDS_MAX;
use openexec_engine::memory::{
    Anchor, MaintenanceRecord, Operations, Record, Resolution, SymbolPointer, masks_of,
};
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::rules::PointerKind;
use openexec_engine::redact::{PersonalData, Redactions};
use openexec_engine::task::{Task, Trust};
use std::collections::{BTreeMap, BTreeSet};
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
    /// What these records keep from models, those of untrusted and of faulty files included.
    masked: BTreeSet<String>,
    /// Memory files of which that cannot be known, and why.
    illegible: Vec<String>,
}

impl Remembered {
    /// What the run of a blueprint knows of the system.
    pub fn operations(&self) -> Operations {
        Operations::new(self.records().cloned())
    }

    /// Says which files say nothing to what is about to use these records.
    pub(super) fn tell_left_out(&self) {
        for fault in &self.shared.faults {
            tracing::warn!("no record of this file counts: {fault}");
        }
        if !self.untrusted.is_empty() {
            let files = self.untrusted.join(", ");
            tracing::warn!("not loaded until you trust the workspace (`openexec trust`): {files}");
        }
    }

    /// What no model may see, by the files as they are, trusted or not, and by the user's own
    /// records: to keep something back needs no trust.
    ///
    /// # Errors
    /// When a file cannot be read: with its place and what to do.
    pub fn masked(&self) -> Result<&BTreeSet<String>, DriverError> {
        match self.illegible.as_slice() {
            [] => Ok(&self.masked),
            [first, ..] => Err(DriverError(anyhow!(
                "nothing is shown to a model while it is not known what memory keeps from it: {first}"
            ))),
        }
    }

    /// What is kept out of everything that a model is shown here: this personal data, the values of
    /// the environment files, and what memory masks.
    ///
    /// # Errors
    /// As [`masked`](Self::masked).
    pub(super) fn redactions(
        &self,
        workspace: &Workspace,
        classes: &BTreeSet<PersonalData>,
    ) -> Result<Redactions, DriverError> {
        let masked = self.masked()?.iter().map(String::as_str);
        Ok(Redactions::for_run(classes.clone(), &workspace.environment(), masked))
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

    /// Trusts a memory file as its writer has just saved it, where the workspace was trusted and
    /// nothing but this file has changed since. True when the workspace is trusted now.
    ///
    /// # Errors
    /// When trust cannot be read or stored.
    pub fn trust_memory(&self, root: &Path, path: &WorkspacePath, text: &str) -> Result<bool, DriverError> {
        let root = canonical(root)?;
        let declared = self.declarations(&root)?.declared;
        let refused = "the trust database cannot be read";
        let was_trusted = self.trust.trusted(&root).context(refused)?.is_some();
        let before = self.trust.files(&root).context(refused)?;
        let is_ours = is_memory_file(path.as_str())
            && declared.files.get(path.as_str()).is_some_and(|it| it.text.as_deref() == Some(text));
        let alone = TrustChanges::between(&before, &declared.files).files == [path.as_str()];
        if was_trusted && is_ours && alone {
            self.trust(&root, declared.content)?;
        }
        Ok(was_trusted && is_ours && alone)
    }

    /// INVARIANT: a shared record is read from exactly the bytes that the user has trusted.
    pub(super) fn remembered(
        &self,
        root: &Path,
        declarations: Declarations,
    ) -> Result<Remembered, DriverError> {
        let files = declarations.declared.files.iter().filter(|(path, _)| is_memory_file(path));
        let (mut texts, mut faults) = (BTreeMap::new(), Vec::new());
        for (path, file) in files {
            match &file.text {
                Some(text) => {
                    texts.insert(path.clone(), text.clone());
                }
                None => faults.push(illegible(path)),
            }
        }
        let private = self.store(root)?.records().context("your own records cannot be read")?;
        let mut masked: BTreeSet<String> =
            private.iter().flat_map(Record::masked).map(str::to_owned).collect();
        let mut illegible: Vec<String> = faults.iter().map(ToString::to_string).collect();
        for (path, text) in &texts {
            match masks_of(path, text) {
                Ok(masks) => masked.extend(masks),
                Err(error) => illegible.push(error.to_string()),
            }
        }
        let (shared, untrusted) = match declarations.trust {
            Trust::Trusted { .. } => {
                let mut shared = Shared::of(&texts);
                shared.faults.extend(faults);
                (shared, Vec::new())
            }
            Trust::Untrusted => {
                let faulty = faults.into_iter().map(|fault| fault.file);
                (Shared::default(), texts.into_keys().chain(faulty).collect())
            }
        };
        let tasks = declarations.declared.tasks;
        Ok(Remembered { shared, untrusted, private, tasks, masked, illegible })
    }
}

/// The records that matter to what a run asks memory for, the most relevant first.
///
/// INVARIANT: what is known of a symbol is said only where that symbol certainly stands. A record
/// of which that is not certain appears with its doubt, and says nothing else.
pub(super) fn recall(
    store: &Store,
    notes: &[Record],
    pointers: &Pointers,
    sought: &Sought<'_>,
) -> Vec<Candidate> {
    let files: BTreeSet<WorkspacePath> = sought.places.iter().map(|(path, _)| path.clone()).collect();
    let (look, present) = (pointers.look(), Present::new(sought.read, files.iter().cloned()));
    let lessons = store.recall(sought.places, sought.errors, MEMORY_RECORDS_MAX).unwrap_or_else(|error| {
        tracing::warn!("memory cannot be read: {error}");
        Vec::new()
    });
    let mut found: Vec<Candidate> = Vec::new();
    for (at, lesson) in (0..).zip(&lessons) {
        // What did not stand was never there, and what is known of an error holds anywhere.
        let holds_anywhere =
            lesson.standing.warning().is_some() || lesson.errors.iter().any(|it| sought.errors.contains(it));
        let asked = lesson.symbols.iter().filter(|it| !holds_anywhere && files.contains(&it.path));
        let standings: Vec<Resolution> =
            asked.map(|pointer| look.standing(&Anchor::to(pointer.clone()), &present)).collect();
        found.push(told(lesson, SCORE_OF_LESSON.saturating_sub(at), &standings));
    }
    for record in notes {
        let matters = record.anchors().iter().find_map(|anchor| {
            let resolution = look.standing(anchor, &present);
            is_sought(anchor, &resolution, sought, &files).then_some(resolution)
        });
        if let Some(resolution) = matters {
            found.push(pointed(record, &resolution));
        }
    }
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    found
}

/// How a file's text is read as a run sees it.
pub(super) type Read<'a> = dyn Fn(&WorkspacePath) -> Option<String> + 'a;

/// The symbols that runs changed when tests of these names became green, where it is certain
/// where they stand now; each once.
pub(super) fn repaired(
    store: &Store,
    pointers: &Pointers,
    tests: &[&str],
    read: &Read<'_>,
) -> Vec<(WorkspacePath, String)> {
    let lessons = store.lessons_of_tests(tests, MEMORY_RECORDS_MAX).unwrap_or_else(|error| {
        tracing::warn!("memory cannot be read: {error}");
        Vec::new()
    });
    let changed = || lessons.iter().flat_map(|lesson| &lesson.symbols);
    let files: BTreeSet<WorkspacePath> = changed().map(|pointer| pointer.path.clone()).collect();
    let (look, present) = (pointers.look(), Present::new(read, files));
    let places: BTreeSet<(WorkspacePath, String)> = changed()
        .map(|pointer| look.standing(&Anchor::to(pointer.clone()), &present))
        .filter(|resolution| resolution.state.is_certain())
        .filter_map(|resolution| resolution.place.map(|place| (place.path, place.symbol)))
        .collect();
    places.into_iter().collect()
}

/// True for a symbol that is asked about. One in doubt concerns the file that it was in, and the
/// one that it may be in.
fn is_sought(
    anchor: &Anchor,
    resolution: &Resolution,
    sought: &Sought<'_>,
    files: &BTreeSet<WorkspacePath>,
) -> bool {
    let is_asked_for = |place: &SymbolPointer| {
        sought.places.iter().any(|(path, symbol)| {
            *path == place.path && symbol.as_ref().is_none_or(|symbol| *symbol == place.symbol)
        })
    };
    match &resolution.place {
        Some(place) if resolution.state.is_certain() => is_asked_for(place),
        place => files.contains(&anchor.path) || place.as_ref().is_some_and(|it| files.contains(&it.path)),
    }
}

/// What a run has left, as a candidate. `standings` are those of its symbols that are asked
/// about: where all of them are in doubt, nothing of it is said.
fn told(lesson: &MaintenanceRecord, score: u32, standings: &[Resolution]) -> Candidate {
    let certain = standings.iter().any(|resolution| resolution.state.is_certain());
    let (text, score) = match standings.first() {
        Some(first) if !certain => (doubt(&format!("run {}", lesson.run), first, None), SCORE_OF_DOUBT),
        _ => (lesson.describe(), score),
    };
    Candidate {
        path: None,
        symbol: None,
        lines: None,
        text,
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
    let is_certain = resolution.state.is_certain();
    let mut candidate = record.candidate(if is_certain { SCORE_OF_SYMBOL } else { SCORE_OF_DOUBT });
    candidate.text = match is_certain {
        true => format!("pointer: {}\n{}", resolution.why, candidate.text),
        false => doubt(&record.title(), resolution, Some(record.id.as_str())),
    };
    if let Some(tag) = &mut candidate.record
        && let Some(place) = &resolution.place
        && !tag.files.contains(&place.path)
    {
        tag.files.push(place.path.clone());
    }
    candidate
}

/// What is said of a record in place of what it says. `id` is that by which a person can confirm
/// its place.
fn doubt(title: &str, resolution: &Resolution, id: Option<&str>) -> String {
    let why = &resolution.why;
    let found = match &resolution.place {
        Some(_) => format!("SUSPECT: {why}, and nobody has confirmed it. What {title} says is not told"),
        None => format!("STALE: {why}. What {title} says is not told"),
    };
    match id {
        Some(id) if resolution.place.is_some() => {
            format!("{found}; `openexec memory relocate --accept {id}` confirms the place.")
        }
        _ => format!("{found}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openexec_engine::digest::Digest;
    use openexec_engine::ids::{BlueprintName, RecordId, RunId};
    use openexec_engine::memory::{Body, Origin, Standing, SymbolNote};
    use openexec_engine::syntax::{Language, symbols_of};

    const THEN: &str = "fn key(a: u32, b: u32) -> u32 {\n    let mixed = a ^ b;\n    mixed * 31 + 7\n}\n";
    /// Of the same name, and a quarter alike.
    const ANOTHER: &str = "fn key(path: &Path) -> Key {\n    Key::of(path.file_name())\n}\n";

    fn path(text: &str) -> WorkspacePath {
        WorkspacePath::parse(text).unwrap()
    }

    fn pointer() -> SymbolPointer {
        SymbolPointer::of(&path("src/cache.rs"), THEN, &symbols_of(Language::Rust, THEN), 0).unwrap()
    }

    fn note() -> Record {
        Record {
            id: RecordId::new("key"),
            origin: Origin::Private,
            author: None,
            written: None,
            source: None,
            labels: Default::default(),
            redact: Vec::new(),
            body: Body::Symbol(SymbolNote {
                at: Anchor::to(pointer()),
                why: "the order of the two does not count".into(),
            }),
        }
    }

    fn lesson() -> MaintenanceRecord {
        MaintenanceRecord {
            run: RunId::new("run-1"),
            blueprint: BlueprintName::new("fix"),
            at_ms: 1,
            standing: Standing::Done,
            instruction: "mend the key".into(),
            summary: "mixed both halves".into(),
            files: vec![path("src/cache.rs")],
            symbols: vec![pointer()],
            repaired_tests: Vec::new(),
            errors: Vec::new(),
            evidence: Vec::new(),
            tree: Digest::of(b""),
            notes: Vec::new(),
        }
    }

    /// What is recalled when a run is about this symbol of the file, which holds this text now.
    async fn recalled(symbol: &str, now: &str, lessons: &[MaintenanceRecord]) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("state.db")).unwrap();
        for lesson in lessons {
            store.remember(lesson).await.unwrap();
        }
        let read = |_: &WorkspacePath| Some(now.to_owned());
        let places = [(path("src/cache.rs"), Some(symbol.to_owned()))];
        let sought = Sought { places: &places, errors: &[], read: &read };
        let pointers = Pointers::of(directory.path());
        let found = recall(&store, &[note()], &pointers, &sought);
        found.into_iter().map(|candidate| candidate.text).collect()
    }

    #[tokio::test]
    async fn a_record_is_recalled_at_its_symbol_under_any_name() {
        let [text] = &recalled("key", THEN, &[]).await[..] else { panic!("one record") };
        assert!(text.starts_with("pointer: ") && text.contains("the order of the two"), "{text}");
        let [text] = &recalled("digest", &THEN.replace("fn key", "fn digest"), &[]).await[..] else {
            panic!("one record")
        };
        assert!(text.starts_with("pointer: `key` was renamed"), "{text}");
        let beside = format!("{THEN}fn other() {{}}\n");
        assert!(recalled("other", &beside, &[]).await.is_empty(), "it is about another symbol");
    }

    #[tokio::test]
    async fn what_is_doubtful_says_so_and_nothing_else() {
        for (now, sign) in [(ANOTHER, "SUSPECT: "), ("fn other() {}\n", "STALE: ")] {
            let [note] = &recalled("other", now, &[]).await[..] else { panic!("one record") };
            assert!(note.starts_with(sign) && note.contains("symbol key"), "{note}");
            assert!(!note.contains("the order of the two"), "{note}");
        }
        let found = recalled("key", ANOTHER, &[lesson()]).await;
        assert_eq!(found.len(), 2);
        for text in &found {
            assert!(text.starts_with("SUSPECT: "), "{text}");
            assert!(!text.contains("the order of the two") && !text.contains("mixed both"), "{text}");
        }
        let found = recalled("key", THEN, &[lesson()]).await;
        assert!(found.iter().any(|text| text.contains("mixed both halves")), "{found:?}");
    }

    #[tokio::test]
    async fn what_made_a_test_green_is_found_where_it_certainly_stands() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("state.db")).unwrap();
        let lesson = MaintenanceRecord { repaired_tests: vec!["holds".to_owned()], ..lesson() };
        store.remember(&lesson).await.unwrap();
        let pointers = Pointers::of(directory.path());
        let found = |test: &str, now: &str| {
            let read = |_: &WorkspacePath| Some(now.to_owned());
            let places = repaired(&store, &pointers, &[test], &read);
            places.iter().map(|(path, symbol)| format!("{path} {symbol}")).collect::<Vec<_>>()
        };
        assert_eq!(found("holds", THEN), ["src/cache.rs key"]);
        assert_eq!(found("holds", &THEN.replace("fn key", "fn digest")), ["src/cache.rs digest"]);
        assert!(found("another", THEN).is_empty());
        assert!(found("holds", ANOTHER).is_empty() && found("holds", "fn other() {}\n").is_empty());
    }
}
