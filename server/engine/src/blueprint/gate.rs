//! Putting a missing gate where the proof wants it. What is offered has been loaded and proven
//! again as a whole; nothing else is offered.

use super::{DeterministicAction, Diagnostic, Mend, Sketch, SketchedStage, Work, examine};
use crate::limits::GATE_EDITS_MAX;
use crate::outline::{Outline, line_around};
use crate::text::LineEnding;

/// The text with the gates that its proof misses; nothing when no edit is known that makes the
/// proof hold, or when nothing is missing.
pub fn with_gates(text: &str) -> Option<String> {
    let mut gated = text.to_owned();
    let mut before = examine("", text).diagnostics;
    for _ in 0..GATE_EDITS_MAX {
        let Some(gate) = missing(&before) else { break };
        let (next, after) = attempts(&gated, gate).into_iter().find_map(|attempt| {
            let after = examine("", &attempt).diagnostics;
            // Each step must leave less wrong than there was, or the same with the next gate
            // missing; nothing new may come of it.
            let is_better = after.len() < before.len()
                || after.len() == before.len() && missing(&after).is_some_and(|next| next != gate);
            is_better.then_some((attempt, after))
        })?;
        (gated, before) = (next, after);
    }
    (gated != text && missing(&before).is_none()).then_some(gated)
}

fn missing(diagnostics: &[Diagnostic]) -> Option<DeterministicAction> {
    diagnostics.iter().find_map(|diagnostic| match &diagnostic.mend {
        Some(Mend::Gate(gate)) => DeterministicAction::ALL.into_iter().find(|action| action.name() == gate),
        Some(Mend::Instead(_) | Mend::Key(_)) | None => None,
    })
}

/// Texts that might do, the smallest changes first.
fn attempts(text: &str, gate: DeterministicAction) -> Vec<String> {
    let sketch = Sketch::of(&Outline::read(text));
    let blueprint = examine("", text).blueprint;
    let Some(escape) = blueprint.as_ref().and_then(|it| super::prove(it).err()) else {
        return Vec::new();
    };
    let path: Vec<&SketchedStage> = escape.path.iter().filter_map(|id| sketch.stage(id.as_str())).collect();
    let mut attempts = Vec::new();
    // The path may go past a stage that does it already.
    if let Some(present) =
        sketch.stages.iter().find(|stage| stage.does() == Some(gate)).and_then(SketchedStage::name)
    {
        for target in path.iter().rev() {
            attempts.extend(rerouted(text, &path, target.name().unwrap_or_default(), present));
        }
        attempts.extend(path.last().and_then(|last| rerouted(text, &[last], "done", present)));
    }
    // Where the gate is red, the stage that edits tries again, if it may.
    let editor = escape.path.iter().rev().find_map(|id| {
        let stage = blueprint.as_ref()?.stage(id)?;
        let may_retry = matches!(stage.work, Work::Agent { .. }) && stage.retry_limit > 0;
        (stage.edits() && may_retry).then_some(id.as_str())
    });
    for target in path.iter().rev() {
        attempts.extend(inserted(text, &sketch, gate, Some(target), &path, editor));
    }
    attempts.extend(inserted(text, &sketch, gate, None, &path, editor));
    attempts
}

/// The text in which what these stages write as a route to `from` leads to `to`.
fn rerouted(text: &str, stages: &[&SketchedStage], from: &str, to: &str) -> Option<String> {
    let routes = stages.iter().flat_map(|stage| [&stage.on_success, &stage.on_failure]);
    let mut ranges: Vec<_> =
        routes.flatten().filter(|route| route.name == from).map(|route| &route.range).collect();
    ranges.sort_by_key(|range| std::cmp::Reverse(range.start));
    ranges.dedup();
    if ranges.is_empty() {
        return None;
    }
    let mut rerouted = text.to_owned();
    for range in ranges {
        rerouted.get(range.clone())?;
        rerouted.replace_range(range.clone(), to);
    }
    Some(rerouted)
}

/// The text with a stage for the gate before `target`, or at the end of the file's stages.
fn inserted(
    text: &str,
    sketch: &Sketch,
    gate: DeterministicAction,
    target: Option<&SketchedStage>,
    path: &[&SketchedStage],
    editor: Option<&str>,
) -> Option<String> {
    let beside = target.or(sketch.stages.last())?;
    let line = line_around(text, beside.range.start);
    let lead = text.get(line.start..beside.range.start)?;
    // Only a list of one stage after the other has room for a line.
    if !lead.trim_start().starts_with('-') || !lead.trim_start().trim_start_matches('-').trim().is_empty() {
        return None;
    }
    let id = free_id(sketch, gate.name());
    let indent = " ".repeat(lead.chars().count());
    let end = LineEnding::dominant_of(text).as_str();
    let mut stage =
        format!("{lead}id: {id}{end}{indent}type: deterministic{end}{indent}action: {}{end}", gate.name());
    if let Some(target) = target {
        stage += &format!("{indent}on_success: {}{end}", target.name()?);
    }
    if let Some(editor) = editor {
        stage += &format!("{indent}on_failure: {editor}{end}");
    }
    let old = target.map_or("done", |target| target.name().unwrap_or_default());
    let routed = rerouted(text, path, old, &id);
    let text = routed.as_deref().unwrap_or(text);
    // Routes may have grown the text before the place.
    let again = Sketch::of(&Outline::read(text));
    let beside = again.stage(beside.name()?)?;
    let line = line_around(text, beside.range.start);
    let spaced = text.get(..line.start)?.ends_with(&format!("{end}{end}"));
    let gap = if spaced { end } else { "" };
    Some(match target {
        Some(_) => format!("{}{stage}{gap}{}", text.get(..line.start)?, text.get(line.start..)?),
        None => {
            let last = line_around(text, beside.range.end);
            let rest = text.get(last.end..)?.strip_prefix(end).unwrap_or_default();
            format!("{}{end}{gap}{stage}{rest}", text.get(..last.end)?)
        }
    })
}

fn free_id(sketch: &Sketch, name: &str) -> String {
    let mut id = name.to_owned();
    let mut number = 1;
    while sketch.stage(&id).is_some() {
        number += 1;
        id = format!("{name}_{number}");
    }
    id
}

#[cfg(test)]
mod tests;
