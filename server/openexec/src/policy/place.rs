//! Reading one policy file, and nothing else in its place.

use super::PolicyError;
use openexec_engine::limits::CONFIG_BYTES_MAX;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

/// The user's file, with its name for people. The user may link it from elsewhere.
pub(super) fn user(path: &Path) -> Result<Option<(String, String)>, PolicyError> {
    let name = path.display().to_string();
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => Err(no_file(&name)),
        Ok(_) => Ok(Some((name.clone(), text(path, &name)?))),
        // A link that leads nowhere was meant to be a policy.
        Err(error) if error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() => Ok(None),
        Err(error) => Err(unreadable(&name, &error)),
    }
}

/// The workspace's file. It is what git has reviewed, so a link to something else is refused.
pub(super) fn workspace(root: &Path, name: &str) -> Result<Option<String>, PolicyError> {
    let path = root.join(name);
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => text(&path, name).map(Some),
        Ok(_) => Err(no_file(name)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(name, &error)),
    }
}

fn text(path: &Path, name: &str) -> Result<String, PolicyError> {
    let file = File::open(path).map_err(|error| unreadable(name, &error))?;
    let mut bytes = Vec::new();
    let most = CONFIG_BYTES_MAX as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    if bytes.len() > CONFIG_BYTES_MAX {
        return Err(PolicyError(format!(
            "{name}:1:1: it has more than {CONFIG_BYTES_MAX} bytes; write less"
        )));
    }
    String::from_utf8(bytes)
        .map_err(|_| PolicyError(format!("{name}:1:1: it is not UTF-8 text; write it anew as UTF-8")))
}

fn no_file(name: &str) -> PolicyError {
    PolicyError(format!("{name}:1:1: it is not a regular file; put the policy itself there, or remove it"))
}

fn unreadable(name: &str, error: &std::io::Error) -> PolicyError {
    PolicyError(format!("{name}:1:1: it cannot be read: {error}; mend its permissions, or remove it"))
}
