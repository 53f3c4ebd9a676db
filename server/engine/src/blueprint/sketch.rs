//! A blueprint that is still being written: its stages and what they name, each with its place.
//! What cannot be read is absent. It judges nothing and nothing runs from it.

use super::DeterministicAction;
use super::names::PATCH;
use crate::outline::{Node, Outline};
use std::collections::BTreeSet;
use std::ops::Range;

/// A name where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Its bytes, quotes included.
    pub range: Range<usize>,
}

/// A stage as far as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SketchedStage {
    /// The whole stage.
    pub range: Range<usize>,
    /// `id`.
    pub id: Option<Named>,
    /// `type`.
    pub kind: Option<Named>,
    /// `action`.
    pub action: Option<Named>,
    /// `goal`.
    pub goal: Option<Named>,
    /// `task`.
    pub task: Option<Named>,
    /// `toolset`.
    pub toolset: Option<Named>,
    /// `on_success`.
    pub on_success: Option<Named>,
    /// `on_failure`.
    pub on_failure: Option<Named>,
    /// `inputs`.
    pub inputs: Vec<Named>,
    /// `outputs`.
    pub outputs: Vec<Named>,
}

/// A blueprint as far as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sketch {
    /// The name.
    pub name: Option<Named>,
    /// The inputs of a run that it declares; those of a file without such a list stand for no place.
    pub inputs: Vec<Named>,
    /// The stages, in the order of the file.
    pub stages: Vec<SketchedStage>,
}

impl SketchedStage {
    fn of(node: &Node) -> Self {
        let one = |key: &str| node.get(key).and_then(named);
        let all = |key: &str| named_items(node.get(key));
        Self {
            range: node.range.clone(),
            id: one("id"),
            kind: one("type"),
            action: one("action"),
            goal: one("goal"),
            task: one("task"),
            toolset: one("toolset"),
            on_success: one("on_success"),
            on_failure: one("on_failure"),
            inputs: all("inputs"),
            outputs: all("outputs"),
        }
    }

    /// Its id, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.id.as_ref().map(|id| id.name.as_str())
    }

    /// What its action is.
    pub fn does(&self) -> Option<DeterministicAction> {
        let name = self.action.as_ref()?.name.as_str();
        DeterministicAction::ALL.into_iter().find(|action| action.name() == name)
    }

    /// The artifacts that it leaves, declared or not.
    pub fn leaves(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = self.outputs.iter().map(|output| output.name.clone()).collect();
        match self.does() {
            Some(action) => drop(names.insert(action.output().to_owned())),
            // An agent stage that declares nothing may edit.
            None if self.outputs.is_empty() && self.action.is_none() => {
                names.insert(PATCH.to_owned());
            }
            None => {}
        }
        names
    }
}

impl Sketch {
    /// From an outline.
    pub fn of(outline: &Outline) -> Self {
        let Some(root) = outline.root() else { return Self::default() };
        let inputs = root.get("inputs").map(Node::items).unwrap_or_default();
        Self {
            name: root.get("name").and_then(named),
            inputs: inputs.iter().filter_map(|input| input.get("name").and_then(named)).collect(),
            stages: root
                .get("stages")
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .map(SketchedStage::of)
                .collect(),
        }
    }

    /// The stage of this id.
    pub fn stage(&self, id: &str) -> Option<&SketchedStage> {
        self.stages.iter().find(|stage| stage.name() == Some(id))
    }

    /// The stage whose text holds a byte.
    pub fn stage_at(&self, byte: usize) -> Option<&SketchedStage> {
        self.stages.iter().find(|stage| stage.range.start <= byte && byte <= stage.range.end)
    }

    /// The routes that name this stage.
    pub fn routes_to(&self, id: &str) -> Vec<&Named> {
        let routes = self.stages.iter().flat_map(|stage| [&stage.on_success, &stage.on_failure]);
        routes.flatten().filter(|route| route.name == id).collect()
    }

    /// The stages that lead on to this one, each after the other, in the order of the file.
    pub fn before(&self, at: usize) -> Vec<&SketchedStage> {
        let index = |route: &Named| self.stages.iter().position(|stage| stage.name() == Some(&route.name));
        let successors = |from: usize| {
            let Some(stage) = self.stages.get(from) else { return Vec::new() };
            let success = stage.on_success.as_ref().map_or(Some(from + 1), index);
            [success, stage.on_failure.as_ref().and_then(index)].into_iter().flatten().collect::<Vec<_>>()
        };
        let leads_there = |from: usize| {
            let (mut seen, mut waiting) = (BTreeSet::new(), successors(from));
            while let Some(next) = waiting.pop() {
                if seen.insert(next) {
                    waiting.extend(successors(next));
                }
            }
            seen.contains(&at)
        };
        self.stages
            .iter()
            .enumerate()
            .filter(|(from, _)| leads_there(*from))
            .map(|(_, stage)| stage)
            .collect()
    }

    /// The inputs of a run, where the file declares none those that it has then.
    pub fn run_inputs(&self) -> Vec<&str> {
        match self.inputs.is_empty() {
            true => vec!["instruction", "target"],
            false => self.inputs.iter().map(|input| input.name.as_str()).collect(),
        }
    }
}

fn named(node: &Node) -> Option<Named> {
    let name = node.text().filter(|text| !text.is_empty())?;
    Some(Named { name: name.to_owned(), range: node.range.clone() })
}

fn named_items(list: Option<&Node>) -> Vec<Named> {
    list.map(Node::items).unwrap_or_default().iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests;
