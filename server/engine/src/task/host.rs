//! Hosts that a task may reach: how they are written, and which addresses nobody may reach
//! by a name.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ports that a host without one stands for: HTTP and HTTPS.
const USUAL_PORTS: [u16; 2] = [80, 443];
/// Bytes of a host's name (RFC 1035, section 2.3.4).
const NAME_BYTES_MAX: usize = 253;
/// Bytes of one label of it.
const LABEL_BYTES_MAX: usize = 63;

/// One entry of a task's `network`: `host`, `host:port` or `*.example.org`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkHost {
    name: Name,
    /// The usual ports when absent.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    /// Exactly this name, in lower case.
    Exact(String),
    /// Every name that ends with a dot and this.
    Below(String),
    /// This machine, as the task's declaration says in so many words.
    Loopback(IpAddr),
    /// Another address.
    Address(IpAddr),
}

/// Why a text names no host that a task may reach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkHostError {
    /// Not a name, an address or a pattern.
    #[error("it is no host; write `host`, `host:port` or `*.example.org`")]
    Malformed,
    /// Nothing can be made of what follows the colon.
    #[error("it has no port from 1 to 65535 after the colon")]
    Port,
    /// A star elsewhere than in front, or one that stands for a whole top-level domain.
    #[error("a `*` stands for the names below a domain, as in `*.example.org`, and for nothing else")]
    Pattern,
    /// An address of a network that is nobody else's business.
    #[error("`{0}` is an address of a private network or of this link, which no task may reach")]
    Private(IpAddr),
}

impl NetworkHost {
    /// Reads one entry.
    ///
    /// # Errors
    /// When it is malformed, or names an address that no task may reach.
    pub fn parse(text: &str) -> Result<Self, NetworkHostError> {
        let (host, port) = split_port(text)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = match bare.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => Name::Loopback(address),
            Ok(address) if !is_public_address(address) => return Err(NetworkHostError::Private(address)),
            Ok(address) => Name::Address(address),
            Err(_) => named(host)?,
        };
        Ok(Self { name, port })
    }

    /// Whether this entry covers a host, as a client names it, and a port.
    pub fn covers(&self, host: &str, port: u16) -> bool {
        let port_fits = self.port.map_or_else(|| USUAL_PORTS.contains(&port), |own| own == port);
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
        port_fits
            && match &self.name {
                Name::Exact(name) => *name == host,
                Name::Below(domain) => host
                    .strip_suffix(domain.as_str())
                    .is_some_and(|front| front.len() > 1 && front.ends_with('.')),
                Name::Loopback(own) | Name::Address(own) => bare.parse() == Ok(*own),
            }
    }

    /// The one host that the entry names; none where it stands for several.
    pub fn single(&self) -> Option<String> {
        match &self.name {
            Name::Exact(name) => Some(name.clone()),
            Name::Loopback(address) | Name::Address(address) => Some(address.to_string()),
            Name::Below(_) => None,
        }
    }

    /// True when the entry names this machine itself.
    pub fn is_loopback(&self) -> bool {
        matches!(self.name, Name::Loopback(_))
    }
}

impl fmt::Display for NetworkHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Name::Exact(name) => formatter.write_str(name)?,
            Name::Below(domain) => write!(formatter, "*.{domain}")?,
            Name::Loopback(IpAddr::V6(address)) | Name::Address(IpAddr::V6(address)) => {
                write!(formatter, "[{address}]")?;
            }
            Name::Loopback(address) | Name::Address(address) => write!(formatter, "{address}")?,
        }
        self.port.map_or(Ok(()), |port| write!(formatter, ":{port}"))
    }
}

/// The host and its port, if it has one. Addresses of version 6 stand in brackets.
fn split_port(text: &str) -> Result<(&str, Option<u16>), NetworkHostError> {
    let split = match text.rfind(']') {
        Some(bracket) => text.get(bracket + 1..).filter(|rest| !rest.is_empty()).map(|rest| {
            let port = rest.strip_prefix(':').ok_or(NetworkHostError::Malformed)?;
            Ok((text.get(..=bracket).unwrap_or(text), port))
        }),
        None => text.rsplit_once(':').map(Ok),
    };
    let Some(split) = split else { return Ok((text, None)) };
    let (host, port) = split?;
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok((host, Some(port))),
        _ => Err(NetworkHostError::Port),
    }
}

fn named(host: &str) -> Result<Name, NetworkHostError> {
    let (domain, is_pattern) = match host.strip_prefix("*.") {
        Some(domain) => (domain, true),
        None => (host, false),
    };
    if domain.contains('*') {
        return Err(NetworkHostError::Pattern);
    }
    let labels: Vec<&str> = domain.split('.').collect();
    let is_label = |label: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // What ends in a number is an address to some clients, in one of several spellings.
    let ends_in_number = labels.last().is_some_and(|last| {
        last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X")
    });
    if domain.len() > NAME_BYTES_MAX || !labels.iter().all(is_label) || ends_in_number {
        return Err(NetworkHostError::Malformed);
    }
    let domain = domain.to_ascii_lowercase();
    match (is_pattern, labels.len()) {
        (true, 0 | 1) => Err(NetworkHostError::Pattern),
        (true, _) => Ok(Name::Below(domain)),
        (false, _) => Ok(Name::Exact(domain)),
    }
}

/// Whether an address belongs to the public network: not to this machine, this link, a private
/// network, or a group (IANA's registries of special-purpose addresses, RFC 6890). Clouds serve
/// their machines' credentials at such addresses.
pub fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || first == 0
        || first >= 240
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && (second == 18 || second == 19)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let [first, second, ..] = segments;
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Addresses of version 4 in other clothes: mapped, translated, tunnelled.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Only 2000::/3 is given out at all; 2001::/32 tunnels.
        _ => first & 0xe000 == 0x2000 && (first, second) != (0x2001, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_strictly() {
        for text in [
            "example.org",
            "example.org:8443",
            "*.example.org",
            "*.example.org:80",
            "xn--bcher-kva.example",
            "127.0.0.1:8080",
            "[::1]:8080",
            "8.8.8.8",
            "localhost:3000",
        ] {
            assert_eq!(NetworkHost::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "*",
            "*.",
            "*.org",
            "a*.example.org",
            "*.*.example.org",
            "https://example.org",
            "example.org/path",
            "user@example.org",
            "exa mple.org",
            "example.org\0",
            "example.org\n",
            "exämple.org",
            "example..org",
            ".example.org",
            "example.org.",
            "-a.example.org",
            "example.org:",
            "example.org:0",
            "example.org:70000",
            "example.org:+80",
            "example.org:http",
            "127.1",
            "2130706433",
            "0x7f000001",
            "::1]:80",
            "[::1]80",
            "10.0.0.1",
            "192.168.1.1:80",
            "172.16.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::a00:1]",
            "[2002:a00:1::]",
            "[::]",
        ] {
            assert!(NetworkHost::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn entries_cover_what_they_name() {
        let covers = |entry: &str, host: &str, port| NetworkHost::parse(entry).unwrap().covers(host, port);
        assert!(covers("example.org", "example.org", 443) && covers("example.org", "EXAMPLE.org.", 80));
        assert!(!covers("example.org", "example.org", 22) && !covers("example.org", "a.example.org", 443));
        assert!(covers("*.example.org", "a.b.example.org", 443));
        for host in ["example.org", "evilexample.org", ".example.org", "example.org.evil"] {
            assert!(!covers("*.example.org", host, 443), "{host}");
        }
        assert!(covers("example.org:22", "example.org", 22) && !covers("example.org:22", "example.org", 443));
        assert!(covers("127.0.0.1:8080", "127.0.0.1", 8080) && !covers("127.0.0.1:8080", "localhost", 8080));
        assert!(covers("[::1]:80", "[::1]", 80) && covers("[::1]:80", "::1", 80));
    }

    #[test]
    fn addresses_of_others() {
        for address in ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public_address(address.parse().unwrap()), "{address}");
        }
        for address in ["127.0.0.1", "::1", "fc00::1", "fec0::1", "ff02::1", "2001::1", "::ffff:127.0.0.1"] {
            assert!(!is_public_address(address.parse().unwrap()), "{address}");
        }
    }
}
