//! The scripts of `package.json`, through the package manager whose lock file lies there.
//! Where the script ends with a runner that we know, it is asked for a report that can be read.

use super::{Package, REPORTS, Spec};
use openexec_engine::task::{ReportFormat, TaskKind};
use serde::Deserialize;
use std::collections::BTreeMap;

const ORIGIN: &str = "package.json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    scripts: BTreeMap<String, String>,
    #[serde(default)]
    package_manager: Option<String>,
}

pub(super) fn scripts(package: &mut Package) {
    let Some(text) = package.text(ORIGIN) else { return };
    // A manifest that npm could not read either declares nothing.
    let Ok(manifest) = serde_json::from_str::<Manifest>(&text) else { return };
    package.note(".npmrc");
    let manager = manager(package, manifest.package_manager.as_deref());
    let script = |name: &str| manifest.scripts.get(name).map(String::as_str);
    if let Some(test) = script("test").filter(|script| !script.contains("no test specified")) {
        let report_file = format!("{REPORTS}/vitest.xml");
        let runner = Runner::of(test, &report_file);
        let mut argv = manager.run("test");
        let arguments: Vec<&str> = runner.arguments.iter().map(String::as_str).collect();
        if !arguments.is_empty() {
            argv.extend(manager.separator());
            argv.extend(&arguments);
        }
        let spec = Spec {
            report: runner.report,
            report_file: (runner.report == ReportFormat::Junit).then_some(report_file.as_str()),
            env: runner.env,
            ..Spec::plain(TaskKind::Test, &argv)
        };
        package.task(ORIGIN, manager.name(), spec);
    }
    for (name, kind) in
        [("lint", TaskKind::Lint), ("typecheck", TaskKind::Lint), ("format", TaskKind::Format)]
    {
        // A formatter that only checks rewrites nothing.
        let is_check = |script: &str| script.contains("--check") || script.contains("--list-different");
        if script(name).is_some_and(|script| kind != TaskKind::Format || !is_check(script)) {
            package.task_named(name, ORIGIN, manager.name(), Spec::plain(kind, &manager.run(name)));
        }
    }
}

#[derive(Clone, Copy)]
enum Manager {
    Npm,
    Pnpm,
    Yarn,
    Bun,
}

fn manager(package: &Package, declared: Option<&str>) -> Manager {
    let by_name = |name: &str| match name.split('@').next() {
        Some("npm") => Some(Manager::Npm),
        Some("pnpm") => Some(Manager::Pnpm),
        Some("yarn") => Some(Manager::Yarn),
        Some("bun") => Some(Manager::Bun),
        _ => None,
    };
    let locks = [
        ("pnpm-lock.yaml", Manager::Pnpm),
        ("yarn.lock", Manager::Yarn),
        ("bun.lock", Manager::Bun),
        ("bun.lockb", Manager::Bun),
    ];
    declared
        .and_then(by_name)
        .or_else(|| locks.into_iter().find(|(file, _)| package.has(file)).map(|(_, manager)| manager))
        .unwrap_or(Manager::Npm)
}

impl Manager {
    fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Yarn => "yarn",
            Self::Bun => "bun",
        }
    }

    fn run(self, script: &str) -> Vec<&str> {
        match self {
            Self::Npm => vec!["npm", "run", "--silent", script],
            Self::Pnpm => vec!["pnpm", "--silent", "run", script],
            Self::Yarn => vec!["yarn", "run", script],
            Self::Bun => vec!["bun", "run", script],
        }
    }

    /// Only npm keeps arguments for itself that do not follow a `--`.
    fn separator(self) -> Option<&'static str> {
        matches!(self, Self::Npm).then_some("--")
    }
}

/// How a test runner is brought to report.
struct Runner {
    arguments: Vec<String>,
    env: &'static [(&'static str, &'static str)],
    report: ReportFormat,
}

impl Runner {
    /// Arguments are appended to the script, so they reach its last command: they are given
    /// only where that is the runner.
    fn of(script: &str, report_file: &str) -> Self {
        let last = script.rsplit(['&', ';', '|']).next().unwrap_or(script);
        let words: Vec<&str> = last
            .split_whitespace()
            .map(|word| word.rsplit('/').next().unwrap_or(word))
            .skip_while(|word| word.contains('=') || matches!(*word, "npx" | "cross-env" | "c8" | "nyc"))
            .collect();
        let has = |word: &str| words.contains(&word);
        let new = |arguments: &[&str], report| Self {
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            env: &[],
            report,
        };
        match words.first().copied() {
            Some("vitest") => {
                new(&["--reporter=junit", &format!("--outputFile={report_file}")], ReportFormat::Junit)
            }
            Some("jest") => new(&["--json"], ReportFormat::JestJson),
            Some("react-scripts") => new(&["--json", "--watchAll=false"], ReportFormat::JestJson),
            Some("mocha") => new(&["--reporter", "tap"], ReportFormat::Tap),
            Some("ava") => new(&["--tap"], ReportFormat::Tap),
            Some("tap") => new(&["--reporter=tap"], ReportFormat::Tap),
            Some("tape") => new(&[], ReportFormat::Tap),
            // Node takes its options before the files only; the environment has no order.
            Some("node") if has("--test") && !last.contains("--test-reporter") => {
                Self { env: &[("NODE_OPTIONS", "--test-reporter=tap")], ..new(&[], ReportFormat::Tap) }
            }
            _ => new(&[], ReportFormat::Auto),
        }
    }
}
