//! What could be written at a place: the keys that the schema allows there, its closed sets of
//! values, and the names that the file or the workspace declares.

use super::{Kind, Known, OwnFile, memory, pattern};
use crate::limits::COMPLETIONS_MAX;
use crate::lsp::protocol::{CompletionItem, CompletionItemKind, CompletionTextEdit, Position, TextEdit};
use openexec_engine::blueprint::{DeterministicAction, Sketch};
use openexec_engine::ids::ToolsetName;
use openexec_engine::outline::{Key, Role, Site, Step, sites};
use openexec_engine::policy::toolset;
use std::collections::BTreeMap;

/// A word that can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) label: String,
    pub(super) kind: CompletionItemKind,
    /// In a few words.
    pub(super) detail: String,
    /// In sentences.
    pub(super) documentation: String,
    /// What is written, where it is more than the label.
    pub(super) text: String,
}

impl Word {
    pub(super) fn value(
        label: &str,
        kind: CompletionItemKind,
        detail: impl Into<String>,
        documentation: &str,
    ) -> Self {
        let (label, documentation) = (label.to_owned(), documentation.to_owned());
        Self { text: label.clone(), label, kind, detail: detail.into(), documentation }
    }
}

/// The items at a position.
pub(in crate::lsp) fn complete(file: &OwnFile, position: Position, known: &Known) -> Vec<CompletionItem> {
    let Some(byte) = file.byte_of(position) else { return Vec::new() };
    let mut words: BTreeMap<String, (Word, std::ops::Range<usize>)> = BTreeMap::new();
    let mut order = Vec::new();
    for site in sites(&file.text, byte) {
        for word in at(file, &site, known) {
            if !words.contains_key(&word.label) {
                order.push(word.label.clone());
                words.insert(word.label.clone(), (word, site.word.clone()));
            }
        }
    }
    let item = |(number, label): (usize, String)| {
        let (word, bytes) = words.remove(&label)?;
        Some(CompletionItem {
            kind: Some(word.kind),
            detail: (!word.detail.is_empty()).then_some(word.detail),
            documentation: (!word.documentation.is_empty())
                .then_some(crate::lsp::protocol::Documentation::String(word.documentation)),
            sort_text: Some(format!("{number:04}")),
            filter_text: Some(label.clone()),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit {
                range: file.range(&bytes),
                new_text: word.text,
            })),
            label,
            ..CompletionItem::default()
        })
    };
    order.into_iter().take(COMPLETIONS_MAX).enumerate().filter_map(item).collect()
}

fn at(file: &OwnFile, site: &Site, known: &Known) -> Vec<Word> {
    let schema = file.schema();
    match site.role {
        Role::Key => {
            let keys = schema.keys(&site.outline, &site.path);
            keys.into_iter()
                .filter(|key| !site.beside.contains(&key.name))
                .map(|key| keyed(key, site))
                .collect()
        }
        Role::Value => {
            let mut words = names(file, site, known);
            let named: Vec<String> = words.iter().map(|word| word.label.clone()).collect();
            let choices = schema.choices(&site.path);
            words.extend(choices.into_iter().filter(|choice| !named.contains(&choice.name)).map(|choice| {
                let documentation = match choice.description.is_empty() {
                    true => meaning(&choice.name),
                    false => choice.description,
                };
                Word::value(&choice.name, CompletionItemKind::ENUM_MEMBER, "", &documentation)
            }));
            if words.is_empty() {
                words = items_of_list(file, site, known);
            }
            words.retain(|word| !site.beside.contains(&word.label));
            words
        }
    }
}

fn keyed(key: Key, site: &Site) -> Word {
    let text = match (site.has_colon, key.is_nested) {
        (true, _) => key.name.clone(),
        (false, true) => format!("{}:", key.name),
        (false, false) => format!("{}: ", key.name),
    };
    let detail = if key.is_required { "required" } else { "" };
    Word {
        text,
        kind: CompletionItemKind::PROPERTY,
        ..Word::value(&key.name, CompletionItemKind::PROPERTY, detail, &key.description)
    }
}

/// Where a list is to be written: its first item, with the brackets.
fn items_of_list(file: &OwnFile, site: &Site, known: &Known) -> Vec<Word> {
    let mut path = site.path.clone();
    if matches!(path.last(), Some(Step::Item(_))) {
        return Vec::new();
    }
    path.push(Step::Item(0));
    let within = Site { path, ..site.clone() };
    let mut words = names(file, &within, known);
    let choices = file.schema().choices(&within.path);
    words.extend(
        choices.iter().map(|it| Word::value(&it.name, CompletionItemKind::ENUM_MEMBER, "", &it.description)),
    );
    words.into_iter().map(|word| Word { text: format!("[{}]", word.text), ..word }).collect()
}

/// What a name of ours means, where the schema only lists it.
pub(super) fn meaning(name: &str) -> String {
    match toolset(&ToolsetName::new(name)) {
        Some(set) => {
            let actions: Vec<String> = set.actions.iter().map(|kind| format!("`{}`", kind.name())).collect();
            format!("A model can use {}.", actions.join(", "))
        }
        None => String::new(),
    }
}

/// The names that the file or the workspace declares and that can stand at a place.
fn names(file: &OwnFile, site: &Site, known: &Known) -> Vec<Word> {
    let steps = pattern(&site.path);
    let stage = match site.path.get(1) {
        Some(Step::Item(at)) => *at,
        Some(Step::Key(_)) | None => 0,
    };
    match (file.kind, steps.as_slice()) {
        (Kind::Blueprint, ["stages", "*", "on_success" | "on_failure"]) => {
            routes(&Sketch::of(&site.outline), stage)
        }
        (Kind::Blueprint, ["stages", "*", "task"]) => tasks(known),
        (Kind::Blueprint, ["stages", "*", "inputs", "*"]) => artifacts(&Sketch::of(&site.outline), stage),
        (Kind::Blueprint, ["stages", "*", "outputs", "*"]) => outputs(),
        (Kind::Policy(_), ["rules", "*", "when", "tasks", "*"])
        | (Kind::Policy(_), ["rules", "*", "examples", _, "*", "task"])
        | (Kind::Tasks, ["disable", "*"]) => tasks(known),
        (Kind::Memory, steps) => memory::names(known, &site.outline, steps),
        (Kind::Config, ["default_model"] | ["roles", _]) => models(site),
        _ => Vec::new(),
    }
}

fn routes(sketch: &Sketch, from: usize) -> Vec<Word> {
    let others = sketch.stages.iter().enumerate().filter(|(at, _)| *at != from);
    let mut words: Vec<Word> = others
        .filter_map(|(_, stage)| {
            let does = stage.action.as_ref().or(stage.kind.as_ref()).map_or("", |it| it.name.as_str());
            let goal = stage.goal.as_ref().map_or("", |goal| goal.name.as_str());
            Some(Word::value(stage.name()?, CompletionItemKind::REFERENCE, does, goal.trim()))
        })
        .collect();
    for (end, means) in [
        ("done", "Ends the run well."),
        ("fail", "Ends the run with an error."),
        ("paused", "Halts the run until the user acts."),
    ] {
        words.push(Word::value(end, CompletionItemKind::KEYWORD, "end", means));
    }
    words
}

pub(super) fn tasks(known: &Known) -> Vec<Word> {
    let word = |task: &openexec_engine::task::Task| {
        Word::value(
            task.name.as_str(),
            CompletionItemKind::REFERENCE,
            task.origin.clone(),
            &task.argv.join(" "),
        )
    };
    known.tasks.iter().flatten().map(word).collect()
}

fn models(site: &Site) -> Vec<Word> {
    let models = site.outline.root().and_then(|root| root.get("models"));
    let entries = models.map(openexec_engine::outline::Node::entries).unwrap_or_default();
    let word = |entry: &openexec_engine::outline::Entry| {
        let api = entry.value.text_of("api").unwrap_or_default();
        Some(Word::value(entry.key.text()?, CompletionItemKind::REFERENCE, api, ""))
    };
    entries.iter().filter_map(word).collect()
}

fn artifacts(sketch: &Sketch, at: usize) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for stage in sketch.before(at) {
        for name in stage.leaves() {
            if !words.iter().any(|word| word.label == name) {
                let by = format!("left by {}", stage.name().unwrap_or("an earlier stage"));
                words.push(Word::value(&name, CompletionItemKind::VARIABLE, by, ""));
            }
        }
    }
    let inputs = sketch.run_inputs().into_iter().map(str::to_owned).collect::<Vec<_>>();
    let inputs = inputs.iter().filter(|input| !words.iter().any(|word| word.label == **input));
    let inputs: Vec<Word> = inputs
        .map(|input| Word::value(input, CompletionItemKind::VARIABLE, "input of the run", ""))
        .collect();
    words.extend(inputs);
    words
}

fn outputs() -> Vec<Word> {
    let mut words = vec![Word::value("patch", CompletionItemKind::VARIABLE, "edits", "The stage may edit.")];
    for action in DeterministicAction::ALL {
        if !words.iter().any(|word| word.label == action.output()) {
            words.push(Word::value(action.output(), CompletionItemKind::VARIABLE, action.name(), ""));
        }
    }
    words
}
