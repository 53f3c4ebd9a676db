//! The values of environment files, as fingerprints: so that no model is shown one, and no edit
//! copies a secret into a file where it can be read. The values go no further than this module.
//!
//! And what looks like a secret in whole files, kept from one pack to the next.

use super::Workspace;
use super::index::{Content, content_of};
use super::walk::{self, Ground};
use crate::limits::{ENVIRONMENT_FILES_MAX, ENVIRONMENT_VALUES_MAX, SECRETS_KEPT_MAX};
use cap_std::fs::Dir;
use hashlink::LruCache;
use openexec_engine::limits::CONFIG_BYTES_MAX;
use openexec_engine::path::{RequestedPath, WorkspacePath};
use openexec_engine::policy::{PathClass, Taint, classify, fingerprints};
use openexec_engine::redact::Secrets;
use parking_lot::Mutex;
use regex::Regex;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::sync::{Arc, LazyLock};

/// Names of variables that hold secrets.
static SECRET_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:pass(?:word|wd|phrase)?|pwd|secret|token|api_?key|key|credential|auth|salt|private|signature|dsn|cookie|session)")
        .ok()
});

/// A value that looks like one: long, of letters and digits, without blanks.
static SECRET_VALUE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[A-Za-z0-9+/=_.~-]{24,}$").ok());

/// Values that say nothing.
const PLAIN: &[&str] = &[
    "changeme",
    "development",
    "production",
    "password",
    "localhost",
    "disabled",
    "undefined",
    "en_us.utf-8",
];

/// The environment files of a workspace, and what that list depends on.
#[derive(Default)]
pub(super) struct Environments {
    files: Arc<[(String, String)]>,
    grounds: Vec<Ground>,
}

/// What was found in whole files, by the file and the digest of its text.
pub(super) struct SecretsKept(Mutex<LruCache<(WorkspacePath, Content), Secrets>>);

impl Default for SecretsKept {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(SECRETS_KEPT_MAX)))
    }
}

impl SecretsKept {
    /// Lets go of everything.
    pub(super) fn forget(&self) {
        self.0.lock().clear();
    }
}

impl Workspace {
    /// What looks like a secret in a file with this text. To look takes longer than all else that a
    /// pack needs of a file, and most files are the same from one pack to the next.
    pub(super) fn secrets_of(&self, path: &WorkspacePath, text: &str) -> Secrets {
        let known = (path.clone(), content_of(text));
        if let Some(secrets) = self.index.secrets.0.lock().get(&known) {
            return secrets.clone();
        }
        let secrets = Secrets::of(path, text);
        self.index.secrets.0.lock().insert(known, secrets.clone());
        secrets
    }

    /// The same of the text on disk that the index has a summary of, without reading it; `None`
    /// where nobody has looked at that text yet.
    pub(super) fn secrets_of_indexed(&self, path: &WorkspacePath) -> Option<Secrets> {
        let known = (path.clone(), self.content_of_indexed(path)?);
        self.index.secrets.0.lock().get(&known).cloned()
    }

    /// Fingerprints of the secrets that stand in environment files beside or above these paths.
    pub(super) fn taint(&self, paths: &[RequestedPath]) -> Taint {
        let mut folders = BTreeSet::from([String::new()]);
        for path in paths.iter().filter_map(|path| WorkspacePath::parse(path.as_str()).ok()) {
            let mut rest = path.as_str();
            while let Some((folder, _)) = rest.rsplit_once('/') {
                folders.insert(folder.to_owned());
                rest = folder;
            }
        }
        let mut values = BTreeSet::new();
        let files = folders.iter().flat_map(|folder| self.environment_files(folder));
        for (dir, name) in files.take(ENVIRONMENT_FILES_MAX) {
            values.extend(secrets_in(&dir, &name));
        }
        salted(values)
    }

    /// Fingerprints of all values in the workspace's environment files that say something.
    pub fn environment(&self) -> Taint {
        let files = self.all_environment_files();
        let values = files.iter().flat_map(|(folder, name)| match self.folder(folder) {
            Some(dir) => assignments(&dir, name),
            None => Vec::new(),
        });
        // The name of a file is no secret, and without it nobody could speak of the file.
        let is_file = |value: &str| self.dir.symlink_metadata(value).is_ok();
        let told = values.filter(|(name, value)| is_telling(name, value) && !is_file(value));
        salted(told.map(|(_, value)| value).collect())
    }

    /// Every environment file, as its folder and its name. They are looked for again when a folder
    /// has changed.
    fn all_environment_files(&self) -> Arc<[(String, String)]> {
        let mut known = self.index.environments.lock();
        if known.grounds.is_empty() || !known.grounds.iter().all(Ground::is_unchanged) {
            let walk::Listing { files, grounds } = walk::list(&self.root);
            let mut folders = BTreeSet::from([(0, String::new())]);
            for file in files {
                let mut rest = file.path.as_str();
                while let Some((folder, _)) = rest.rsplit_once('/') {
                    // Where there are too many, those near the root are the ones that are used.
                    folders.insert((folder.matches('/').count() + 1, folder.to_owned()));
                    rest = folder;
                }
            }
            let files = folders.into_iter().flat_map(|(_, folder)| {
                let found = self.environment_files(&folder).into_iter();
                found.map(|(_, name)| (folder.clone(), name)).collect::<Vec<_>>()
            });
            *known = Environments { files: files.take(ENVIRONMENT_FILES_MAX).collect(), grounds };
        }
        Arc::clone(&known.files)
    }

    fn folder(&self, folder: &str) -> Option<Dir> {
        let dir = match folder {
            "" => self.dir.try_clone(),
            folder => self.dir.open_dir(folder),
        };
        dir.ok()
    }

    fn environment_files(&self, folder: &str) -> Vec<(Dir, String)> {
        let Some(dir) = self.folder(folder) else { return Vec::new() };
        let mut names: Vec<String> = dir
            .entries()
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.contains("env"))
            .filter(|name| {
                WorkspacePath::parse(name).is_ok_and(|path| classify(&path).contains(&PathClass::Secret))
            })
            .collect();
        names.sort();
        names.into_iter().filter_map(|name| Some((dir.try_clone().ok()?, name))).collect()
    }
}

fn salted(values: BTreeSet<String>) -> Taint {
    let mut salt = [0; 32];
    if values.is_empty() || getrandom::fill(&mut salt).is_err() {
        return Taint::default();
    }
    fingerprints(values.iter().take(ENVIRONMENT_VALUES_MAX).map(String::as_str), &salt)
}

fn secrets_in(dir: &Dir, name: &str) -> Vec<String> {
    let secret = assignments(dir, name).into_iter().filter(|(name, value)| is_secret(name, value));
    secret.map(|(_, value)| value).collect()
}

/// The names and values of an environment file.
fn assignments(dir: &Dir, name: &str) -> Vec<(String, String)> {
    let Ok(metadata) = dir.symlink_metadata(name) else { return Vec::new() };
    if !metadata.is_file() || metadata.len() > CONFIG_BYTES_MAX as u64 {
        return Vec::new();
    }
    let mut text = String::new();
    let read = dir.open(name).map(|file| file.take(CONFIG_BYTES_MAX as u64).read_to_string(&mut text));
    if !matches!(read, Ok(Ok(_))) {
        return Vec::new();
    }
    // A line that cannot be read hides no secret on the others.
    text.lines()
        .flat_map(|line| dotenvy::from_read_iter(line.as_bytes()).flatten().collect::<Vec<_>>())
        .collect()
}

/// True for a value that a model need not see. Under a name that promises a secret that is every
/// value but the few that say nothing; under another name all but numbers, plain words, which any
/// text may contain, and addresses of this machine.
fn is_telling(name: &str, value: &str) -> bool {
    const HERE: &[&str] = &["localhost", "127.0.0.1", "0.0.0.0", "[::1]"];
    let is_plain = PLAIN.iter().any(|plain| value.eq_ignore_ascii_case(plain));
    let is_number = value.parse::<f64>().is_ok();
    let promises = SECRET_NAME.as_ref().is_none_or(|found| found.is_match(name));
    let is_word = |character: char| character.is_alphabetic() || matches!(character, '-' | '_' | '/' | ' ');
    let is_here = HERE.iter().any(|here| value.contains(here)) && !value.contains('@');
    !is_plain && !is_number && (promises || !(value.chars().all(is_word) || is_here))
}

fn is_secret(name: &str, value: &str) -> bool {
    let matches =
        |pattern: &Option<Regex>, text: &str| pattern.as_ref().is_none_or(|found| found.is_match(text));
    let is_plain =
        PLAIN.iter().any(|plain| value.eq_ignore_ascii_case(plain)) || value.parse::<f64>().is_ok();
    let mixed =
        value.contains(|c: char| c.is_ascii_digit()) && value.contains(|c: char| c.is_ascii_alphabetic());
    !is_plain && (matches(&SECRET_NAME, name) || (mixed && matches(&SECRET_VALUE, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_without_their_values() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(place.path().join("app")).unwrap();
        std::fs::write(
            place.path().join(".env"),
            "# c\nDB_PASSWORD=\"not-a-real-pass-7c1d9e\"\nbroken line\nMODE=development\nHOST=db.internal.example\n",
        )
        .unwrap();
        std::fs::write(place.path().join("app/.env.local"), "export API_TOKEN=fake-token-000-111\n").unwrap();
        std::fs::write(place.path().join(".env.example"), "DB_PASSWORD=your-password-here\n").unwrap();
        let workspace = Workspace::open(place.path()).unwrap();
        let taint = |path: &str| workspace.taint(&[RequestedPath::new(path)]);
        let near = taint("app/main.py");
        assert!(near.more_in("", "x = 'not-a-real-pass-7c1d9e'"));
        assert!(near.more_in("", "x = 'fake-token-000-111'"));
        assert!(!taint("main.py").more_in("", "x = 'fake-token-000-111'"));
        for ordinary in ["development", "db.internal.example", "your-password-here"] {
            assert!(!near.more_in("", ordinary), "{ordinary}");
        }
        let written = serde_json::to_string(&near).unwrap();
        assert!(!written.contains("not-a-real") && !written.contains("fake-token"), "{written}");
    }

    #[test]
    fn what_was_found_in_a_file_is_of_its_text() {
        let place = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(place.path()).unwrap();
        let path = WorkspacePath::parse("app/main.py").unwrap();
        let key = "AKIA2E0A8F3B244C9986";
        let with = format!("key = '{key}'\n");
        for _ in 0..2 {
            assert_eq!(workspace.secrets_of(&path, &with).hidden_in(&[&with])[0].text, key);
            assert_eq!(workspace.secrets_of(&path, "key = ''\n").hidden_in(&[&with]), Vec::new());
        }
    }

    #[test]
    fn what_environment_files_tell_is_known_wherever_they_lie() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(place.path().join("app/deep")).unwrap();
        std::fs::write(place.path().join("app/deep/main.rs"), "").unwrap();
        std::fs::write(
            place.path().join("app/deep/.env"),
            "DB_PASSWORD=correcthorse\nHOST=db.internal.example\nMODE=development\nUSER_NAME=postgresql\nPORT=54320000\n\
             URL=http://localhost:3000/x\nENTRY=app/deep/main.rs\nREPLICA=postgres://u:horsebattery@localhost/x\n",
        )
        .unwrap();
        let known = Workspace::open(place.path()).unwrap().environment();
        for value in ["correcthorse", "db.internal.example", "postgres://u:horsebattery@localhost/x"] {
            assert!(known.more_in("", &format!("x {value} y")), "{value}");
        }
        for value in ["development", "postgresql", "54320000", "http://localhost:3000/x", "app/deep/main.rs"]
        {
            assert!(!known.more_in("", &format!("x {value} y")), "{value}");
        }
    }
}
