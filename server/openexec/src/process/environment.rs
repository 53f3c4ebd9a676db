//! The environment of a task: an allow-list. Keys, tokens, agent sockets and whatever else
//! the user's session holds never get there.

use super::secrets::secrets;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Variables that are passed on as they are.
const PASSED: [&str; 36] = [
    "PATH",
    "TZ",
    "USER",
    "LOGNAME",
    "SYSTEMROOT",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTFLAGS",
    "GOROOT",
    "GOPATH",
    "GOMODCACHE",
    "GOCACHE",
    "GOTOOLCHAIN",
    "JAVA_HOME",
    "JDK_HOME",
    "M2_HOME",
    "MAVEN_HOME",
    "GRADLE_HOME",
    "GRADLE_USER_HOME",
    "ANDROID_HOME",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYENV_ROOT",
    "PYTHONUSERBASE",
    "NVM_DIR",
    "NVM_BIN",
    "VOLTA_HOME",
    "FNM_DIR",
    "ASDF_DIR",
    "ASDF_DATA_DIR",
    "MISE_DATA_DIR",
    "RBENV_ROOT",
    "SDKMAN_DIR",
    "DOTNET_ROOT",
    "NIX_PROFILES",
];

/// Tools whose home is named explicitly, as the task's `HOME` is an empty one:
/// the variable, and where it points by default below the user's home.
const HOMES: [(&str, &str); 13] = [
    ("CARGO_HOME", ".cargo"),
    ("RUSTUP_HOME", ".rustup"),
    ("GOPATH", "go"),
    ("GOCACHE", ".cache/go-build"),
    ("GRADLE_USER_HOME", ".gradle"),
    ("PYENV_ROOT", ".pyenv"),
    ("PYTHONUSERBASE", ".local"),
    ("NVM_DIR", ".nvm"),
    ("VOLTA_HOME", ".volta"),
    ("ASDF_DATA_DIR", ".asdf"),
    ("MISE_DATA_DIR", ".local/share/mise"),
    ("RBENV_ROOT", ".rbenv"),
    ("npm_config_cache", ".npm"),
];

/// Variables that every task gets: no network, no colours, no questions.
const FIXED: [(&str, &str); 14] = [
    ("LANG", "C.UTF-8"),
    ("TERM", "dumb"),
    ("NO_COLOR", "1"),
    ("CI", "1"),
    ("CARGO_NET_OFFLINE", "true"),
    ("CARGO_TERM_COLOR", "never"),
    // Version control is read-only; what would only refresh its caches need not try.
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GOPROXY", "off"),
    ("GOTELEMETRY", "off"),
    ("npm_config_offline", "true"),
    ("npm_config_update_notifier", "false"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("PIP_NO_INDEX", "1"),
];

/// Caches that their tools cannot do without writing to: they get overlays of their own.
const WRITTEN_CACHES: [&str; 3] = ["GOCACHE", "GRADLE_USER_HOME", "npm_config_cache"];

/// Variables that keep tools from trying the network in vain. A task that has one goes without.
const OFFLINE: [&str; 4] = ["CARGO_NET_OFFLINE", "GOPROXY", "npm_config_offline", "PIP_NO_INDEX"];

/// Variables that name certificates, which only a task with a network needs.
const CERTIFICATES: [&str; 8] = [
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
];

/// Where tools put what they fetch. Written to by tasks with a network only, and from then on
/// seen by all tasks of the same shadow.
const FETCHED: [&str; 3] = ["CARGO_HOME", "GOPATH", "GOMODCACHE"];

/// What a task may know of the user's session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    /// The variables.
    pub variables: BTreeMap<String, String>,
    /// Directories that its tools write caches to; all of them exist.
    pub caches: Vec<PathBuf>,
    /// Directories that fetched dependencies go to; all of them exist.
    pub fetched: Vec<PathBuf>,
    /// Variables that tasks with a network get besides.
    pub certificates: BTreeMap<String, String>,
    /// Directories that its tools live in; all of them exist.
    pub tools: Vec<PathBuf>,
    /// What it must not read.
    pub secrets: Vec<PathBuf>,
    /// The user's own home.
    pub user_home: Option<PathBuf>,
}

/// The environment for tasks, from the variables of this process. `home` is the empty home
/// that the task gets, `scratch` its directory for temporary files.
pub(crate) fn environment(
    variables: impl Iterator<Item = (OsString, OsString)>,
    home: &Path,
    scratch: &Path,
) -> Environment {
    let session: BTreeMap<String, String> = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let user_home = session.get("HOME").or_else(|| session.get("USERPROFILE")).map(PathBuf::from);
    let secrets = secrets(&session, user_home.as_deref());
    let certificates = session
        .iter()
        .filter(|(name, _)| CERTIFICATES.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut variables: BTreeMap<String, String> = session
        .into_iter()
        .filter(|(name, _)| PASSED.contains(&name.as_str()))
        .chain(FIXED.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    for (name, place) in HOMES {
        if let Some(path) = user_home.as_ref().map(|user_home| user_home.join(place))
            && path.is_dir()
            && let Some(path) = path.to_str()
        {
            variables.entry(name.to_owned()).or_insert_with(|| path.to_owned());
        }
    }
    let directory = |name: &&str| {
        variables.get(*name).map(PathBuf::from).filter(|path| path.is_absolute() && path.is_dir())
    };
    let mut caches: Vec<PathBuf> = WRITTEN_CACHES.iter().filter_map(directory).collect();
    let mut fetched: Vec<PathBuf> = FETCHED.iter().filter_map(directory).collect();
    fetched.sort();
    fetched.dedup_by(|later, earlier| later.starts_with(earlier));
    if let Some(user_home) = &user_home {
        // Maven takes the user's home from the system and knows no variable for it.
        caches.extend(Some(user_home.join(".m2")).filter(|path| path.is_dir()));
    }
    let tools = tools(&variables);
    for (name, path) in [("HOME", home), ("TMPDIR", scratch), ("TMP", scratch), ("TEMP", scratch)] {
        variables.insert(name.to_owned(), path.display().to_string());
    }
    Environment { variables, caches, fetched, certificates, tools, secrets, user_home }
}

impl Environment {
    /// The variables of a task that reaches hosts.
    pub(crate) fn networked(&self) -> BTreeMap<String, String> {
        let online = self.variables.iter().filter(|(name, _)| !OFFLINE.contains(&name.as_str()));
        online.chain(&self.certificates).map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// Every directory that a passed variable names.
fn tools(variables: &BTreeMap<String, String>) -> Vec<PathBuf> {
    variables
        .values()
        .flat_map(std::env::split_paths)
        .filter(|path| path.is_absolute() && path.is_dir())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_variables_pass() {
        let session = [
            ("PATH", "/usr/bin"),
            ("OPENAI_API_KEY", "sk-secret"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("SSH_AUTH_SOCK", "/run/x"),
            ("LD_PRELOAD", "/x.so"),
            ("JAVA_HOME", "/opt/java"),
            ("HOME", "/nowhere/at/all"),
        ]
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let environment = environment(session.into_iter(), Path::new("/tmp/home"), Path::new("/tmp"));
        let names: Vec<&str> = environment.variables.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "CARGO_NET_OFFLINE",
                "CARGO_TERM_COLOR",
                "CI",
                "GIT_OPTIONAL_LOCKS",
                "GIT_TERMINAL_PROMPT",
                "GOPROXY",
                "GOTELEMETRY",
                "HOME",
                "JAVA_HOME",
                "LANG",
                "NO_COLOR",
                "PATH",
                "PIP_NO_INDEX",
                "PYTHONDONTWRITEBYTECODE",
                "TEMP",
                "TERM",
                "TMP",
                "TMPDIR",
                "npm_config_offline",
                "npm_config_update_notifier",
            ]
        );
        assert_eq!(environment.variables["HOME"], "/tmp/home");
        assert!(environment.secrets.contains(&PathBuf::from("/nowhere/at/all/.ssh")));
    }
}
