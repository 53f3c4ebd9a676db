//! Commands about keys in the system's keyring. A key is never printed.

use crate::config::is_keyring_name;
use crate::limits::KEY_BYTES_MAX;
use crate::models;
use anyhow::{Context as _, bail};
use secrecy::SecretString;
use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct KeyArguments {
    #[command(subcommand)]
    what: KeyWhat,
}

#[derive(Debug, clap::Subcommand)]
enum KeyWhat {
    /// Store a key: asks without showing what you type, or reads standard input.
    Set {
        /// The name that `key_keyring` in your configuration says.
        name: String,
    },
    /// Remove a key.
    Remove {
        /// Its name.
        name: String,
    },
    /// List the names of the keys that are stored.
    List,
}

pub(super) fn key(arguments: KeyArguments) -> anyhow::Result<ExitCode> {
    match arguments.what {
        KeyWhat::Set { name } => {
            let name = judged(name)?;
            models::store_key(&name, &read(&name)?)?;
            println!("stored; write `key_keyring: {name}` where your configuration describes the model");
        }
        KeyWhat::Remove { name } => {
            let name = judged(name)?;
            models::remove_key(&name)?;
            println!("removed; models with `key_keyring: {name}` have no key now");
        }
        KeyWhat::List => {
            let names = models::key_names()?;
            if names.is_empty() {
                println!("the keyring holds no key of OpenExec's; `openexec key set NAME` stores one");
            }
            for name in names {
                println!("{name}");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is no name is not repeated: it may be the key.
fn judged(name: String) -> anyhow::Result<String> {
    if !is_keyring_name(&name) {
        bail!(
            "this is not a name for a key: at most 64 letters, digits, `.`, `_` and `-`, and nothing that looks like a key; choose a name, such as `anthropic`: the key itself is asked for afterwards"
        );
    }
    Ok(name)
}

fn read(name: &str) -> anyhow::Result<SecretString> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let key = rpassword::prompt_password(format!("key for {name} (not shown): "));
        return Ok(SecretString::from(key.context("the key could not be read from the terminal")?));
    }
    let mut key = String::new();
    let read = stdin.take(KEY_BYTES_MAX as u64 + 1).read_to_string(&mut key);
    let key = SecretString::from(key);
    match read.context("the key could not be read from standard input")? {
        bytes if bytes > KEY_BYTES_MAX => {
            bail!("standard input holds more than {KEY_BYTES_MAX} bytes, which no key has")
        }
        _ => Ok(key),
    }
}
