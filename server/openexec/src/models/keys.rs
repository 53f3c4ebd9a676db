//! Keys in the system's keyring: Secret Service, Keychain, Credential Manager.
//!
//! It must not log a key, keep one longer than the caller does, or take one from a repository.

use super::{Provider, provider};
use crate::config::{KeySource, ModelConfig};
use crate::limits::KEYRING_TIMEOUT_MS;
use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};

/// Whose keys they are, as keyrings show it.
const SERVICE: &str = "openexec";

/// The attribute by which keyrings tell the keys of a service apart.
const USER: &str = "username";

/// Why the keyring gave or took no key. The message says what to do next.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum KeyringError {
    #[error("the keyring holds no key named `{name}`; store it with `openexec key set {name}`")]
    NoKey { name: String },
    #[error(
        "there is no keyring to ask ({reason}); start one, such as gnome-keyring or KWallet, in the session that openexec runs in, or put the key into an environment variable and write its name as `key_env`"
    )]
    NoKeyring { reason: String },
    #[error("the keyring stays locked ({reason}); unlock it and try again")]
    Locked { reason: String },
    #[error(
        "the keyring gave no answer within {limit_ms} ms; unlock it and try again, or put the key into an environment variable and write its name as `key_env`"
    )]
    Silent { limit_ms: u64 },
    #[error("this is not a key: {reason}; copy it again")]
    NotAKey { reason: &'static str },
    #[error(
        "the keyring holds several keys named `{name}`; remove those that you do not want with the keyring's own program"
    )]
    Ambiguous { name: String },
    #[error("the keyring failed: {reason}")]
    Failed { reason: String },
}

/// The key of this name.
///
/// # Errors
/// When there is none, or no keyring answers.
pub fn key_in_keyring(name: &str) -> Result<SecretString, KeyringError> {
    let of = name.to_owned();
    let key = within_limit(name, move |store| {
        store.build(SERVICE, &of, None)?.get_password().map(SecretString::from)
    })?;
    judged(&key)
}

/// Stores a key under this name, in place of the one that is there.
///
/// # Errors
/// When it can be none, or no keyring takes it.
pub fn store_key(name: &str, key: &SecretString) -> Result<(), KeyringError> {
    let (of, key) = (name.to_owned(), judged(key)?);
    within_limit(name, move |store| store.build(SERVICE, &of, None)?.set_password(key.expose_secret()))
}

/// Removes the key of this name.
///
/// # Errors
/// When there is none, or no keyring answers.
pub fn remove_key(name: &str) -> Result<(), KeyringError> {
    let of = name.to_owned();
    within_limit(name, move |store| store.build(SERVICE, &of, None)?.delete_credential())
}

/// The names of the keys that are there, in order.
///
/// # Errors
/// When no keyring answers, or the system's keyring cannot list.
pub fn key_names() -> Result<Vec<String>, KeyringError> {
    let mut names = within_limit("", |store| {
        let found = store.search(&HashMap::from([("service", SERVICE)]))?;
        Ok(found.iter().filter_map(user_of).collect::<Vec<_>>())
    })?;
    names.sort();
    names.dedup();
    Ok(names)
}

fn user_of(entry: &Entry) -> Option<String> {
    let specified = entry.get_specifiers().map(|(_, user)| user);
    specified.or_else(|| entry.get_attributes().ok()?.remove(USER))
}

/// Where the key of a model is looked for: where the user says, or in the provider's own variable.
pub fn key_source(config: &ModelConfig) -> Option<KeySource> {
    let (provider, http) = provider(config)?;
    http.key.clone().or_else(|| own_variable(provider, http.base_url.as_deref()))
}

/// The provider's own variable is read only for the provider's own address: no other server is
/// sent a key that the user did not name for it.
pub(super) fn own_variable(provider: &Provider, base_url: Option<&str>) -> Option<KeySource> {
    let variable = provider.key_env.filter(|_| base_url.is_none())?;
    Some(KeySource::Variable(variable.to_owned()))
}

/// Without what copying leaves around it.
fn judged(key: &SecretString) -> Result<SecretString, KeyringError> {
    let text = key.expose_secret().trim();
    if text.is_empty() {
        return Err(KeyringError::NotAKey { reason: "it is empty" });
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(KeyringError::NotAKey { reason: "it holds characters that no key has" });
    }
    Ok(SecretString::from(text.to_owned()))
}

/// Keyrings answer when the user has unlocked them, so they are asked beside everything else and
/// not for ever. A thread that gets no answer stays behind: nobody can call it back.
fn within_limit<T: Send + 'static>(
    name: &str,
    work: impl FnOnce(Arc<CredentialStore>) -> keyring_core::Result<T> + Send + 'static,
) -> Result<T, KeyringError> {
    let of = name.to_owned();
    let (answer, answered) = std::sync::mpsc::channel();
    let asking = move || {
        let done = store()
            .map_err(|error| KeyringError::NoKeyring { reason: reason(&error) })
            .and_then(|store| work(store).map_err(|error| refusal(&error, of)));
        // Nobody waits any longer where this fails.
        let _ = answer.send(done);
    };
    let failed = |reason: String| KeyringError::Failed { reason };
    std::thread::Builder::new()
        .name("keyring".to_owned())
        .spawn(asking)
        .map_err(|error| failed(error.to_string()))?;
    let wait = || answered.recv_timeout(Duration::from_millis(KEYRING_TIMEOUT_MS));
    let on_worker = Handle::try_current().is_ok_and(|it| it.runtime_flavor() == RuntimeFlavor::MultiThread);
    // Other tasks of this thread go on elsewhere meanwhile.
    let waited = if on_worker { tokio::task::block_in_place(wait) } else { wait() };
    match waited {
        Ok(done) => done,
        Err(RecvTimeoutError::Timeout) => Err(KeyringError::Silent { limit_ms: KEYRING_TIMEOUT_MS }),
        Err(RecvTimeoutError::Disconnected) => Err(failed("the thread that asked it ended".to_owned())),
    }
}

/// Asked for anew each time, as the user may have started one meanwhile.
fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    #[cfg(target_os = "macos")]
    let store = apple_native_keyring_store::keychain::Store::new()?;
    #[cfg(windows)]
    let store = windows_native_keyring_store::Store::new()?;
    #[cfg(all(unix, not(target_os = "macos")))]
    let store = zbus_secret_service_keyring_store::Store::new()?;
    Ok(store)
}

fn refusal(error: &Error, name: String) -> KeyringError {
    match error {
        Error::NoEntry => KeyringError::NoKey { name },
        Error::Ambiguous(_) => KeyringError::Ambiguous { name },
        Error::NoStorageAccess(_) => KeyringError::Locked { reason: reason(error) },
        Error::BadEncoding(_) => KeyringError::NotAKey { reason: "it is not text" },
        _ => KeyringError::Failed { reason: reason(error) },
    }
}

/// What a store says. Its errors can hold the bytes of a key, but do not show them.
fn reason(error: &Error) -> String {
    match error {
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => cause.to_string(),
        Error::BadDataFormat(..) => "its data is malformed".to_owned(),
        other => other.to_string(),
    }
}
