//! A blueprint's graph for people: as Mermaid, as a drawing of text, as data. It shows which
//! edges the proof walked and what was owed on them.

use super::graph::{Ending, Graph, Next};
use super::prove::{prove, walked};
use super::{Blueprint, DeterministicAction, Work};
use crate::ids::StageId;
use serde::Serialize;
use std::fmt::Write as _;

/// A blueprint's graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chart {
    /// The blueprint's name.
    pub name: String,
    /// The gates that every edit must pass.
    pub gates: Vec<&'static str>,
    /// The stages, in the order of the file. A run begins with the first.
    pub stages: Vec<ChartStage>,
    /// The edges, those of a stage together.
    pub edges: Vec<ChartEdge>,
    /// The path on which an edit would escape its gates, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escape: Option<Vec<StageId>>,
}

/// A stage of a chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChartStage {
    /// Its id.
    pub id: StageId,
    /// `agent` or `deterministic`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its action, with the task that it names; for agents the toolset.
    pub does: String,
    /// Whether it can change the proposed tree.
    pub edits: bool,
    /// Whether it is one of the gates.
    pub gate: bool,
    /// Whether it applies the edits.
    pub applies: bool,
}

/// A way from a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChartEdge {
    /// From this stage.
    pub from: StageId,
    /// To this stage, or to `done`, `fail` or `paused`.
    pub to: String,
    /// `success` or `failure`.
    pub on: &'static str,
    /// Whether a run can take it: the proof walked it.
    pub walked: bool,
    /// The gates that something edited may still owe behind it.
    pub owes: Vec<&'static str>,
    /// Whether it lies on the path of the escape.
    pub escapes: bool,
}

impl Chart {
    /// The chart of a blueprint, which need not be proven.
    pub fn of(blueprint: &Blueprint) -> Self {
        let graph = Graph::of(blueprint);
        let explicit = blueprint.applies_explicitly();
        let escape = prove(blueprint).err().map(|escape| escape.path);
        let walked = walked(blueprint);
        let stages = blueprint.stages.iter().enumerate().map(|(at, stage)| {
            let (kind, does) = match &stage.work {
                Work::Agent { toolset, .. } => ("agent", toolset.to_string()),
                Work::Deterministic { action, task: Some(task), .. } => {
                    ("deterministic", format!("{} {task}", action.name()))
                }
                Work::Deterministic { action, task: None, .. } => ("deterministic", action.name().to_owned()),
            };
            ChartStage {
                id: stage.id.clone(),
                kind,
                does,
                edits: stage.edits(),
                gate: graph.action(at).is_some_and(|action| blueprint.gates.contains(&action)),
                applies: graph.action(at) == Some(DeterministicAction::ApplyEdit),
            }
        });
        let stages: Vec<ChartStage> = stages.collect();
        let mut edges = Vec::new();
        for (at, stage) in graph.stages() {
            for (ending, next) in graph.exits(at) {
                let to = match next {
                    Next::Stage(to) => graph.stage(to).map_or_else(String::new, |it| it.id.to_string()),
                    Next::Done => "done".to_owned(),
                    Next::Fail => "fail".to_owned(),
                    Next::Paused => "paused".to_owned(),
                    Next::Nowhere => continue,
                };
                let found = walked.get(&(at, ending));
                let escapes = escape.as_ref().is_some_and(|path| {
                    let step = path
                        .windows(2)
                        .any(|pair| matches!(pair, [from, next] if *from == stage.id && next.as_str() == to));
                    step || !explicit && to == "done" && path.last() == Some(&stage.id)
                });
                edges.push(ChartEdge {
                    from: stage.id.clone(),
                    to,
                    on: match ending {
                        Ending::Success => "success",
                        Ending::Failure => "failure",
                    },
                    walked: found.is_some(),
                    owes: found.into_iter().flatten().map(|gate| gate.name()).collect(),
                    escapes,
                });
            }
        }
        Self {
            name: blueprint.name.to_string(),
            gates: blueprint.gates.iter().map(|gate| gate.name()).collect(),
            stages,
            edges,
            escape,
        }
    }

    /// The chart as a Mermaid document.
    pub fn mermaid(&self) -> String {
        let mut text = format!("%% {}\nflowchart TD\n  start([start])\n", one_line(&self.name));
        for (at, stage) in self.stages.iter().enumerate() {
            let mut marks = vec![stage.does.clone()];
            marks.extend(marks_of(stage).map(str::to_owned));
            let label = format!("{}<br/>{}", quoted(stage.id.as_str()), quoted(&marks.join(", ")));
            let (open, close) = match (stage.gate, stage.kind) {
                (true, _) => ("{{", "}}"),
                (false, "agent") => ("([", "])"),
                _ => ("[", "]"),
            };
            let _ = writeln!(text, "  s{at}{open}\"{label}\"{close}");
        }
        let used = |end: &str| self.edges.iter().any(|edge| edge.to == end);
        for end in ["done", "fail", "paused"].into_iter().filter(|end| used(end)) {
            let _ = writeln!(text, "  {end}([{end}])");
        }
        if !self.stages.is_empty() {
            text.push_str("  start --> s0\n");
        }
        let node = |id: &str| match self.stages.iter().position(|stage| stage.id.as_str() == id) {
            Some(at) => format!("s{at}"),
            None => id.to_owned(),
        };
        let (mut escaping, mut unwalked) = (Vec::new(), Vec::new());
        // The edge from the start is number 0.
        for (number, edge) in (1..).zip(&self.edges) {
            let arrow = if edge.on == "success" { "-->" } else { "-.->" };
            let _ =
                writeln!(text, "  {} {arrow}|{}| {}", node(edge.from.as_str()), edge.label(), node(&edge.to));
            match (edge.escapes, edge.walked) {
                (true, _) => escaping.push(number.to_string()),
                (false, false) => unwalked.push(number.to_string()),
                (false, true) => {}
            }
        }
        for (edges, style) in
            [(escaping, "stroke:#d33,stroke-width:3px"), (unwalked, "stroke:#999,stroke-dasharray:2")]
        {
            if !edges.is_empty() {
                let _ = writeln!(text, "  linkStyle {} {style}", edges.join(","));
            }
        }
        text
    }

    /// The chart as a drawing for terminals.
    pub fn drawing(&self) -> String {
        let gates = if self.gates.is_empty() {
            "no gates".to_owned()
        } else {
            format!("gates: {}", self.gates.join(", "))
        };
        let mut text = format!("{} · {gates}\n\n", one_line(&self.name));
        let widest =
            self.stages.iter().map(|stage| stage.id.as_str().chars().count()).max().unwrap_or_default();
        for (at, stage) in self.stages.iter().enumerate() {
            let mut marks = vec![format!("{} {}", stage.kind, one_line(&stage.does))];
            marks.extend(marks_of(stage).map(str::to_owned));
            let id = stage.id.as_str();
            let pad = " ".repeat(widest - id.chars().count().min(widest));
            let line = "─".repeat(widest + 2);
            let _ = writeln!(text, "┌{line}┐");
            let _ = writeln!(text, "│ {id}{pad} │ {}", marks.join(" · "));
            let _ = writeln!(text, "└{line}┘");
            let edges: Vec<&ChartEdge> = self.edges.iter().filter(|edge| edge.from == stage.id).collect();
            let next = self.stages.get(at + 1).map(|next| next.id.as_str());
            for edge in &edges {
                let goes_down = Some(edge.to.as_str()) == next && edge.on == "success";
                let arrow = if goes_down { "▼" } else { "▶" };
                let mut notes = Vec::new();
                if !edge.walked {
                    notes.push("no run gets here".to_owned());
                }
                if !edge.owes.is_empty() {
                    notes.push(format!("owes {}", edge.owes.join(", ")));
                }
                if edge.escapes {
                    notes.push("ESCAPES".to_owned());
                }
                let notes =
                    if notes.is_empty() { String::new() } else { format!("   ({})", notes.join("; ")) };
                let _ = writeln!(text, "  {} {arrow} {}{notes}", edge.on, edge.to);
            }
        }
        match &self.escape {
            Some(path) => {
                let path: Vec<&str> = path.iter().map(StageId::as_str).collect();
                let _ = writeln!(text, "\nedits would escape their gates: {}", path.join(" -> "));
            }
            None => text.push_str("\nproven: no edit is applied before its gates\n"),
        }
        text
    }
}

impl ChartEdge {
    fn label(&self) -> String {
        match self.owes.is_empty() {
            true => self.on.to_owned(),
            false => format!("\"{}, owes {}\"", self.on, self.owes.join(", ")),
        }
    }
}

fn marks_of(stage: &ChartStage) -> impl Iterator<Item = &'static str> {
    [(stage.gate, "gate"), (stage.edits, "edits"), (stage.applies, "applies")]
        .into_iter()
        .filter_map(|(holds, mark)| holds.then_some(mark))
}

/// A text inside a quoted label of Mermaid, which reads HTML and entities of its own there.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for character in one_line(text).chars() {
        match character {
            '"' | '<' | '>' | '&' | '#' | ';' | '\\' => {
                let _ = write!(quoted, "#{};", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted
}

fn one_line(text: &str) -> String {
    crate::text::visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
