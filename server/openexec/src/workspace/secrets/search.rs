//! Where the environment files of a workspace lie. Nearly all of them are left out by ignore
//! files, often with the folder around them, so that this walk asks no ignore file; what it passes
//! over is what tools fill. It looks at names alone, and reads a folder again only when the folder
//! has changed.

use crate::limits::{ENVIRONMENT_FILES_MAX, ENVIRONMENT_FOLDERS_MAX};
use crate::workspace::walk::Ground;
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::{PathClass, classify};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

/// Folders in which tools keep what is not the project's.
const FILLED_BY_TOOLS: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".jj",
    "node_modules",
    "bower_components",
    "__pycache__",
    "site-packages",
    ".cache",
    ".gradle",
    ".nox",
    ".pnpm-store",
    ".terraform",
    ".tox",
    ".yarn",
];

/// Files by which tools mark the folders that they fill: caches and virtual environments. Anybody can
/// put one into a repository, so the environment files beside it count all the same.
const MARKERS: &[&str] = &["CACHEDIR.TAG", "pyvenv.cfg"];

/// The environment files of a workspace, and what that list depends on.
#[derive(Default)]
pub(in crate::workspace) struct Environments {
    files: Arc<[(String, String)]>,
    folders: BTreeMap<String, Folder>,
}

/// What was seen in one folder.
struct Folder {
    ground: Ground,
    /// The names of the folders in it that are worth a look, sorted.
    folders: Vec<String>,
    /// The names of the environment files in it, sorted.
    files: Vec<String>,
}

impl Environments {
    /// Every environment file below the root, as its folder and its name, those near the root
    /// first. Where there are too many, these are the ones that are used.
    pub(super) fn below(&mut self, root: &Path) -> Arc<[(String, String)]> {
        let mut folders = self.folders.values();
        if self.folders.is_empty() || !folders.all(|folder| folder.ground.is_unchanged()) {
            self.look(root);
        }
        Arc::clone(&self.files)
    }

    fn look(&mut self, root: &Path) {
        let mut known = std::mem::take(&mut self.folders);
        let mut files = Vec::new();
        let mut waiting = VecDeque::from([String::new()]);
        while self.folders.len() < ENVIRONMENT_FOLDERS_MAX
            && let Some(path) = waiting.pop_front()
        {
            let unchanged = known.remove(&path).filter(|folder| folder.ground.is_unchanged());
            let Some(folder) = unchanged.or_else(|| Folder::read(root, &path)) else { continue };
            files.extend(folder.files.iter().map(|name| (path.clone(), name.clone())));
            waiting.extend(folder.folders.iter().map(|name| match path.as_str() {
                "" => name.clone(),
                path => format!("{path}/{name}"),
            }));
            self.folders.insert(path, folder);
        }
        files.truncate(ENVIRONMENT_FILES_MAX);
        self.files = files.into();
    }
}

impl Folder {
    /// Links to folders are not followed: what they lead to is the project's elsewhere or not at all.
    fn read(root: &Path, path: &str) -> Option<Self> {
        let place = root.join(path);
        let mut folder = Self { ground: Ground::new(place.clone()), folders: Vec::new(), files: Vec::new() };
        let mut is_marked = false;
        for entry in std::fs::read_dir(place).ok()?.flatten() {
            let (Ok(name), Ok(sort)) = (entry.file_name().into_string(), entry.file_type()) else { continue };
            is_marked |= !path.is_empty() && MARKERS.contains(&name.as_str());
            if sort.is_dir() {
                if !FILLED_BY_TOOLS.contains(&name.as_str()) {
                    folder.folders.push(name);
                }
            } else if is_environment_file(&name) {
                folder.files.push(name);
            }
        }
        if is_marked {
            folder.folders.clear();
        }
        folder.folders.sort_unstable();
        folder.files.sort_unstable();
        Some(folder)
    }
}

/// True for the names of files that hold variables: those that are kept from every model, and what
/// direnv executes, which a model may see but for its values.
pub(super) fn is_environment_file(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_sample = ["example", "sample", "template", "dist"].iter().any(|end| name.ends_with(end));
    let is_executed = name.starts_with(".envrc") && !is_sample;
    let is_kept =
        || WorkspacePath::parse(&name).is_ok_and(|path| classify(&path).contains(&PathClass::Secret));
    name.contains("env") && (is_executed || is_kept())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(environments: &mut Environments, root: &Path) -> Vec<String> {
        environments.below(root).iter().map(|(folder, name)| format!("{folder}:{name}")).collect()
    }

    #[test]
    fn they_are_found_in_ignored_folders_and_not_in_those_of_tools() {
        let place = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = place.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        write("deep/in/prod.env");
        write("only/.env");
        write("cache/.env");
        write(".hidden/.envrc");
        write(".hidden/.envrc.example");
        for passed_over in [
            ".git/.env",
            "node_modules/a/.env",
            "cache/CACHEDIR.TAG",
            "cache/a/.env",
            "py/pyvenv.cfg",
            "py/a/.env",
        ] {
            write(passed_over);
        }
        std::fs::write(place.path().join(".gitignore"), "only/\n*.env\n.env*\n").unwrap();
        let mut environments = Environments::default();
        assert_eq!(
            found(&mut environments, place.path()),
            [".hidden:.envrc", "cache:.env", "only:.env", "deep/in:prod.env"]
        );
        // What was seen of a folder holds until the folder changes.
        write("only/.env.local");
        std::fs::remove_file(place.path().join("deep/in/prod.env")).unwrap();
        assert_eq!(
            found(&mut environments, place.path()),
            [".hidden:.envrc", "cache:.env", "only:.env", "only:.env.local"]
        );
    }
}
