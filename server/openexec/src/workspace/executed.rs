//! What executes a file although its name does not say so: git through `core.hooksPath`, cargo
//! through a procedural macro's crate or a build script of another name, and a script that
//! something else calls by its path. Nothing is executed to find that out; git is not asked.

use super::Workspace;
use crate::limits::EXECUTED_SOURCES_MAX;
use openexec_engine::limits::CONFIG_BYTES_MAX;
use openexec_engine::path::WorkspacePath;
use std::path::{Path, PathBuf};

/// Files at the root, and below `.github`, that call scripts by their paths.
const CALLERS: &[&str] = &[
    "Makefile",
    "makefile",
    "GNUmakefile",
    "justfile",
    "Justfile",
    "package.json",
    ".openexec/tasks.yaml",
    ".gitlab-ci.yml",
    ".travis.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "Jenkinsfile",
    "Dockerfile",
    "tox.ini",
    ".pre-commit-config.yaml",
    "lefthook.yml",
];

/// Folders of which every file may call scripts.
const CALLER_FOLDERS: &[&str] = &[".github/workflows", ".circleci", ".husky", ".buildkite"];

/// Extensions of what is called as a program, not imported; no extension counts too.
const SCRIPTS: &[&str] = &["", "sh", "bash", "zsh", "fish", "ps1", "psm1", "bat", "cmd", "pl", "awk"];

/// Folders in which a program in any language is a tool of the build.
const TOOL_FOLDERS: &[&str] = &["scripts", "script", "tools", "tool", "ci", "bin", "hack", "build", "dev"];

impl Workspace {
    /// What executes the file at this place, for people.
    pub(super) fn executed_by(&self, path: &WorkspacePath) -> Option<String> {
        self.hook(path).or_else(|| self.built(path)).or_else(|| self.called(path))
    }

    fn hook(&self, path: &WorkspacePath) -> Option<String> {
        let hooks = hooks_path(self.root())?;
        let inside = hooks.strip_prefix(self.root()).ok()?;
        let below = inside.as_os_str().is_empty() || Path::new(path.as_str()).starts_with(inside);
        below.then(|| format!("git (core.hooksPath is `{}`)", inside.display()))
    }

    /// The crate that the file belongs to, when cargo executes it while building.
    fn built(&self, path: &WorkspacePath) -> Option<String> {
        if path.extension() != "rs" {
            return None;
        }
        let mut folder = Path::new(path.as_str());
        while let Some(above) = folder.parent() {
            folder = above;
            let Some(text) = self.text_of(&folder.join("Cargo.toml")) else { continue };
            let manifest: toml::Table = text.parse().ok()?;
            let lib = manifest.get("lib").and_then(toml::Value::as_table);
            let is_macro = ["proc-macro", "proc_macro"]
                .into_iter()
                .any(|key| lib.and_then(|lib| lib.get(key)).and_then(toml::Value::as_bool) == Some(true));
            let file = Path::new(path.as_str()).strip_prefix(folder).ok()?;
            if is_macro && !file.starts_with("tests") {
                return Some(format!("the compiler (`{}` is a procedural macro)", shown(folder)));
            }
            let script = manifest.get("package").and_then(|package| package.get("build")?.as_str());
            let is_script = script.is_some_and(|script| normal(script) == file);
            return is_script.then(|| format!("cargo (`build` in {})", shown(&folder.join("Cargo.toml"))));
        }
        None
    }

    /// A file that calls this one by its path.
    fn called(&self, path: &WorkspacePath) -> Option<String> {
        let is_tool = path.as_str().split('/').next().is_some_and(|first| TOOL_FOLDERS.contains(&first));
        if !SCRIPTS.contains(&path.extension().as_str()) && !is_tool {
            return None;
        }
        let callers = CALLERS.iter().map(PathBuf::from).chain(CALLER_FOLDERS.iter().flat_map(|folder| {
            let entries = self.dir.read_dir(folder).into_iter().flatten().flatten();
            let mut names: Vec<PathBuf> =
                entries.map(|entry| Path::new(folder).join(entry.file_name())).collect();
            names.sort();
            names
        }));
        let caller = callers
            .take(EXECUTED_SOURCES_MAX)
            .filter(|caller| caller.as_path() != Path::new(path.as_str()))
            .find(|caller| self.text_of(caller).is_some_and(|text| names(&text, path.as_str())))?;
        Some(format!("{} (it names this file)", shown(&caller)))
    }

    /// A small file's text, through the workspace's own handle.
    fn text_of(&self, path: &Path) -> Option<String> {
        let path = WorkspacePath::parse(path.to_str()?).ok()?;
        self.read(&path).ok().flatten().filter(|text| text.len() <= CONFIG_BYTES_MAX)
    }
}

/// True when a text names a path: as a word of its own, with or without `./` before it.
fn names(text: &str, path: &str) -> bool {
    let is_of_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    text.split(|c: char| !is_of_path(c))
        .any(|word| word.trim_start_matches("./").trim_end_matches(['.', ':']) == path)
}

fn normal(path: &str) -> PathBuf {
    Path::new(path).components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}

fn shown(path: &Path) -> String {
    match path.as_os_str().is_empty() {
        true => ".".to_owned(),
        false => path.display().to_string(),
    }
}

/// Where git looks for hooks, when it is told to look elsewhere than in its own folder: from
/// the repository's configuration, its includes, and the user's.
fn hooks_path(root: &Path) -> Option<PathBuf> {
    let config = gix_config::File::from_git_dir(git_folder(root)?).ok()?;
    let hooks = config.string("core.hooksPath")?;
    let hooks = std::str::from_utf8(hooks.as_ref()).ok()?;
    let hooks = match hooks.strip_prefix("~/") {
        Some(rest) => std::env::home_dir()?.join(rest),
        // A relative path counts from where hooks run: the root of the work tree.
        None => root.join(normal(hooks)),
    };
    // A path that leads through links is compared as it really is.
    Some(hooks.canonicalize().unwrap_or(hooks))
}

/// The repository's folder; a work tree's own `.git` is a file that names it.
fn git_folder(root: &Path) -> Option<PathBuf> {
    let above = root.ancestors().find(|above| above.join(".git").symlink_metadata().is_ok())?;
    let git = above.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = std::fs::read_to_string(&git).ok()?;
    let folder = above.join(text.strip_prefix("gitdir:")?.trim());
    match std::fs::read_to_string(folder.join("commondir")) {
        Ok(common) => Some(folder.join(common.trim())),
        Err(_) => Some(folder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(files: &[(&str, &str)]) -> (tempfile::TempDir, Workspace) {
        let place = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = place.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let workspace = Workspace::open(place.path()).unwrap();
        (place, workspace)
    }

    fn executed(workspace: &Workspace, path: &str) -> Option<String> {
        workspace.executed_by(&WorkspacePath::parse(path).unwrap())
    }

    #[test]
    fn hooks_lie_where_git_is_told_that_they_lie() {
        let (place, workspace) = workspace(&[
            (".git/HEAD", "ref: refs/heads/main\n"),
            (".git/config", "[core]\n\trepositoryformatversion = 0\n[include]\n\tpath = more\n"),
            (".git/more", "[core]\n\thooksPath = ./scripts/hooks ; ours\n"),
        ]);
        let by = executed(&workspace, "scripts/hooks/pre-push").unwrap();
        assert!(by.contains("core.hooksPath is `scripts/hooks`"), "{by}");
        assert_eq!(executed(&workspace, "scripts/hooks-of-ours/x"), None);
        assert_eq!(executed(&workspace, "src/lib.rs"), None);
        std::fs::write(place.path().join(".git/more"), "[core\n").unwrap();
        assert_eq!(executed(&workspace, "src/lib.rs"), None);
    }

    #[test]
    fn what_a_build_executes_is_known_by_its_crate() {
        let (_place, workspace) = workspace(&[
            ("Cargo.toml", "[package]\nname = \"a\"\nbuild = \"./gen/make.rs\"\n"),
            ("macros/Cargo.toml", "[lib]\nproc-macro = true\n"),
            ("other/Cargo.toml", "[package]\nname = \"o\"\n"),
        ]);
        assert!(executed(&workspace, "gen/make.rs").unwrap().contains("`build` in Cargo.toml"));
        assert!(executed(&workspace, "macros/src/deep/lib.rs").unwrap().contains("`macros`"));
        for ordinary in ["src/lib.rs", "other/src/lib.rs", "macros/README.md", "macros/tests/t.rs"] {
            assert_eq!(executed(&workspace, ordinary), None, "{ordinary}");
        }
    }

    #[test]
    fn scripts_that_something_calls_are_found_by_their_path() {
        let (_place, workspace) = workspace(&[
            (
                ".github/workflows/release.yml",
                "jobs:\n  r:\n    steps:\n      - run: ./ci/publish.sh --now\n",
            ),
            (
                "package.json",
                "{\"scripts\": {\"start\": \"node src/server.js\", \"gen\": \"node tools/gen.mjs\"}}",
            ),
        ]);
        assert!(executed(&workspace, "ci/publish.sh").unwrap().contains(".github/workflows/release.yml"));
        assert!(executed(&workspace, "tools/gen.mjs").unwrap().contains("package.json"));
        for ordinary in ["src/server.js", "publish.sh", "x/ci/publish.sh", "ci/publish.sh.md"] {
            assert_eq!(executed(&workspace, ordinary), None, "{ordinary}");
        }
    }
}
