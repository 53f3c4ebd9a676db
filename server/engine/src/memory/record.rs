//! Records: what people, and runs, know about a system. A record points at things by name and
//! holds facts; it holds no command, and nothing in it instructs a model.

use super::{Standing, SymbolPointer};
use crate::ids::{RecordId, TaskName};
use crate::path::WorkspacePath;
use crate::policy::rules::PointerKind;
use crate::policy::{ApprovalMode, SandboxMode};
use crate::task::TaskArg;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Why a symbol is as it is.
    Symbol,
    /// A service: where it lies, whose it is, where it runs.
    Service,
    /// How a service fails, and what may be done about it.
    Runbook,
    /// Where something runs, and what may be done there.
    Environment,
    /// Declared tasks in their order, as one thing to do.
    Procedure,
    /// What was changed once, and why.
    Maintenance,
}

impl Kind {
    /// Every kind, in the order of the reference.
    pub const ALL: [Self; 6] =
        [Self::Symbol, Self::Service, Self::Runbook, Self::Environment, Self::Procedure, Self::Maintenance];

    /// `symbol`, `service`, …
    pub const fn name(self) -> &'static str {
        match self {
            Self::Symbol => "symbol",
            Self::Service => "service",
            Self::Runbook => "runbook",
            Self::Environment => "environment",
            Self::Procedure => "procedure",
            Self::Maintenance => "maintenance",
        }
    }

    /// The list of a memory file in which it stands.
    pub const fn list(self) -> &'static str {
        match self {
            Self::Symbol => "symbols",
            Self::Service => "services",
            Self::Runbook => "runbooks",
            Self::Environment => "environments",
            Self::Procedure => "procedures",
            Self::Maintenance => "maintenance",
        }
    }

    /// What egress rules call it.
    pub const fn pointer(self) -> PointerKind {
        match self {
            Self::Symbol => PointerKind::Symbol,
            Self::Service => PointerKind::Service,
            Self::Runbook => PointerKind::Runbook,
            Self::Environment => PointerKind::Environment,
            Self::Procedure => PointerKind::Procedure,
            Self::Maintenance => PointerKind::Maintenance,
        }
    }
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Unique among the records of its kind.
    pub id: RecordId,
    /// Where it is kept.
    pub origin: Origin,
    /// Who wrote it, as the record says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// When, as the record says: `2026-03-01`, or with a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
    /// What it was taken from: an incident, a meeting, a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Labels that egress rules name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<String>,
    /// Texts that are masked in whatever leaves for a model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redact: Vec<String>,
    /// What it says.
    pub body: Body,
}

/// Where a record is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kept", rename_all = "snake_case")]
pub enum Origin {
    /// In a file that is shared through git.
    Shared {
        /// The file and the line: `.openexec/memory/billing.yaml:7`.
        place: String,
    },
    /// In the user's own state.
    Private,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shared { place } => f.write_str(place),
            Self::Private => f.write_str("private"),
        }
    }
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// About a symbol.
    Symbol(SymbolNote),
    /// About a service.
    Service(Service),
    /// About failures.
    Runbook(Runbook),
    /// About a place where things run.
    Environment(Environment),
    /// About something to do.
    Procedure(Procedure),
    /// About something that was done.
    Maintenance(Maintained),
}

/// Why a symbol is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolNote {
    /// Where it stands, or stood.
    pub at: Anchor,
    /// Why.
    pub why: String,
}

/// Where a record points. One that a person wrote names a place and a symbol; the program adds
/// what lets it be found again when it has moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The file.
    pub path: WorkspacePath,
    /// The qualified name.
    pub symbol: String,
    /// The symbol as it was when the record was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<Box<SymbolPointer>>,
}

impl Anchor {
    /// The anchor that points here.
    pub fn to(pointer: SymbolPointer) -> Self {
        Self { path: pointer.path.clone(), symbol: pointer.symbol.clone(), pointer: Some(Box::new(pointer)) }
    }
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The folder or the file that it is made of.
    pub path: WorkspacePath,
    /// What it is for.
    pub about: Option<String>,
    /// Who answers for it.
    pub owners: Vec<String>,
    /// How it gets to where it runs.
    pub deployment: Option<String>,
    /// Where it can be watched.
    pub dashboards: Vec<String>,
    /// Its runbooks.
    pub runbooks: Vec<RecordId>,
    /// Where it runs.
    pub environment: Option<RecordId>,
}

/// How something fails, and what may be done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runbook {
    /// What it is about.
    pub about: Option<String>,
    /// The records of symbols that matter here.
    pub symbols: Vec<RecordId>,
    /// The ways to fail.
    pub failures: Vec<FailureMode>,
}

/// One way to fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureMode {
    /// Unique in the runbook.
    pub id: RecordId,
    /// Texts of which one in the failing output is enough to know it by.
    pub looks_like: Vec<String>,
    /// What is behind it.
    pub cause: Option<String>,
    /// The procedures that are approved for it, the preferred one first.
    pub remediations: Vec<RecordId>,
}

/// Where something runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// What it is.
    pub about: Option<String>,
    /// How far effects may reach at most where a run is about it.
    pub sandbox: Option<SandboxMode>,
    /// When a proposal waits for the user.
    pub approval_mode: Option<ApprovalMode>,
    /// The procedures that may be carried out for it; `None` is every approved one.
    pub actions: Option<Vec<RecordId>>,
    /// Addresses that are masked in whatever leaves for a model.
    pub masked: Vec<String>,
}

/// Declared tasks in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Procedure {
    /// What it achieves.
    pub about: Option<String>,
    /// Tasks that must succeed before anything is done.
    pub preconditions: Vec<TaskCall>,
    /// What is done.
    pub steps: Vec<TaskCall>,
    /// What is done when a step has failed.
    pub rollback: Vec<TaskCall>,
}

/// A declared task with values for its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCall {
    /// The task.
    pub task: TaskName,
    /// The values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<TaskArg>,
}

/// What was changed once, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintained {
    /// Why something had to be done.
    pub cause: String,
    /// What was done.
    pub change: String,
    /// How it was shown to hold.
    pub evidence: Vec<String>,
    /// The symbols it was done to.
    pub symbols: Vec<Anchor>,
    /// How it ended.
    pub standing: Standing,
}

impl Record {
    /// What it is about.
    pub const fn kind(&self) -> Kind {
        match &self.body {
            Body::Symbol(_) => Kind::Symbol,
            Body::Service(_) => Kind::Service,
            Body::Runbook(_) => Kind::Runbook,
            Body::Environment(_) => Kind::Environment,
            Body::Procedure(_) => Kind::Procedure,
            Body::Maintenance(_) => Kind::Maintenance,
        }
    }

    /// How people call it: `runbook billing`.
    pub fn title(&self) -> String {
        format!("{} {}", self.kind().name(), self.id)
    }

    /// Where it points: nothing for what is no place.
    pub fn anchors(&self) -> &[Anchor] {
        match &self.body {
            Body::Symbol(note) => std::slice::from_ref(&note.at),
            Body::Maintenance(past) => &past.symbols,
            Body::Service(_) | Body::Runbook(_) | Body::Environment(_) | Body::Procedure(_) => &[],
        }
    }

    /// Lets an anchor, by its number, point at a place; nothing where there is no such anchor.
    pub fn point(&mut self, number: usize, place: SymbolPointer) {
        let anchor = match &mut self.body {
            Body::Symbol(note) => (number == 0).then_some(&mut note.at),
            Body::Maintenance(past) => past.symbols.get_mut(number),
            Body::Service(_) | Body::Runbook(_) | Body::Environment(_) | Body::Procedure(_) => None,
        };
        if let Some(anchor) = anchor {
            *anchor = Anchor::to(place);
        }
    }

    /// The files that it is about, by which egress rules judge it.
    pub fn files(&self) -> Vec<WorkspacePath> {
        match &self.body {
            Body::Service(service) => vec![service.path.clone()],
            Body::Symbol(_)
            | Body::Maintenance(_)
            | Body::Runbook(_)
            | Body::Environment(_)
            | Body::Procedure(_) => {
                let files: BTreeSet<&WorkspacePath> =
                    self.anchors().iter().map(|anchor| &anchor.path).collect();
                files.into_iter().cloned().collect()
            }
        }
    }

    /// The texts in it that no model sees.
    pub fn masked(&self) -> impl Iterator<Item = &str> {
        let addresses = match &self.body {
            Body::Environment(environment) => environment.masked.as_slice(),
            _ => &[],
        };
        addresses.iter().chain(&self.redact).map(String::as_str)
    }

    /// In one line, for lists and menus.
    pub fn gist(&self) -> String {
        let text = match &self.body {
            Body::Symbol(note) => note.why.clone(),
            Body::Service(service) => service.about.clone().unwrap_or_else(|| format!("in {}", service.path)),
            Body::Runbook(runbook) => runbook.about.clone().unwrap_or_else(|| {
                let failures: Vec<&str> = runbook.failures.iter().map(|it| it.id.as_str()).collect();
                failures.join(", ")
            }),
            Body::Environment(environment) => environment.about.clone().unwrap_or_default(),
            Body::Procedure(procedure) => {
                procedure.about.clone().unwrap_or_else(|| calls(&procedure.steps).join(", then "))
            }
            Body::Maintenance(past) => past.change.clone(),
        };
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The record as data for a context pack: one fact a line, under the names of the file's keys.
    pub fn describe(&self) -> String {
        let mut text = format!("{}\nfrom: {}\n", self.title(), self.origin);
        for (key, value) in [("source", &self.source), ("author", &self.author), ("written", &self.written)] {
            if let Some(value) = value {
                let _ = writeln!(text, "{key}: {value}");
            }
        }
        match &self.body {
            Body::Symbol(note) => {
                let _ = write!(text, "symbol: {} in {}\nwhy: {}\n", note.at.symbol, note.at.path, note.why);
            }
            Body::Service(service) => service.describe(&mut text),
            Body::Runbook(runbook) => runbook.describe(&mut text),
            Body::Environment(environment) => environment.describe(&mut text),
            Body::Procedure(procedure) => procedure.describe(&mut text),
            Body::Maintenance(past) => past.describe(&mut text),
        }
        text
    }
}

fn fact(text: &mut String, key: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        let _ = writeln!(text, "{key}: {value}");
    }
}

fn facts<T: AsRef<str>>(text: &mut String, key: &str, values: &[T]) {
    let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
    fact(text, key, Some(&values.join(", ")));
}

fn named(ids: &[RecordId]) -> Vec<&str> {
    ids.iter().map(RecordId::as_str).collect()
}

fn calls(calls: &[TaskCall]) -> Vec<String> {
    calls.iter().map(ToString::to_string).collect()
}

impl std::fmt::Display for TaskCall {
    /// For people: `clear-cache (region = eu)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let args: Vec<String> = self.args.iter().map(|arg| format!("{} = {}", arg.name, arg.value)).collect();
        match args.as_slice() {
            [] => write!(f, "{}", self.task),
            args => write!(f, "{} ({})", self.task, args.join(", ")),
        }
    }
}

impl Service {
    fn describe(&self, text: &mut String) {
        fact(text, "path", Some(self.path.as_str()));
        fact(text, "about", self.about.as_deref());
        facts(text, "owners", &self.owners);
        fact(text, "deployment", self.deployment.as_deref());
        facts(text, "dashboards", &self.dashboards);
        facts(text, "runbooks", &named(&self.runbooks));
        fact(text, "environment", self.environment.as_ref().map(RecordId::as_str));
    }
}

impl Runbook {
    fn describe(&self, text: &mut String) {
        fact(text, "about", self.about.as_deref());
        facts(text, "symbols", &named(&self.symbols));
        for failure in &self.failures {
            let _ = writeln!(text, "failure mode: {}", failure.id);
            facts(text, "  looks like", &failure.looks_like);
            fact(text, "  cause", failure.cause.as_deref());
            facts(text, "  approved remediations", &named(&failure.remediations));
        }
    }
}

impl Environment {
    fn describe(&self, text: &mut String) {
        fact(text, "about", self.about.as_deref());
        fact(text, "effects at most", self.sandbox.map(SandboxMode::name));
        if let Some(actions) = &self.actions {
            facts(text, "allowed procedures", &named(actions));
        }
    }
}

impl Procedure {
    fn describe(&self, text: &mut String) {
        fact(text, "about", self.about.as_deref());
        facts(text, "preconditions", &calls(&self.preconditions));
        facts(text, "steps", &calls(&self.steps));
        facts(text, "rollback", &calls(&self.rollback));
    }
}

impl Maintained {
    fn describe(&self, text: &mut String) {
        fact(text, "standing", self.standing.warning());
        fact(text, "cause", Some(&self.cause));
        fact(text, "change", Some(&self.change));
        facts(text, "evidence", &self.evidence);
        let symbols: Vec<String> =
            self.symbols.iter().map(|it| format!("{} in {}", it.symbol, it.path)).collect();
        facts(text, "symbols", &symbols);
    }
}
