//! What is wrong with a file of ours, each with its bytes: everything that the loaders say, and
//! what only the workspace shows.

use super::{Kind, Known, OwnFile, memory};
use crate::config::UserConfig;
use crate::lsp::protocol::{
    Diagnostic as WireDiagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString,
    Url,
};
use crate::lsp::trust::TrustState;
use crate::memory::Edit;
use crate::tasks::{self, TASKS_FILE};
use openexec_engine::blueprint::{Diagnostic, Mend, examine};
use openexec_engine::outline::Node;
use openexec_engine::policy::Policy;
use openexec_engine::policy::rules::{self, Scope};
use std::ops::Range;

/// Something that is to be said about a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) bytes: Range<usize>,
    pub(super) severity: DiagnosticSeverity,
    /// What kind of finding, for filters of people.
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) related: Vec<(Range<usize>, String)>,
    pub(super) mend: Option<Mend>,
    /// Other edits that a person may choose.
    pub(super) offers: Vec<(String, Vec<Edit>)>,
}

/// The code of the finding that trust is missing.
pub(super) const UNTRUSTED: &str = "untrusted";

/// Everything that is to be said about a file, in its order.
pub(super) fn diagnose(file: &OwnFile, known: &Known) -> Vec<Found> {
    let mut found = match file.kind {
        Kind::Blueprint => blueprint(file, known),
        Kind::Policy(scope) => policy(file, scope, known),
        Kind::Tasks => tasks(file, known),
        Kind::Config => config(file),
        Kind::Memory => memory::diagnose(file, known),
    };
    found.extend(untrusted(file, known));
    found.sort_by_key(|found| found.bytes.start);
    found
}

impl Found {
    /// As the protocol has it.
    pub(super) fn to_wire(&self, file: &OwnFile, takes_related: bool) -> WireDiagnostic {
        let related = self.related.iter().filter_map(|(bytes, message)| {
            let location = Location { uri: Url::parse(&file.uri).ok()?, range: file.range(bytes) };
            Some(DiagnosticRelatedInformation { location, message: message.clone() })
        });
        let related: Vec<_> = if takes_related { related.collect() } else { Vec::new() };
        WireDiagnostic {
            range: file.range(&self.bytes),
            severity: Some(self.severity),
            code: Some(NumberOrString::String(self.code.to_owned())),
            source: Some("openexec".to_owned()),
            message: self.message.clone(),
            related_information: (!related.is_empty()).then_some(related),
            ..WireDiagnostic::default()
        }
    }
}

fn blueprint(file: &OwnFile, known: &Known) -> Vec<Found> {
    let said = examine(&file.name(), &file.text).diagnostics;
    let mut found: Vec<Found> = said.iter().map(|said| of_loader(file, "blueprint", said)).collect();
    let (Some(tasks), true) =
        (&known.tasks, file.path.components().any(|part| part.as_os_str() == ".openexec"))
    else {
        return found;
    };
    let names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
    for named in file.sketch().stages.iter().filter_map(|stage| stage.task.as_ref()) {
        if !names.contains(&named.name.as_str()) {
            let near = nearest(&named.name, &names);
            let remedy = match &near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("declare it in {TASKS_FILE}"),
            };
            found.push(Found {
                bytes: named.range.clone(),
                severity: DiagnosticSeverity::WARNING,
                code: "task",
                message: format!("this workspace declares no task `{}`; {remedy}", named.name),
                related: Vec::new(),
                mend: near.map(Mend::Instead),
                offers: Vec::new(),
            });
        }
    }
    found
}

fn nearest(word: &str, names: &[&str]) -> Option<String> {
    openexec_engine::outline::nearest(word, names).map(str::to_owned)
}

fn policy(file: &OwnFile, scope: Scope, known: &Known) -> Vec<Found> {
    let name = file.name();
    let declaration = match rules::load(scope, &name, &file.text) {
        Ok(declaration) => declaration,
        Err(error) => return error.diagnostics.iter().map(|said| of_loader(file, "policy", said)).collect(),
    };
    let merged = match scope {
        Scope::User => rules::merge(Some(&declaration), None),
        Scope::Workspace => {
            // What is wrong with the user's own file is said there.
            let user =
                known.user_policy.as_ref().and_then(|(name, text)| rules::load(Scope::User, name, text).ok());
            rules::merge(user.as_ref(), Some(&declaration))
        }
    };
    match merged {
        Ok(snapshot) => Policy::new(&snapshot)
            .fault()
            .map(|fault| {
                let message = format!("the rules cannot be used together: {fault}; split or shorten them");
                error_at(file, "policy", first_word(file), message)
            })
            .into_iter()
            .collect(),
        Err(error) => {
            let ours = error.diagnostics.iter().filter(|said| said.file == name);
            ours.map(|said| of_loader(file, "policy", said)).collect()
        }
    }
}

fn tasks(file: &OwnFile, known: &Known) -> Vec<Found> {
    let checked = match &known.root {
        Some(root) => tasks::declared_as_written(root, &file.text).map(|_| ()),
        None => tasks::check(&file.text),
    };
    match checked {
        Ok(()) => Vec::new(),
        Err(error) => vec![of_sentence(file, "tasks", &error.to_string(), TASKS_FILE)],
    }
}

fn config(file: &OwnFile) -> Vec<Found> {
    match UserConfig::of_text(&file.path, &file.text) {
        Ok(_) => Vec::new(),
        Err(error) => {
            vec![of_sentence(file, "config", &format!("{error:#}"), &file.path.display().to_string())]
        }
    }
}

/// What trust has to do with the file: nothing of it runs without.
fn untrusted(file: &OwnFile, known: &Known) -> Option<Found> {
    let root = known.root.as_ref()?;
    let Some(TrustState::Untrusted { changes, .. }) = &known.trust else { return None };
    if !file.path.starts_with(root.join(".openexec")) {
        return None;
    }
    let what = match changes.is_first {
        true => "you have not trusted what this workspace declares",
        false => "what this workspace declares has changed since you trusted it",
    };
    Some(Found {
        bytes: first_word(file),
        severity: DiagnosticSeverity::INFORMATION,
        code: UNTRUSTED,
        message: format!(
            "{what}; nothing of it runs or is loaded until you do, in the menu here or with `openexec trust`"
        ),
        related: Vec::new(),
        mend: None,
        offers: Vec::new(),
    })
}

fn error_at(file: &OwnFile, code: &'static str, bytes: Range<usize>, message: String) -> Found {
    let bytes = bytes.start.min(file.text.len())..bytes.end.min(file.text.len());
    let severity = DiagnosticSeverity::ERROR;
    Found { bytes, severity, code, message, related: Vec::new(), mend: None, offers: Vec::new() }
}

pub(super) fn of_loader(file: &OwnFile, code: &'static str, said: &Diagnostic) -> Found {
    // What is said of the whole file stands at its first key, not at a comment before it.
    let is_whole = (said.line, said.column) == (1, 1);
    let bytes = match is_whole && file.outline.beginning_at(0).is_none() && file.outline.root().is_some() {
        true => first_word(file),
        false => bytes_at(file, said.line, said.column),
    };
    let message = format!("{}; {}", said.message, said.remedy);
    let place = |line, column| bytes_at(file, line, column);
    let related = said.related.iter().map(|it| (place(it.line, it.column), it.message.clone()));
    let code = if matches!(said.mend, Some(Mend::Gate(_))) { "ungated" } else { code };
    Found { mend: said.mend.clone(), related: related.collect(), ..error_at(file, code, bytes, message) }
}

/// From a sentence that begins with file, line and column, as our errors at the edge do.
fn of_sentence(file: &OwnFile, code: &'static str, sentence: &str, name: &str) -> Found {
    let rest = sentence.strip_prefix(name).unwrap_or(sentence);
    let mut parts = rest.trim_start_matches(':').splitn(3, ':');
    let numbers = [parts.next(), parts.next()].map(|part| part.and_then(|part| part.parse::<u32>().ok()));
    match (numbers, parts.next()) {
        ([Some(line), Some(column)], Some(said)) => {
            error_at(file, code, bytes_at(file, line, column), said.trim().to_owned())
        }
        _ => error_at(file, code, first_word(file), rest.trim_start_matches(':').trim().to_owned()),
    }
}

/// What a loader's place is about: the key or the value that begins there, or what is left of
/// the line; never nothing, and never more than one line.
pub(super) fn bytes_at(file: &OwnFile, line: u32, column: u32) -> Range<usize> {
    let byte = file.byte_of_place(line, column);
    let line = line_of(&file.text, byte);
    let end = match file.outline.beginning_at(byte) {
        Some(Node { range, .. }) => range.end.min(line.end),
        None => line.end,
    };
    let rest = file.text.get(byte..end).unwrap_or_default().trim_end();
    if rest.is_empty() {
        // At the end of a line, or of the file: what stands before it.
        let text = file.text.get(line.start..byte).unwrap_or_default();
        let start = text.rfind(|it: char| !it.is_whitespace()).map_or(line.start, |at| line.start + at);
        return start..byte;
    }
    byte..byte + rest.len()
}

fn line_of(text: &str, byte: usize) -> Range<usize> {
    let is_break = |it: char| matches!(it, '\n' | '\r');
    let start = text.get(..byte).and_then(|before| before.rfind(is_break)).map_or(0, |at| at + 1);
    let end = text.get(byte..).and_then(|after| after.find(is_break)).map_or(text.len(), |at| byte + at);
    start..end
}

/// The first key of the file, where something is to be said about all of it.
fn first_word(file: &OwnFile) -> Range<usize> {
    let first = file.outline.root().and_then(|root| root.entries().first());
    first.map_or(0..0, |entry| entry.key.range.clone())
}
