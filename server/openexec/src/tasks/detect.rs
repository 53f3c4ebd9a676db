//! What build files say about tasks. Detection reads; it runs nothing, not even to ask a tool
//! for its version.

mod javascript;
mod jvm;
mod make;
mod native;
mod python;

use super::default_name;
use super::sources::Sources;
use openexec_engine::ids::TaskName;
use openexec_engine::path::WorkspacePath;
use openexec_engine::task::{ReportFormat, Task, TaskKind, TimeoutClass};
use std::collections::BTreeMap;

/// Directories that are looked into where the root has no build file.
const PACKAGES_MAX: usize = 50;
/// The directory in which our own report files lie, in the shadow only.
const REPORTS: &str = ".openexec-reports";

/// A task, and what its name ends with where another one has it already.
pub(super) struct Found {
    pub(super) task: Task,
    pub(super) suffix: String,
}

/// One directory with build files.
struct Package<'a> {
    sources: &'a mut Sources,
    /// Empty for the root, else with a trailing `/`.
    prefix: String,
    cwd: Option<WorkspacePath>,
    found: Vec<Found>,
}

/// Tasks of the root, or else of the directories directly below it.
pub(super) fn detect(sources: &mut Sources) -> Vec<Found> {
    let found = detect_in(sources, None);
    if !found.is_empty() {
        return found;
    }
    let packages: Vec<WorkspacePath> = sources
        .names("")
        .iter()
        .filter(|name| {
            !name.starts_with('.') && !matches!(name.as_str(), "node_modules" | "target" | "vendor")
        })
        .filter(|name| sources.has_directory(name))
        .filter_map(|name| WorkspacePath::parse(name).ok())
        .take(PACKAGES_MAX)
        .collect();
    packages.into_iter().flat_map(|package| detect_in(sources, Some(package))).collect()
}

fn detect_in(sources: &mut Sources, cwd: Option<WorkspacePath>) -> Vec<Found> {
    let prefix = cwd.as_ref().map_or_else(String::new, |cwd| format!("{cwd}/"));
    let mut package = Package { sources, prefix, cwd, found: Vec::new() };
    native::cargo(&mut package);
    javascript::scripts(&mut package);
    python::python(&mut package);
    native::go(&mut package);
    jvm::maven(&mut package);
    jvm::gradle(&mut package);
    native::cmake(&mut package);
    // A Makefile beside another build file calls that one, as a rule.
    if package.found.is_empty() {
        make::make(&mut package);
    }
    package.found
}

/// What is special about a task; the rest is the same for all.
struct Spec<'a> {
    kind: TaskKind,
    argv: &'a [&'a str],
    report: ReportFormat,
    /// Relative to the package.
    report_file: Option<&'a str>,
    env: &'a [(&'a str, &'a str)],
}

impl Spec<'_> {
    /// A task without a report.
    fn plain<'a>(kind: TaskKind, argv: &'a [&'a str]) -> Spec<'a> {
        Spec { kind, argv, report: ReportFormat::Auto, report_file: None, env: &[] }
    }
}

impl Package<'_> {
    fn text(&mut self, file: &str) -> Option<String> {
        self.sources.text(&format!("{}{file}", self.prefix))
    }

    fn note(&mut self, file: &str) {
        self.sources.note(&format!("{}{file}", self.prefix));
    }

    fn has(&self, file: &str) -> bool {
        self.sources.has(&format!("{}{file}", self.prefix))
    }

    fn names(&self, directory: &str) -> Vec<String> {
        self.sources.names(&format!("{}{directory}", self.prefix))
    }

    /// Declares a task of the kind's usual name.
    fn task(&mut self, origin: &str, ecosystem: &str, spec: Spec<'_>) {
        self.task_named(default_name(spec.kind), origin, ecosystem, spec);
    }

    fn task_named(&mut self, name: &str, origin: &str, ecosystem: &str, spec: Spec<'_>) {
        let report_file =
            spec.report_file.and_then(|file| WorkspacePath::parse(&format!("{}{file}", self.prefix)).ok());
        let task = Task {
            name: TaskName::new(name),
            kind: spec.kind,
            argv: spec.argv.iter().map(|&word| word.to_owned()).collect(),
            cwd: self.cwd.clone(),
            env: spec
                .env
                .iter()
                .map(|&(key, value)| (key.to_owned(), value.to_owned()))
                .collect::<BTreeMap<_, _>>(),
            report: spec.report,
            report_file,
            timeout: match spec.kind {
                TaskKind::Format => TimeoutClass::Medium,
                TaskKind::Test | TaskKind::Lint | TaskKind::Other => TimeoutClass::Long,
            },
            network: Vec::new(),
            origin: format!("{}{origin}", self.prefix),
            params: Vec::new(),
            writes: Vec::new(),
        };
        let suffix = match &self.cwd {
            Some(cwd) => cwd.file_name().to_ascii_lowercase(),
            None => ecosystem.to_owned(),
        };
        self.found.push(Found { task, suffix });
    }
}

/// True when the program lies in a directory of `PATH`, or where cargo installs programs.
fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cargo = std::env::var_os("HOME").map(|home| std::path::Path::new(&home).join(".cargo/bin"));
    std::env::split_paths(&path).chain(cargo).any(|directory| {
        directory.join(program).is_file() || directory.join(format!("{program}.exe")).is_file()
    })
}

/// True when a TOML or INI text has this table.
fn has_table(text: &str, table: &str) -> bool {
    text.lines().map(str::trim).any(|line| {
        line.strip_prefix('[')
            .and_then(|line| line.split(']').next())
            .is_some_and(|name| name.trim_start_matches('[').trim() == table)
    })
}
