//! Does a pack hold what a fix needed? For each task the tree before the fix is read from git,
//! summarised, ranked and packed, and the pack is compared with what the fix changed: once as the
//! line ranges that any scorer renders (`plain`), once as a run would send it (`sent`).
//!
//! `cargo bench -p openexec --features openexec/large-grammars --bench context`
//!
//! CONTEXT_TASKS names the folder of `tasks_dev.json`, MIRROR that of the repositories, each as
//! `owner+name/repo`. Behind `--`: `--by-language`, `--by-repository`, and `--runs FILE`, which
//! writes the line ranges of the plain packs for a scorer of one's own.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that cannot be made must end the bench"
)]

mod measure;
mod pack;
mod report;
mod repository;
mod score;
mod task;

use measure::{Form, Prepared};
use report::Report;
use repository::Repository;
use std::io::Write as _;
use std::path::PathBuf;

/// The budgets in tokens.
const BUDGETS: [usize; 3] = [2_048, 4_096, 8_192];

fn main() {
    let options = Options::of(std::env::args().skip(1).collect());
    let folder = folder("CONTEXT_TASKS", "../shared/context");
    let mirror = folder_of_mirror();
    let tasks = task::tasks(&folder);
    let mut report = Report::default();
    let mut runs =
        options.runs.as_ref().map(|path| std::fs::File::create(path).expect("the runs can be written"));
    let mut repositories: Vec<&str> = tasks.iter().map(|task| task.repo.as_str()).collect();
    repositories.sort_unstable();
    repositories.dedup();
    for name in repositories {
        let mut prepared = Prepared::new(Repository::open(&mirror, name));
        for task in tasks.iter().filter(|task| task.repo == name) {
            let lines = prepared.measure(task, &BUDGETS);
            for (line, spans) in lines {
                if let Some(runs) =
                    runs.as_mut().filter(|_| line.budget == BUDGETS[2] && line.form == Form::Plain)
                {
                    let run = serde_json::json!({
                        "id": task.id, "view": line.view.name(), "spans": spans, "ms": line.milliseconds,
                    });
                    writeln!(runs, "{run}").expect("the runs can be written");
                }
                report.take(line);
            }
        }
    }
    report.print(&BUDGETS, options.by_language, options.by_repository);
    assert!(report.is_sound(), "a pack was over its budget, or was not the same twice");
}

#[derive(Default)]
struct Options {
    by_language: bool,
    by_repository: bool,
    runs: Option<PathBuf>,
}

impl Options {
    fn of(arguments: Vec<String>) -> Self {
        let mut options = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--by-language" => options.by_language = true,
                "--by-repository" => options.by_repository = true,
                "--runs" => options.runs = Some(arguments.next().expect("`--runs` names a file").into()),
                "--bench" => {}
                other => {
                    panic!("`{other}` is unknown; take `--by-language`, `--by-repository` or `--runs FILE`")
                }
            }
        }
        options
    }
}

/// A folder that a variable names, or a place beside the repository.
fn folder(variable: &str, beside: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::env::var_os(variable).map_or_else(|| root.join(beside), PathBuf::from)
}

fn folder_of_mirror() -> PathBuf {
    folder("MIRROR", "../.mirror")
}
