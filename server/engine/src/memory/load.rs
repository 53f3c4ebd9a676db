//! From a memory file to its records: everything in it resolved and checked by itself. What it
//! means beside other files is for [`check`](super::check).

use super::file::{
    AnchorFile, CallFile, EnvironmentFile, FailureFile, Line, MaintenanceFile, Masked, Moment, ProcedureFile,
    RecordsFile, RunbookFile, ServiceFile, SymbolFile,
};
use super::{
    Anchor, Body, Environment, FailureMode, Kind, Maintained, Origin, Procedure, Record, Runbook, Service,
    SymbolNote, SymbolPointer, TaskCall,
};
use crate::ids::{RecordId, TaskName};
use crate::limits::{MEMORY_FILE_RECORDS_MAX, MEMORY_ITEMS_MAX};
use crate::path::WorkspacePath;
use crate::task::TaskArg;
use crate::yaml::read::{Label, Name, Prose};
use crate::yaml::{Entry, LoadError, Mend, Place, Placed, Problems, Read as _, Value, tree};

/// A memory file, read and checked by itself.
#[derive(Debug, Clone)]
pub struct MemoryFile {
    /// Its name as it was given.
    pub file: String,
    /// Its records, in the order of the file.
    pub records: Vec<Written>,
}

/// A record where it is written.
#[derive(Debug, Clone)]
pub struct Written {
    /// The record.
    pub record: Record,
    /// The line of its id, counted from 1.
    pub line: u32,
    /// The column of its id, counted from 1, in characters.
    pub column: u32,
    /// Where each of its anchors begins, in their order.
    pub anchors: Vec<(u32, u32)>,
    /// What it names elsewhere.
    pub references: Vec<Reference>,
}

/// A name in a record that stands for something elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// What it must be.
    pub to: Referred,
    /// The line of the name, counted from 1.
    pub line: u32,
    /// The column of the name, counted from 1, in characters.
    pub column: u32,
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Referred {
    /// A record.
    Record {
        /// Of this kind.
        kind: Kind,
        /// Of this id.
        id: RecordId,
    },
    /// A declared task, with these values.
    Task(TaskCall),
}

/// Reads a memory file. `file` is its name for people, which records remember with their line.
///
/// # Errors
/// Every problem with file, line, column and a remedy.
pub fn load(file: &str, text: &str) -> Result<MemoryFile, LoadError> {
    let mut problems = Problems::new(file);
    let records = read(file, text, &mut problems);
    problems.into_result(records.map(|records| MemoryFile { file: file.to_owned(), records }))
}

fn read(file: &str, text: &str, problems: &mut Problems<'_>) -> Option<Vec<Written>> {
    let tree = match tree::parse(text) {
        Ok(tree) => tree,
        Err(fault) => {
            problems.report(fault.place, fault.message, fault.remedy);
            return None;
        }
    };
    if tree.value == Value::Null {
        problems.report(tree.place, "the file is empty", "write `version: 1`, or remove the file");
        return None;
    }
    let written = RecordsFile::read(&tree, "the file", problems)?;
    let mut reading = Reading { file, problems, references: Vec::new(), anchors: Vec::new() };
    if written.version.is_absent() {
        reading.missing(Place::START, "the file", "version", "write `version: 1`");
    }
    Some(reading.records(&written))
}

struct Reading<'r, 'p> {
    file: &'r str,
    problems: &'r mut Problems<'p>,
    /// What the record names elsewhere that is being read.
    references: Vec<Reference>,
    anchors: Vec<(u32, u32)>,
}

/// The keys that every record has.
struct Common<'f> {
    id: &'f Entry<Name>,
    author: &'f Entry<Line>,
    written: &'f Entry<Moment>,
    source: &'f Entry<Line>,
    labels: &'f Entry<Vec<Placed<Label>>>,
    redact: &'f Entry<Vec<Placed<Masked>>>,
}

macro_rules! common {
    ($file:expr) => {
        Common {
            id: &$file.id,
            author: &$file.author,
            written: &$file.written,
            source: &$file.source,
            labels: &$file.labels,
            redact: &$file.redact,
        }
    };
}

impl Reading<'_, '_> {
    fn records(mut self, written: &RecordsFile) -> Vec<Written> {
        let mut records = Vec::new();
        for it in self.listed(&written.symbols, "symbols") {
            let body = self.symbol(it).map(Body::Symbol);
            records.extend(self.record(it.place, &common!(it.value), "a symbol record", body));
        }
        for it in self.listed(&written.services, "services") {
            let body = self.service(it).map(Body::Service);
            records.extend(self.record(it.place, &common!(it.value), "a service record", body));
        }
        for it in self.listed(&written.runbooks, "runbooks") {
            let body = self.runbook(it).map(Body::Runbook);
            records.extend(self.record(it.place, &common!(it.value), "a runbook record", body));
        }
        for it in self.listed(&written.environments, "environments") {
            let body = Some(Body::Environment(self.environment(&it.value)));
            records.extend(self.record(it.place, &common!(it.value), "an environment record", body));
        }
        for it in self.listed(&written.procedures, "procedures") {
            let body = self.procedure(it).map(Body::Procedure);
            records.extend(self.record(it.place, &common!(it.value), "a procedure record", body));
        }
        for it in self.listed(&written.maintenance, "maintenance") {
            let body = self.maintenance(it).map(Body::Maintenance);
            records.extend(self.record(it.place, &common!(it.value), "a maintenance record", body));
        }
        records
    }

    /// The records of a list, up to what one file may hold.
    fn listed<'f, T>(&mut self, list: &'f Entry<Vec<Placed<T>>>, key: &str) -> &'f [Placed<T>] {
        let most = MEMORY_FILE_RECORDS_MAX;
        self.up_to(most, list, key, &format!("write at most {most}, and the others in files of their own"))
    }

    /// The items of a list in a record, up to what it may hold.
    fn bounded<'f, T>(&mut self, list: &'f Entry<Vec<Placed<T>>>, key: &str, most: usize) -> &'f [Placed<T>] {
        self.up_to(most, list, key, &format!("write at most {most}"))
    }

    fn up_to<'f, T>(
        &mut self,
        most: usize,
        list: &'f Entry<Vec<Placed<T>>>,
        key: &str,
        remedy: &str,
    ) -> &'f [Placed<T>] {
        let Some(list) = list.present() else { return &[] };
        if list.value.len() > most {
            self.problems.report(list.place, format!("`{key}` has {} items", list.value.len()), remedy);
        }
        list.value.get(..most.min(list.value.len())).unwrap_or_default()
    }

    fn missing(&mut self, place: Place, owner: &str, key: &str, remedy: &str) {
        let mend = Some(Mend::Key(key.to_owned()));
        self.problems.report_mendable(place, format!("{owner} has no `{key}`"), remedy, mend);
    }

    fn required<'f, T>(
        &mut self,
        entry: &'f Entry<T>,
        place: Place,
        owner: &str,
        key: &str,
        remedy: &str,
    ) -> Option<&'f T> {
        if entry.is_absent() {
            self.missing(place, owner, key, remedy);
        }
        entry.value()
    }

    fn record(
        &mut self,
        place: Place,
        common: &Common<'_>,
        owner: &str,
        body: Option<Body>,
    ) -> Option<Written> {
        let references = std::mem::take(&mut self.references);
        let anchors = std::mem::take(&mut self.anchors);
        let remedy = "give it a name of letters, digits, `_`, `-` and `.`";
        self.required(common.id, place, owner, "id", remedy);
        let id = common.id.present()?;
        let labels = self.bounded(common.labels, "labels", MEMORY_ITEMS_MAX);
        let redact = self.bounded(common.redact, "redact", MEMORY_ITEMS_MAX);
        let record = Record {
            id: RecordId::new(&id.value.0),
            origin: Origin::Shared { place: format!("{}:{}", self.file, id.place.line) },
            author: common.author.value().map(|Line(text)| text.clone()),
            written: common.written.value().map(|Moment(text)| text.clone()),
            source: common.source.value().map(|Line(text)| text.clone()),
            labels: labels.iter().map(|label| label.value.0.clone()).collect(),
            redact: redact.iter().map(|text| text.value.0.clone()).collect(),
            body: body?,
        };
        Some(Written { record, line: id.place.line, column: id.place.column, anchors, references })
    }

    fn refer(&mut self, kind: Kind, name: &Placed<Name>) -> RecordId {
        let id = RecordId::new(&name.value.0);
        let Place { line, column } = name.place;
        self.references.push(Reference { to: Referred::Record { kind, id: id.clone() }, line, column });
        id
    }

    fn refer_each(&mut self, kind: Kind, list: &Entry<Vec<Placed<Name>>>, key: &str) -> Vec<RecordId> {
        let names = self.bounded(list, key, MEMORY_ITEMS_MAX);
        names.iter().map(|name| self.refer(kind, name)).collect()
    }

    fn symbol(&mut self, written: &Placed<SymbolFile>) -> Option<SymbolNote> {
        let (file, owner) = (&written.value, "a symbol record");
        let at = self.required(&file.at, written.place, owner, "at", "write `at: {path: …, symbol: …}`");
        let why = self.required(&file.why, written.place, owner, "why", "say why it is as it is");
        if file.why.value().is_some_and(|why| why.0.is_empty()) {
            // An empty text begins where the next key does, which is not at fault.
            self.problems.report(written.place, "`why` is empty", "say why it is as it is");
        }
        let place = file.at.present().map_or(written.place, |at| at.place);
        let at = at.and_then(|at| self.anchor(place, at));
        Some(SymbolNote { at: at?, why: why?.0.clone() })
    }

    fn anchor(&mut self, place: Place, file: &AnchorFile) -> Option<Anchor> {
        let path = self.required(&file.path, place, "`at`", "path", "write the file's path");
        let symbol = self.required(&file.symbol, place, "`at`", "symbol", "write the symbol's name");
        // Its check has parsed it already.
        let (path, symbol) = (WorkspacePath::parse(&path?.0).ok()?, symbol?.0.clone());
        let pointer = match file.anchor.present() {
            None => None,
            Some(anchor) => match pointer_of(&path, &symbol, &anchor.value.0) {
                Some(pointer) => Some(Box::new(pointer)),
                None => {
                    let remedy = "leave the key out and run `openexec memory relocate`, which writes it anew";
                    self.problems.report(anchor.place, "`anchor` holds no anchor", remedy);
                    return None;
                }
            },
        };
        self.anchors.push((place.line, place.column));
        Some(Anchor { path, symbol, pointer })
    }

    fn service(&mut self, written: &Placed<ServiceFile>) -> Option<Service> {
        let file = &written.value;
        let remedy = "write the folder that it is made of";
        let path = self.required(&file.path, written.place, "a service record", "path", remedy);
        let runbooks = self.refer_each(Kind::Runbook, &file.runbooks, "runbooks");
        let environment = file.environment.present().map(|name| self.refer(Kind::Environment, name));
        Some(Service {
            path: WorkspacePath::parse(&path?.0).ok()?,
            about: prose(&file.about),
            owners: self.lines(&file.owners, "owners"),
            deployment: prose(&file.deployment),
            dashboards: self.lines(&file.dashboards, "dashboards"),
            runbooks,
            environment,
        })
    }

    fn lines(&mut self, list: &Entry<Vec<Placed<Line>>>, key: &str) -> Vec<String> {
        self.bounded(list, key, MEMORY_ITEMS_MAX).iter().map(|line| line.value.0.clone()).collect()
    }

    fn runbook(&mut self, written: &Placed<RunbookFile>) -> Option<Runbook> {
        let file = &written.value;
        let remedy = "write how it fails, as a list of failure modes";
        self.required(&file.failures, written.place, "a runbook record", "failures", remedy);
        let symbols = self.refer_each(Kind::Symbol, &file.symbols, "symbols");
        let mut failures: Vec<FailureMode> = Vec::new();
        for it in self.bounded(&file.failures, "failures", MEMORY_ITEMS_MAX) {
            let Some(failure) = self.failure(it) else { continue };
            if failures.iter().any(|earlier| earlier.id == failure.id) {
                let message = format!("two failure modes of this runbook are named `{}`", failure.id);
                self.problems.report(it.place, message, "give each a name of its own");
            }
            failures.push(failure);
        }
        if let Some(list) = file.failures.present()
            && list.value.is_empty()
        {
            self.problems.report(
                list.place,
                "`failures` is an empty list",
                "write one failure mode at least",
            );
        }
        file.failures.value().map(|_| Runbook { about: prose(&file.about), symbols, failures })
    }

    fn failure(&mut self, written: &Placed<FailureFile>) -> Option<FailureMode> {
        let (file, owner) = (&written.value, "a failure mode");
        let id = self.required(&file.id, written.place, owner, "id", "give it a name");
        let remedy = "write texts of the failing output by which it is known";
        self.required(&file.looks_like, written.place, owner, "looks_like", remedy);
        let remediations = self.refer_each(Kind::Procedure, &file.remediations, "remediations");
        let texts = self.bounded(&file.looks_like, "looks_like", MEMORY_ITEMS_MAX);
        if let Some(list) = file.looks_like.present()
            && list.value.is_empty()
        {
            self.problems.report(list.place, "`looks_like` is an empty list", remedy);
        }
        Some(FailureMode {
            id: RecordId::new(&id?.0),
            looks_like: texts.iter().map(|text| text.value.0.clone()).collect(),
            cause: prose(&file.cause),
            remediations,
        })
    }

    fn environment(&mut self, file: &EnvironmentFile) -> Environment {
        let actions =
            file.actions.present().map(|_| self.refer_each(Kind::Procedure, &file.actions, "actions"));
        let masked = self.bounded(&file.masked, "masked", MEMORY_ITEMS_MAX);
        Environment {
            about: prose(&file.about),
            sandbox: file.sandbox.value().copied(),
            approval_mode: file.approval_mode.value().copied(),
            actions,
            masked: masked.iter().map(|text| text.value.0.clone()).collect(),
        }
    }

    fn procedure(&mut self, written: &Placed<ProcedureFile>) -> Option<Procedure> {
        let file = &written.value;
        let remedy = "write the tasks that it consists of, in their order";
        self.required(&file.steps, written.place, "a procedure record", "steps", remedy);
        if let Some(list) = file.steps.present()
            && list.value.is_empty()
        {
            self.problems.report(list.place, "`steps` is an empty list", remedy);
        }
        let preconditions = self.calls(&file.preconditions, "preconditions");
        let steps = self.calls(&file.steps, "steps");
        let rollback = self.calls(&file.rollback, "rollback");
        file.steps.value().map(|_| Procedure { about: prose(&file.about), preconditions, steps, rollback })
    }

    fn calls(&mut self, list: &Entry<Vec<Placed<CallFile>>>, key: &str) -> Vec<TaskCall> {
        let calls = self.bounded(list, key, MEMORY_ITEMS_MAX);
        calls.iter().filter_map(|call| self.call(call)).collect()
    }

    fn call(&mut self, written: &Placed<CallFile>) -> Option<TaskCall> {
        let file = &written.value;
        let remedy = "write `task:` and the name of a declared task";
        self.required(&file.task, written.place, "a step", "task", remedy);
        let mut args = Vec::new();
        for it in self.bounded(&file.args, "args", MEMORY_ITEMS_MAX) {
            let owner = "an argument";
            let name = self.required(&it.value.name, it.place, owner, "name", "write the parameter's name");
            let value = self.required(&it.value.value, it.place, owner, "value", "write its value");
            args.push(TaskArg { name: name?.0.clone(), value: value?.0.clone() });
        }
        let task = file.task.present()?;
        let call = TaskCall { task: TaskName::new(&task.value.0), args };
        let Place { line, column } = task.place;
        self.references.push(Reference { to: Referred::Task(call.clone()), line, column });
        Some(call)
    }

    fn maintenance(&mut self, written: &Placed<MaintenanceFile>) -> Option<Maintained> {
        let (file, owner) = (&written.value, "a maintenance record");
        let cause = self.required(&file.cause, written.place, owner, "cause", "say why it had to be done");
        let change = self.required(&file.change, written.place, owner, "change", "say what was done");
        let evidence = self.bounded(&file.evidence, "evidence", MEMORY_ITEMS_MAX);
        let anchors = self.bounded(&file.symbols, "symbols", MEMORY_ITEMS_MAX);
        let symbols = anchors.iter().filter_map(|anchor| self.anchor(anchor.place, &anchor.value)).collect();
        Some(Maintained {
            cause: cause?.0.clone(),
            change: change?.0.clone(),
            evidence: evidence.iter().map(|text| text.value.0.clone()).collect(),
            symbols,
            standing: file.standing.value().copied().unwrap_or_default(),
        })
    }
}

fn prose(entry: &Entry<Prose>) -> Option<String> {
    entry.value().map(|Prose(text)| text.clone()).filter(|text| !text.is_empty())
}

/// A pointer from what a person reads of it and what the program has written beside.
pub(super) fn pointer_of(path: &WorkspacePath, symbol: &str, anchor: &str) -> Option<SymbolPointer> {
    let mut whole: serde_json::Map<String, serde_json::Value> = serde_json::from_str(anchor).ok()?;
    whole.insert("path".to_owned(), serde_json::Value::String(path.to_string()));
    whole.insert("symbol".to_owned(), serde_json::Value::String(symbol.to_owned()));
    serde_json::from_value(serde_json::Value::Object(whole)).ok()
}

/// What of a pointer a person does not read, on one line: the `anchor` of a memory file.
pub fn anchor_text(pointer: &SymbolPointer) -> Option<String> {
    let serde_json::Value::Object(mut whole) = serde_json::to_value(pointer).ok()? else { return None };
    whole.remove("path");
    whole.remove("symbol");
    serde_json::to_string(&whole).ok()
}
