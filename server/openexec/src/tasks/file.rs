//! `.openexec/tasks.yaml`: tasks by name, added to those that were detected or put in their
//! place.

use super::{TASKS_FILE, TasksError};
use openexec_engine::ids::TaskName;
use openexec_engine::limits::TASK_HOSTS_MAX;
use openexec_engine::path::WorkspacePath;
use openexec_engine::task::{NetworkHost, ReportFormat, Task, TaskKind, TimeoutClass};
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// The file's only version.
const VERSION: u32 = 1;
/// Tasks in one file.
const TASKS_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TasksFile {
    version: Spanned<u32>,
    #[serde(default)]
    tasks: Vec<Entry>,
    /// Detected tasks that shall not exist.
    #[serde(default)]
    disable: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    kind: TaskKind,
    argv: Spanned<Vec<String>>,
    cwd: Option<WorkspacePath>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    report: Option<ReportFormat>,
    report_file: Option<WorkspacePath>,
    timeout: Option<TimeoutClass>,
    /// The hosts that it may reach.
    #[serde(default)]
    network: Vec<Spanned<String>>,
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
             and optionally cwd, env, report, report_file, timeout (fast, medium, long), network (a list of hosts)"
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
            check_network(&task.network)?;
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

impl Entry {
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
        }
    }
}
