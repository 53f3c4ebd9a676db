//! Records as the text of a memory file. What is written here reads as the same records.

use super::load::anchor_text;
use super::{Anchor, Body, Kind, Record, Standing, TaskCall};
use crate::policy::{ApprovalMode, SandboxMode};
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

/// The text of a file that holds these records, under their lists, in the order given.
///
/// # Errors
/// When the writer of YAML refuses.
pub fn to_yaml(records: &[Record]) -> Result<String, String> {
    let mut file = Out::new();
    file.put("version", Tree::Number(1));
    for kind in Kind::ALL {
        let of_kind = records.iter().filter(|record| record.kind() == kind);
        let list: Vec<Tree> = of_kind.map(|record| Tree::Mapping(tree(record).0)).collect();
        file.list(kind.list(), list);
    }
    serde_saphyr::to_string(&Tree::Mapping(file.0)).map_err(|error| error.to_string())
}

/// What is written, in its order.
enum Tree {
    Number(u32),
    Text(String),
    List(Vec<Tree>),
    Mapping(Vec<(&'static str, Tree)>),
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u32(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Mapping(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// A mapping that leaves out what is not there.
struct Out(Vec<(&'static str, Tree)>);

impl Out {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn put(&mut self, key: &'static str, value: Tree) {
        self.0.push((key, value));
    }

    fn text(&mut self, key: &'static str, text: impl ToString) {
        self.put(key, Tree::Text(text.to_string()));
    }

    fn maybe(&mut self, key: &'static str, text: Option<impl ToString>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    fn list(&mut self, key: &'static str, items: Vec<Tree>) {
        if !items.is_empty() {
            self.put(key, Tree::List(items));
        }
    }

    fn texts<T: ToString>(&mut self, key: &'static str, items: impl IntoIterator<Item = T>) {
        self.list(key, items.into_iter().map(|item| Tree::Text(item.to_string())).collect());
    }
}

fn tree(record: &Record) -> Out {
    let mut out = Out::new();
    out.text("id", &record.id);
    match &record.body {
        Body::Symbol(note) => {
            out.put("at", anchor(&note.at));
            out.text("why", &note.why);
        }
        Body::Service(service) => {
            out.text("path", &service.path);
            out.maybe("about", service.about.as_ref());
            out.texts("owners", &service.owners);
            out.maybe("deployment", service.deployment.as_ref());
            out.texts("dashboards", &service.dashboards);
            out.texts("runbooks", &service.runbooks);
            out.maybe("environment", service.environment.as_ref());
        }
        Body::Runbook(runbook) => {
            out.maybe("about", runbook.about.as_ref());
            out.texts("symbols", &runbook.symbols);
            let failures = runbook.failures.iter().map(|failure| {
                let mut out = Out::new();
                out.text("id", &failure.id);
                out.texts("looks_like", &failure.looks_like);
                out.maybe("cause", failure.cause.as_ref());
                out.texts("remediations", &failure.remediations);
                Tree::Mapping(out.0)
            });
            out.list("failures", failures.collect());
        }
        Body::Environment(environment) => {
            out.maybe("about", environment.about.as_ref());
            out.maybe("sandbox", environment.sandbox.map(SandboxMode::name));
            out.maybe("approval_mode", environment.approval_mode.map(approval));
            if let Some(actions) = &environment.actions {
                // An empty list says something else than none.
                let actions = actions.iter().map(|id| Tree::Text(id.to_string()));
                out.put("actions", Tree::List(actions.collect()));
            }
            out.texts("masked", &environment.masked);
        }
        Body::Procedure(procedure) => {
            out.maybe("about", procedure.about.as_ref());
            out.list("preconditions", procedure.preconditions.iter().map(call).collect());
            out.list("steps", procedure.steps.iter().map(call).collect());
            out.list("rollback", procedure.rollback.iter().map(call).collect());
        }
        Body::Maintenance(past) => {
            out.text("cause", &past.cause);
            out.text("change", &past.change);
            out.texts("evidence", &past.evidence);
            out.list("symbols", past.symbols.iter().map(anchor).collect());
            if past.standing != Standing::Done {
                out.text("standing", past.standing.name());
            }
        }
    }
    out.maybe("author", record.author.as_ref());
    out.maybe("written", record.written.as_ref());
    out.maybe("source", record.source.as_ref());
    out.texts("labels", &record.labels);
    out.texts("redact", &record.redact);
    out
}

fn anchor(anchor: &Anchor) -> Tree {
    let mut out = Out::new();
    out.text("path", &anchor.path);
    out.text("symbol", &anchor.symbol);
    out.maybe("anchor", anchor.pointer.as_deref().and_then(anchor_text));
    Tree::Mapping(out.0)
}

fn call(call: &TaskCall) -> Tree {
    let mut out = Out::new();
    out.text("task", &call.task);
    let args = call.args.iter().map(|arg| {
        let mut out = Out::new();
        out.text("name", &arg.name);
        out.text("value", &arg.value);
        Tree::Mapping(out.0)
    });
    out.list("args", args.collect());
    Tree::Mapping(out.0)
}

const fn approval(mode: ApprovalMode) -> &'static str {
    match mode {
        ApprovalMode::OnRiskyActions => "on_risky_actions",
        ApprovalMode::Always => "always",
    }
}
