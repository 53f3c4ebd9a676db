//! From a name to its declaration, and to everywhere that it is used.

use super::memory::{Names, declared, named_at};
use super::{Kind, Known, OwnFile, pattern, range_in};
use crate::lsp::protocol::{Location, Position, Range as WireRange, TextEdit, Url};
use crate::tasks::TASKS_FILE;
use openexec_engine::blueprint::{Named, Sketch, SketchedStage};
use openexec_engine::limits::BLUEPRINT_NAME_BYTES_MAX;
use openexec_engine::memory::Kind as RecordKind;
use openexec_engine::outline::{Node, Outline, Role, Spot, Step};
use openexec_engine::text::Document;
use std::ops::Range;

/// A name that is declared somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// A stage, where it is declared or where a route leads to it.
    Stage(String),
    /// A task.
    Task(String),
    /// An artifact or an input of the run.
    Artifact(String),
    /// A toolset.
    Toolset(String),
    /// A record of memory.
    Record(RecordKind, String),
}

/// Which name stands at a place.
pub(super) fn word_at(file: &OwnFile, spot: &Spot<'_>) -> Option<Word> {
    if spot.role == Role::Key {
        return None;
    }
    let text = spot.node.text().filter(|text| !text.is_empty())?.to_owned();
    let steps = pattern(&spot.path);
    match (file.kind, steps.as_slice()) {
        (Kind::Blueprint, ["stages", "*", "id"]) => Some(Word::Stage(text)),
        (Kind::Blueprint, ["stages", "*", "on_success" | "on_failure"]) => {
            (!is_end(&text)).then_some(Word::Stage(text))
        }
        (Kind::Blueprint, ["stages", "*", "inputs" | "outputs", "*"]) => Some(Word::Artifact(text)),
        (Kind::Blueprint, ["stages", "*", "task"])
        | (Kind::Policy(_), ["rules", "*", "when", "tasks", "*"])
        | (Kind::Policy(_), ["rules", "*", "examples", _, "*", "task"])
        | (Kind::Tasks, ["disable", "*"])
        | (Kind::Tasks, ["tasks", "*", "name"]) => Some(Word::Task(text)),
        (Kind::Blueprint, ["stages", "*", "toolset"] | ["defaults", "toolset"]) => Some(Word::Toolset(text)),
        (Kind::Memory, steps) => named_at(steps).map(|names| match names {
            Names::Record(kind) => Word::Record(kind, text),
            Names::Task => Word::Task(text),
        }),
        _ => None,
    }
}

/// The toolset that is named at a position. It is declared in no file.
pub(in crate::lsp) fn toolset_at(file: &OwnFile, position: Position) -> Option<String> {
    let spot = file.outline.at(file.byte_of(position)?)?;
    match word_at(file, &spot)? {
        Word::Toolset(name) => Some(name),
        Word::Stage(_) | Word::Task(_) | Word::Artifact(_) | Word::Record(..) => None,
    }
}

fn is_end(name: &str) -> bool {
    matches!(name, "done" | "fail" | "paused")
}

/// Where the name at a position is declared.
pub(in crate::lsp) fn definition(file: &OwnFile, position: Position, known: &Known) -> Vec<Location> {
    let Some(spot) = file.byte_of(position).and_then(|byte| file.outline.at(byte)) else { return Vec::new() };
    let sketch = file.sketch();
    match word_at(file, &spot) {
        Some(Word::Stage(id)) => {
            here(file, sketch.stage(&id).and_then(|stage| stage.id.as_ref()).map(|id| &id.range))
        }
        Some(Word::Task(name)) => task(file, &name, known).into_iter().collect(),
        Some(Word::Artifact(name)) => {
            let at = match spot.path.get(1) {
                Some(Step::Item(at)) => *at,
                Some(Step::Key(_)) | None => return Vec::new(),
            };
            let is_output = matches!(spot.path.get(2), Some(Step::Key(key)) if key == "outputs");
            let stages =
                if is_output { sketch.stages.get(at).into_iter().collect() } else { sketch.before(at) };
            let mut places: Vec<Range<usize>> =
                stages.into_iter().filter_map(|stage| leaves(stage, &name)).collect();
            places.extend(
                sketch.inputs.iter().filter(|input| input.name == name).map(|input| input.range.clone()),
            );
            here(file, &places)
        }
        Some(Word::Record(kind, id)) => record(file, kind, &id, known).into_iter().collect(),
        Some(Word::Toolset(_)) | None => Vec::new(),
    }
}

/// A record's declaration: in this file, else in another memory file of the workspace.
fn record(file: &OwnFile, kind: RecordKind, id: &str, known: &Known) -> Option<Location> {
    if let Some(bytes) = declared(&file.outline, kind, id) {
        return here(file, [&bytes]).pop();
    }
    let root = known.root.as_ref()?;
    known.memory_files.iter().find_map(|(name, text)| {
        let bytes = declared(&Outline::read(text), kind, id)?;
        let uri = Url::from_file_path(root.join(name)).ok()?;
        Some(Location { uri, range: range_in(&Document::new(text), &bytes, file.encoding) })
    })
}

/// Where a stage says that it leaves an artifact.
fn leaves(stage: &SketchedStage, name: &str) -> Option<Range<usize>> {
    let declared = stage.outputs.iter().find(|output| output.name == name).map(|output| output.range.clone());
    declared.or_else(|| {
        let said = stage.action.as_ref().or(stage.id.as_ref())?;
        stage.leaves().contains(name).then(|| said.range.clone())
    })
}

fn here<'r>(file: &OwnFile, places: impl IntoIterator<Item = &'r Range<usize>>) -> Vec<Location> {
    let Ok(uri) = Url::parse(&file.uri) else { return Vec::new() };
    places.into_iter().map(|bytes| Location { uri: uri.clone(), range: file.range(bytes) }).collect()
}

/// A task's declaration: in the tasks file, else the manifest that it was detected from.
fn task(file: &OwnFile, name: &str, known: &Known) -> Option<Location> {
    if file.kind == Kind::Tasks
        && let Some(bytes) = declared_task(&file.outline, name)
    {
        return here(file, [&bytes]).pop();
    }
    let root = known.root.as_ref()?;
    if let Some(text) = &known.tasks_file
        && let Some(bytes) = declared_task(&Outline::read(text), name)
    {
        let uri = Url::from_file_path(root.join(TASKS_FILE)).ok()?;
        return Some(Location { uri, range: range_in(&Document::new(text), &bytes, file.encoding) });
    }
    let task = known.tasks.iter().flatten().find(|task| task.name.as_str() == name)?;
    let uri = Url::from_file_path(root.join(&task.origin)).ok()?;
    Some(Location { uri, range: WireRange::default() })
}

fn declared_task(outline: &Outline, name: &str) -> Option<Range<usize>> {
    let tasks = outline.root()?.get("tasks")?.items();
    let named = tasks.iter().filter_map(|task| task.get("name")).find(|it| it.text() == Some(name));
    named.map(|node: &Node| node.range.clone())
}

/// Everywhere that the stage at a position is named.
pub(in crate::lsp) fn references(
    file: &OwnFile,
    position: Position,
    with_declaration: bool,
) -> Vec<Location> {
    let sketch = file.sketch();
    let Some(id) = stage_at(file, position) else { return Vec::new() };
    let places = named(&sketch, &id, with_declaration);
    here(file, places.into_iter().map(|named| &named.range))
}

fn named<'s>(sketch: &'s Sketch, id: &str, with_declaration: bool) -> Vec<&'s Named> {
    let declared = sketch.stages.iter().filter_map(|stage| stage.id.as_ref()).filter(|it| it.name == id);
    let mut places: Vec<&Named> = declared.filter(|_| with_declaration).collect();
    places.extend(sketch.routes_to(id));
    places.sort_by_key(|named| named.range.start);
    places
}

fn stage_at(file: &OwnFile, position: Position) -> Option<String> {
    let spot = file.outline.at(file.byte_of(position)?)?;
    match word_at(file, &spot)? {
        Word::Stage(id) => Some(id),
        Word::Task(_) | Word::Artifact(_) | Word::Toolset(_) | Word::Record(..) => None,
    }
}

/// What would be renamed at a position.
pub(in crate::lsp) fn renamed_at(file: &OwnFile, position: Position) -> Option<(WireRange, String)> {
    let id = stage_at(file, position)?;
    let spot = file.outline.at(file.byte_of(position)?)?;
    file.sketch().stage(&id)?;
    Some((file.range(&spot.node.range), id))
}

/// The edits that give the stage at a position another id, everywhere in the file.
///
/// # Errors
/// When there is no stage, or it cannot be named so.
pub(in crate::lsp) fn rename(
    file: &OwnFile,
    position: Position,
    name: &str,
) -> Result<Vec<TextEdit>, String> {
    let sketch = file.sketch();
    let id = stage_at(file, position).filter(|id| sketch.stage(id).is_some());
    let Some(id) = id else {
        return Err("there is no stage here; place the cursor on a stage's id or on a route to it".to_owned());
    };
    let is_name = name.len() <= BLUEPRINT_NAME_BYTES_MAX
        && name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && name.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | '.'));
    if !is_name || is_end(name) {
        return Err(format!(
            "`{}` is no id for a stage; write letters, digits, `_`, `-` and `.`, and not `done`, `fail` or `paused`",
            name.escape_debug()
        ));
    }
    if name != id && sketch.stage(name).is_some() {
        return Err(format!("another stage is named `{name}`; choose another id"));
    }
    // A name that YAML would take for something else than a text is quoted.
    let is_plain = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && !matches!(
            name.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    let written = if is_plain { name.to_owned() } else { format!("\"{name}\"") };
    let edit = |named: &Named| TextEdit { range: file.range(&named.range), new_text: written.clone() };
    Ok(named(&sketch, &id, true).into_iter().map(edit).collect())
}
