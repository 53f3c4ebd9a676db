//! Between the URIs of editors and the paths of the disk.
//!
//! A client's URI is a name that belongs to the client: it is echoed letter by letter and
//! never put together anew when the client has already said it.

use super::protocol::Url;
use std::path::{Path, PathBuf};

/// Why a URI names no file that can be worked on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum UriError {
    #[error("`{0}` is not a URI")]
    Malformed(String),
    #[error("`{0}` is not a file on this machine; save it as a file first")]
    NotAFile(String),
}

/// The path that a URI names, as it is written there.
pub(super) fn path_of(uri: &str) -> Result<PathBuf, UriError> {
    let parsed = Url::parse(uri).map_err(|_| UriError::Malformed(uri.to_owned()))?;
    if parsed.scheme() != "file" {
        return Err(UriError::NotAFile(uri.to_owned()));
    }
    parsed.to_file_path().map_err(|()| UriError::NotAFile(uri.to_owned()))
}

/// A spelling of the URI under which two spellings of one URI meet. Which characters are escaped
/// says nothing: the path of a file is what its URI names.
pub(super) fn normalised(uri: &str) -> String {
    let Ok(parsed) = Url::parse(uri) else { return uri.to_owned() };
    match path_of(uri).and_then(|path| of_path(&path)) {
        Ok(spelt) => spelt,
        Err(_) => parsed.into(),
    }
}

/// The URI of a path that no client has named yet.
pub(super) fn of_path(path: &Path) -> Result<String, UriError> {
    Url::from_file_path(path)
        .map(String::from)
        .map_err(|()| UriError::NotAFile(path.to_string_lossy().into_owned()))
}

/// The path with all symbolic links resolved as far as it exists. What does not exist yet
/// cannot be a link.
pub(super) fn canonical(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    let mut present = path;
    loop {
        if let Ok(resolved) = present.canonicalize() {
            return missing.iter().rev().fold(resolved, |path, name| path.join(name));
        }
        match (present.parent(), present.file_name()) {
            (Some(parent), Some(name)) => {
                missing.push(name);
                present = parent;
            }
            _ => return path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn uris_of_every_spelling_name_their_path() {
        for (uri, path) in [
            ("file:///a/b.rs", "/a/b.rs"),
            ("file:///a%20b/c.rs", "/a b/c.rs"),
            ("file:///a b/c.rs", "/a b/c.rs"),
            ("file:///a%23b.rs", "/a#b.rs"),
            ("file:///100%25.md", "/100%.md"),
            ("file:///a+b%2Bc.rs", "/a+b+c.rs"),
            ("file:///gr%C3%B6%C3%9Fe.rs", "/größe.rs"),
            ("file:///größe.rs", "/größe.rs"),
            ("file:///c%3A/x.rs", "/c:/x.rs"),
            ("file://localhost/a.rs", "/a.rs"),
        ] {
            assert_eq!(path_of(uri), Ok(PathBuf::from(path)), "{uri}");
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        for uri in ["untitled:Untitled-1", "git:/a/b.rs?x", "vscode-notebook-cell:/a#1", "https://e.org/a"] {
            assert!(matches!(path_of(uri), Err(UriError::NotAFile(_))), "{uri}");
        }
        assert!(matches!(path_of("/a/b.rs"), Err(UriError::Malformed(_))));
        #[cfg(unix)]
        assert!(matches!(path_of("file://server/share/a.rs"), Err(UriError::NotAFile(_))));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_resolved_as_far_as_the_path_exists() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap().join("real");
        std::fs::create_dir(&real).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert_eq!(canonical(&link.join("new/file.rs")), real.join("new/file.rs"));
    }

    #[test]
    fn spellings_of_one_uri_meet() {
        for (one, other) in [
            ("file:///a b/größe.rs", "file:///a%20b/gr%C3%B6%C3%9Fe.rs"),
            ("file:///a/b%20(1).rs", "file:///a/b%20%281%29.rs"),
            ("file:///c:/x.rs", "file:///c%3a/x.rs"),
            ("untitled:a b", "untitled:a b"),
        ] {
            assert_eq!(normalised(one), normalised(other));
        }
        assert_ne!(normalised("file:///a%2528.rs"), normalised("file:///a%28.rs"));
    }
}
