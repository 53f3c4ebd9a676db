//! Letting records point at where their symbols are now.

use super::super::paint;
use super::{Scene, painted};
use crate::memory::{AnchorPlace, edited, pointed_to};
use anyhow::{Context as _, anyhow, bail};
use openexec_engine::memory::{Origin, PointerState, Record, Resolution, SymbolPointer, load};
use openexec_engine::path::WorkspacePath;
use std::process::ExitCode;

/// What became of an anchor that was looked at.
enum Relocated {
    /// It points where it should.
    AtRest,
    /// It points there now.
    Accepted,
    /// Somebody must say whether that is right.
    Waiting,
    /// There is no place.
    Nowhere,
}

pub(super) async fn relocate(scene: &Scene, accept: &[String], all: bool) -> anyhow::Result<ExitCode> {
    let records: Vec<&Record> = scene.known.records().collect();
    let accepted: Vec<&Record> =
        accept.iter().map(|id| the_one(&records, id)).collect::<anyhow::Result<_>>()?;
    let (mut waiting, mut refused) = (0, 0);
    for (record, found) in scene.standings(&records) {
        let named = accepted.iter().any(|it| std::ptr::eq(*it, record));
        // Each of its symbols is pointed at where the others have been pointed at already.
        let mut record = record.clone();
        for (number, resolution) in found.iter().enumerate() {
            match relocated(scene, &mut record, number, resolution, named, all).await? {
                Relocated::AtRest | Relocated::Accepted => {}
                Relocated::Waiting => waiting += 1,
                Relocated::Nowhere => refused += usize::from(named),
            }
        }
        if named && found.iter().all(|resolution| resolution.state == PointerState::Exact) {
            let why = if found.is_empty() { "points at no symbol" } else { "points at its place" };
            anstream::println!("{} {why}; there is nothing to accept", record.title());
            refused += usize::from(found.is_empty());
        }
    }
    scene.tell_left_out();
    if waiting > 0 {
        anstream::println!(
            "{waiting} to accept: `--accept ID` for each that is right, `--all` for those that are certain"
        );
    }
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The record that somebody names by its id, or as `symbol ID` where kinds share one.
fn the_one<'r>(records: &[&'r Record], named: &str) -> anyhow::Result<&'r Record> {
    let is_named = |record: &&&Record| record.id.as_str() == named || record.title() == named;
    let several: Vec<&Record> = records.iter().filter(is_named).copied().collect();
    match several.as_slice() {
        [] => bail!("there is no record `{named}`; `openexec memory list` lists them"),
        [one] => Ok(one),
        several => {
            let listed: Vec<String> =
                several.iter().map(|record| format!("`{}` ({})", record.title(), record.origin)).collect();
            bail!(
                "`{named}` is the id of several records: {}; name one of them with its kind, or give them ids of \
                 their own (`openexec memory check`)",
                listed.join(", ")
            )
        }
    }
}

/// Tells how an anchor stands, and lets it point there where that is wanted.
async fn relocated(
    scene: &Scene,
    record: &mut Record,
    number: usize,
    resolution: &Resolution,
    named: bool,
    all: bool,
) -> anyhow::Result<Relocated> {
    let pointer = record.anchors().get(number).and_then(|anchor| anchor.pointer.as_deref());
    let is_told = |pointer: &SymbolPointer| {
        resolution.place.as_ref().is_some_and(|place| !pointer.is_outdated_by(place))
    };
    let is_unmoved = resolution.state == PointerState::Exact && pointer.is_some();
    let is_at_rest = resolution.state.is_certain() && pointer.is_some_and(is_told);
    // That a commit is known in which it holds needs nobody's word.
    if is_at_rest || (is_unmoved && !all) {
        return Ok(Relocated::AtRest);
    }
    let (what, remedy) = match &resolution.place {
        None if record.origin == Origin::Private => {
            let remedy =
                format!("; point it elsewhere, or remove it with `openexec memory forget {}`", record.id);
            (Relocated::Nowhere, remedy)
        }
        None => (Relocated::Nowhere, "; remove the record, or point it elsewhere by hand".to_owned()),
        Some(place) if named || (all && resolution.state.is_certain()) => {
            point(scene, record, number, place).await?;
            (Relocated::Accepted, "; it points there now".to_owned())
        }
        Some(_) => (Relocated::Waiting, String::new()),
    };
    anstream::println!(
        "{} {}: {}{remedy} ({})",
        painted(resolution.state),
        record.title(),
        paint::plain(&resolution.why),
        record.origin
    );
    Ok(what)
}

/// Lets an anchor of a record point at a place, here and where the record is kept.
async fn point(
    scene: &Scene,
    record: &mut Record,
    number: usize,
    place: &SymbolPointer,
) -> anyhow::Result<()> {
    record.point(number, place.clone());
    match &record.origin {
        Origin::Private => Ok(scene.runtime.store(&scene.root)?.keep(record).await?),
        Origin::Shared { place: written } => {
            let file = written.rsplit_once(':').map_or(written.as_str(), |(file, _)| file);
            let path = WorkspacePath::parse(file).map_err(|error| anyhow!("`{file}`: {error}"))?;
            let text = scene.workspace.read(&path)?.with_context(|| format!("there is no file `{path}`"))?;
            let which = AnchorPlace { kind: record.kind(), id: record.id.to_string(), number };
            let after = pointed_to(&text, &which, place).and_then(|edits| edited(&text, &edits));
            let after =
                after.with_context(|| format!("{} is not where it was in `{path}`", record.title()))?;
            load(file, &after).map_err(|error| anyhow!("{error}"))?;
            Ok(scene.runtime.write_memory(&scene.root, &path, &after)?)
        }
    }
}
