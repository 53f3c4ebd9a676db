//! One task in the shadow, from its argv to its report.

use super::tree::{self, Kind};
use super::{Fetching, PROTECTED, Shadow, confinement, layer};
use crate::limits::{REPORT_BYTES_MAX, REPORT_FILES_MAX};
use crate::process::spec::SandboxSpec;
use crate::process::{Gateway, Keepers, ParsedReport, Ran, TaskLimits, parse_report, run_plainly};
use cap_std::fs::Dir;
use openexec_engine::limits::{FAILURES_LISTED_MAX, FILE_BYTES_MAX};
use openexec_engine::path::WorkspacePath;
use openexec_engine::task::{
    Content, ReportFormat, Task, TaskExit, TaskKind, TaskReport, TestCounts, WrittenFile,
};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Runs a task and reads its report.
pub(super) async fn run(
    shadow: &Shadow,
    keepers: &mut Keepers,
    task: &Task,
    timeout_ms: u64,
    want: &[WorkspacePath],
) -> TaskReport {
    let mut report = TaskReport {
        task: task.name.clone(),
        kind: task.kind,
        argv: task.argv.clone(),
        exit: TaskExit::NotStarted { reason: String::new() },
        duration_ms: 0,
        tests: None,
        failures: Vec::new(),
        output: String::new(),
        output_bytes: 0,
        sandbox: shadow.confinement.name.clone(),
        rewritten: Vec::new(),
        written: Vec::new(),
        connections: Vec::new(),
    };
    let view = match View::of(shadow) {
        Ok(view) => view,
        Err(error) => {
            report.exit = TaskExit::NotStarted { reason: format!("the shadow could not be read: {error}") };
            return report;
        }
    };
    // A report from an earlier run must not be taken for this one's.
    if let Some(place) = &task.report_file
        && let Err(error) = view.remove_reports(place)
    {
        report.exit = TaskExit::NotStarted {
            reason: format!("the old report `{place}` could not be removed: {error}"),
        };
        return report;
    }
    let before: BTreeMap<&WorkspacePath, Option<String>> =
        want.iter().map(|path| (path, view.text(path))).collect();
    let declared: Vec<(&WorkspacePath, Content)> = want
        .iter()
        .filter(|path| task.writes.contains(path))
        .map(|path| (path, view.content(path)))
        .collect();
    let unguarded = view.unguarded();
    let gateway = (!task.network.is_empty()).then(|| Gateway::to(&task.network));
    let ran = execute(shadow, keepers, task, timeout_ms, gateway.as_ref()).await;
    report.connections = gateway.as_ref().map(Gateway::connections).unwrap_or_default();
    if let Err(error) = view.drop_planted(keepers, &unguarded).await {
        report.exit = TaskExit::NotStarted {
            reason: format!("what the task left in protected places could not be removed: {error}"),
        };
        return report;
    }
    if let Some(parts) = &ran.parts {
        report.sandbox = confinement::name(parts);
        if gateway.is_some() {
            report.sandbox.push_str("+gateway");
        }
    }
    report.output = ran.capture.kept();
    report.output_bytes = ran.capture.bytes();
    report.duration_ms = ran.duration_ms;
    if matches!(ran.exit, TaskExit::Exited { .. }) {
        if task.kind == TaskKind::Test {
            let parsed = read_report(&view, task, &ran, &report.output);
            report.tests = parsed.counts;
            report.failures = parsed.failures;
            report.failures.truncate(FAILURES_LISTED_MAX);
        }
        report.rewritten = want
            .iter()
            .filter_map(|path| {
                let now = view.text(path)?;
                (before.get(path)?.as_ref() != Some(&now)).then(|| (path.clone(), now))
            })
            .collect();
        report.written = declared
            .into_iter()
            .map(|(path, before)| WrittenFile { path: path.clone(), before, after: view.content(path) })
            .collect();
    }
    report.exit = ran.exit;
    report
}

async fn execute(
    shadow: &Shadow,
    keepers: &mut Keepers,
    task: &Task,
    timeout_ms: u64,
    out: Option<&Gateway>,
) -> Ran {
    let below =
        |root: &Path| task.cwd.as_ref().map_or_else(|| root.to_path_buf(), |cwd| root.join(cwd.as_str()));
    let (mut env, fetching) = match out {
        Some(_) => (shadow.environment.networked(), Fetching::Allowed),
        None => (shadow.environment.variables.clone(), Fetching::None),
    };
    env.extend(task.env.clone());
    if !shadow.confinement.confined {
        return run_plainly(&task.argv, &below(&shadow.places.copy()), &env, timeout_ms).await;
    }
    let cpu_s = timeout_ms.div_ceil(1000).saturating_mul(processors()).max(1);
    let limits = TaskLimits { cpu_s: cpu_s.min(shadow.limits.cpu_s), ..shadow.limits };
    let spec = SandboxSpec {
        argv: task.argv.clone(),
        cwd: below(&shadow.root),
        env,
        ..shadow.places.spec(&shadow.root, &shadow.environment, fetching, limits)
    };
    keepers.run(&spec, timeout_ms, out).await
}

/// Processors that this process may use.
fn processors() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u64)
}

fn read_report(view: &View, task: &Task, ran: &Ran, output: &str) -> ParsedReport {
    let cwd = task.cwd.as_ref().map_or("", |cwd| cwd.as_str());
    let locate = |path: &str| view.locate(cwd, path);
    if task.report == ReportFormat::ExitCode {
        let counts = match ran.exit {
            TaskExit::Exited { code: 0 } => TestCounts { passed: 1, ..TestCounts::default() },
            _ => TestCounts { failed: 1, ..TestCounts::default() },
        };
        return ParsedReport { counts: Some(counts), failures: Vec::new() };
    }
    if let Some(place) = &task.report_file {
        let Ok(files) = view.reports(place) else { return ParsedReport::default() };
        return files
            .iter()
            .map(|file| parse_report(task.report, "", Some(file), &locate))
            .reduce(ParsedReport::merged)
            .unwrap_or_default();
    }
    let Some(stdout) = ran.capture.whole_stdout() else { return ParsedReport::default() };
    let parsed = parse_report(task.report, &stdout, None, &locate);
    // Python's own runner reports on standard error.
    if parsed.counts.is_none()
        && task.report == ReportFormat::Auto
        && ran.capture.bytes() == output.len() as u64
    {
        return parse_report(task.report, output, None, &locate);
    }
    parsed
}

/// What the task sees of the workspace, read from outside.
struct View {
    root: PathBuf,
    /// Where the task's own writes are: the upper directory, or the copy.
    written: Dir,
    /// The user's tree below an overlay; none for a copy.
    lower: Option<Dir>,
}

impl View {
    fn of(shadow: &Shadow) -> io::Result<Self> {
        if shadow.confinement.confined {
            let (written, lower) = (tree::open(&shadow.places.upper())?, tree::open(&shadow.root)?);
            return Ok(Self { root: shadow.root.clone(), written, lower: Some(lower) });
        }
        super::private_directory(&shadow.places.copy())?;
        let root = std::fs::canonicalize(shadow.places.copy())?;
        Ok(Self { written: tree::open(&root)?, root, lower: None })
    }

    /// The protected places at the top that no mount can guard, as nothing but a link is there.
    fn unguarded(&self) -> Vec<&'static str> {
        let Some(lower) = &self.lower else { return Vec::new() };
        let is_guarded = |name: &&str| match (tree::kind(&self.written, name), tree::kind(lower, name)) {
            (Ok(Kind::Directory | Kind::File), _) => true,
            (Ok(Kind::Absent), Ok(kind)) => matches!(kind, Kind::Directory | Kind::File),
            _ => false,
        };
        PROTECTED.into_iter().filter(|name| !is_guarded(name)).collect()
    }

    /// Removes what the task has put into protected places: neither the next task nor a report
    /// shall be led by it.
    async fn drop_planted(&self, keepers: &mut Keepers, unguarded: &[&str]) -> io::Result<()> {
        let Some(lower) = &self.lower else { return Ok(()) };
        let planted = layer::planted(lower, &self.written, unguarded)?;
        if planted.is_empty() {
            return Ok(());
        }
        keepers.settle().await;
        planted.iter().try_for_each(|path| layer::uncover(&self.written, path))
    }

    /// The text of a file, if it is there and is text.
    fn text(&self, path: &WorkspacePath) -> Option<String> {
        let read = |dir: &Dir| {
            tree::read(dir, path.as_str(), FILE_BYTES_MAX as u64)
                .ok()
                .flatten()
                .and_then(|bytes| String::from_utf8(bytes).ok())
        };
        match (tree::kind(&self.written, path.as_str()).ok()?, &self.lower) {
            (Kind::Absent, Some(lower)) => read(lower),
            (Kind::File, _) => read(&self.written),
            _ => None,
        }
    }

    /// What stands at a path, for those who must tell nothing from what cannot be read.
    fn content(&self, path: &WorkspacePath) -> Content {
        let text = |dir: &Dir| match tree::read(dir, path.as_str(), FILE_BYTES_MAX as u64) {
            Ok(Some(bytes)) => String::from_utf8(bytes).map_or(Content::Other, |text| Content::Text { text }),
            Ok(None) | Err(_) => Content::Other,
        };
        let is_gone = Path::new(path.as_str()).ancestors().any(|above| {
            !above.as_os_str().is_empty() && matches!(tree::kind(&self.written, above), Ok(Kind::Whiteout))
        });
        match (tree::kind(&self.written, path.as_str()), &self.lower) {
            _ if is_gone => Content::Nothing,
            (Ok(Kind::File), _) => text(&self.written),
            (Ok(Kind::Absent), None) => Content::Nothing,
            (Ok(Kind::Absent), Some(lower)) => match tree::kind(lower, path.as_str()) {
                Ok(Kind::Absent) => Content::Nothing,
                Ok(Kind::File) => text(lower),
                Ok(Kind::Directory | Kind::Link | Kind::Whiteout | Kind::Other) | Err(_) => Content::Other,
            },
            (Ok(Kind::Directory | Kind::Link | Kind::Whiteout | Kind::Other) | Err(_), _) => Content::Other,
        }
    }

    /// The workspace path of a file that a report names, if there is such a file.
    fn locate(&self, cwd: &str, named: &str) -> Option<WorkspacePath> {
        let named = named.strip_prefix("file://").unwrap_or(named);
        let path = Path::new(named);
        let candidates = match path.strip_prefix(&self.root) {
            Ok(below) => vec![below.to_path_buf()],
            Err(_) if path.is_absolute() => return None,
            Err(_) => vec![Path::new(cwd).join(path), path.to_path_buf()],
        };
        candidates.iter().find_map(|candidate| {
            let parts: Vec<&str> = candidate
                .components()
                .filter(|component| !matches!(component, std::path::Component::CurDir))
                .map(|component| component.as_os_str().to_str())
                .collect::<Option<_>>()?;
            let path = WorkspacePath::parse(&parts.join("/")).ok()?;
            let is_file = |dir: &Dir| matches!(tree::kind(dir, path.as_str()), Ok(Kind::File));
            (is_file(&self.written) || self.lower.as_ref().is_some_and(is_file)).then_some(path)
        })
    }

    /// Where reports may be: at the place itself, and at the same place in each module of a
    /// build with several.
    fn report_places(&self, place: &WorkspacePath) -> io::Result<Vec<PathBuf>> {
        let mut places = Vec::new();
        let mut modules = vec![PathBuf::new()];
        while let Some(module) = modules.pop() {
            let candidate = module.join(place.as_str());
            if !matches!(tree::kind(&self.written, &candidate)?, Kind::Absent | Kind::Whiteout) {
                places.push(candidate);
            }
            if module.components().count() < MODULE_DEPTH_MAX {
                let dir = if module.as_os_str().is_empty() {
                    self.written.try_clone()?
                } else {
                    self.written.open_dir(&module)?
                };
                for name in tree::names(&dir)? {
                    let inner = module.join(&name);
                    if name != ".git"
                        && tree::kind(&self.written, &inner)? == Kind::Directory
                        && !tree::is_cache(&self.written, &module, &name)
                    {
                        modules.push(inner);
                    }
                }
            }
        }
        places.sort();
        Ok(places)
    }

    fn remove_reports(&self, place: &WorkspacePath) -> io::Result<()> {
        for path in self.report_places(place)? {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { continue };
            let parent = if parent.as_os_str().is_empty() {
                self.written.try_clone()?
            } else {
                self.written.open_dir(parent)?
            };
            tree::remove(&parent, name)?;
        }
        Ok(())
    }

    /// The report files that the task has written. Those of the user's own tree never count.
    fn reports(&self, place: &WorkspacePath) -> io::Result<Vec<String>> {
        let mut files = Vec::new();
        for path in self.report_places(place)? {
            match tree::kind(&self.written, &path)? {
                Kind::File => files.push(path),
                Kind::Directory => {
                    let dir = self.written.open_dir(&path)?;
                    files.extend(
                        tree::names(&dir)?
                            .into_iter()
                            .map(|name| path.join(name))
                            .filter(|file| file.extension().is_some_and(|extension| extension == "xml")),
                    );
                }
                _ => {}
            }
        }
        if files.len() > REPORT_FILES_MAX {
            return Err(io::Error::other("too many report files"));
        }
        files
            .iter()
            .map(|path| {
                let bytes = tree::read(&self.written, path, REPORT_BYTES_MAX)?
                    .ok_or_else(|| io::Error::other("a report is too large"))?;
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            })
            .collect()
    }
}

/// How deep modules of a build are looked for.
const MODULE_DEPTH_MAX: usize = 3;
