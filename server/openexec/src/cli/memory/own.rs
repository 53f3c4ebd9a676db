//! The user's own records as a whole: to a file and from one, and out of sight.

use super::Scene;
use anyhow::{Context as _, anyhow, bail};
use openexec_engine::ids::RecordId;
use openexec_engine::memory::{
    Anchor, Body, Kind, Maintained, MaintenanceRecord, MemoryFile, Origin, Record, Written, load, to_yaml,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

pub(super) fn export(scene: &Scene, runs: bool) -> anyhow::Result<ExitCode> {
    let mut records = scene.known.private.clone();
    if runs {
        records.extend(scene.lessons()?.iter().map(maintained));
    }
    print!("{}", to_yaml(&records).map_err(|error| anyhow!(error))?);
    Ok(ExitCode::SUCCESS)
}

/// What a run has left, as a record that can be shared.
fn maintained(lesson: &MaintenanceRecord) -> Record {
    let at = i64::try_from(lesson.at_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let said = |text: &str, otherwise: &str| match text.trim() {
        "" => otherwise.to_owned(),
        text => text.to_owned(),
    };
    // What failed is why something was done; where nothing did, what was asked for is.
    let cause = match lesson.errors.as_slice() {
        [] => said(&lesson.instruction, "not recorded"),
        errors => errors.join("; "),
    };
    Record {
        id: RecordId::new(lesson.run.as_str()),
        origin: Origin::Private,
        author: None,
        written: at.map(|at| at.strftime("%Y-%m-%d").to_string()),
        source: Some(format!("run {} ({})", lesson.run, lesson.blueprint)),
        labels: BTreeSet::new(),
        redact: Vec::new(),
        body: Body::Maintenance(Maintained {
            cause,
            change: said(&lesson.summary, "not recorded"),
            evidence: lesson.evidence.clone(),
            symbols: lesson.symbols.iter().cloned().map(Anchor::to).collect(),
            standing: lesson.standing,
        }),
    }
}

pub(super) async fn import(scene: &Scene, file: &Path) -> anyhow::Result<ExitCode> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let name = file.display().to_string();
    let read = load(&name, &text).map_err(|error| anyhow!("{error}"))?;
    let clashes = clashes(scene, &read);
    if !clashes.is_empty() {
        bail!("nothing was imported\n{}", clashes.join("\n"));
    }
    let store = scene.runtime.store(&scene.root)?;
    for written in &read.records {
        let record = Record { origin: Origin::Private, ..written.record.clone() };
        if scene.known.private.contains(&record) {
            anstream::println!("{} is among your own records already, as it is", record.title());
            continue;
        }
        store.keep(&record).await?;
        anstream::println!("{} is among your own records", record.title());
    }
    scene.tell_left_out();
    Ok(ExitCode::SUCCESS)
}

/// The records of a file whose ids are taken: by another one of the file, or by one that is known
/// and says something else. A line each.
fn clashes(scene: &Scene, read: &MemoryFile) -> Vec<String> {
    let mut first: BTreeMap<(Kind, &str), u32> = BTreeMap::new();
    let mut clashes = Vec::new();
    for Written { record, line, .. } in &read.records {
        let (title, at) = (record.title(), format!("{}:{line}", read.file));
        let earlier = first.insert((record.kind(), record.id.as_str()), *line);
        if let Some(earlier) = earlier {
            let there = format!("{}:{earlier}", read.file);
            clashes.push(format!("{at}: there is another {title}: {there}; give one of the two another id"));
            continue;
        }
        let of_this_id = |known: &&Record| known.kind() == record.kind() && known.id == record.id;
        for known in scene.known.records().filter(of_this_id) {
            let is_same = *known == Record { origin: Origin::Private, ..record.clone() };
            match &known.origin {
                Origin::Private if is_same => {}
                Origin::Private => clashes.push(format!(
                    "{at}: there is another {title} among your own records; give it another id, or remove yours \
                     with `openexec memory forget {}`",
                    record.id
                )),
                Origin::Shared { place } => {
                    clashes.push(format!("{at}: there is another {title}: {place}; give it another id"));
                }
            }
        }
    }
    clashes
}

pub(super) async fn forget(scene: &Scene, id: &str, kind: Option<Kind>) -> anyhow::Result<ExitCode> {
    let is_meant =
        |record: &&Record| record.id.as_str() == id && kind.is_none_or(|kind| record.kind() == kind);
    let own: Vec<&Record> = scene.known.private.iter().filter(is_meant).collect();
    match own.as_slice() {
        [record] => {
            scene.runtime.store(&scene.root)?.forget(record.kind(), &record.id).await?;
            anstream::println!("{} is not among your own records any more", record.title());
            Ok(ExitCode::SUCCESS)
        }
        [] => Err(not_forgotten(scene, id, is_meant)?),
        several => {
            let kinds: Vec<&str> = several.iter().map(|record| record.kind().name()).collect();
            bail!(
                "several of your own records have the id `{id}`; say which with `--kind`: {}",
                kinds.join(", ")
            )
        }
    }
}

/// Why no record of one's own was removed.
fn not_forgotten(
    scene: &Scene,
    id: &str,
    is_meant: impl Fn(&&Record) -> bool,
) -> anyhow::Result<anyhow::Error> {
    let shared: Vec<String> = scene.known.shared.records().filter(is_meant).map(place_of).collect();
    if !shared.is_empty() {
        return Ok(anyhow!("`{id}` is shared; remove it by hand where it stands: {}", shared.join(", ")));
    }
    if scene.lessons()?.iter().any(|lesson| lesson.run.as_str() == id) {
        return Ok(anyhow!("`{id}` is what a run has left, which stays as the run's journal does"));
    }
    scene.tell_left_out();
    Ok(anyhow!("there is no record `{id}` among your own; `openexec memory list` lists what there is"))
}

fn place_of(record: &Record) -> String {
    format!("{} in {}", record.title(), record.origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openexec_engine::digest::Digest;
    use openexec_engine::memory::Standing;

    #[test]
    fn the_cause_of_what_a_run_did_is_the_failure_where_it_knows_one() {
        let cause = |errors: &[&str], instruction: &str| {
            let lesson = MaintenanceRecord {
                run: "run-1".into(),
                blueprint: "fix_tests".into(),
                at_ms: 1,
                standing: Standing::Done,
                instruction: instruction.to_owned(),
                summary: "mended".to_owned(),
                files: Vec::new(),
                symbols: Vec::new(),
                repaired_tests: Vec::new(),
                errors: errors.iter().map(|&error| error.to_owned()).collect(),
                evidence: Vec::new(),
                tree: Digest::of(b""),
                notes: Vec::new(),
            };
            match maintained(&lesson).body {
                Body::Maintenance(past) => past.cause,
                other => panic!("{other:?}"),
            }
        };
        let errors = ["the lock file <path> is stale", "connection refused by <path>"];
        assert_eq!(cause(&errors, "mend it"), errors.join("; "));
        assert_eq!((cause(&[], "mend it"), cause(&[], " ")), ("mend it".into(), "not recorded".into()));
    }
}
