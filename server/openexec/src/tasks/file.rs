//! `.openexec/tasks.yaml`: tasks by name, added to those that were detected or put in their
//! place.

use super::{TASKS_FILE, TasksError};
use openexec_engine::ids::TaskName;
use openexec_engine::limits::{TASK_HOSTS_MAX, TASK_PARAMS_MAX, TASK_WRITES_MAX};
use openexec_engine::path::WorkspacePath;
use openexec_engine::task::{
    NetworkHost, ParamSort, ReportFormat, Task, TaskKind, TaskParam, TimeoutClass, VALUE_MARK, anchored,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// The file's only version.
const VERSION: u32 = 1;
/// Tasks in one file.
const TASKS_MAX: usize = 100;

/// The tasks that a workspace declares: added to those that are detected, or in their place.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "OpenExec tasks")]
pub(super) struct TasksFile {
    /// The version of the format: 1.
    #[schemars(extend("const" = 1), with = "u32")]
    version: Spanned<u32>,
    /// The tasks. One of the name of a detected task takes its place.
    #[serde(default)]
    tasks: Vec<Entry>,
    /// Detected tasks that shall not exist.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    disable: Vec<Spanned<String>>,
}

/// A declared command: a program and its arguments. There is no shell.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Task")]
struct Entry {
    /// a-z, 0-9, `-` and `_`; unique.
    #[schemars(with = "String")]
    name: Spanned<String>,
    /// `test` and `lint` judge the work, `format` rewrites files in the shadow, `other` runs by
    /// name only.
    kind: TaskKind,
    /// The program and its arguments.
    #[schemars(with = "Vec<String>")]
    argv: Spanned<Vec<String>>,
    /// The directory, relative to the workspace. Without this key: the workspace's root.
    #[schemars(with = "Option<String>")]
    cwd: Option<WorkspacePath>,
    /// Variables, added to the clean environment.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// How its output is read. Without this key: `auto`.
    report: Option<ReportFormat>,
    /// For `junit`: the file that the task writes.
    #[schemars(with = "Option<String>")]
    report_file: Option<WorkspacePath>,
    /// How long it may take; the shorter of this and the stage's counts. Without this key: `long`.
    timeout: Option<TimeoutClass>,
    /// The hosts that it may reach: `host`, `host:port` or `*.example.org`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    network: Vec<Spanned<String>>,
    /// Values that a model may give.
    #[serde(default)]
    params: Vec<Param>,
    /// The files that it is there to write. Where a procedure runs it, what it has made of them is
    /// proposed to you; everything else that it writes is dropped.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    writes: Vec<Spanned<WorkspacePath>>,
}

/// A value that the task takes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Param {
    /// a-z, 0-9 and `_`; unique in the task.
    #[schemars(with = "String")]
    name: Spanned<String>,
    /// What the value is.
    #[serde(rename = "type")]
    #[schemars(with = "Sort")]
    sort: Spanned<Sort>,
    /// For `string`: a regular expression that the whole value must match.
    #[schemars(with = "Option<String>")]
    pattern: Option<Spanned<String>>,
    /// For `choice`: the values.
    #[schemars(with = "Option<Vec<String>>")]
    of: Option<Spanned<Vec<String>>>,
    /// The arguments that a value adds, with `{value}` exactly once.
    #[schemars(with = "Option<Vec<String>>")]
    argv: Option<Spanned<Vec<String>>>,
}

#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Sort {
    /// A text that matches `pattern`.
    String,
    /// A path of the workspace that is neither a secret nor protected.
    WorkspacePath,
    /// One of the values of `of`.
    Choice,
}

/// Parses and checks the file's text.
pub(super) fn read(text: &str) -> Result<TasksFile, TasksError> {
    let options = serde_saphyr::options! { with_snippet: false };
    let file: TasksFile = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let at = error.location().map_or_else(String::new, |at| format!(":{}:{}", at.line(), at.column()));
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or(&said).trim().trim_end_matches('.').to_owned();
        TasksError(format!(
            "{TASKS_FILE}{at}: {said}; a task has the keys name, kind (test, lint, format, other), argv (a list), \
             and optionally cwd, env, report, report_file, timeout (fast, medium, long), network (a list of hosts), \
             params (each with name, type (string, workspace_path, choice), pattern or of, and argv), \
             writes (a list of files)"
        ))
    })?;
    file.check()?;
    Ok(file)
}

fn wrong<T>(at: &Spanned<T>, what: &str) -> TasksError {
    let location = at.referenced;
    TasksError(format!("{TASKS_FILE}:{}:{}: {what}", location.line(), location.column()))
}

impl TasksFile {
    fn check(&self) -> Result<(), TasksError> {
        if self.version.value != VERSION {
            return Err(wrong(&self.version, "this version is unknown; write `version: 1`"));
        }
        if self.tasks.len() > TASKS_MAX {
            return Err(TasksError(format!("{TASKS_FILE}: more than {TASKS_MAX} tasks; remove some")));
        }
        let mut names: Vec<&str> = Vec::new();
        for task in &self.tasks {
            let name = task.name.value.as_str();
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
            if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
                return Err(wrong(
                    &task.name,
                    &format!("`{}` is no name for a task; use a-z, 0-9, `-` and `_`", name.escape_debug()),
                ));
            }
            if names.contains(&name) {
                return Err(wrong(
                    &task.name,
                    &format!("`{name}` is declared twice; rename or remove one of the two"),
                ));
            }
            names.push(name);
            if task.argv.value.first().is_none_or(String::is_empty) {
                return Err(wrong(
                    &task.argv,
                    &format!("`{name}` names no program; write `argv: [program, argument]`"),
                ));
            }
            if task.report == Some(ReportFormat::Junit) && task.report_file.is_none() {
                return Err(wrong(
                    &task.name,
                    &format!("`{name}` reports as `junit`; say where, with `report_file`"),
                ));
            }
            task.check_params()?;
            check_network(&task.network)?;
            check_writes(&task.writes)?;
        }
        Ok(())
    }

    /// These tasks over those that were detected.
    pub(super) fn over(self, mut detected: Vec<Task>) -> Result<Vec<Task>, TasksError> {
        for name in &self.disable {
            let before = detected.len();
            detected.retain(|task| task.name.as_str() != name.value);
            if detected.len() == before {
                return Err(wrong(
                    name,
                    &format!(
                        "no task `{}` was detected; remove it from `disable`",
                        name.value.escape_debug()
                    ),
                ));
            }
        }
        for entry in self.tasks {
            detected.retain(|task| task.name.as_str() != entry.name.value);
            detected.push(entry.into_task());
        }
        Ok(detected)
    }
}

fn check_network(hosts: &[Spanned<String>]) -> Result<(), TasksError> {
    if let Some(surplus) = hosts.get(TASK_HOSTS_MAX) {
        return Err(wrong(surplus, &format!("more than {TASK_HOSTS_MAX} hosts; split the task")));
    }
    for host in hosts {
        if let Err(error) = NetworkHost::parse(&host.value) {
            return Err(wrong(host, &format!("`{}` in `network`: {error}", host.value.escape_debug())));
        }
    }
    Ok(())
}

fn check_writes(files: &[Spanned<WorkspacePath>]) -> Result<(), TasksError> {
    if let Some(surplus) = files.get(TASK_WRITES_MAX) {
        return Err(wrong(surplus, &format!("more than {TASK_WRITES_MAX} files; split the task")));
    }
    for (at, file) in files.iter().enumerate() {
        if files.iter().take(at).any(|before| before.value == file.value) {
            return Err(wrong(file, &format!("`{}` is listed twice; list it once", file.value)));
        }
    }
    Ok(())
}

impl Entry {
    fn check_params(&self) -> Result<(), TasksError> {
        if self.params.len() > TASK_PARAMS_MAX {
            return Err(wrong(
                &self.name,
                &format!("a task takes at most {TASK_PARAMS_MAX} params; remove some"),
            ));
        }
        for (at, param) in self.params.iter().enumerate() {
            let name = param.name.value.as_str();
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
                let what =
                    format!("`{}` is no name for a parameter; use a-z, 0-9 and `_`", name.escape_debug());
                return Err(wrong(&param.name, &what));
            }
            if self.params.iter().take(at).any(|before| before.name.value == name) {
                return Err(wrong(
                    &param.name,
                    &format!("`{name}` is declared twice; rename or remove one of the two"),
                ));
            }
            param.check()?;
        }
        Ok(())
    }

    fn into_task(self) -> Task {
        Task {
            name: TaskName::new(self.name.value),
            kind: self.kind,
            argv: self.argv.value,
            cwd: self.cwd,
            env: self.env,
            report: self.report.unwrap_or(ReportFormat::Auto),
            report_file: self.report_file,
            timeout: self.timeout.unwrap_or(TimeoutClass::Long),
            network: self.network.into_iter().map(|host| host.value).collect(),
            origin: TASKS_FILE.to_owned(),
            params: self.params.into_iter().map(Param::into_param).collect(),
            writes: self.writes.into_iter().map(|file| file.value).collect(),
        }
    }
}

impl Param {
    fn check(&self) -> Result<(), TasksError> {
        match (self.sort.value, &self.pattern, &self.of) {
            (Sort::String, Some(pattern), None) => {
                if let Err(error) = anchored(&pattern.value) {
                    let said = error.to_string();
                    let said = said.lines().last().unwrap_or_default().trim();
                    return Err(wrong(pattern, &format!("the pattern is broken: {said}; mend it")));
                }
            }
            (Sort::Choice, None, Some(of)) => {
                if of.value.is_empty() {
                    return Err(wrong(of, "there is nothing to choose from; list the values"));
                }
            }
            (Sort::WorkspacePath, None, None) => {}
            (Sort::String, ..) => {
                return Err(wrong(
                    &self.sort,
                    "a `string` needs `pattern`, which its whole value must match, and no `of`",
                ));
            }
            (Sort::Choice, ..) => {
                return Err(wrong(
                    &self.sort,
                    "a `choice` needs `of`, the list of its values, and no `pattern`",
                ));
            }
            (Sort::WorkspacePath, ..) => {
                return Err(wrong(
                    &self.sort,
                    "a `workspace_path` has neither `pattern` nor `of`; remove them",
                ));
            }
        }
        if let Some(argv) = &self.argv {
            let marks: usize = argv.value.iter().map(|piece| piece.matches(VALUE_MARK).count()).sum();
            if marks != 1 {
                return Err(wrong(
                    argv,
                    &format!("write `{VALUE_MARK}` exactly once, where the value is to stand"),
                ));
            }
        }
        Ok(())
    }

    fn into_param(self) -> TaskParam {
        let sort = match (self.sort.value, self.pattern, self.of) {
            (Sort::String, pattern, _) => {
                ParamSort::String { pattern: pattern.map(|pattern| pattern.value).unwrap_or_default() }
            }
            (Sort::WorkspacePath, ..) => ParamSort::WorkspacePath,
            (Sort::Choice, _, of) => ParamSort::Choice { of: of.map(|of| of.value).unwrap_or_default() },
        };
        let argv = self.argv.map_or_else(|| vec![VALUE_MARK.to_owned()], |argv| argv.value);
        TaskParam { name: self.name.value, sort, argv }
    }
}
