//! How records hang together: service → runbook → procedure → task, runbook → symbol. What
//! names nothing, and what is named twice, is said at its place, with the name that was
//! probably meant.

use super::file::UNMASKABLE;
use super::{Body, Kind, MemoryFile, Record, Referred, TaskCall, Written};
use crate::ids::RecordId;
use crate::limits::SIMILAR_NAMES_MAX;
use crate::redact::can_mask;
use crate::task::{Task, TaskParam};
use crate::yaml::problem::{closest, one_of};
use crate::yaml::{Diagnostic, Mend, Place, Problems};
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong between records, file by file and in the order of each. `private` are the
/// records that only this user has; without `tasks` no task is looked for.
pub fn check(files: &[MemoryFile], private: &[Record], tasks: Option<&[Task]>) -> Vec<Diagnostic> {
    let world = World::of(files, private, tasks);
    files.iter().flat_map(|file| world.problems(file)).collect()
}

/// What is wrong with the records that only this user has, which stand in no file: a sentence each,
/// in their order.
pub fn check_private(files: &[MemoryFile], private: &[Record], tasks: Option<&[Task]>) -> Vec<String> {
    let world = World::of(files, private, tasks);
    private.iter().flat_map(|record| world.problems_of_own(record)).collect()
}

struct World<'w> {
    /// The ids of each kind.
    ids: BTreeMap<Kind, BTreeSet<&'w str>>,
    /// Where each shared record is written first.
    first: BTreeMap<(Kind, &'w str), (&'w str, u32)>,
    /// The first service of each path.
    services: BTreeMap<&'w str, &'w Record>,
    tasks: Option<&'w [Task]>,
}

fn first_places(files: &[MemoryFile]) -> BTreeMap<(Kind, &str), (&str, u32)> {
    let mut first = BTreeMap::new();
    for file in files {
        for written in &file.records {
            let key = (written.record.kind(), written.record.id.as_str());
            first.entry(key).or_insert((file.file.as_str(), written.line));
        }
    }
    first
}

fn first_services<'r>(records: &[&'r Record]) -> BTreeMap<&'r str, &'r Record> {
    let mut first = BTreeMap::new();
    for record in records {
        if let Body::Service(service) = &record.body {
            first.entry(service.path.as_str()).or_insert(*record);
        }
    }
    first
}

impl<'w> World<'w> {
    fn of(files: &'w [MemoryFile], private: &'w [Record], tasks: Option<&'w [Task]>) -> Self {
        let shared = files.iter().flat_map(|file| &file.records).map(|written| &written.record);
        let records: Vec<&Record> = shared.chain(private).collect();
        let mut ids: BTreeMap<Kind, BTreeSet<&str>> = BTreeMap::new();
        for record in &records {
            ids.entry(record.kind()).or_default().insert(record.id.as_str());
        }
        Self { services: first_services(&records), ids, first: first_places(files), tasks }
    }

    fn problems(&self, file: &MemoryFile) -> Vec<Diagnostic> {
        let mut problems = Problems::new(&file.file);
        for written in &file.records {
            self.unique(file, written, &mut problems);
            if let Some(Trouble { message, remedy, mend }) = self.other_of_its_path(&written.record) {
                let place = Place { line: written.line, column: written.column };
                problems.report_mendable(place, message, remedy, mend);
            }
            for reference in &written.references {
                if let Some(Trouble { message, remedy, mend }) = self.trouble(&reference.to) {
                    let place = Place { line: reference.line, column: reference.column };
                    problems.report_mendable(place, message, remedy, mend);
                }
            }
        }
        problems.into_diagnostics()
    }

    fn unique(&self, file: &MemoryFile, written: &Written, problems: &mut Problems<'_>) {
        let key = (written.record.kind(), written.record.id.as_str());
        let Some((first, line)) = self.first.get(&key) else { return };
        if (*first, *line) != (file.file.as_str(), written.line) {
            let place = Place { line: written.line, column: written.column };
            let message = format!("there is another {}: {first}:{line}", written.record.title());
            problems.report(place, message, "give one of the two another id");
        }
    }

    fn problems_of_own(&self, record: &Record) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some((file, line)) = self.first.get(&(record.kind(), record.id.as_str())) {
            problems.push(format!(
                "there is another one in {file}:{line}; give that one another id, or remove yours with \
                 `openexec memory forget {}`",
                record.id
            ));
        }
        for text in record.masked().filter(|text| !can_mask(text)) {
            problems.push(format!("`{text}` is not masked; {UNMASKABLE}"));
        }
        let names = record.names();
        let troubles =
            names.iter().filter_map(|name| self.trouble(name)).chain(self.other_of_its_path(record));
        problems.extend(troubles.map(|trouble| format!("{}; {}", trouble.message, trouble.remedy)));
        problems.into_iter().map(|problem| format!("{} of your own: {problem}", record.title())).collect()
    }

    /// Of two services of one path nobody could say which is meant.
    fn other_of_its_path(&self, record: &Record) -> Option<Trouble> {
        let Body::Service(service) = &record.body else { return None };
        let first = self.services.get(service.path.as_str()).filter(|first| first.id != record.id)?;
        let message = format!("{} is made of `{}` as well: {}", first.title(), service.path, first.origin);
        let remedy = "give each a folder of its own, or make one service of the two".to_owned();
        Some(Trouble { message, remedy, mend: None })
    }

    /// What is wrong with a name that stands for something elsewhere.
    fn trouble(&self, name: &Referred) -> Option<Trouble> {
        match name {
            Referred::Record { kind, id } => {
                let ids = self.ids.get(kind);
                if ids.is_some_and(|ids| ids.contains(id.as_str())) {
                    return None;
                }
                let ids: Vec<&str> = ids.into_iter().flatten().copied().collect();
                let message = format!("there is no {} `{id}`", kind.name());
                let missing = format!("write it under `{}`", kind.list());
                Some(Trouble::dangling(message, id.as_str(), &ids, &missing))
            }
            Referred::Task(call) => self.trouble_with_call(call),
        }
    }

    fn trouble_with_call(&self, call: &TaskCall) -> Option<Trouble> {
        let tasks = self.tasks?;
        let Some(task) = tasks.iter().find(|task| task.name == call.task) else {
            let names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
            let message = format!("this workspace declares no task `{}`", call.task);
            let missing = "declare it in .openexec/tasks.yaml";
            return Some(Trouble::dangling(message, call.task.as_str(), &names, missing));
        };
        let error = task.argv_with(&call.args).err()?;
        let params: Vec<&str> = task.params.iter().map(|TaskParam { name, .. }| name.as_str()).collect();
        let remedy = match params.as_slice() {
            [] => "remove `args`".to_owned(),
            params => format!("its parameters are {}", one_of(params)),
        };
        let message = format!("the arguments of task `{}` do not fit: {error}", task.name);
        Some(Trouble { message, remedy, mend: None })
    }
}

/// What is wrong, wherever it is written.
struct Trouble {
    message: String,
    remedy: String,
    mend: Option<Mend>,
}

impl Trouble {
    /// A name that leads nowhere; `names` are those that would lead somewhere.
    fn dangling(message: String, name: &str, names: &[&str], missing: &str) -> Self {
        let near = closest(name, names);
        let remedy = match (near, names) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, []) => missing.to_owned(),
            (None, names) => {
                format!("{missing}, or name {}", one_of(names.get(..SIMILAR_NAMES_MAX).unwrap_or(names)))
            }
        };
        Self { message, remedy, mend: near.map(|near| Mend::Instead(near.to_owned())) }
    }
}

impl Record {
    /// The names in it that stand for something elsewhere.
    fn names(&self) -> Vec<Referred> {
        let of = |kind: Kind| move |id: &RecordId| Referred::Record { kind, id: id.clone() };
        match &self.body {
            Body::Symbol(_) | Body::Maintenance(_) => Vec::new(),
            Body::Service(service) => {
                let runbooks = service.runbooks.iter().map(of(Kind::Runbook));
                runbooks.chain(service.environment.iter().map(of(Kind::Environment))).collect()
            }
            Body::Runbook(runbook) => {
                let remediations = runbook.failures.iter().flat_map(|failure| &failure.remediations);
                let symbols = runbook.symbols.iter().map(of(Kind::Symbol));
                symbols.chain(remediations.map(of(Kind::Procedure))).collect()
            }
            Body::Environment(environment) => {
                environment.actions.iter().flatten().map(of(Kind::Procedure)).collect()
            }
            Body::Procedure(procedure) => {
                let calls = procedure.preconditions.iter().chain(&procedure.steps).chain(&procedure.rollback);
                calls.cloned().map(Referred::Task).collect()
            }
        }
    }
}
