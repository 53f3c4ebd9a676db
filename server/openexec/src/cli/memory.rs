//! Commands about operational memory: what is known, whether it still holds, and writing it down.

mod add;
mod own;
mod relocate;

use self::add::{AddArguments, add};
use self::own::{export, forget, import};
use self::relocate::relocate;
use super::{At, paint, runtime};
use crate::driver::{Pointers, Remembered, Runtime};
use crate::limits::LESSONS_MAX;
use crate::memory::{Present, state_name};
use crate::workspace::Workspace;
use anyhow::bail;
use openexec_engine::memory::{
    Body, Kind, MaintenanceRecord, PointerState, Record, Resolution, check_private,
};
use openexec_engine::path::WorkspacePath;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
pub(super) struct MemoryArguments {
    #[command(subcommand)]
    what: MemoryWhat,
}

#[derive(Debug, clap::Subcommand)]
enum MemoryWhat {
    /// List what is known: shared records, your own, and what runs have left.
    List {
        #[command(flatten)]
        at: At,
        /// Only records of this kind: symbol, service, runbook, environment, procedure, maintenance.
        #[arg(long, value_parser = kind)]
        kind: Option<Kind>,
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Show a record, and where it points now.
    Show {
        /// Its id, or the run that left it.
        id: String,
        #[command(flatten)]
        at: At,
        /// Print JSON instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Write down why a symbol is as it is, with a pointer by which it is found again.
    Add(AddArguments),
    /// Check memory files, how the records hang together, and where they point. Exit code 1 where
    /// something is wrong or points at something doubtful.
    Check(At),
    /// Show where records point that have moved, and let them point there.
    Relocate {
        #[command(flatten)]
        at: At,
        /// Let this record point at the place that is shown, also where that is only suspected.
        #[arg(long, value_name = "ID")]
        accept: Vec<String>,
        /// Let every record point at its place whose place is certain.
        #[arg(long)]
        all: bool,
    },
    /// Remove a record of your own. What stands in a file that is shared is removed there.
    Forget {
        /// Its id.
        id: String,
        /// Its kind, where records of several kinds have this id.
        #[arg(long, value_parser = kind)]
        kind: Option<Kind>,
        #[command(flatten)]
        at: At,
    },
    /// Print your own records as a memory file.
    Export {
        #[command(flatten)]
        at: At,
        /// With what runs have left, as maintenance records.
        #[arg(long)]
        runs: bool,
    },
    /// Take the records of a memory file among your own: all of them, or none where an id is taken.
    Import {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        at: At,
    },
    /// Print the JSON Schema of memory files.
    Schema,
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        format!("write one of {}", names.join(", "))
    })
}

pub(super) async fn memory(arguments: MemoryArguments) -> anyhow::Result<ExitCode> {
    match arguments.what {
        MemoryWhat::List { at, kind, json } => list(&Scene::of(&at.workspace)?, kind, json),
        MemoryWhat::Show { id, at, json } => show(&Scene::of(&at.workspace)?, &id, json),
        MemoryWhat::Add(arguments) => add(&Scene::of(&arguments.at.workspace)?, arguments).await,
        MemoryWhat::Check(at) => check(&Scene::of(&at.workspace)?),
        MemoryWhat::Relocate { at, accept, all } => relocate(&Scene::of(&at.workspace)?, &accept, all).await,
        MemoryWhat::Forget { id, kind, at } => forget(&Scene::of(&at.workspace)?, &id, kind).await,
        MemoryWhat::Export { at, runs } => export(&Scene::of(&at.workspace)?, runs),
        MemoryWhat::Import { file, at } => import(&Scene::of(&at.workspace)?, &file).await,
        MemoryWhat::Schema => {
            let schema = openexec_engine::memory::json_schema();
            println!("{}", serde_json::to_string_pretty(&schema)?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// A workspace with what is known of it.
struct Scene {
    runtime: Arc<Runtime>,
    root: PathBuf,
    workspace: Workspace,
    known: Remembered,
    pointers: Arc<Pointers>,
}

impl Scene {
    fn of(root: &Path) -> anyhow::Result<Self> {
        let runtime = runtime()?;
        let workspace = Workspace::open(root)?;
        let known = runtime.memory(root)?;
        let pointers = runtime.pointers(root)?;
        Ok(Self { runtime, root: workspace.root().to_owned(), workspace, known, pointers })
    }

    /// What runs have left, bound to the commit that is checked out where that holds it by now.
    fn lessons(&self) -> anyhow::Result<Vec<MaintenanceRecord>> {
        let look = self.pointers.look();
        let lessons = self.runtime.store(&self.root)?.lessons(LESSONS_MAX)?;
        Ok(lessons.into_iter().map(|lesson| look.bound_lesson(lesson)).collect())
    }

    /// The services that are made of nothing, with what is wrong.
    fn services_of_nothing(&self) -> Vec<String> {
        let services = self.known.records().filter_map(|record| match &record.body {
            Body::Service(service) => Some((record, &service.path)),
            _ => None,
        });
        let is_gone = |path: &WorkspacePath| !self.root.join(path.as_str()).exists();
        let gone = services.filter(|(_, path)| is_gone(path));
        gone.map(|(record, path)| {
            let title = record.title();
            format!(
                "{}: {title}: there is no folder `{path}`; write the one that it is made of",
                record.origin
            )
        })
        .collect()
    }

    /// How each anchor stands, record by record.
    fn standings<'r>(&self, records: &[&'r Record]) -> Vec<(&'r Record, Vec<Resolution>)> {
        let read = |path: &WorkspacePath| self.workspace.read(path).ok().flatten();
        let present = Present::new(&read, self.workspace.files());
        let look = self.pointers.look();
        let of = |record: &&'r Record| {
            (*record, record.anchors().iter().map(|anchor| look.standing(anchor, &present)).collect())
        };
        records.iter().map(of).collect()
    }

    /// What is said of files that say nothing here.
    fn tell_left_out(&self) {
        for fault in &self.known.shared.faults {
            let fault = paint::plain(&fault.to_string());
            anstream::eprintln!("{} no record of this file counts: {fault}", paint::warn("warning:"));
        }
        self.tell_untrusted();
    }

    /// What is said where files are not looked into.
    fn tell_untrusted(&self) {
        if !self.known.untrusted.is_empty() {
            anstream::eprintln!(
                "{} not loaded until you trust the workspace (`openexec trust`): {}",
                paint::warn("note:"),
                self.known.untrusted.join(", ")
            );
        }
    }
}

fn painted(state: PointerState) -> String {
    match state {
        PointerState::Exact | PointerState::Edited => paint::good(state_name(state)),
        PointerState::Moved | PointerState::Renamed => paint::warn(state_name(state)),
        PointerState::Suspect | PointerState::Stale => paint::bad(state_name(state)),
    }
}

/// The least certain of a record's anchors.
fn worst(resolutions: &[Resolution]) -> Option<PointerState> {
    resolutions.iter().map(|resolution| resolution.state).max()
}

fn list(scene: &Scene, kind: Option<Kind>, json: bool) -> anyhow::Result<ExitCode> {
    let records: Vec<&Record> =
        scene.known.records().filter(|record| kind.is_none_or(|kind| record.kind() == kind)).collect();
    let standings = scene.standings(&records);
    let lessons = match kind {
        None | Some(Kind::Maintenance) => scene.lessons()?,
        Some(_) => Vec::new(),
    };
    if json {
        let records: Vec<Value> = standings.iter().map(|(record, found)| as_json(record, found)).collect();
        let faults: Vec<String> = scene.known.shared.faults.iter().map(ToString::to_string).collect();
        let told = json!({
            "records": records, "runs": lessons, "untrusted": scene.known.untrusted, "faults": faults,
        });
        println!("{}", serde_json::to_string_pretty(&told)?);
        return Ok(ExitCode::SUCCESS);
    }
    for (record, found) in &standings {
        let state = worst(found).map(|state| format!(" [{}]", painted(state))).unwrap_or_default();
        anstream::println!(
            "{:12} {}{state}  {}  {}",
            record.kind().name(),
            paint::strong(&paint::plain(record.id.as_str())),
            paint::plain(&record.gist()),
            paint::dim(&paint::plain(&record.origin.to_string()))
        );
    }
    for lesson in &lessons {
        let standing = match lesson.standing.warning() {
            None => String::new(),
            Some(_) => format!(" [{}]", paint::bad(lesson.standing.name())),
        };
        anstream::println!(
            "{:12} {}{standing}  {}  {}",
            "run",
            paint::strong(lesson.run.as_str()),
            paint::plain(&one_line(&lesson.summary)),
            paint::dim(lesson.blueprint.as_str())
        );
    }
    let is_left_out = !scene.known.untrusted.is_empty() || !scene.known.shared.faults.is_empty();
    match kind {
        _ if !standings.is_empty() || !lessons.is_empty() || is_left_out => {}
        Some(kind) => anstream::println!("there is no {} record", kind.name()),
        None => anstream::println!("nothing is known here yet; `openexec memory add` writes something down"),
    }
    scene.tell_left_out();
    Ok(ExitCode::SUCCESS)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn as_json(record: &Record, found: &[Resolution]) -> Value {
    json!({ "title": record.title(), "record": record, "gist": record.gist(), "pointers": found })
}

fn show(scene: &Scene, id: &str, json: bool) -> anyhow::Result<ExitCode> {
    let records: Vec<&Record> = scene.known.records().filter(|record| record.id.as_str() == id).collect();
    let standings = scene.standings(&records);
    let lessons: Vec<MaintenanceRecord> =
        scene.lessons()?.into_iter().filter(|lesson| lesson.run.as_str() == id).collect();
    if standings.is_empty() && lessons.is_empty() {
        let known: BTreeSet<&str> = scene.known.records().map(|record| record.id.as_str()).collect();
        let known: Vec<&str> = known.into_iter().collect();
        let near = openexec_engine::outline::nearest(id, &known);
        let remedy = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`openexec memory list` lists them".to_owned(),
        };
        scene.tell_left_out();
        bail!("there is no record `{id}`; {remedy}");
    }
    if json {
        let records: Vec<Value> = standings.iter().map(|(record, found)| as_json(record, found)).collect();
        println!("{}", serde_json::to_string_pretty(&json!({ "records": records, "runs": lessons }))?);
        return Ok(ExitCode::SUCCESS);
    }
    for (record, found) in standings {
        anstream::println!("{}", paint::plain_lines(&record.describe()));
        for resolution in found {
            anstream::println!("pointer: {} {}", painted(resolution.state), paint::plain(&resolution.why));
        }
    }
    for lesson in lessons {
        anstream::println!("{}", paint::plain_lines(&lesson.describe()));
    }
    Ok(ExitCode::SUCCESS)
}

fn check(scene: &Scene) -> anyhow::Result<ExitCode> {
    let (known, tasks) = (&scene.known, Some(scene.known.tasks.as_slice()));
    let shared = known.shared.problems(&known.private, tasks);
    let mut problems: Vec<String> = shared.iter().map(ToString::to_string).collect();
    problems.extend(check_private(&known.shared.files, &known.private, tasks));
    problems.extend(scene.services_of_nothing());
    for problem in &problems {
        anstream::eprintln!("{} {}", paint::bad("error:"), paint::plain(problem));
    }
    let records: Vec<&Record> = scene.known.records().collect();
    let mut doubtful = 0;
    for (record, found) in scene.standings(&records) {
        for resolution in found.iter().filter(|it| it.state != PointerState::Exact) {
            doubtful += usize::from(!resolution.state.is_certain());
            anstream::println!(
                "{} {}: {} ({})",
                painted(resolution.state),
                record.title(),
                paint::plain(&resolution.why),
                record.origin
            );
        }
    }
    scene.tell_untrusted();
    let files = scene.known.shared.files.len();
    anstream::println!(
        "{} records in {files} files and {} of your own; {} problems, {doubtful} doubtful pointers",
        scene.known.shared.records().count(),
        scene.known.private.len(),
        problems.len()
    );
    let good = problems.is_empty() && doubtful == 0 && scene.known.untrusted.is_empty();
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
