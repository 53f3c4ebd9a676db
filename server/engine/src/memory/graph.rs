//! How records hang together: service → runbook → procedure → task, runbook → symbol. What
//! names nothing, and what is named twice, is said at its place, with the name that was
//! probably meant.

use super::load::ids_of;
use super::{Kind, MemoryFile, Record, Reference, Referred, Written};
use crate::limits::SIMILAR_NAMES_MAX;
use crate::task::{Task, TaskParam};
use crate::yaml::problem::{closest, one_of};
use crate::yaml::{Diagnostic, Mend, Place, Problems};
use std::collections::BTreeMap;

/// What is wrong between records, file by file and in the order of each. `private` are the
/// records that only this user has; without `tasks` no task is looked for.
pub fn check(files: &[MemoryFile], private: &[Record], tasks: Option<&[Task]>) -> Vec<Diagnostic> {
    let shared = files.iter().flat_map(|file| &file.records);
    let world = World {
        records: shared.clone().map(|written| &written.record).chain(private).collect(),
        first: first_places(files),
        tasks,
    };
    files.iter().flat_map(|file| world.problems(file)).collect()
}

struct World<'w> {
    records: Vec<&'w Record>,
    /// Where each shared record is written first.
    first: BTreeMap<(Kind, &'w str), (&'w str, u32)>,
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

impl World<'_> {
    fn problems(&self, file: &MemoryFile) -> Vec<Diagnostic> {
        let mut problems = Problems::new(&file.file);
        for written in &file.records {
            self.unique(file, written, &mut problems);
            for reference in &written.references {
                match &reference.to {
                    Referred::Record { .. } => self.record(reference, &mut problems),
                    Referred::Task(_) => self.task(reference, &mut problems),
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

    fn record(&self, reference: &Reference, problems: &mut Problems<'_>) {
        let Referred::Record { kind, id } = &reference.to else { return };
        let ids = ids_of(self.records.iter().copied(), *kind);
        if ids.contains(id.as_str()) {
            return;
        }
        let ids: Vec<&str> = ids.into_iter().collect();
        let message = format!("there is no {} `{id}`", kind.name());
        let missing = format!("write it under `{}`", kind.list());
        dangling(reference, &message, id.as_str(), &ids, &missing, problems);
    }

    fn task(&self, reference: &Reference, problems: &mut Problems<'_>) {
        let (Referred::Task(call), Some(tasks)) = (&reference.to, self.tasks) else { return };
        let Some(task) = tasks.iter().find(|task| task.name == call.task) else {
            let names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
            let message = format!("this workspace declares no task `{}`", call.task);
            let missing = "declare it in .openexec/tasks.yaml";
            return dangling(reference, &message, call.task.as_str(), &names, missing, problems);
        };
        if let Err(error) = task.argv_with(&call.args) {
            let place = Place { line: reference.line, column: reference.column };
            let params: Vec<&str> = task.params.iter().map(|TaskParam { name, .. }| name.as_str()).collect();
            let remedy = match params.as_slice() {
                [] => "remove `args`".to_owned(),
                params => format!("its parameters are {}", one_of(params)),
            };
            problems.report(
                place,
                format!("the arguments of task `{}` do not fit: {error}", task.name),
                remedy,
            );
        }
    }
}

fn dangling(
    reference: &Reference,
    message: &str,
    name: &str,
    names: &[&str],
    missing: &str,
    problems: &mut Problems<'_>,
) {
    let place = Place { line: reference.line, column: reference.column };
    let near = closest(name, names);
    let remedy = match (near, names) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => missing.to_owned(),
        (None, names) => {
            format!("{missing}, or name {}", one_of(names.get(..SIMILAR_NAMES_MAX).unwrap_or(names)))
        }
    };
    let mend = near.map(|near| Mend::Instead(near.to_owned()));
    problems.report_mendable(place, message, remedy, mend);
}
