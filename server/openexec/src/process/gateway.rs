//! The only way out of a task that declares hosts: an HTTP proxy, which listens inside the
//! task's network namespace and runs here. It connects to declared hosts and to nothing else,
//! finds their addresses itself, and refuses those that belong to this machine, this link or a
//! private network. Everything that is asked of it is noted.
//!
//! What goes through a tunnel is not looked at. Whoever may reach a host may send it anything.

use crate::limits::{
    GATEWAY_CONNECT_TIMEOUT_MS, GATEWAY_CONNECTIONS_MAX, GATEWAY_HEAD_BYTES_MAX, GATEWAY_HEAD_TIMEOUT_MS,
};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::uri::{Authority, PathAndQuery};
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use openexec_engine::limits::CONNECTIONS_MAX;
use openexec_engine::task::{Connection, ConnectionOutcome, NetworkHost, is_public_address};
use parking_lot::Mutex;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Headers that belong to one connection and are not passed on (RFC 9110, section 7.6.1).
const OF_THE_CONNECTION: [HeaderName; 8] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("proxy-connection"),
];

type Body = BoxBody<Bytes, hyper::Error>;

/// The way out of one task.
#[derive(Clone)]
pub(crate) struct Gateway {
    hosts: Arc<Vec<NetworkHost>>,
    asked: Arc<Mutex<Vec<Connection>>>,
}

/// A tunnel that begins when the answer to its request is out.
type Tunnel = Arc<Mutex<Option<(OnUpgrade, TcpStream)>>>;

/// Why a connection was not made.
struct Denied {
    status: StatusCode,
    reason: String,
}

impl Gateway {
    /// The way to these hosts. One that cannot be read leads nowhere.
    pub(crate) fn to(hosts: &[String]) -> Self {
        let hosts = hosts.iter().filter_map(|host| NetworkHost::parse(host).ok()).collect();
        Self { hosts: Arc::new(hosts), asked: Arc::default() }
    }

    /// Everything that was asked for so far.
    pub(crate) fn connections(&self) -> Vec<Connection> {
        self.asked.lock().clone()
    }

    /// True when a declared host is this machine itself.
    pub(crate) fn leads_to_loopback(&self) -> bool {
        self.hosts.iter().any(NetworkHost::is_loopback)
    }

    /// Serves until it is dropped, and then serves nobody any more.
    pub(crate) async fn serve(&self, listener: TcpListener) -> Infallible {
        let mut served = JoinSet::new();
        loop {
            while served.len() >= GATEWAY_CONNECTIONS_MAX {
                let _ = served.join_next().await;
            }
            // What has ended is not kept.
            while served.try_join_next().is_some() {}
            match listener.accept().await {
                Ok((stream, _)) => {
                    served.spawn(self.clone().serve_one(stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "the gateway of a task accepts no connection");
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    async fn serve_one(self, stream: TcpStream) {
        let tunnel = Tunnel::default();
        let begins = tunnel.clone();
        let answer = service_fn(move |request| self.clone().answer(request, begins.clone()));
        let served = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(GATEWAY_HEAD_TIMEOUT_MS))
            .max_buf_size(GATEWAY_HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), answer)
            .with_upgrades()
            .await;
        let begun = tunnel.lock().take();
        if served.is_ok()
            && let Some((upgrade, mut there)) = begun
            && let Ok(here) = upgrade.await
        {
            let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(here), &mut there).await;
        }
    }

    async fn answer(self, request: Request<Incoming>, tunnel: Tunnel) -> Result<Response<Body>, Infallible> {
        let answered = if request.method() == Method::CONNECT {
            self.tunnel(request, &tunnel).await
        } else {
            self.forward(request).await
        };
        Ok(answered.unwrap_or_else(|denied| {
            let text = format!("openexec: {}\n", denied.reason);
            response(denied.status, Bytes::from(text))
        }))
    }

    /// `CONNECT host:port`: bytes in both directions.
    async fn tunnel(&self, request: Request<Incoming>, tunnel: &Tunnel) -> Result<Response<Body>, Denied> {
        let authority = request.uri().authority().ok_or_else(|| malformed("CONNECT names no host"))?;
        let port = authority.port_u16().ok_or_else(|| malformed("CONNECT names no port"))?;
        let stream = self.connect(authority.host(), port).await?;
        *tunnel.lock() = Some((hyper::upgrade::on(request), stream));
        Ok(response(StatusCode::OK, Bytes::new()))
    }

    /// `GET http://host/path`: one request, passed on.
    async fn forward(&self, request: Request<Incoming>) -> Result<Response<Body>, Denied> {
        let (mut head, body) = request.into_parts();
        if head.uri.scheme_str() != Some("http") {
            return Err(malformed("this is a proxy; it takes CONNECT and http:// addresses"));
        }
        let authority = head.uri.authority().cloned().ok_or_else(|| malformed("the address has no host"))?;
        let stream = self.connect(authority.host(), authority.port_u16().unwrap_or(80)).await?;
        head.uri = path_of(&head.uri);
        drop_headers_of_the_connection(&mut head.headers);
        head.headers.insert(header::HOST, host_header(&authority)?);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| unreachable(&error))?;
        // It ends when the answer has been read or is no longer wanted.
        tokio::spawn(connection);
        let mut answered = sender
            .send_request(Request::from_parts(head, body))
            .await
            .map_err(|error| unreachable(&error))?;
        drop_headers_of_the_connection(answered.headers_mut());
        Ok(answered.map(BodyExt::boxed))
    }

    /// Connects to a declared host, and notes what came of it.
    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Denied> {
        if self.asked.lock().len() >= CONNECTIONS_MAX {
            return Err(Denied {
                status: StatusCode::FORBIDDEN,
                reason: format!("the task has asked for {CONNECTIONS_MAX} connections; there are no more"),
            });
        }
        let (outcome, made) = match self.attempt(host, port).await {
            Ok((stream, address)) => {
                (ConnectionOutcome::Connected { address: address.to_string() }, Ok(stream))
            }
            Err(denied) => {
                let reason = denied.reason.clone();
                let outcome = match denied.status {
                    StatusCode::FORBIDDEN => ConnectionOutcome::Refused { reason },
                    _ => ConnectionOutcome::Failed { reason },
                };
                (outcome, Err(denied))
            }
        };
        self.asked.lock().push(Connection { host: host.to_owned(), port, outcome });
        made
    }

    async fn attempt(&self, host: &str, port: u16) -> Result<(TcpStream, SocketAddr), Denied> {
        let covering: Vec<&NetworkHost> =
            self.hosts.iter().filter(|entry| entry.covers(host, port)).collect();
        if covering.is_empty() {
            return Err(forbidden(format!("`{host}:{port}` is not declared in the task's `network`")));
        }
        let loopback = covering.iter().any(|entry| entry.is_loopback());
        let within = Duration::from_millis(GATEWAY_CONNECT_TIMEOUT_MS);
        let attempt = async {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            let addresses: Vec<SocketAddr> =
                tokio::net::lookup_host((bare, port)).await.map_err(|error| unreachable(&error))?.collect();
            if let Some(address) = addresses.iter().find(|address| !may_be_reached(address.ip(), loopback)) {
                return Err(forbidden(format!(
                    "`{host}` stands for {}, which belongs to this machine, this link or a private network",
                    address.ip()
                )));
            }
            let stream =
                TcpStream::connect(addresses.as_slice()).await.map_err(|error| unreachable(&error))?;
            let address = stream.peer_addr().map_err(|error| unreachable(&error))?;
            Ok((stream, address))
        };
        tokio::time::timeout(within, attempt).await.unwrap_or_else(|_| {
            Err(Denied { status: StatusCode::GATEWAY_TIMEOUT, reason: format!("`{host}` did not answer") })
        })
    }
}

/// This machine is reached only where its very address is declared.
fn may_be_reached(address: IpAddr, loopback: bool) -> bool {
    is_public_address(address) || (loopback && address.is_loopback())
}

/// What remains of an address for the server that it names.
fn path_of(uri: &Uri) -> Uri {
    uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")).into()
}

fn host_header(authority: &Authority) -> Result<HeaderValue, Denied> {
    let host = authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, host)| host);
    HeaderValue::from_str(host).map_err(|_| malformed("the host cannot stand in a header"))
}

/// Removes them, and those that `Connection` names.
fn drop_headers_of_the_connection(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&OF_THE_CONNECTION) {
        headers.remove(name);
    }
}

fn response(status: StatusCode, text: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(text).map_err(|never| match never {}).boxed());
    *response.status_mut() = status;
    response
}

fn malformed(reason: &str) -> Denied {
    Denied { status: StatusCode::BAD_REQUEST, reason: reason.to_owned() }
}

fn forbidden(reason: String) -> Denied {
    Denied { status: StatusCode::FORBIDDEN, reason }
}

fn unreachable(error: &dyn std::fmt::Display) -> Denied {
    Denied { status: StatusCode::BAD_GATEWAY, reason: error.to_string() }
}
