//! A memory file as it is written. The types here read the file and generate its published
//! schema.

use super::Standing;
use crate::limits::{
    LOOKS_LIKE_BYTES_MIN, MASKED_BYTES_MIN, MEMORY_FILE_RECORDS_MAX, MEMORY_ITEMS_MAX, MEMORY_LINE_BYTES_MAX,
};
use crate::path::{WorkspacePath, is_ignorable};
use crate::policy::{ApprovalMode, SandboxMode};
use crate::redact::can_mask;
use crate::yaml::checked_text;
use crate::yaml::mapping::mapping;
use crate::yaml::read::{Label, Name, Prose, Version, shown, text};
use crate::yaml::{Node, Placed, Problems, Read, read_choices};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use toml::value::Datetime;

/// What to write in place of keys that people expect here and that records have not.
fn hint(name: &str) -> Option<&'static str> {
    match name {
        "command" | "run" | "shell" | "script" | "argv" | "cmd" => {
            Some("a record holds no commands: declare a task in `.openexec/tasks.yaml` and name it")
        }
        "password" | "token" | "secret" | "key" | "credentials" => {
            Some("a record holds no secrets; it is shared, and shown to models")
        }
        "prompt" | "instructions" | "instruction" => {
            Some("a record states facts and instructs nobody; what is to be done stands in a blueprint")
        }
        "name" => Some("write `id`"),
        "date" | "time" | "when" => Some("write `written`"),
        "tags" => Some("write `labels`, which egress rules name"),
        _ => None,
    }
}

read_choices!(Standing);

mapping! {
    pub(super), hint;
    /// Records that a team shares through git: `.openexec/memory/*.yaml`.
    #[schemars(title = "OpenExec memory", extend("required" = ["version"]))]
    RecordsFile, "a memory file" {
        /// The version of the format: 1.
        "version" version: Version,
        /// Why symbols are as they are.
        #[schemars(length(max = MEMORY_FILE_RECORDS_MAX))]
        "symbols" symbols: Vec<Placed<SymbolFile>>,
        /// Services: where they lie, whose they are, where they run.
        #[schemars(length(max = MEMORY_FILE_RECORDS_MAX))]
        "services" services: Vec<Placed<ServiceFile>>,
        /// How services fail, and what is approved against it.
        #[schemars(length(max = MEMORY_FILE_RECORDS_MAX))]
        "runbooks" runbooks: Vec<Placed<RunbookFile>>,
        /// Where things run, and what may be done there.
        #[schemars(length(max = MEMORY_FILE_RECORDS_MAX))]
        "environments" environments: Vec<Placed<EnvironmentFile>>,
        /// Declared tasks in their order, as one thing to do.
        #[schemars(length(max = MEMORY_FILE_RECORDS_MAX))]
        "procedures" procedures: Vec<Placed<ProcedureFile>>,
        /// What was changed once, and why.
        #[schemars(length(max = MEMORY_FILE_RECORDS_MAX))]
        "maintenance" maintenance: Vec<Placed<MaintenanceFile>>,
    }
}

/// Defines records: their own keys, and those that every record has.
macro_rules! record {
    (
        $(#[$attribute:meta])*
        $type:ident, $what:literal {
            $($(#[$field_attribute:meta])* $key:literal $field:ident: $value:ty,)*
        }
    ) => {
        mapping! {
            pub(super), hint;
            $(#[$attribute])*
            $type, $what {
                /// Unique among the records of its kind.
                "id" id: Name,
                $($(#[$field_attribute])* $key $field: $value,)*
                /// Who wrote it.
                "author" author: Line,
                /// When: `2026-03-01`, or with a time.
                "written" written: Moment,
                /// What it was taken from: an incident, a decision, a run.
                "source" source: Line,
                /// Labels that egress rules of policies name.
                #[schemars(extend("uniqueItems" = true), length(max = MEMORY_ITEMS_MAX))]
                "labels" labels: Vec<Placed<Label>>,
                /// Texts that are masked in whatever leaves for a model, not only in this record.
                #[schemars(extend("uniqueItems" = true), length(max = MEMORY_ITEMS_MAX))]
                "redact" redact: Vec<Placed<Masked>>,
            }
        }
    };
}

record! {
    /// Why a symbol is as it is.
    #[schemars(rename = "Symbol", extend("required" = ["id", "at", "why"]))]
    SymbolFile, "a symbol record" {
        /// The symbol.
        "at" at: AnchorFile,
        /// Why.
        "why" why: Prose,
    }
}

mapping! {
    pub(super), hint;
    /// Where a record points.
    #[schemars(rename = "Anchor", extend("required" = ["path", "symbol"]))]
    AnchorFile, "`at`" {
        /// The file.
        "path" path: Place,
        /// The qualified name, as the editor's outline of the file shows it.
        "symbol" symbol: Line,
        /// What `openexec memory` writes, by which the symbol is found again when it has moved.
        "anchor" anchor: AnchorText,
    }
}

record! {
    /// A service.
    #[schemars(rename = "Service", extend("required" = ["id", "path"]))]
    ServiceFile, "a service record" {
        /// The folder or the file that it is made of.
        "path" path: Place,
        /// What it is for.
        "about" about: Prose,
        /// Who answers for it.
        #[schemars(length(max = MEMORY_ITEMS_MAX))]
        "owners" owners: Vec<Placed<Line>>,
        /// How it gets to where it runs.
        "deployment" deployment: Prose,
        /// Where it can be watched.
        #[schemars(length(max = MEMORY_ITEMS_MAX))]
        "dashboards" dashboards: Vec<Placed<Line>>,
        /// Its runbooks, by id.
        #[schemars(length(max = MEMORY_ITEMS_MAX))]
        "runbooks" runbooks: Vec<Placed<Name>>,
        /// Where it runs: the id of an environment.
        "environment" environment: Name,
    }
}

record! {
    /// How something fails, and what may be done about it.
    #[schemars(rename = "Runbook", extend("required" = ["id", "failures"]))]
    RunbookFile, "a runbook record" {
        /// What it is about.
        "about" about: Prose,
        /// The ids of symbol records that matter here.
        #[schemars(length(max = MEMORY_ITEMS_MAX))]
        "symbols" symbols: Vec<Placed<Name>>,
        /// The ways to fail.
        #[schemars(length(min = 1, max = MEMORY_ITEMS_MAX))]
        "failures" failures: Vec<Placed<FailureFile>>,
    }
}

mapping! {
    pub(super), hint;
    /// One way to fail.
    #[schemars(rename = "Failure", extend("required" = ["id", "looks_like"]))]
    FailureFile, "a failure mode" {
        /// Unique in the runbook.
        "id" id: Name,
        /// Texts of which one in the failing output is enough to know it by. Case and blanks do not
        /// count.
        #[schemars(length(min = 1, max = MEMORY_ITEMS_MAX))]
        "looks_like" looks_like: Vec<Placed<Telling>>,
        /// What is behind it.
        "cause" cause: Prose,
        /// The ids of the procedures that are approved for it, the preferred one first.
        #[schemars(length(max = MEMORY_ITEMS_MAX))]
        "remediations" remediations: Vec<Placed<Name>>,
    }
}

record! {
    /// Where something runs, and what may be done there.
    #[schemars(rename = "Environment", extend("required" = ["id"]))]
    EnvironmentFile, "an environment record" {
        /// What it is.
        "about" about: Prose,
        /// How far effects may reach at most where a run is about it.
        "sandbox" sandbox: SandboxMode,
        /// When a proposal waits for the user where a run is about it.
        "approval_mode" approval_mode: ApprovalMode,
        /// The ids of the procedures that may be carried out for it. Without this key: every one
        /// that a runbook approves.
        #[schemars(length(max = MEMORY_ITEMS_MAX))]
        "actions" actions: Vec<Placed<Name>>,
        /// Addresses and host names that are masked in whatever leaves for a model.
        #[schemars(extend("uniqueItems" = true), length(max = MEMORY_ITEMS_MAX))]
        "masked" masked: Vec<Placed<Masked>>,
    }
}

record! {
    /// Declared tasks in their order, as one thing to do.
    #[schemars(rename = "Procedure", extend("required" = ["id", "steps"]))]
    ProcedureFile, "a procedure record" {
        /// What it achieves.
        "about" about: Prose,
        /// Tasks that must succeed before anything is done.
        #[schemars(length(max = MEMORY_ITEMS_MAX))]
        "preconditions" preconditions: Vec<Placed<CallFile>>,
        /// What is done.
        #[schemars(length(min = 1, max = MEMORY_ITEMS_MAX))]
        "steps" steps: Vec<Placed<CallFile>>,
        /// What is done when a step has failed.
        #[schemars(length(max = MEMORY_ITEMS_MAX))]
        "rollback" rollback: Vec<Placed<CallFile>>,
    }
}

mapping! {
    pub(super), hint;
    /// A declared task, with values for its parameters.
    #[schemars(rename = "Call", extend("required" = ["task"]))]
    CallFile, "a step" {
        /// The task's name in `.openexec/tasks.yaml`.
        "task" task: Label,
        /// Values for its parameters.
        #[schemars(length(max = MEMORY_ITEMS_MAX))]
        "args" args: Vec<Placed<ArgFile>>,
    }
}

mapping! {
    pub(super), hint;
    /// A value for a parameter.
    #[schemars(rename = "Arg", extend("required" = ["name", "value"]))]
    ArgFile, "an argument" {
        /// The parameter's name.
        "name" name: Name,
        /// Its value.
        "value" value: Line,
    }
}

record! {
    /// What was changed once, and why.
    #[schemars(rename = "Maintenance", extend("required" = ["id", "cause", "change"]))]
    MaintenanceFile, "a maintenance record" {
        /// Why something had to be done.
        "cause" cause: Prose,
        /// What was done.
        "change" change: Prose,
        /// How it was shown to hold.
        #[schemars(length(max = MEMORY_ITEMS_MAX))]
        "evidence" evidence: Vec<Placed<Prose>>,
        /// The symbols it was done to.
        #[schemars(length(max = MEMORY_ITEMS_MAX))]
        "symbols" symbols: Vec<Placed<AnchorFile>>,
        /// How it ended. Without this key: `done`. What is not done is shown as such and is no advice.
        "standing" standing: Standing,
    }
}

/// What the schema says of a [`Moment`]: the length of months is left to the reader.
const MOMENT: &str = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\
    ([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$";

checked_text! {
    pub(super),
    /// One line for people.
    Line, line, { "type": "string", "minLength": 1, "maxLength": MEMORY_LINE_BYTES_MAX };
    /// A day, or a moment.
    Moment, moment, { "type": "string", "pattern": MOMENT };
    /// A file or a folder of the workspace.
    Place, place, { "type": "string", "minLength": 1 };
    /// What the program writes into an anchor.
    AnchorText, anchor, { "type": "string", "minLength": 2 };
    /// A text that no model sees.
    Masked, masked, { "type": "string", "minLength": MASKED_BYTES_MIN, "maxLength": MEMORY_LINE_BYTES_MAX };
    /// A text by which a failure is known.
    Telling, telling, { "type": "string", "minLength": LOOKS_LIKE_BYTES_MIN, "maxLength": MEMORY_LINE_BYTES_MAX };
}

fn line(text: &str) -> Result<(), String> {
    let good = !text.trim().is_empty()
        && text.len() <= MEMORY_LINE_BYTES_MAX
        && !text.chars().any(|it| it.is_control() || is_ignorable(it));
    let remedy =
        || format!("write one line of at most {MEMORY_LINE_BYTES_MAX} bytes, without invisible characters");
    good.then_some(()).ok_or_else(remedy)
}

fn moment(text: &str) -> Result<(), String> {
    // A form of ISO 8601 that TOML knows as well: a day of the calendar, a time of the day.
    let moment = text.parse::<Datetime>().ok();
    let is_good = moment.is_some_and(|moment| moment.date.is_some());
    is_good
        .then_some(())
        .ok_or_else(|| "write a day that there is, such as `2026-03-01`, or a day and a time".to_owned())
}

fn place(text: &str) -> Result<(), String> {
    WorkspacePath::parse(text)
        .map(|_| ())
        .map_err(|error| format!("{error}; write a path such as `services/billing`"))
}

fn anchor(text: &str) -> Result<(), String> {
    let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text);
    object.map(|_| ()).map_err(|_| {
        "leave the key out and run `openexec memory relocate`, which writes what belongs here".to_owned()
    })
}

fn masked(text: &str) -> Result<(), String> {
    line(text)?;
    if text.trim().len() < MASKED_BYTES_MIN {
        return Err(format!(
            "write at least {MASKED_BYTES_MIN} bytes: shorter texts occur in ordinary words"
        ));
    }
    match can_mask(text) {
        true => Ok(()),
        false => Err(UNMASKABLE.to_owned()),
    }
}

/// What to write in place of a text that [`can_mask`] refuses.
pub(super) const UNMASKABLE: &str = "this word stands in the placeholders of what is masked, so that it cannot be \
    masked itself; write more of the text that it stands in, or leave it out";

fn telling(text: &str) -> Result<(), String> {
    line(text)?;
    if text.trim().len() < LOOKS_LIKE_BYTES_MIN {
        return Err(format!("write at least {LOOKS_LIKE_BYTES_MIN} bytes: shorter texts occur everywhere"));
    }
    Ok(())
}
