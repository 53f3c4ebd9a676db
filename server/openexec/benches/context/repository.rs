//! A bare repository, read through one `git cat-file --batch`.

use openexec::limits::{CO_CHANGED_COMMITS_MAX, CO_CHANGED_FILES_MAX};
use openexec_engine::context::rank::changed_together;
use openexec_engine::path::WorkspacePath;
use openexec_engine::syntax::Language;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

/// Larger files are not indexed.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

pub(crate) struct Repository {
    folder: PathBuf,
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

/// A source file of a commit.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) path: WorkspacePath,
    pub(crate) blob: String,
    pub(crate) language: Language,
}

impl Repository {
    pub(crate) fn open(mirror: &Path, name: &str) -> Self {
        let folder = mirror.join(name.replace('/', "+")).join("repo");
        assert!(
            folder.is_dir(),
            "`{}` is missing; fetch `{name}` as a bare repository with its history, or set MIRROR",
            folder.display()
        );
        let mut child = Command::new("git")
            .arg("-C")
            .arg(&folder)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("git can be started");
        let to = child.stdin.take().expect("it was piped");
        let from = BufReader::new(child.stdout.take().expect("it was piped"));
        Self { folder, child, to, from }
    }

    /// The bytes of a blob; `None` where there is none.
    pub(crate) fn blob(&mut self, name: &str) -> Option<Vec<u8>> {
        writeln!(self.to, "{name}").expect("git takes a name");
        self.to.flush().expect("git takes a name");
        let mut head = String::new();
        self.from.read_line(&mut head).expect("git answers");
        let mut words = head.split_whitespace().rev();
        let size: usize = words.next()?.parse().ok()?;
        let kind = words.next()?;
        let mut bytes = vec![0; size + 1];
        self.from.read_exact(&mut bytes).expect("git answers with as many bytes as it said");
        bytes.pop();
        (kind == "blob").then_some(bytes)
    }

    fn git(&self, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new("git")
            .args(["-c", "core.quotepath=off", "-C"])
            .arg(&self.folder)
            .args(arguments)
            .output()
            .expect("git can be started");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// The files of a commit in languages that we have grammars for.
    pub(crate) fn sources(&self, commit: &str) -> Vec<Source> {
        let listed = self.git(&["ls-tree", "-r", "-z", "-l", "--full-tree", commit]);
        let lines = listed.split(|byte| *byte == 0).filter_map(|line| std::str::from_utf8(line).ok());
        lines
            .filter_map(|line| {
                let (facts, path) = line.split_once('\t')?;
                let [mode, "blob", blob, size] = facts.split_whitespace().collect::<Vec<_>>()[..] else {
                    return None;
                };
                let path = WorkspacePath::parse(path).ok()?;
                let language = Language::of_path(&path)?;
                let is_file = mode.starts_with("100") && size.parse::<u64>().ok()? <= FILE_BYTES_MAX;
                is_file.then(|| Source { path, blob: blob.to_owned(), language })
            })
            .collect()
    }

    /// The files of each of the commits up to this one, the newest first.
    pub(crate) fn history(&self, commit: &str) -> History {
        let limit = format!("-n{CO_CHANGED_COMMITS_MAX}");
        let log = self.git(&["log", "--no-merges", "--format=%x01", "--name-only", "-z", &limit, commit]);
        let commits = log.split(|byte| *byte == 1).map(|commit| {
            let names = commit.split(|byte| matches!(byte, 0 | b'\n')).filter(|name| !name.is_empty());
            names.filter_map(|name| std::str::from_utf8(name).ok()?.parse_path()).collect::<Vec<_>>()
        });
        History {
            commits: commits
                .filter(|files| !files.is_empty() && files.len() <= CO_CHANGED_FILES_MAX)
                .collect(),
        }
    }
}

trait ParsePath {
    fn parse_path(&self) -> Option<WorkspacePath>;
}

impl ParsePath for str {
    fn parse_path(&self) -> Option<WorkspacePath> {
        WorkspacePath::parse(self).ok()
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Which files were changed together.
pub(crate) struct History {
    commits: Vec<Vec<WorkspacePath>>,
}

impl History {
    /// The files that were changed together with these, weighted as for a run.
    pub(crate) fn co_changed(&self, seeds: &[&WorkspacePath]) -> Vec<(WorkspacePath, u32)> {
        changed_together(self.commits.iter().map(Vec::as_slice), seeds)
    }
}

/// Texts of blobs as Python decodes and divides them, by blob.
#[derive(Default)]
pub(crate) struct Texts(BTreeMap<String, Arc<Vec<String>>>);

impl Texts {
    /// The lines of a blob.
    pub(crate) fn lines(&mut self, repository: &mut Repository, blob: &str) -> Arc<Vec<String>> {
        if let Some(lines) = self.0.get(blob) {
            return Arc::clone(lines);
        }
        let bytes = repository.blob(blob).unwrap_or_default();
        let lines = String::from_utf8_lossy(&bytes).split('\n').map(str::to_owned).collect();
        let lines = Arc::new(lines);
        self.0.insert(blob.to_owned(), Arc::clone(&lines));
        lines
    }
}
