//! What no task may read: keys, tokens, histories and profiles, by where they are usually kept.
//! A list can only hold what is known; a file with a key in another place is read like any other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Below the user's home.
const AT_HOME: [&str; 82] = [
    // Keys and their agents.
    ".ssh",
    ".gnupg",
    ".pki",
    ".keychain",
    ".password-store",
    ".authinfo",
    ".authinfo.gpg",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".local/share/pass",
    ".age",
    ".config",
    // Clouds and clusters.
    ".aws",
    ".azure",
    ".boto",
    ".s3cfg",
    ".oci",
    ".bluemix",
    ".fly",
    ".kube",
    ".minikube",
    ".helm",
    ".docker",
    ".terraform.d",
    ".terraformrc",
    ".vault-token",
    ".ansible",
    ".vagrant.d",
    ".databrickscfg",
    ".snowsql",
    ".ngrok2",
    // Registries of packages and models.
    ".netrc",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pypirc",
    ".pip",
    ".condarc",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".m2/settings.xml",
    ".m2/settings-security.xml",
    ".gradle/gradle.properties",
    ".ivy2/.credentials",
    ".sbt/.credentials",
    ".gem/credentials",
    ".bundle/config",
    ".composer/auth.json",
    ".nuget/NuGet/NuGet.Config",
    ".hex/hex.config",
    ".kaggle",
    ".huggingface",
    ".cache/huggingface/token",
    // Version control.
    ".git-credentials",
    ".gitconfig",
    ".hgrc",
    ".subversion",
    // Databases.
    ".pgpass",
    ".my.cnf",
    ".mongorc.js",
    ".rediscli_history",
    ".psql_history",
    ".mysql_history",
    // Models and their agents.
    ".claude",
    ".claude.json",
    ".codex",
    ".gemini",
    // Browsers, mail and money.
    ".mozilla",
    ".thunderbird",
    ".var/app",
    "snap",
    ".electrum",
    ".bitcoin",
    ".ethereum",
    ".msmtprc",
    ".fetchmailrc",
    // What was typed.
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".node_repl_history",
    ".local/share/fish/fish_history",
    ".lesshst",
];

/// Variables of the user's session that name such a place.
const NAMED: [&str; 19] = [
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XAUTHORITY",
    "GNUPGHOME",
    "SSH_AUTH_SOCK",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONFIG_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AZURE_CONFIG_DIR",
    "CLOUDSDK_CONFIG",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "KUBECONFIG",
    "DOCKER_CONFIG",
    "NETRC",
    "NPM_CONFIG_USERCONFIG",
    "PIP_CONFIG_FILE",
    "PGPASSFILE",
    "PASSWORD_STORE_DIR",
    "TF_CLI_CONFIG_FILE",
];

/// Below a directory that a variable names, wherever the user has put it.
const BELOW_NAMED: [(&str, &str); 5] = [
    ("CARGO_HOME", "credentials"),
    ("CARGO_HOME", "credentials.toml"),
    ("GRADLE_USER_HOME", "gradle.properties"),
    ("XDG_DATA_HOME", "keyrings"),
    ("HF_HOME", "token"),
];

/// The places of this user's secrets, whether there is something or not. A place that holds
/// the user's whole home or the whole system is none.
pub(super) fn secrets(session: &BTreeMap<String, String>, home: Option<&Path>) -> Vec<PathBuf> {
    let at_home = AT_HOME.iter().filter_map(|place| Some(home?.join(place)));
    let named = NAMED.iter().filter_map(|name| session.get(*name)).flat_map(std::env::split_paths);
    let below_named =
        BELOW_NAMED.iter().filter_map(|(name, place)| Some(Path::new(session.get(*name)?).join(place)));
    let mut secrets: Vec<PathBuf> = at_home
        .chain(named)
        .chain(below_named)
        .filter(|path| path.is_absolute() && path.parent().is_some())
        .filter(|path| home.is_none_or(|home| !home.starts_with(path)))
        .collect();
    secrets.sort();
    secrets.dedup();
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_usual_places_are_secret() {
        let secrets = secrets(&session(&[]), Some(Path::new("/home/u")));
        for place in [
            ".ssh",
            ".gnupg",
            ".aws",
            ".config",
            ".docker",
            ".kube",
            ".netrc",
            ".npmrc",
            ".pypirc",
            ".cargo/credentials",
            ".cargo/credentials.toml",
            ".mozilla",
            ".git-credentials",
        ] {
            assert!(secrets.contains(&Path::new("/home/u").join(place)), "{place}");
        }
        assert_eq!(secrets.len(), AT_HOME.len(), "no place is listed twice");
    }

    #[test]
    fn what_variables_name_is_secret_wherever_it_is() {
        let session = session(&[
            ("XDG_RUNTIME_DIR", "/run/user/1000"),
            ("KUBECONFIG", "/srv/a.yaml:/srv/b.yaml"),
            ("CARGO_HOME", "/opt/cargo"),
            ("DOCKER_CONFIG", "relative"),
            ("XDG_CONFIG_HOME", "/home"),
            ("NETRC", "/"),
        ]);
        let found: Vec<PathBuf> = secrets(&session, Some(Path::new("/home/u")))
            .into_iter()
            .filter(|path| !path.starts_with("/home/u"))
            .collect();
        let expected = [
            "/opt/cargo/credentials",
            "/opt/cargo/credentials.toml",
            "/run/user/1000",
            "/srv/a.yaml",
            "/srv/b.yaml",
        ];
        assert_eq!(found, expected.map(PathBuf::from));
    }
}
