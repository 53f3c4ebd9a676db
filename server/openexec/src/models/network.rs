//! The one HTTP client: what it trusts, and which way it takes.
//!
//! It must not read a key. Proxies and certificates come from user scope only: the user's
//! configuration, and the environment and system that the program was started in.

use crate::config::NetworkConfig;
use crate::limits::{CA_FILE_BYTES_MAX, MODEL_CONNECT_TIMEOUT_MS};
use reqwest::{Certificate, ClientBuilder, NoProxy, Proxy};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// What never goes through a proxy, whatever `NO_PROXY` says: the loopback interface.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Why there can be no client. The message names the place and the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NetworkError(String);

/// The one HTTP client that all adapters share. It trusts the system's certificates and the
/// configured ones. The configured proxy goes before the environment's, and neither is asked
/// for what `NO_PROXY` names or for the loopback interface.
///
/// # Errors
/// When the certificates or a proxy cannot be used, or TLS cannot be set up.
pub fn http_client(network: &NetworkConfig) -> Result<reqwest::Client, NetworkError> {
    http_client_with(network, &|variable| std::env::var(variable).ok())
}

fn http_client_with(
    network: &NetworkConfig,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<reqwest::Client, NetworkError> {
    // An error means that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("openexec/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_millis(MODEL_CONNECT_TIMEOUT_MS))
        // A redirect would carry the key to an address that the user did not write.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false);
    builder = proxied(builder, network, variable)?;
    if let Some(file) = &network.ca_file {
        builder = builder.tls_certs_merge(certificates(file)?);
    }
    builder.build().map_err(|error| {
        let said = super::explanation::cause(&error.without_url());
        NetworkError(match &network.ca_file {
            Some(file) => unusable(file, &said),
            None => format!(
                "{said}; install the system's root certificates (package `ca-certificates`) and check the proxy settings"
            ),
        })
    })
}

/// Without any proxy of ours the client keeps to the system's settings, where a system has such.
fn proxied(
    mut builder: ClientBuilder,
    network: &NetworkConfig,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<ClientBuilder, NetworkError> {
    let set = |names: [&'static str; 2]| {
        names.into_iter().find_map(|name| Some((name, variable(name).filter(|it| !it.trim().is_empty())?)))
    };
    let excepted = set(["NO_PROXY", "no_proxy"]).map_or_else(String::new, |(_, text)| text);
    let direct = NoProxy::from_string(&format!("{LOOPBACK},{excepted}"));
    if let Some(proxy) = &network.proxy {
        let proxy = Proxy::all(proxy).map_err(|_| {
            NetworkError("`proxy` under `network` in config.yaml cannot be used; write it like `http://proxy.example.com:3128`".to_owned())
        })?;
        return Ok(builder.proxy(proxy.no_proxy(direct)));
    }
    type Kind = fn(String) -> reqwest::Result<Proxy>;
    let kinds: [(Kind, [&'static str; 2]); 3] = [
        (Proxy::https, ["HTTPS_PROXY", "https_proxy"]),
        (Proxy::http, ["HTTP_PROXY", "http_proxy"]),
        (Proxy::all, ["ALL_PROXY", "all_proxy"]),
    ];
    for (kind, names) in kinds {
        let Some((name, value)) = set(names) else { continue };
        // The value is not repeated: it may hold a password.
        let proxy = kind(value).map_err(|_| {
            NetworkError(format!(
                "the environment variable `{name}` is not the address of a proxy; write it like `http://proxy.example.com:3128`, or unset it"
            ))
        })?;
        builder = builder.proxy(proxy.no_proxy(direct.clone()));
    }
    Ok(builder)
}

fn certificates(file: &Path) -> Result<Vec<Certificate>, NetworkError> {
    let wrong = |what: &str| NetworkError(unusable(file, what));
    let mut pem = Vec::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(CA_FILE_BYTES_MAX + 1).read_to_end(&mut pem))
        .map_err(|error| wrong(&format!("it cannot be read: {error}")))?;
    if pem.len() as u64 > CA_FILE_BYTES_MAX {
        return Err(wrong(&format!("it is larger than {CA_FILE_BYTES_MAX} bytes")));
    }
    let certificates =
        Certificate::from_pem_bundle(&pem).map_err(|_| wrong("it holds no well-formed certificate"))?;
    match certificates.is_empty() {
        true => Err(wrong("it holds no certificate in PEM form")),
        false => Ok(certificates),
    }
}

fn unusable(file: &Path, what: &str) -> String {
    format!(
        "the certificates of `{}` cannot be used: {what}; name a PEM file, one that begins with `-----BEGIN CERTIFICATE-----`, as `ca_file` under `network` in config.yaml, or remove `ca_file`",
        file.display()
    )
}

#[cfg(test)]
mod tests;
