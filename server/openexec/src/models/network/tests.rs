//! The client against real sockets: a proxy that counts, a server with a certificate of its own.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What a server of these tests is reached as, besides `localhost`. Nobody resolves it.
const FAR: &str = "models.example.test";

/// Reads the head of a request.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut lines = BufReader::new(stream).lines();
    let mut head = String::new();
    while let Some(line) = lines.next_line().await.ok()? {
        if line.is_empty() {
            return Some(head);
        }
        head.push_str(&line);
        head.push('\n');
    }
    None
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &str) {
    if head(&mut stream).await.is_some() {
        let reply =
            format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{text}", text.len());
        let _ = stream.write_all(reply.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

async fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A server that answers `served` in the clear.
async fn plain_server() -> SocketAddr {
    let (listener, address) = listening().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, "served"));
        }
    });
    address
}

/// A server that answers `secure` over TLS, and the PEM of the authority that vouches for it.
async fn tls_server() -> (SocketAddr, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), FAR.to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listener, address) = listening().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer(stream, "secure").await;
                }
            });
        }
    });
    (address, authority.pem())
}

/// A proxy that leads every `CONNECT` to one server and answers `proxied` to all else. It says
/// the first line of each request.
async fn proxy(server: SocketAddr) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let (listener, address) = listening().await;
    let (said, heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let said = said.clone();
            tokio::spawn(async move {
                let Some(head) = head(&mut stream).await else { return };
                let first = head.lines().next().unwrap_or_default().to_owned();
                let tunnels = first.starts_with("CONNECT ");
                let _ = said.send(first);
                if !tunnels {
                    let reply = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 7\r\n\r\nproxied";
                    let _ = stream.write_all(reply.as_bytes()).await;
                    return;
                }
                let mut server = TcpStream::connect(server).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
            });
        }
    });
    (address, heard)
}

fn network(proxy: Option<SocketAddr>, ca_file: Option<PathBuf>) -> NetworkConfig {
    NetworkConfig { proxy: proxy.map(|address| format!("http://{address}")), ca_file }
}

async fn get(client: &reqwest::Client, url: String) -> Result<String, String> {
    let response = client.get(url).send().await.map_err(|error| super::super::explanation::cause(&error))?;
    response.text().await.map_err(|error| error.to_string())
}

fn client(network: &NetworkConfig, variables: &[(&str, &str)]) -> reqwest::Client {
    let variable =
        |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    http_client_with(network, &variable).unwrap()
}

#[tokio::test]
async fn the_configured_proxy_serves_all_but_this_machine() {
    let server = plain_server().await;
    let (proxy, mut heard) = proxy(server).await;
    let client = client(&network(Some(proxy), None), &[]);
    assert_eq!(get(&client, format!("http://{FAR}/v1")).await.unwrap(), "proxied");
    assert_eq!(heard.recv().await.unwrap(), format!("GET http://{FAR}/v1 HTTP/1.1"));
    for near in ["127.0.0.1", "localhost"] {
        assert_eq!(get(&client, format!("http://{near}:{}/v1", server.port())).await.unwrap(), "served");
    }
    assert!(heard.try_recv().is_err(), "the loopback interface was asked of the proxy");
}

#[tokio::test]
async fn the_environment_names_a_proxy_where_the_file_names_none() {
    let server = plain_server().await;
    let (first, mut asked) = proxy(server).await;
    let (second, mut spared) = proxy(server).await;
    let first_url = format!("http://{first}");
    let second_url = format!("http://{second}");
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let client = client(&NetworkConfig::default(), &[(variable, &first_url)]);
        assert_eq!(get(&client, format!("http://{FAR}/")).await.unwrap(), "proxied", "{variable}");
        asked.recv().await.unwrap();
        assert_eq!(get(&client, format!("http://{server}/")).await.unwrap(), "served", "{variable}");
    }
    // The file goes before the environment.
    let both = client(&network(Some(first), None), &[("HTTP_PROXY", &second_url)]);
    assert_eq!(get(&both, format!("http://{FAR}/")).await.unwrap(), "proxied");
    asked.recv().await.unwrap();
    assert!(spared.try_recv().is_err());
    // An exception holds for both; nothing answers at that name without a proxy.
    for network in [network(Some(first), None), NetworkConfig::default()] {
        let client = client(&network, &[("HTTP_PROXY", &first_url), ("NO_PROXY", "example.test")]);
        get(&client, format!("http://{FAR}/")).await.unwrap_err();
    }
    assert!(asked.try_recv().is_err());
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_where_it_is_named() {
    let (server, pem) = tls_server().await;
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("own.pem");
    std::fs::write(&file, pem).unwrap();
    let near = format!("https://localhost:{}/", server.port());
    let trusting = client(&network(None, Some(file.clone())), &[]);
    assert_eq!(get(&trusting, near.clone()).await.unwrap(), "secure");
    let refused = get(&client(&NetworkConfig::default(), &[]), near).await.unwrap_err();
    assert!(refused.to_lowercase().contains("certificate"), "{refused}");
    // Through a proxy the server still proves who it is, to us and not to the proxy.
    let (proxy, mut heard) = proxy(server).await;
    let through = client(&network(Some(proxy), Some(file)), &[]);
    assert_eq!(get(&through, format!("https://{FAR}/")).await.unwrap(), "secure");
    assert_eq!(heard.recv().await.unwrap(), format!("CONNECT {FAR}:443 HTTP/1.1"));
    let deceived = client(&network(Some(proxy), None), &[]);
    get(&deceived, format!("https://{FAR}/")).await.unwrap_err();
}

#[test]
fn what_cannot_be_used_is_named_with_its_remedy() {
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let cases = [
        (place.path().join("absent.pem"), "cannot be read"),
        (place.path().to_owned(), "cannot be read"),
        (file("text.pem", "not a certificate\n"), "no certificate in PEM form"),
        (
            file("cut.pem", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"),
            "no well-formed certificate",
        ),
        (
            file("junk.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "cannot be used",
        ),
    ];
    for (path, expected) in cases {
        let error = http_client_with(&network(None, Some(path.clone())), &|_| None).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("remove `ca_file`"), "{error}");
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
    let wrong = |name: &str| (name == "HTTPS_PROXY").then(|| "http://user:verysecret@[".to_owned());
    let error = http_client_with(&NetworkConfig::default(), &wrong).unwrap_err().to_string();
    assert!(error.contains("`HTTPS_PROXY`") && !error.contains("verysecret"), "{error}");
}
