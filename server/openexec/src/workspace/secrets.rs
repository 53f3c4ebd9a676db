//! The values of environment files, as fingerprints: so that no model is shown one, and no edit
//! copies a secret into a file where it can be read. The values go no further than this module.
//!
//! And what looks like a secret in whole files, kept from one pack to the next.

mod search;
mod spelling;

pub(super) use search::Environments;

use super::Workspace;
use super::index::{Content, content_of};
use crate::limits::{ENVIRONMENT_FILES_MAX, ENVIRONMENT_VALUES_MAX, SECRETS_KEPT_MAX};
use hashlink::LruCache;
use openexec_engine::limits::CONFIG_BYTES_MAX;
use openexec_engine::path::{RequestedPath, WorkspacePath};
use openexec_engine::policy::{Taint, fingerprints};
use openexec_engine::redact::Secrets;
use parking_lot::Mutex;
use regex::Regex;
use search::is_environment_file;
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::LazyLock;

/// Names of variables that hold secrets.
static SECRET_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:pass(?:word|wd|phrase)?|pwd|secret|token|api_?key|key|credential|auth|salt|private|signature|dsn|cookie|session)")
        .ok()
});

/// A value that looks like one: long, of letters and digits, without blanks.
static SECRET_VALUE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[A-Za-z0-9+/=_.~-]{24,}$").ok());

/// Names of variables that hold a secret and nothing about one. Only theirs may be short.
static SHORT_SECRET_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|key|pin)[_.-]?\d*$").ok()
});

/// What stands for another value, and for none of its own: `${NAME}`, `$(command)`, `%NAME%`.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\$\{[^}]*\}|\$\([^)]*\)|\{\{.*?\}\}|%[A-Za-z_]\w*%|^\$[A-Z_][A-Z0-9_]*$|^<[^<>]*>$").ok()
});

/// The name of a variable within a value. A password may have one by chance.
static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\$[A-Za-z_]").ok());

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
    "aes128",
    "aes192",
    "aes256",
    "argon2",
    "argon2i",
    "argon2id",
    "base64",
    "ed25519",
    "oauth2",
    "sha256",
    "sha384",
    "sha512",
    "x25519",
];

/// Bytes from which on a value needs no name that promises a secret.
const SURE_BYTES_MIN: usize = 8;

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
        let files = folders.iter().flat_map(|folder| {
            self.environment_files(folder).into_iter().map(move |name| (folder.as_str(), name))
        });
        let read = files.take(ENVIRONMENT_FILES_MAX);
        salted(read.map(|(folder, name)| self.assignments(folder, &name)), is_secret)
    }

    /// Fingerprints of all values in the workspace's environment files that say something.
    pub fn environment(&self) -> Taint {
        let files = self.index.environments.lock().below(&self.root);
        // The name of a file is no secret, and without it nobody could speak of the file.
        let is_file = |value: &str| self.dir.symlink_metadata(value).is_ok();
        let values = files.iter().map(|(folder, name)| self.assignments(folder, name));
        salted(values, |name, value| is_telling(name, value) && !is_file(value))
    }

    /// The names of the environment files in one folder.
    fn environment_files(&self, folder: &str) -> Vec<String> {
        let entries = match folder {
            "" => self.dir.entries(),
            folder => self.dir.read_dir(folder),
        };
        let names =
            entries.into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| is_environment_file(name)).collect();
        names.sort();
        names
    }

    /// The names and values of an environment file.
    fn assignments(&self, folder: &str, name: &str) -> Vec<(String, String)> {
        match self.environment_bytes(folder, name) {
            Ok(bytes) => spelling::assignments(&spelling::decoded(&bytes), promises),
            // What cannot be read by us reaches no model through us.
            Err(_) => Vec::new(),
        }
    }

    /// The bytes of an environment file. A link is followed, also out of the workspace: of what it
    /// leads to nothing is shown, and a model is to be kept from those values like from any others.
    fn environment_bytes(&self, folder: &str, name: &str) -> io::Result<Vec<u8>> {
        let path = match folder {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        let mut inside = cap_std::fs::OpenOptions::new();
        let mut outside = std::fs::OpenOptions::new();
        inside.read(true);
        outside.read(true);
        #[cfg(unix)]
        {
            // Nobody waits for the other end of a pipe.
            let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
            cap_std::fs::OpenOptionsExt::custom_flags(&mut inside, flags);
            std::os::unix::fs::OpenOptionsExt::custom_flags(&mut outside, flags);
        }
        let opened = self.dir.open_with(&path, &inside).map(cap_std::fs::File::into_std);
        let file = opened.or_else(|_| outside.open(self.root.join(&path)))?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut bytes = Vec::new();
        file.take(CONFIG_BYTES_MAX as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Takes the fingerprints of the values that count, of which each file gives its names and values.
fn salted(files: impl Iterator<Item = Vec<(String, String)>>, counts: impl Fn(&str, &str) -> bool) -> Taint {
    let values = in_order_of_need(files.map(|file| {
        let told = file.into_iter().filter(|(name, value)| counts(name, value));
        told.map(|(name, value)| (promises(&name), value)).collect()
    }));
    let mut salt = [0; 32];
    if values.is_empty() || getrandom::fill(&mut salt).is_err() {
        return Taint::default();
    }
    if values.len() > ENVIRONMENT_VALUES_MAX {
        tracing::warn!(
            "environment files hold {} values, of which {ENVIRONMENT_VALUES_MAX} are looked out for",
            values.len()
        );
    }
    fingerprints(values.iter().take(ENVIRONMENT_VALUES_MAX).map(String::as_str), &salt)
}

/// Each value once: those that are promised to be secrets before the others, and of these the first of
/// each file before the second of any. A file that is full of values takes the place of no other file.
fn in_order_of_need(files: impl Iterator<Item = Vec<(bool, String)>>) -> Vec<String> {
    let mut told: Vec<(bool, usize, String)> = files
        .flat_map(|file| {
            file.into_iter().enumerate().map(|(at, (is_promised, value))| (!is_promised, at, value))
        })
        .collect();
    told.sort_by_key(|(is_by_the_way, at, _)| (*is_by_the_way, *at));
    let mut known = BTreeSet::new();
    told.into_iter().map(|(.., value)| value).filter(|value| known.insert(value.clone())).collect()
}

fn matches(pattern: &Option<Regex>, text: &str) -> bool {
    pattern.as_ref().is_none_or(|found| found.is_match(text))
}

/// True for the name of a variable that holds a secret.
fn promises(name: &str) -> bool {
    matches(&SECRET_NAME, name)
}

/// True for a value that a model need not see. Under a name that promises a secret that is every
/// value but the few that say nothing; under another name all but numbers, plain words, which any
/// text may contain, and addresses of this machine.
fn is_telling(name: &str, value: &str) -> bool {
    const HERE: &[&str] = &["localhost", "127.0.0.1", "0.0.0.0", "[::1]"];
    let is_word = |character: char| {
        character.is_alphabetic() || matches!(character, '-' | '_' | '/' | ' ' | ',' | '\'' | '!' | '?')
    };
    let is_here = HERE.iter().any(|here| value.contains(here)) && !value.contains('@');
    let is_plain = value.chars().all(is_word) || is_here;
    says_something(name, value) && (promises(name) || !is_plain)
}

fn is_secret(name: &str, value: &str) -> bool {
    let mixed =
        value.contains(|c: char| c.is_ascii_digit()) && value.contains(|c: char| c.is_ascii_alphabetic());
    says_something(name, value) && (promises(name) || (mixed && matches(&SECRET_VALUE, value)))
}

/// False for values that stand in many a text, and for what only refers to other values.
fn says_something(name: &str, value: &str) -> bool {
    let is_plain = PLAIN.iter().any(|plain| value.eq_ignore_ascii_case(plain));
    let is_number = value.parse::<f64>().is_ok();
    // Of a value that is put together, what stands between the others is a secret only by its name.
    let own = REFERENCE.as_ref().map(|reference| reference.replace_all(value, ""));
    let own = own.as_deref().unwrap_or(value).trim();
    let is_whole = own == value.trim() && (promises(name) || !matches(&VARIABLE, value));
    let is_own = is_whole || (promises(name) && own.len() >= SURE_BYTES_MIN);
    let is_long = own.len() >= SURE_BYTES_MIN || matches(&SHORT_SECRET_NAME, name);
    !is_plain && !is_number && is_own && is_long
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

    #[test]
    fn values_are_known_however_their_files_are_written() {
        let place = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(place.path().join(name), bytes).unwrap();
        let units = "TOKEN=wide-ttt-1234\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        write(".env.wide", &[b"\xFF\xFE".as_slice(), &units].concat());
        write(".env.mark", b"\xEF\xBB\xBFDB_PASSWORD=first-qqq-123\n");
        write(".env.latin", b"# caf\xE9\nDB_PASSWORD=latin-rrr-1234\n");
        write(".env", b"A_PASSWORD=pa$$w0rd-long-bbb\nB_PASSWORD=sh0rt7x\nC_PASSWORD=back\\slash-iii123\n");
        write(".envrc", b"export A_TOKEN=envrc-xxx-1234\n");
        std::fs::create_dir(place.path().join("only")).unwrap();
        write("only/.env", b"A_TOKEN=only-zzz-12345\n");
        write(".gitignore", b"only/\n.env*\n");
        std::fs::write(outside.path().join("shared"), "A_TOKEN=linked-uuu-123\n").unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outside.path().join("shared"), place.path().join(".env.local"))
                .unwrap();
            std::os::unix::fs::symlink("only/.env", place.path().join(".env.near")).unwrap();
            std::os::unix::fs::symlink("/dev/zero", place.path().join(".env.endless")).unwrap();
        }
        let workspace = Workspace::open(place.path()).unwrap();
        let (all, near) = (workspace.environment(), workspace.taint(&[RequestedPath::new("main.py")]));
        for value in [
            "wide-ttt-1234",
            "first-qqq-123",
            "latin-rrr-1234",
            "pa$$w0rd-long-bbb",
            "sh0rt7x",
            "back\\slash-iii123",
            "envrc-xxx-1234",
            "only-zzz-12345",
            #[cfg(unix)]
            "linked-uuu-123",
        ] {
            assert!(all.more_in("", &format!("say {value} here")), "{value}");
            assert!(cfg!(not(unix)) || near.more_in("", &format!("say {value} here")), "{value}");
        }
    }

    #[test]
    fn a_file_full_of_values_hides_those_of_no_other() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("app")).unwrap();
        let many: String = (0..2 * ENVIRONMENT_VALUES_MAX)
            .map(|at| format!("HOST_{at}=a-{at}.internal.example\nKEY_{at}=aaaa-bbbb-{at}\n"))
            .collect();
        std::fs::write(place.path().join(".env.test"), many).unwrap();
        std::fs::write(
            place.path().join("app/.env"),
            "HOST=zz.internal.example\nDB_PASSWORD=zzz-horse-battery-9\n",
        )
        .unwrap();
        let workspace = Workspace::open(place.path()).unwrap();
        let near = workspace.taint(&[RequestedPath::new("app/main.py")]);
        for known in [workspace.environment(), near] {
            assert!(known.more_in("", "x = 'zzz-horse-battery-9'"));
        }
    }

    #[test]
    fn what_says_nothing_is_no_secret() {
        for (name, value) in [
            ("DB_PASSWORD", "${POSTGRES_PASSWORD}"),
            ("DB_PASSWORD", "$POSTGRES_PASSWORD"),
            ("DB_PASSWORD", "<your password>"),
            ("DATABASE_URL", "postgres://${DB_USER}:${DB_PASSWORD}@${DB_HOST}/x1"),
            ("PATH_OF_TOOLS", "$PWD/bin:$PATH"),
            ("SSH_KEY_TYPE", "rsa4096"),
            ("HOST_KEY", "ed25519"),
            ("AUTH_MODE", "oauth2"),
            ("DB_NAME", "app_v2"),
            ("GREETING", "it's a nice day"),
        ] {
            assert!(!is_telling(name, value) && !is_secret(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("DB_PASSWORD", "pre-${STAGE}-fix99"),
            ("DB_PASSWORD", "$ecretP4ss99"),
            ("DB_PASSWORD9", "sh0rt7x"),
            ("API_KEY", "a1b2c3"),
        ] {
            assert!(is_telling(name, value) && is_secret(name, value), "{name}={value}");
        }
    }
}
