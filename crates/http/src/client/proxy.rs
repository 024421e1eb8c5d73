//! Proxies that the environment names, as Go's programs take them from there.

use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use url::Url;

use super::Target;
use super::secure::host;
use crate::authorization;

/// The most bytes of a proxy's answer.
const LONGEST: usize = 16 << 10;

/// A connection of any kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Who carries requests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// Where it listens.
    pub(super) target: Target,
    /// What it wants to see: a user and a password.
    pub(super) secret: Option<String>,
}

/// What the environment says of proxies.
#[derive(Debug, Default)]
struct Environment {
    http: Option<String>,
    https: Option<String>,
    none: Option<String>,
}

/// The proxy for requests to `target`; `None` where there is none.
pub(super) fn proxy_for(target: &Target) -> io::Result<Option<Proxy>> {
    let get = |name: &str| {
        let upper = std::env::var(name.to_ascii_uppercase()).ok();
        let set = upper.filter(|v| !v.is_empty());
        set.or_else(|| std::env::var(name).ok().filter(|v| !v.is_empty()))
    };
    let environment = Environment {
        http: get("http_proxy"),
        https: get("https_proxy"),
        none: get("no_proxy"),
    };
    environment.proxy(target)
}

impl Environment {
    fn proxy(&self, target: &Target) -> io::Result<Option<Proxy>> {
        let (set, address) = match target {
            Target::Tcp(address) => (&self.http, address),
            Target::Tls(address) => (&self.https, address),
            Target::Unix(_) => return Ok(None),
        };
        match set {
            Some(url) if !self.goes_around(address) => read(url).map(Some),
            _ => Ok(None),
        }
    }

    /// Whether there is no proxy for `host:port`: this machine, and what `NO_PROXY` lists.
    fn goes_around(&self, address: &str) -> bool {
        let name = host(address).trim_end_matches('.').to_ascii_lowercase();
        let port = address.rsplit_once(':').map_or("", |(_, port)| port);
        let ip: Option<IpAddr> = name.parse().ok();
        if name == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
            return true;
        }
        let rules = self.none.as_deref().unwrap_or_default().split(',');
        let mut rules = rules.map(|rule| rule.trim().to_ascii_lowercase());
        rules.any(|rule| matches(&rule, &name, port, ip))
    }
}

/// Whether a rule of `NO_PROXY` holds for a host.
fn matches(rule: &str, name: &str, port: &str, ip: Option<IpAddr>) -> bool {
    if rule == "*" {
        return true;
    }
    if let Some((network, bits)) = rule.split_once('/') {
        let (Ok(network), Ok(bits)) = (network.parse(), bits.parse()) else {
            return false;
        };
        return ip.is_some_and(|ip| contains(network, bits, ip));
    }
    // `host:port`, but not an IPv6 address without a port.
    let (rule, wanted) = match rule.rsplit_once(':') {
        Some((rule, wanted)) if !rule.contains(':') || rule.ends_with(']') => (rule, Some(wanted)),
        _ => (rule, None),
    };
    if rule.is_empty() || wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    let rule = rule.trim_start_matches('[').trim_end_matches(']');
    if let Some(ip) = ip {
        return rule.parse() == Ok(ip);
    }
    let below = rule.strip_prefix('*').unwrap_or(rule);
    match below.strip_prefix('.') {
        Some(_) => name.ends_with(below),
        None => name == below || name.ends_with(&format!(".{below}")),
    }
}

fn contains(network: IpAddr, bits: u32, ip: IpAddr) -> bool {
    let prefix = |number: u128, length: u32| match bits {
        0 => Some(0),
        bits if bits <= length => Some(number >> (length - bits)),
        _ => None,
    };
    match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            let number = |ip: std::net::Ipv4Addr| u128::from(u32::from(ip));
            let ours = prefix(number(network), 32);
            ours.is_some() && ours == prefix(number(ip), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => {
            let ours = prefix(network.into(), 128);
            ours.is_some() && ours == prefix(ip.into(), 128)
        }
        _ => false,
    }
}

fn read(text: &str) -> io::Result<Proxy> {
    let bad = |why: &str| {
        let why = format!("invalid proxy address: {why}");
        io::Error::new(io::ErrorKind::InvalidInput, why)
    };
    let whole = match text.contains("://") {
        true => text.to_owned(),
        false => format!("http://{text}"),
    };
    let url = Url::parse(&whole).map_err(|e| bad(&e.to_string()))?;
    let name = url.host_str().ok_or_else(|| bad("there is no host"))?;
    let port = url.port_or_known_default().unwrap_or(80);
    let address = format!("{name}:{port}");
    let target = match url.scheme() {
        "http" => Target::Tcp(address),
        "https" => Target::Tls(address),
        other => return Err(bad(&format!("{other} is not spoken here"))),
    };
    let decoded = |text: &str| {
        let bytes = crate::query::unescape_path(text.as_bytes()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let secret = match (url.username(), url.password()) {
        ("", None) => None,
        (user, password) => {
            let (user, password) = (decoded(user), decoded(password.unwrap_or_default()));
            Some(authorization(&format!("basic:{user}:{password}")))
        }
    };
    Ok(Proxy { target, secret })
}

/// Has a proxy connect to `address`; from then on the stream is a connection to there.
pub(super) async fn tunnel(
    mut stream: Box<dyn Stream>,
    address: &str,
    proxy: &Proxy,
) -> io::Result<Box<dyn Stream>> {
    let mut ask = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n");
    if let Some(secret) = &proxy.secret {
        ask.push_str(&format!("Proxy-Authorization: {secret}\r\n"));
    }
    ask.push_str("\r\n");
    stream.write_all(ask.as_bytes()).await?;
    let mut answer = Vec::new();
    // Byte by byte: what follows the head is not the proxy's.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() == LONGEST {
            return Err(io::Error::other("the proxy's answer is too long"));
        }
        answer.push(stream.read_u8().await?);
    }
    let line = answer.split(|b| *b == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.splitn(3, ' ');
    let (version, status) = (words.next().unwrap_or_default(), words.next());
    if !version.starts_with("HTTP/1.") || status != Some("200") {
        let why = line.split_once(' ').map_or(&*line, |(_, why)| why);
        return Err(io::Error::other(format!("the proxy refuses: {why}")));
    }
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Client, Headers, Upload};
    use tokio::net::TcpListener;

    fn environment(none: &str) -> Environment {
        Environment {
            http: Some("u:p%40@proxy.example:3128".into()),
            https: Some("https://proxy.example".into()),
            none: Some(none.into()),
        }
    }

    #[test]
    fn proxies_are_those_of_the_environment() {
        let rules = environment("");
        let plain = Target::Tcp("a.example:80".into());
        let proxy = rules.proxy(&plain).unwrap().unwrap();
        assert_eq!(proxy.target, Target::Tcp("proxy.example:3128".into()));
        assert_eq!(proxy.secret, Some(authorization("basic:u:p@")));
        let secure = Target::Tls("a.example:443".into());
        let proxy = rules.proxy(&secure).unwrap().unwrap();
        assert_eq!(proxy.target, Target::Tls("proxy.example:443".into()));
        assert_eq!(proxy.secret, None);
        assert_eq!(rules.proxy(&Target::Unix("/s".into())).unwrap(), None);
        assert_eq!(Environment::default().proxy(&plain).unwrap(), None);
        for bad in ["socks5://a:1", "http://", "http://a:b:c"] {
            let error = read(bad).unwrap_err().to_string();
            assert!(
                error.starts_with("invalid proxy address: "),
                "{bad}: {error}"
            );
        }
    }

    #[test]
    fn some_hosts_are_reached_without() {
        for (none, address, around) in [
            ("", "localhost:80", true),
            ("", "127.9.9.9:80", true),
            ("", "[::1]:80", true),
            ("", "a.example:80", false),
            ("*", "a.example:80", true),
            ("example", "a.example:80", true),
            ("a.example", "a.example:80", true),
            ("a.example", "ba.example:80", false),
            (".a.example", "a.example:80", false),
            (" .a.example , x", "b.A.example.:80", true),
            ("*.a.example", "b.a.example:80", true),
            ("a.example:81", "a.example:80", false),
            ("a.example:80", "a.example:80", true),
            ("10.0.0.0/8", "10.1.2.3:80", true),
            ("10.0.0.0/8", "11.1.2.3:80", false),
            ("10.0.0.0/99,0.0.0.0/0", "[fd00::1]:80", false),
            ("fd00::/8", "[fd12::1]:80", true),
            ("fd12::1", "[fd12::1]:80", true),
            ("10.1.2.3", "10.1.2.3:80", true),
            ("x/y,:,[", "a.example:80", false),
        ] {
            assert_eq!(
                environment(none).goes_around(address),
                around,
                "{none} {address}"
            );
        }
    }

    /// A proxy that answers once: what it was sent.
    async fn once(answer: &'static str) -> (Proxy, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target::Tcp(listener.local_addr().unwrap().to_string());
        let seen = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = Vec::new();
            while !read.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut read).await.unwrap();
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(read).unwrap()
        });
        let secret = Some("Basic eDp5".to_owned());
        (Proxy { target, secret }, seen)
    }

    #[tokio::test]
    async fn requests_go_through_a_proxy() {
        let (proxy, seen) = once("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
        let mut client = Client::new(Target::Tcp("a.example:80".into()));
        client.proxy = super::super::Way::Through(proxy);
        let mut answer = client
            .send("GET", "/x?y", &Headers::new(), Upload::Empty)
            .await
            .unwrap();
        assert_eq!(answer.body.all(9).await.unwrap(), "hi");
        let seen = seen.await.unwrap();
        assert!(
            seen.starts_with("GET http://a.example:80/x?y HTTP/1.1\r\nHost: a.example\r\n"),
            "{seen}"
        );
        assert!(
            seen.contains("\r\nProxy-Authorization: Basic eDp5\r\n"),
            "{seen}"
        );

        let (proxy, seen) = once("HTTP/1.1 407 Who are you\r\n\r\n").await;
        let mut client = Client::new(Target::Tls("a.example:443".into()));
        client.proxy = super::super::Way::Through(proxy);
        let error = client
            .send("GET", "/", &Headers::new(), Upload::Empty)
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot connect to a.example:443: the proxy refuses: 407 Who are you"
        );
        let seen = seen.await.unwrap();
        assert!(
            seen.starts_with("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n"),
            "{seen}"
        );
    }
}
