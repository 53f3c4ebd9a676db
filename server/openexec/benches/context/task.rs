//! The tasks of the benchmark: bug fixes of public repositories, with what each changed.

use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
struct File {
    tasks: Vec<Task>,
}

/// One bug fix.
#[derive(Deserialize, Clone)]
pub(crate) struct Task {
    pub(crate) id: String,
    /// `owner/name`.
    pub(crate) repo: String,
    pub(crate) lang: String,
    /// The commit before the fix.
    pub(crate) parent: String,
    pub(crate) text: String,
    pub(crate) failing_tests: Vec<FailingTest>,
    pub(crate) seed_test: Option<SeedTest>,
    pub(crate) seed_symbol: SeedSymbol,
    pub(crate) changed_files: Vec<String>,
    pub(crate) changed_functions: Vec<Changed>,
}

#[derive(Deserialize, Clone)]
pub(crate) struct FailingTest {
    pub(crate) file: String,
    pub(crate) name: Option<String>,
    pub(crate) code: Option<String>,
}

#[derive(Deserialize, Clone)]
pub(crate) struct SeedTest {
    pub(crate) file: String,
    pub(crate) line: Option<u32>,
}

#[derive(Deserialize, Clone)]
pub(crate) struct SeedSymbol {
    pub(crate) file: String,
    pub(crate) line: u32,
}

/// A function that the fix changed. Lines are counted from 1.
#[derive(Deserialize, Clone)]
pub(crate) struct Changed {
    pub(crate) file: String,
    pub(crate) name_line: u32,
    pub(crate) start_line: u32,
    pub(crate) end_line: u32,
}

/// What a pack is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum View {
    /// The text.
    Issue,
    /// The text and the failing tests.
    Test,
    /// The text and a cursor in the first changed function; the others are wanted.
    Symbol,
}

impl View {
    pub(crate) const ALL: [Self; 3] = [Self::Issue, Self::Test, Self::Symbol];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Test => "test",
            Self::Symbol => "symbol",
        }
    }
}

impl Task {
    /// The functions and the files that a view wants.
    pub(crate) fn wanted(&self, view: View) -> (Vec<&Changed>, Vec<&String>) {
        let seed = &self.seed_symbol;
        let functions = self.changed_functions.iter().filter(|it| {
            view != View::Symbol
                || it.file != seed.file
                || !(it.start_line..=it.end_line).contains(&seed.line)
        });
        let files = self.changed_files.iter().filter(|it| view != View::Symbol || **it != seed.file);
        (functions.collect(), files.collect())
    }
}

/// Reads `tasks_dev.json` of a folder.
pub(crate) fn tasks(folder: &Path) -> Vec<Task> {
    let path = folder.join("tasks_dev.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("`{}`: {error}; set CONTEXT_TASKS to the folder that holds tasks_dev.json", path.display())
    });
    let file: File =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("`{}`: {error}", path.display()));
    file.tasks
}
