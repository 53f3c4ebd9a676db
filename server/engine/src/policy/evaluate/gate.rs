//! The actions of a batch, one after the other: what stands where each of them acts, and whether it may.

use super::judge::Judge;
use super::judge_task;
use super::note::judge_note;
use super::world::{Standing, World};
use crate::action::{Action, ActionKind, ActionRequest, RenameFile};
use crate::edit::{Rewriting, check_base};
use crate::limits::FILE_BYTES_MAX;
use crate::path::{PathError, RequestedPath, WorkspacePath};
use crate::policy::classes::classify;
use crate::policy::content::objections;
use crate::policy::guard::{Changed, weakenings};
use crate::policy::rules::{Extent, Kinds, Subject};
use crate::policy::{Capability, Entry, Facts, PathClass, PathFacts, Resolved, Toolset};
use crate::task::TaskSet;

/// A path of an action with what is known of it.
struct Place<'a> {
    path: WorkspacePath,
    facts: &'a PathFacts,
    /// What the path and the place it leads to are known to be.
    classes: Vec<PathClass>,
}

impl Place<'_> {
    /// The path and, where it is another, the place it leads to.
    fn places(&self) -> Vec<&WorkspacePath> {
        match &self.facts.resolved {
            Resolved::Linked { to } => vec![&self.path, to],
            Resolved::Direct | Resolved::Outside => vec![&self.path],
        }
    }
}

/// What the actions of one batch are judged by.
pub(super) struct Gate<'a> {
    pub(super) toolset: &'a Toolset,
    pub(super) tasks: &'a TaskSet,
    pub(super) facts: &'a Facts,
    pub(super) world: World<'a>,
    /// The files that the run will have changed after the batch, at most.
    pub(super) files_changed: u64,
    pub(super) rewriting: Rewriting,
}

impl<'a> Gate<'a> {
    /// Judges an action on what those before it would have left.
    pub(super) fn action(&mut self, judge: &mut Judge<'_>, request: &ActionRequest) {
        let kind = request.action.kind();
        if !self.toolset.actions.contains(&kind) {
            let names: Vec<&str> = self.toolset.actions.iter().map(|kind| kind.name()).collect();
            let remedy = format!("this stage's toolset `{}` holds: {}", self.toolset.name, names.join(", "));
            judge.block("toolset.missing", kind.name(), &remedy);
        }
        match &request.action {
            Action::ReplaceText(it) => self.edit(judge, &it.path, request, &it.new),
            Action::ReplaceSymbol(it) => self.edit(judge, &it.path, request, &it.text),
            Action::InsertAtSymbol(it) => self.edit(judge, &it.path, request, &it.text),
            Action::ReplaceRange(it) => self.edit(judge, &it.path, request, &it.text),
            Action::CreateFile(it) if it.overwrite && self.stands(&it.path) => {
                self.edit(judge, &it.path, request, &it.text);
            }
            Action::CreateFile(it) => self.create(judge, &it.path, &it.text),
            Action::DeleteFile(it) => self.delete(judge, &it.path, it.base_hash.as_deref()),
            Action::RenameFile(it) => self.rename(judge, it),
            Action::ReadFile(it) => self.read(judge, kind, &it.path),
            Action::ReadSymbol(it) => self.read(judge, kind, &it.path),
            Action::Search(it) => match &it.below {
                Some(below) => self.read(judge, kind, below),
                None => {
                    let before = judge.reasons();
                    judge.capability(Capability::RepoRead, kind.name());
                    let kinds = Kinds::of([&kind]);
                    judge.rules(before, Subject::of(kinds, &[], &[], &Extent::default()));
                    if judge.reasons() == before {
                        judge.allow("allow.read", "the workspace");
                    }
                }
            },
            Action::RunTask(it) => judge_task(judge, &it.task, &it.args, self.tasks),
            Action::Remember(it) => {
                let before = judge.reasons();
                let kinds = Kinds::of([&kind]);
                judge.rules(before, Subject::of(kinds, &[], &[], &Extent::default()));
                judge_note(judge, it);
            }
            Action::Finish(it) => {
                let before = judge.reasons();
                judge.objections("summary", objections(None, "", &it.summary));
                if judge.reasons() == before {
                    judge.allow("allow.finish", "summary");
                }
            }
        }
    }

    /// Asks about whatever judges the work and gets weaker by what the run has changed in all.
    pub(super) fn guard(&self, judge: &mut Judge<'_>) {
        let written = self.world.written();
        let texts: Vec<Changed<'_>> = written
            .iter()
            .map(|(path, after)| Changed { path, before: self.before(path), after: *after })
            .collect();
        let weakened = weakenings(&texts);
        for Changed { path, after, .. } in &texts {
            let before = judge.reasons();
            judge.weakened(weakened.iter().filter(|weakening| weakening.path == **path));
            if judge.reasons() > before {
                let (classes, extent) = (classify(path), Extent::default());
                let paths = [*path];
                let kinds = match after {
                    Some(_) => Kinds::edits(),
                    None => Kinds::of([&ActionKind::DeleteFile]),
                };
                let subject = Subject::of(kinds, &paths, &classes, &extent);
                judge.rules(before, Subject { files_changed: self.files_changed, ..subject });
            }
        }
    }

    /// A file's text before the run.
    fn before(&self, path: &WorkspacePath) -> Option<&str> {
        if let Some(change) = self.world.planned(path) {
            return change.base.as_deref();
        }
        match &self.facts.paths.get(&RequestedPath::new(path.as_str()))?.entry {
            Entry::Text { text, .. } => Some(text),
            Entry::Missing | Entry::Opaque { .. } | Entry::Directory | Entry::Other { .. } => None,
        }
    }

    /// The path, when it is one and facts about it are known.
    fn known(&self, judge: &mut Judge<'_>, requested: &RequestedPath) -> Option<Place<'a>> {
        let shown: String = requested.to_string().chars().take(200).collect();
        let path = match WorkspacePath::parse(requested.as_str()) {
            Ok(path) => path,
            Err(error) => {
                let rule = match error {
                    PathError::NotRelative => "path.outside",
                    PathError::Empty
                    | PathError::TooLong
                    | PathError::NotCanonical
                    | PathError::Character(_)
                    | PathError::Alias
                    | PathError::NotNormalized => "path.not_canonical",
                };
                let remedy =
                    format!("{error}; write a plain path relative to the workspace, such as `src/lib.rs`");
                judge.block(rule, &shown, &remedy);
                return None;
            }
        };
        let Some(facts) = self.facts.paths.get(requested) else {
            judge.block("facts.missing", &shown, "nothing is known about this path; ask again");
            return None;
        };
        if facts.resolved == Resolved::Outside {
            judge.block("path.outside", &shown, "it leads out of the workspace; name a file that does not");
            return None;
        }
        if let Some(ancestor) = self.world.file_above(&path, self.facts) {
            let remedy =
                format!("`{ancestor}` is a file, so nothing can stand below it; choose another path");
            judge.block("entry.parent_is_file", &shown, &remedy);
            return None;
        }
        Some(Place { path, facts, classes: Vec::new() })
    }

    /// A path that is to be changed.
    fn editable(&self, judge: &mut Judge<'_>, requested: &RequestedPath) -> Option<Place<'a>> {
        judge.capability(Capability::RepoWrite, requested.as_str());
        let mut known = self.known(judge, requested)?;
        known.classes = judge.edited_path(&known.path);
        if let Resolved::Linked { to } = &known.facts.resolved {
            known.classes.extend(judge.edited_path(to));
            let remedy = format!("it is a symbolic link, or stands below one; edit `{to}` itself");
            judge.block("link.symlink", known.path.as_str(), &remedy);
        }
        Some(known)
    }

    /// What the rules say to a change of a file, counted from the text that the run found.
    fn rules(&self, judge: &mut Judge<'_>, before: usize, known: &Place<'_>, kinds: Kinds, proposed: &str) {
        let base = self.world.origin(&known.path, known.facts);
        let extent = judge.extent(&known.path, &base, proposed);
        let places = known.places();
        let subject = Subject::of(kinds, &places, &known.classes, &extent);
        judge.rules(before, Subject { files_changed: self.files_changed, ..subject });
    }

    /// The present text of a file that is to be changed or moved.
    fn present(&self, judge: &mut Judge<'_>, known: &Place<'a>) -> Option<String> {
        let shown = known.path.as_str();
        match self.world.standing(&known.path, known.facts) {
            Standing::Text(text) => Some(text.into_owned()),
            Standing::Missing => {
                judge.block(
                    "entry.missing",
                    shown,
                    "there is no such file; create it, or name one that exists",
                );
                None
            }
            Standing::Directory => {
                judge.block("entry.not_text", shown, "it is a directory; name the files in it one by one");
                None
            }
            Standing::Opaque(bytes) => {
                let remedy =
                    format!("it is not UTF-8 text, or with {bytes} bytes too large; leave it as it is");
                judge.block("entry.not_text", shown, &remedy);
                None
            }
            Standing::Other(what) => {
                judge.block(
                    "entry.not_text",
                    shown,
                    &format!("it is not a regular file ({what}); leave it alone"),
                );
                None
            }
        }
    }

    /// `brought` is the text that the action brings along.
    fn edit(
        &mut self,
        judge: &mut Judge<'_>,
        requested: &RequestedPath,
        request: &ActionRequest,
        brought: &str,
    ) {
        let before = judge.reasons();
        let Some(known) = self.editable(judge, requested) else { return };
        let Some(present) = self.present(judge, &known) else { return };
        let mut version = None;
        if !self.world.touched(&known.path)
            && let Entry::Text { links, version: known_version, .. } = known.facts.entry
        {
            version = known_version;
            if links > 1 {
                judge.block(
                    "link.hard",
                    known.path.as_str(),
                    "the file has other names elsewhere (hard links); replace it with a copy of its own first",
                );
            }
        }
        let proposed = match self.rewriting.rewritten(&request.action, &known.path, &present, version) {
            Ok(proposed) => proposed,
            Err(reason) => {
                judge.block("edit.impossible", known.path.as_str(), &format!("{}: {reason}", request.id));
                // Nothing will be done; what the text would have brought in is said all the same.
                format!("{present}\n{brought}")
            }
        };
        judge.content(&known.path, &present, &proposed);
        judge.size(known.path.as_str(), proposed.len());
        // To overwrite a file is to edit it, whatever the action is called.
        let kinds = match request.action.kind() {
            ActionKind::CreateFile => Kinds::edits(),
            kind => Kinds::of([&kind]),
        };
        self.rules(judge, before, &known, kinds, &proposed);
        if judge.reasons() == before {
            judge.allow("allow.edit", known.path.as_str());
        }
        self.world.write(known.path, proposed);
    }

    /// True when a file of text stands at the path.
    fn stands(&self, requested: &RequestedPath) -> bool {
        let path = WorkspacePath::parse(requested.as_str());
        let facts = self.facts.paths.get(requested);
        path.ok()
            .zip(facts)
            .is_some_and(|(path, facts)| matches!(self.world.standing(&path, facts), Standing::Text(_)))
    }

    /// Judges whether a file is still the one that the action was meant for.
    fn same_base(judge: &mut Judge<'_>, known: &Place<'_>, present: &str, base_hash: Option<&str>) {
        if let Err(reason) = check_base(base_hash, &known.path, present) {
            judge.block("edit.impossible", known.path.as_str(), &reason);
        }
    }

    /// False when something stands where nothing may. `moving` is about to leave its place.
    fn vacant(&self, judge: &mut Judge<'_>, known: &Place<'a>, moving: Option<&WorkspacePath>) -> bool {
        let shown = known.path.as_str();
        match self.world.standing(&known.path, known.facts) {
            Standing::Missing => {}
            Standing::Text(_) | Standing::Opaque(_) => {
                judge.block("entry.exists", shown, "a file stands there; edit it, or choose another path");
                return false;
            }
            Standing::Directory | Standing::Other(_) => {
                judge.block(
                    "entry.exists",
                    shown,
                    "something stands there that is not a file; choose another path",
                );
                return false;
            }
        }
        if let Some(twin) = self.world.twin_among(&known.path, self.facts, moving) {
            judge.twin(&known.path, &twin);
            return false;
        }
        true
    }

    fn create(&mut self, judge: &mut Judge<'_>, requested: &RequestedPath, text: &str) {
        let before = judge.reasons();
        let Some(known) = self.editable(judge, requested) else { return };
        if !self.vacant(judge, &known, None) {
            return;
        }
        judge.content(&known.path, "", text);
        judge.size(known.path.as_str(), text.len());
        self.rules(judge, before, &known, Kinds::of([&ActionKind::CreateFile]), text);
        if judge.reasons() == before {
            judge.allow("allow.create", known.path.as_str());
        }
        self.world.create(known.path, text.to_owned());
    }

    fn delete(&mut self, judge: &mut Judge<'_>, requested: &RequestedPath, base_hash: Option<&str>) {
        let before = judge.reasons();
        let Some(known) = self.editable(judge, requested) else { return };
        let Some(present) = self.present(judge, &known) else { return };
        Self::same_base(judge, &known, &present, base_hash);
        // Of what the run made itself, nothing of the user's is lost.
        if !self.world.is_own(&known.path, known.facts) {
            judge.deleted(&known.path, &present);
        }
        self.rules(judge, before, &known, Kinds::of([&ActionKind::DeleteFile]), "");
        if judge.reasons() == before {
            judge.allow("allow.delete", known.path.as_str());
        }
        self.world.remove(known.path);
    }

    fn rename(&mut self, judge: &mut Judge<'_>, it: &RenameFile) {
        let before = judge.reasons();
        let source = self.editable(judge, &it.path);
        let target = self.editable(judge, &it.new_path);
        let (Some(source), Some(target)) = (source, target) else { return };
        let Some(text) = self.present(judge, &source) else { return };
        Self::same_base(judge, &source, &text, it.base_hash.as_deref());
        if source.path == target.path {
            judge.block(
                "entry.exists",
                target.path.as_str(),
                "both paths are the same; choose another new path",
            );
            return;
        }
        if !self.vacant(judge, &target, Some(&source.path)) {
            return;
        }
        judge.moved(&source.path, &target.path, &text);
        for known in [&source, &target] {
            let places = known.places();
            let kinds = Kinds::of([&ActionKind::RenameFile]);
            let extent = Extent::default();
            let subject = Subject::of(kinds, &places, &known.classes, &extent);
            judge.rules(before, Subject { files_changed: self.files_changed, ..subject });
        }
        if judge.reasons() == before {
            judge.allow("allow.rename", &format!("{} -> {}", source.path, target.path));
        }
        self.world.rename(source.path, target.path, text, source.facts);
    }

    fn read(&self, judge: &mut Judge<'_>, kind: ActionKind, requested: &RequestedPath) {
        let before = judge.reasons();
        judge.capability(Capability::RepoRead, requested.as_str());
        let Some(mut known) = self.known(judge, requested) else { return };
        known.classes = judge.read_path(&known.path);
        if let Resolved::Linked { to } = &known.facts.resolved {
            known.classes.extend(judge.read_path(to));
        }
        let kinds = Kinds::of([&kind]);
        let extent = Extent::default();
        judge.rules(before, Subject::of(kinds, &known.places(), &known.classes, &extent));
        match self.world.standing(&known.path, known.facts) {
            Standing::Directory if kind == ActionKind::Search => {}
            Standing::Text(text) => judge.key_material(&known.path, &text),
            Standing::Missing | Standing::Directory | Standing::Opaque(_) | Standing::Other(_) => {
                self.present(judge, &known);
            }
        }
        if judge.reasons() == before {
            judge.allow("allow.read", known.path.as_str());
        }
    }
}

/// True when a text is larger than a file may be.
pub(super) const fn is_too_large(bytes: usize) -> bool {
    bytes > FILE_BYTES_MAX
}
