//! The workspace folders. A file belongs to the innermost folder that contains it.

use super::protocol::Url;
use super::uri;
use openexec_engine::path::WorkspacePath;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The folders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Roots(Vec<Root>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Root {
    /// The canonical path.
    path: PathBuf,
    /// The client's own name of it.
    uri: String,
}

impl Roots {
    /// From the parameters of `initialize`: its folders, else its root.
    pub(super) fn of(params: &Value) -> Self {
        let mut roots = Self::default();
        roots.add(params.get("workspaceFolders"));
        if roots.0.is_empty()
            && let Some(uri) = params.get("rootUri").and_then(Value::as_str)
        {
            roots.insert(uri);
        }
        if roots.0.is_empty()
            && let Some(path) = params.get("rootPath").and_then(Value::as_str).map(Path::new)
            && path.is_absolute()
        {
            roots.0.extend(uri::of_path(path).map(|uri| Root { path: uri::canonical(path), uri }));
        }
        roots
    }

    /// Takes over `workspace/didChangeWorkspaceFolders`.
    pub(super) fn change(&mut self, params: &Value) {
        for uri in uris(params.pointer("/event/removed")) {
            if let Ok(path) = uri::path_of(uri) {
                let path = uri::canonical(&path);
                self.0.retain(|root| root.path != path);
            }
        }
        self.add(params.pointer("/event/added"));
    }

    /// The canonical paths of all of them.
    pub(super) fn all(&self) -> Vec<&Path> {
        self.0.iter().map(|root| root.path.as_path()).collect()
    }

    /// The URI of a file below a root, as the client itself would name it: a client that
    /// opened its folder through a symbolic link goes on doing so.
    pub(super) fn uri_below(&self, root: &Path, path: &WorkspacePath) -> Option<String> {
        let root = self.0.iter().find(|known| known.path == root)?;
        let mut uri = Url::parse(&root.uri).ok()?;
        uri.path_segments_mut().ok()?.pop_if_empty().extend(path.components());
        Some(uri.into())
    }

    /// The innermost folder that contains this canonical path.
    pub(super) fn of_file(&self, path: &Path) -> Option<&Path> {
        let containing = self.0.iter().map(|root| root.path.as_path()).filter(|root| path.starts_with(root));
        containing.max_by_key(|root| root.components().count())
    }

    fn add(&mut self, folders: Option<&Value>) {
        uris(folders).for_each(|uri| self.insert(uri));
    }

    fn insert(&mut self, uri: &str) {
        if let Ok(path) = uri::path_of(uri) {
            let path = uri::canonical(&path);
            if !self.0.iter().any(|root| root.path == path) {
                self.0.push(Root { path, uri: uri.to_owned() });
            }
        }
    }
}

fn uris(folders: Option<&Value>) -> impl Iterator<Item = &str> {
    let folders = folders.and_then(Value::as_array).into_iter().flatten();
    folders.filter_map(|folder| folder.get("uri")?.as_str())
}

/// The path of a file within its root, if it can be written as one.
pub(super) fn below(root: &Path, path: &Path) -> Option<WorkspacePath> {
    let mut text = String::new();
    for component in path.strip_prefix(root).ok()?.components() {
        if !text.is_empty() {
            text.push('/');
        }
        text.push_str(component.as_os_str().to_str()?);
    }
    WorkspacePath::parse(&text).ok()
}

/// The place on disk of a path within a root.
pub(super) fn on_disk(root: &Path, path: &WorkspacePath) -> PathBuf {
    path.components().fold(root.to_owned(), |place, component| place.join(component))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_innermost_folder_owns_a_file() {
        let mut roots = Roots::of(&json!({ "workspaceFolders": [
            { "uri": "file:///w", "name": "w" }, { "uri": "file:///w/inner", "name": "i" } ] }));
        let of = |roots: &Roots, path: &str| roots.of_file(Path::new(path)).map(Path::to_owned);
        assert_eq!(of(&roots, "/w/inner/a.rs"), Some("/w/inner".into()));
        assert_eq!(of(&roots, "/w/innermost/a.rs"), Some("/w".into()));
        assert_eq!(of(&roots, "/elsewhere/a.rs"), None);
        roots.change(&json!({ "event": { "removed": [{ "uri": "file:///w/inner", "name": "i" }] } }));
        assert_eq!(of(&roots, "/w/inner/a.rs"), Some("/w".into()));
    }

    #[test]
    fn the_root_counts_only_without_folders() {
        let params = json!({ "workspaceFolders": null, "rootUri": "file:///w" });
        assert_eq!(Roots::of(&params).all(), [Path::new("/w")]);
        assert!(Roots::of(&json!({ "rootUri": null, "rootPath": null })).all().is_empty());
    }

    #[test]
    fn a_new_file_is_named_as_the_client_names_its_folder() {
        let roots = Roots::of(&json!({ "rootUri": "file:///c%3A/my%20w/" }));
        let path = WorkspacePath::parse("src/a #1%.rs").unwrap();
        let uri = roots.uri_below(Path::new("/c:/my w"), &path).unwrap();
        assert_eq!(uri, "file:///c%3A/my%20w/src/a%20%231%25.rs");
        assert_eq!(uri::path_of(&uri).unwrap(), Path::new("/c:/my w/src/a #1%.rs"));
    }

    #[test]
    fn a_path_below_its_root_is_a_workspace_path() {
        let path = below(Path::new("/w"), Path::new("/w/src/größe.rs")).unwrap();
        assert_eq!(path.as_str(), "src/größe.rs");
        assert_eq!(on_disk(Path::new("/w"), &path), Path::new("/w/src/größe.rs"));
        assert_eq!(below(Path::new("/w"), Path::new("/x/a.rs")), None);
        assert_eq!(below(Path::new("/w"), Path::new("/w")), None);
    }
}
