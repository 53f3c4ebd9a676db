//! A generated project: half Rust, half Python, with names that stand in one file, in some and
//! nearly everywhere, as in a project that people have written. The same number of files gives
//! the same project.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Functions of one file, each of about ten lines.
const FUNCTIONS: usize = 10;
/// Files of one directory.
const FILES_PER_DIRECTORY: usize = 20;
/// A test program that needs no compiler.
const CHECK: &str = "print('1..1')\nprint('ok 1 - stands')\n";
const TASKS: &str =
    "version: 1\ntasks:\n  - name: test\n    kind: test\n    argv: [python3, check.py]\n    report: tap\n";

/// A file of the project with a function to work on.
pub struct Chosen {
    /// Its path from the root.
    pub path: String,
    /// The first line of the function, counted from 0.
    pub line: u32,
}

/// Writes so many source files below `root`.
pub fn generate(root: &Path, files: usize) -> std::io::Result<()> {
    for file in 0..files {
        let path = root.join(path_of(file));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text_of(file, files))?;
    }
    std::fs::create_dir_all(root.join(".openexec"))?;
    std::fs::write(root.join(".openexec/tasks.yaml"), TASKS)?;
    std::fs::write(root.join("check.py"), CHECK)
}

/// The file in the middle of the project, and a function in it.
pub fn chosen(files: usize) -> Chosen {
    let file = files / 2 / 2 * 2;
    let text = text_of(file, files);
    let wanted = format!("pub fn {}", function(file, 3));
    let line = text.lines().position(|line| line.starts_with(&wanted)).unwrap_or_default();
    Chosen { path: path_of(file).display().to_string(), line: u32::try_from(line).unwrap_or_default() }
}

/// One large Rust file of so many lines, which ends within a function.
pub fn large_rust_file(lines: usize) -> String {
    let mut text = String::new();
    for file in 0.. {
        text.push_str(&text_of(file * 2, 100_000));
        if text.lines().count() >= lines {
            break;
        }
    }
    let mut cut: String = text.lines().take(lines).collect::<Vec<_>>().join("\n");
    cut.push('\n');
    cut
}

fn path_of(file: usize) -> PathBuf {
    let (directory, language) = (file / FILES_PER_DIRECTORY, file % 2);
    match language {
        0 => format!("crates/part_{directory}/src/module_{file}.rs").into(),
        _ => format!("services/part_{directory}/module_{file}.py").into(),
    }
}

/// Names recur: the same few verbs, a subject of this file, and a number.
fn function(file: usize, at: usize) -> String {
    const VERBS: [&str; 8] = ["load", "store", "merge", "check", "render", "split", "update", "count"];
    let verb = VERBS.get((file + at) % VERBS.len()).unwrap_or(&"load");
    format!("{verb}_{}_{at}", subject(file))
}

/// One subject is shared by seven files, wide apart.
fn subject(file: usize) -> String {
    const SUBJECTS: [&str; 6] = ["invoice", "ledger", "parcel", "session", "tenant", "voucher"];
    let kind = SUBJECTS.get(file % SUBJECTS.len()).unwrap_or(&"ledger");
    format!("{kind}{}", file % 301)
}

fn text_of(file: usize, files: usize) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for at in 0..FUNCTIONS {
        // What is called stands in another file of the same language.
        let called =
            function((file + 2 * (at * 37 + 1)) % files.max(2) / 2 * 2 + file % 2, (at + 3) % FUNCTIONS);
        let _ = match file % 2 {
            0 => rust_function(&mut text, &function(file, at), &called, at),
            _ => python_function(&mut text, &function(file, at), &called, at),
        };
    }
    text
}

fn rust_function(text: &mut String, name: &str, called: &str, at: usize) -> std::fmt::Result {
    write!(
        text,
        "/// Takes the entries of a batch together, beginning with entry {at}.\n\
         pub fn {name}(entries: &[Entry], limit: usize) -> Result<Summary, Failure> {{\n    \
             let mut summary = Summary::default();\n    \
             for (index, entry) in entries.iter().enumerate().skip({at}) {{\n        \
                 if index >= limit || entry.is_closed() {{\n            \
                     return Err(Failure::Limit {{ index, limit }});\n        \
                 }}\n        \
                 summary.add({called}(entry.parts(), limit - index)?);\n    \
             }}\n    \
             Ok(summary.with_label(\"{name}\"))\n\
         }}\n\n"
    )
}

fn python_function(text: &mut String, name: &str, called: &str, at: usize) -> std::fmt::Result {
    write!(
        text,
        "def {name}(entries, limit):\n    \
             \"\"\"Take the entries of a batch together, beginning with entry {at}.\"\"\"\n    \
             summary = Summary()\n    \
             for index, entry in enumerate(entries[{at}:]):\n        \
                 if index >= limit or entry.is_closed():\n            \
                     raise LimitReached(index, limit)\n        \
                 summary.add({called}(entry.parts(), limit - index))\n    \
             summary.label = \"{name}\"\n    \
             return summary\n\n\n"
    )
}
