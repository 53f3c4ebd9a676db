//! Reads how models are reached.

use super::NetworkConfig;
use super::read::Fault;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::path::{Path, PathBuf};

/// How models are reached that are not on this machine.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NetworkEntry {
    /// The proxy, such as `http://proxy.example.com:3128`. Without it, the environment's
    /// `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` hold. `NO_PROXY` holds in either case.
    #[schemars(with = "Option<String>")]
    proxy: Option<Spanned<String>>,
    /// A PEM file of certificates that are trusted besides the system's.
    #[schemars(with = "Option<String>")]
    ca_file: Option<Spanned<PathBuf>>,
}

pub(super) fn network(entry: NetworkEntry, base: &Path) -> Result<NetworkConfig, Fault> {
    if let Some(proxy) = &entry.proxy {
        judge(&proxy.value).map_err(|what| Fault::new(proxy.referenced, what))?;
    }
    if let Some(file) = entry.ca_file.as_ref().filter(|file| file.value.as_os_str().is_empty()) {
        return Err(Fault::new(file.referenced, "`ca_file` is empty; write the path of a PEM file"));
    }
    Ok(NetworkConfig {
        proxy: entry.proxy.map(|proxy| proxy.value),
        ca_file: entry.ca_file.map(|file| base.join(file.value)),
    })
}

/// The text is not repeated: it may hold a password.
fn judge(text: &str) -> Result<(), &'static str> {
    let url = reqwest::Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or("`proxy` is not an address; write it like `http://proxy.example.com:3128`")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "`proxy` holds a user or a password, which never stand in a file; remove `proxy` and put the whole address into the environment variable `HTTPS_PROXY`",
        );
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("`proxy` is more than an address; write it like `http://proxy.example.com:3128`");
    }
    Ok(())
}
