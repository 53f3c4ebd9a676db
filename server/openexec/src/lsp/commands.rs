//! Commands of the user: from the JSON of `workspace/executeCommand` to types, and from a
//! vague wish ("apply") to the one run that can be meant.

mod of_memory;

pub(super) use self::of_memory::{
    ConfirmArguments, ForgetArguments, OfferedPlace, RememberArguments, SymbolPlace,
};

use super::actions::{RunLine, short, undone_last};
use super::documents::OpenFile;
use super::protocol::Range;
use super::roots::{Roots, below};
use super::uri;
use crate::driver::StartRequest;
use crate::limits::{DIAGNOSTICS_MAX, RELATED_MAX};
use openexec_engine::digest::Digest;
use openexec_engine::edit::Part;
use openexec_engine::ids::{BlueprintName, ModelName, RunId};
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::{DiagnosticInput, Inputs, Outcome, RelatedPlace, Target};
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The ids that are advertised. They are the same in every session, so that a client can
/// bind keys to them.
pub(super) const IDS: [&str; 18] = [
    "openexec.run",
    "openexec.cancel",
    "openexec.review",
    "openexec.request",
    "openexec.apply",
    "openexec.discard",
    "openexec.accept",
    "openexec.reject",
    "openexec.undo",
    "openexec.resume",
    "openexec.status",
    "openexec.report",
    "openexec.trust",
    "openexec.graph",
    "openexec.remember",
    "openexec.known",
    "openexec.confirm",
    "openexec.forget",
];

/// What the user wants done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wish {
    Run(Box<RunArguments>),
    Cancel(OfRun),
    Review(OfRun),
    Request(OfRequest),
    Apply(OfRun),
    Discard(OfRun),
    /// Parts of a proposal; all of them together apply it.
    Accept(OfParts),
    Reject(OfParts),
    Undo(OfRun),
    Resume(OfRun),
    /// How all runs stand, or what happened in one.
    Status(OfRun),
    /// The page of a run.
    Report(OfRun),
    Trust(TrustArguments),
    Graph(GraphArguments),
    Remember(RememberArguments),
    Known(SymbolPlace),
    /// The place of one of the user's own records.
    Confirm(ConfirmArguments),
    Forget(ForgetArguments),
}

/// The arguments of `openexec.run`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunArguments {
    #[serde(default)]
    pub(super) blueprint: Option<BlueprintName>,
    #[serde(default)]
    pub(super) uri: Option<String>,
    #[serde(default)]
    pub(super) range: Option<Range>,
    #[serde(default)]
    pub(super) version: Option<i32>,
    #[serde(default)]
    pub(super) instruction: Option<String>,
    #[serde(default)]
    pub(super) failing_test: Option<String>,
    #[serde(default)]
    pub(super) diagnostics: Vec<SaidDiagnostic>,
    #[serde(default)]
    pub(super) patch: Option<String>,
    #[serde(default)]
    pub(super) model: Option<ModelName>,
}

/// What another server says, as far as it is of use. Anything else in it is passed over.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct SaidDiagnostic {
    range: Range,
    message: String,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    code: Option<Value>,
    #[serde(default, rename = "relatedInformation")]
    related: Vec<SaidPlace>,
}

/// Another place that a diagnostic speaks of.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct SaidPlace {
    location: SaidLocation,
    message: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct SaidLocation {
    uri: String,
    range: Range,
}

/// The arguments of commands about one run.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfRun {
    /// Its id, or its beginning or end; the obvious one when absent.
    #[serde(default)]
    pub(super) run: Option<String>,
    /// The proposal that the user has seen.
    #[serde(default)]
    pub(super) proposal: Option<Digest>,
}

/// The arguments of `openexec.request`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfRequest {
    /// The run's id, or its beginning or end; the obvious one when absent.
    #[serde(default)]
    pub(super) run: Option<String>,
    /// Which request of it, counted from 1; the last one when absent.
    #[serde(default)]
    pub(super) number: Option<usize>,
}

/// The arguments of `openexec.accept` and `openexec.reject`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfParts {
    /// The run, as in [`OfRun`].
    #[serde(default)]
    pub(super) run: Option<String>,
    /// The proposal that the user has seen.
    #[serde(default)]
    pub(super) proposal: Option<Digest>,
    /// What is taken, or left out: `src/lib.rs`, or `src/lib.rs:2` for its second hunk.
    parts: Vec<String>,
}

impl OfParts {
    /// The parts.
    ///
    /// # Errors
    /// When one of them cannot be a part.
    pub(super) fn parts(&self) -> Result<Vec<Part>, String> {
        let part = |text: &String| text.parse().map_err(|error| format!("`{text}` is no part: {error}"));
        self.parts.iter().map(part).collect()
    }
}

/// The arguments of `openexec.trust`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrustArguments {
    /// A file of the workspace.
    #[serde(default)]
    pub(super) uri: Option<String>,
    /// The content that the user has seen.
    #[serde(default)]
    pub(super) content: Option<Digest>,
    /// The commands that the user has seen.
    #[serde(default)]
    pub(super) commands: Option<Vec<String>>,
    /// Only shows what would be trusted.
    #[serde(default)]
    pub(super) review: bool,
}

/// The arguments of `openexec.graph`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GraphArguments {
    /// A blueprint file; what the editor shows of it counts.
    #[serde(default)]
    pub(super) uri: Option<String>,
    /// Or the name of a blueprint; the file that the user touched last when neither is given.
    #[serde(default)]
    pub(super) blueprint: Option<BlueprintName>,
}

/// Reads a command.
///
/// # Errors
/// Says what to write instead.
pub(super) fn parse(command: &str, arguments: Vec<Value>) -> Result<Wish, String> {
    let argument = single(arguments)?;
    let of_run = |argument: Option<Value>| match argument {
        // `:lsp-workspace-command openexec.apply 1a2b3c`
        Some(Value::String(run)) => Ok(OfRun { run: Some(run), proposal: None }),
        other => shaped(other, "{\"run\": \"…\"}"),
    };
    Ok(match command {
        "openexec.run" => {
            let wanted = "{\"blueprint\": \"…\", \"instruction\": \"…\"}";
            match argument {
                None | Some(Value::String(_)) => {
                    return Err(format!("`openexec.run` needs one argument: {wanted}"));
                }
                some => Wish::Run(Box::new(read(some.unwrap_or_default(), wanted)?)),
            }
        }
        "openexec.cancel" => Wish::Cancel(of_run(argument)?),
        "openexec.review" => Wish::Review(of_run(argument)?),
        "openexec.request" => Wish::Request(match argument {
            Some(Value::String(run)) => OfRequest { run: Some(run), number: None },
            other => shaped(other, "{\"run\": \"…\", \"number\": 1}")?,
        }),
        "openexec.apply" => Wish::Apply(of_run(argument)?),
        "openexec.discard" => Wish::Discard(of_run(argument)?),
        "openexec.accept" => {
            Wish::Accept(shaped(argument, "{\"run\": \"…\", \"parts\": [\"src/lib.rs:2\"]}")?)
        }
        "openexec.reject" => {
            Wish::Reject(shaped(argument, "{\"run\": \"…\", \"parts\": [\"src/lib.rs:2\"]}")?)
        }
        "openexec.undo" => Wish::Undo(of_run(argument)?),
        "openexec.resume" => Wish::Resume(of_run(argument)?),
        "openexec.status" => Wish::Status(of_run(argument)?),
        "openexec.report" => Wish::Report(of_run(argument)?),
        "openexec.trust" => Wish::Trust(shaped(argument, "{\"uri\": \"…\"}")?),
        "openexec.graph" => Wish::Graph(match argument {
            // `:lsp-workspace-command openexec.graph fix_tests`
            Some(Value::String(name)) => {
                GraphArguments { uri: None, blueprint: Some(BlueprintName::new(name)) }
            }
            other => shaped(other, "{\"uri\": \"…\"} or {\"blueprint\": \"…\"}")?,
        }),
        "openexec.remember" => Wish::Remember(read(
            argument.unwrap_or_default(),
            "{\"uri\": \"…\", \"range\": …, \"why\": \"…\"}",
        )?),
        "openexec.known" => {
            Wish::Known(read(argument.unwrap_or_default(), "{\"uri\": \"…\", \"range\": …}")?)
        }
        "openexec.confirm" => Wish::Confirm(read(
            argument.unwrap_or_default(),
            "what the menu at the symbol gives: {\"uri\": …, \"kind\": …, \"id\": …, \"place\": …}",
        )?),
        "openexec.forget" => Wish::Forget(read(
            argument.unwrap_or_default(),
            "{\"kind\": \"symbol\", \"id\": \"…\"}, with \"uri\" where several folders are open",
        )?),
        other => return Err(format!("there is no command `{other}`; there are {}", IDS.join(", "))),
    })
}

/// The one argument. Helix and scripts may write an object as a text.
fn single(arguments: Vec<Value>) -> Result<Option<Value>, String> {
    let mut arguments = arguments.into_iter().filter(|argument| !argument.is_null());
    let argument = match arguments.next() {
        Some(Value::String(text)) if text.trim_start().starts_with('{') => Some(
            serde_json::from_str(&text)
                .map_err(|error| format!("the argument is not JSON: {error}; write one object"))?,
        ),
        other => other,
    };
    match arguments.next() {
        None => Ok(argument),
        Some(_) => Err("there is more than one argument; write one object".to_owned()),
    }
}

fn shaped<T: for<'de> Deserialize<'de> + Default>(
    argument: Option<Value>,
    wanted: &str,
) -> Result<T, String> {
    argument.map_or_else(|| Ok(T::default()), |argument| read(argument, wanted))
}

fn read<T: for<'de> Deserialize<'de>>(argument: Value, wanted: &str) -> Result<T, String> {
    serde_json::from_value(argument)
        .map_err(|error| format!("the argument cannot be used: {error}; write {wanted}"))
}

/// The one run that is meant: the named one, else the newest that fits when no other does.
///
/// # Errors
/// When nothing or more than one thing can be meant: with the candidates.
pub(super) fn meant<'a>(
    lines: &'a [RunLine],
    named: Option<&str>,
    fits: fn(&RunLine) -> bool,
    purpose: &str,
) -> Result<&'a RunLine, String> {
    if let Some(named) = named {
        let is_named = |line: &&RunLine| {
            let id = line.view.run.as_str();
            !named.is_empty() && (id.starts_with(named) || id.ends_with(named))
        };
        let mut found = lines.iter().filter(is_named);
        return match (found.next(), found.next()) {
            (None, _) => Err(format!("there is no run `{named}` here; {}", candidates(lines))),
            (Some(_), Some(_)) => Err(format!("`{named}` names several runs; {}", candidates(lines))),
            (Some(line), None) if fits(line) => Ok(line),
            (Some(line), None) => {
                let run = short(&line.view.run);
                Err(format!("run {run} cannot be {purpose} now: {}", standing(line)))
            }
        };
    }
    let fitting: Vec<&RunLine> = lines.iter().filter(|line| fits(line)).collect();
    match fitting.as_slice() {
        [] => Err(format!("no run can be {purpose} now; {}", candidates(lines))),
        [line] => Ok(line),
        several => {
            let several: Vec<RunLine> = several.iter().map(|line| (*line).clone()).collect();
            Err(format!("several runs can be {purpose}; name one of them: {}", candidates(&several)))
        }
    }
}

/// The run that an undo without a name is about: the newest whose edits stand in the files, else
/// the one that was undone last, in `order`. Nothing where that is not obvious.
pub(super) fn to_undo<'a>(lines: &'a [RunLine], order: &[RunId]) -> Option<&'a RunLine> {
    let applied = lines.iter().filter(|line| line.can_undo() && line.view.applied);
    // Ids grow with time.
    applied.max_by_key(|line| &line.view.run).or_else(|| undone_last(lines, order))
}

fn candidates(lines: &[RunLine]) -> String {
    if lines.is_empty() {
        return "no run has been started here".to_owned();
    }
    let line =
        |line: &RunLine| format!("{} ({}, {})", short(&line.view.run), line.view.blueprint, standing(line));
    lines.iter().map(line).collect::<Vec<_>>().join("; ")
}

/// How a run stands, in a few words.
pub(super) fn standing(line: &RunLine) -> String {
    use crate::driver::{Asked, RunStatus};
    match &line.view.status {
        RunStatus::Active if !line.driven => "interrupted".to_owned(),
        RunStatus::Active => format!("working: {}", line.view.activity),
        RunStatus::AwaitingApproval { what: Asked::Proposal { .. }, .. } => {
            "waiting for your decision".to_owned()
        }
        RunStatus::AwaitingApproval { what: Asked::Request(request), .. } => {
            format!("waiting for your yes before it sends {request}")
        }
        RunStatus::Paused { reason } => format!("paused: {reason}"),
        RunStatus::Ended { outcome, summary } => format!("{}: {summary}", ending(*outcome)),
    }
}

const fn ending(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Failed => "failed",
        Outcome::Cancelled => "cancelled",
        Outcome::Discarded => "discarded",
        Outcome::Undone => "undone",
    }
}

/// The workspace that a command without a file is about.
///
/// # Errors
/// When there is no workspace folder, or several and none is in the user's hands.
pub(super) fn obvious_root(roots: &Roots, focus: Option<&OpenFile>) -> Result<PathBuf, String> {
    if let Some(root) = focus.and_then(|file| roots.of_file(&file.path)) {
        return Ok(root.to_owned());
    }
    match roots.all().as_slice() {
        [] => Err("no workspace folder is open; open one".to_owned()),
        [root] => Ok(root.to_path_buf()),
        [_, _, ..] => {
            Err("several workspace folders are open; open a file of the one you mean, or name it as `uri`"
                .to_owned())
        }
    }
}

/// What a run is started with. `file` is the document named by the arguments, if it is open;
/// `path` its canonical path.
///
/// # Errors
/// When the place is not in a workspace folder, or the document has moved on.
pub(super) fn start_request(
    arguments: RunArguments,
    roots: &Roots,
    file: Option<&OpenFile>,
    path: Option<PathBuf>,
    focus: Option<&OpenFile>,
) -> Result<StartRequest, String> {
    if let (Some(said), Some(file)) = (arguments.version, file)
        && said != file.version
    {
        return Err("the document has changed since this was offered; open the menu again".to_owned());
    }
    let root = match &path {
        Some(path) => roots.of_file(path).map(PathBuf::from).ok_or_else(|| {
            format!("`{}` lies in no open workspace folder; open its folder", path.display())
        })?,
        None => obvious_root(roots, focus)?,
    };
    let within = match &path {
        Some(path) if *path == root => {
            return Err("a run is about a file, not about the folder; name a file of it, or leave `uri` out"
                .to_owned());
        }
        Some(path) => Some(below(&root, path).ok_or_else(|| {
            format!("`{}` has a name that cannot be worked with; rename it", path.display())
        })?),
        None => None,
    };
    // A file without a range means the whole of it.
    let whole = || file.map(|file| (1, u32::try_from(file.text.rope().len_lines()).unwrap_or(u32::MAX)));
    let target = within.clone().and_then(|path| {
        let lines = arguments.range.map(lines).or_else(whole)?;
        Some(Target { path, lines })
    });
    let mut diagnostics = Vec::new();
    if let Some(path) = &within {
        let said = arguments.diagnostics.into_iter().take(DIAGNOSTICS_MAX);
        diagnostics.extend(said.map(|said| said.of_file(&root, path.clone())));
    }
    Ok(StartRequest {
        root,
        blueprint: arguments.blueprint,
        inputs: Inputs {
            instruction: arguments.instruction,
            target,
            failing_test: arguments.failing_test,
            diagnostics,
            patch: arguments.patch,
        },
        model: arguments.model,
    })
}

impl SaidDiagnostic {
    fn of_file(self, root: &Path, path: WorkspacePath) -> DiagnosticInput {
        let code = self.code.map(|code| match code {
            Value::String(text) => text,
            other => other.to_string(),
        });
        DiagnosticInput {
            path,
            line: self.range.start.line.saturating_add(1),
            source: self.source.unwrap_or_else(|| "the editor".to_owned()),
            code,
            message: self.message,
            related: self
                .related
                .into_iter()
                .filter_map(|said| said.within(root))
                .take(RELATED_MAX)
                .collect(),
        }
    }
}

impl SaidPlace {
    /// The place, if it lies in the folder: what stands elsewhere, a library say, is nobody's to see.
    fn within(self, root: &Path) -> Option<RelatedPlace> {
        let path = below(root, &uri::canonical(&uri::path_of(&self.location.uri).ok()?))?;
        let line = self.location.range.start.line.saturating_add(1);
        Some(RelatedPlace { path, line, message: self.message })
    }
}

/// The lines of a range, counted from 1, both included. A range that ends before the first
/// column of a line does not reach that line.
fn lines(range: Range) -> (u32, u32) {
    let last = if range.end.character == 0 && range.end.line > range.start.line {
        range.end.line
    } else {
        range.end.line.saturating_add(1)
    };
    (range.start.line.saturating_add(1), last)
}

#[cfg(test)]
mod tests;
