//! HTTP to peers: `/p2p/PEER/http/PATH` on the gateway's port, for `Experimental.P2pHttpProxy`.
//!
//! The other side serves `/http`, or `/x/NAME/http` for `/p2p/PEER/x/NAME/http/PATH`, with
//! `ipfs p2p listen`. On a host `ID.p2p.HOST` of a subdomain gateway the peer is in the name.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use basalt::Node;
use basalt::delegated::Server;
use basalt::network::{Handle, PeerId};
use basalt::repo::parse_peer_id;
use basalt_gateway::Gateway;
use basalt_http::metrics::Requests;
use basalt_http::{Body, Client, Handler, Headers, Request, Responder, Target, Upload, mux, query};
use tokio::time::timeout;

use super::domains::Domains;

/// How long reaching the peer may take.
const CONNECT: Duration = Duration::from_secs(30);
/// A body of at most so many bytes is sent with its length; a longer one as it comes.
const SHORT: usize = 1 << 20;
/// Fields that are of one connection alone.
const OWN: &[&str] = &[
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Te",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
];

/// The gateway, and before it the server of routing and the way to peers where these are on.
#[derive(Clone)]
pub(super) struct Front {
    gateway: Gateway,
    routing: Option<Server>,
    network: Option<Handle>,
    /// Hosts whose paths the gateway redirects to subdomains.
    redirecting: Arc<[String]>,
    /// Counts what is asked, by domain.
    requests: Requests,
    domains: Arc<Domains>,
}

impl Front {
    pub(super) fn new(
        gateway: &Gateway,
        routing: Option<Server>,
        node: &Node,
        requests: Requests,
    ) -> Self {
        let config = node.repo().map(|repo| repo.config());
        let on = config
            .as_ref()
            .is_some_and(|c| c.flag("Experimental.P2pHttpProxy") == Some(true));
        let listed = config
            .as_ref()
            .and_then(|c| c.at("Gateway.PublicGateways")?.as_object());
        let listed = listed.into_iter().flatten();
        let redirecting = listed.filter(|(_, spec)| spec["UseSubdomains"] == true);
        let redirecting = redirecting.map(|(host, _)| host.clone());
        let hosts = config.as_ref();
        let hosts = hosts.and_then(|c| c.at("Gateway.PublicGateways")?.as_object());
        let hosts = hosts.into_iter().flatten();
        let hosts = hosts.filter(|(_, spec)| !spec.is_null());
        Self {
            requests,
            domains: Arc::new(Domains::new(hosts.map(|(host, _)| host.as_str()))),
            redirecting: redirecting.chain(["localhost".to_owned()]).collect(),
            gateway: gateway.clone(),
            routing,
            network: node.network().filter(|_| on).cloned(),
        }
    }
}

impl Handler for Front {
    async fn handle(&self, request: Request, responder: Responder) {
        let series = self.domains.series(&request);
        let _running = self.requests.begin(&request, &responder, series);
        let asked = self.network.as_ref().zip(self.path_of(&request));
        let Some((network, path)) = asked else {
            return match &self.routing {
                Some(server) if is_routing(&request) && self.gateway.leaves(&request).await => {
                    self.route(server, request, responder).await;
                }
                _ => self.gateway.handle(request, responder).await,
            };
        };
        let done = match Asked::read(&path) {
            Some(asked) => pass(network, asked, request, responder).await,
            None => refuse(responder, &path),
        };
        if let Err(error) = done {
            tracing::debug!(target: "basalt::tunnel", %error, "an answer was not sent whole");
        }
    }
}

/// The path of the server of routing without its last slash, to which browsers are led.
const ROUTING: &str = "/routing/v1";

fn is_routing(request: &Request) -> bool {
    let rest = request.path().strip_prefix(ROUTING);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Front {
    /// Has the server of routing answer.
    async fn route(&self, server: &Server, request: Request, responder: Responder) {
        let common = self.gateway.common_headers();
        let done = match request.path() {
            ROUTING => {
                let to = mux::with_query(basalt::delegated::PREFIX, request.query());
                mux::redirect(responder, &request.method, 307, Headers::new(), &to)
            }
            _ => server.answer(request, common, responder).await,
        };
        if let Err(error) = done {
            tracing::debug!(target: "basalt::routing", %error, "an answer was not sent whole");
        }
    }

    /// The path under `/p2p/` of a request for a peer.
    fn path_of(&self, request: &Request) -> Option<String> {
        let host = request.headers.get("Host").unwrap_or_default();
        let mut labels = host.split('.');
        let (id, kind) = (labels.next(), labels.next());
        if let (Some(id), Some("p2p")) = (id, kind)
            && labels.next().is_some()
        {
            return Some(format!("/p2p/{id}{}", request.path()));
        }
        let name = host.rsplit_once(':').map_or(&*host, |(name, _)| name);
        let redirected = self.redirecting.iter().any(|h| **h == *host || h == name);
        let own = request.path().starts_with("/p2p/") && !redirected;
        own.then(|| request.path().to_owned())
    }
}

/// What a path asks for.
struct Asked {
    peer: PeerId,
    protocol: String,
    /// Escaped.
    path: String,
}

impl Asked {
    fn read(path: &str) -> Option<Self> {
        let mut parts = path.splitn(5, '/').skip(2);
        let (peer, kind, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let peer = parse_peer_id(peer).ok()?;
        let peer: PeerId = peer.to_base58().parse().ok()?;
        if kind == "http" {
            return Some(Self {
                peer,
                protocol: "/http".to_owned(),
                path: format!("/{rest}"),
            });
        }
        let mut parts = rest.splitn(3, '/');
        let (name, http, path) = (parts.next()?, parts.next()?, parts.next()?);
        let name = query::unescape_path(name.as_bytes())?;
        let name = String::from_utf8(name).ok()?;
        (kind == "x" && http == "http").then(|| Self {
            peer,
            protocol: format!("/x/{name}/http"),
            path: format!("/{path}"),
        })
    }
}

fn refuse(responder: Responder, path: &str) -> basalt_http::Result<()> {
    let headers = Headers::from_iter([
        ("Content-Type", "text/plain; charset=utf-8"),
        ("X-Content-Type-Options", "nosniff"),
    ]);
    let why = format!("failed to parse request: invalid request path '{path}'\n");
    responder.full(400, &headers, why)
}

/// Passes a request on, and the answer back.
async fn pass(
    network: &Handle,
    asked: Asked,
    mut request: Request,
    mut responder: Responder,
) -> basalt_http::Result<()> {
    let target = match request.query() {
        "" => asked.path.clone(),
        query => format!("{}?{query}", asked.path),
    };
    let headers = forwarded(&request);
    let upload = upload(std::mem::replace(&mut request.body, Body::empty())).await?;
    let sending = async {
        let stream = network.dial(asked.peer, &asked.protocol).await;
        let stream = stream.map_err(|e| basalt_http::Error::Io(io::Error::other(e)))?;
        let client = Client::new(Target::Tcp(asked.peer.to_string()));
        client
            .send_over(stream, &request.method, &target, &headers, upload)
            .await
    };
    let mut answer = match timeout(CONNECT, sending).await {
        Ok(Ok(answer)) => answer,
        failed => {
            let error = failed.map_or_else(
                |_| "no answer".to_owned(),
                |e| match e {
                    Err(error) => error.to_string(),
                    Ok(_) => String::new(),
                },
            );
            tracing::warn!(target: "basalt::tunnel", peer = %asked.peer, protocol = %asked.protocol, %error, "a request was not passed on");
            return responder.full(502, &Headers::new(), "");
        }
    };
    responder.head(answer.status, &without_own(&answer.headers))?;
    while let Some(chunk) = answer.body.chunk().await? {
        responder.send(chunk).await?;
    }
    responder.finish(None)
}

/// A short body whole, a longer one as it comes.
async fn upload(mut body: Body) -> basalt_http::Result<Upload> {
    let mut begun = Vec::new();
    while begun.len() <= SHORT {
        match body.chunk().await? {
            Some(chunk) => begun.extend_from_slice(&chunk),
            None if begun.is_empty() => return Ok(Upload::Empty),
            None => return Ok(Upload::Whole(begun.into())),
        }
    }
    let rest = futures::stream::unfold(body, |mut body| async move {
        match body.chunk().await {
            Ok(Some(chunk)) => Some((Ok(chunk), body)),
            Ok(None) => None,
            Err(error) => Some((Err(error.into()), body)),
        }
    });
    let begun = futures::stream::iter([Ok(bytes::Bytes::from(begun))]);
    Ok(Upload::Stream(Box::pin(futures::StreamExt::chain(
        begun, rest,
    ))))
}

/// The fields of a request for the peer.
fn forwarded(request: &Request) -> Headers {
    let mut headers = without_own(&request.headers);
    for name in [
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
    ] {
        headers.remove(name);
    }
    if let Some(host) = request.headers.get("Host") {
        headers.append("X-Forwarded-Host", host.as_bytes());
    }
    headers.append("X-Forwarded-Proto", "http");
    headers
}

fn without_own(headers: &Headers) -> Headers {
    let mut left = headers.clone();
    let named: Vec<String> = headers
        .all("Connection")
        .flat_map(|value| {
            String::from_utf8_lossy(value)
                .split(',')
                .map(|n| n.trim().to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    for name in named.iter().map(String::as_str).chain(OWN.iter().copied()) {
        left.remove(name);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "12D3KooWFZnDfM5LwFGLCN6m2MJxFMfqphKrRNnFTCyvgUhgAR2r";

    #[test]
    fn what_paths_ask_for() {
        let read = |path: &str| Asked::read(path).map(|a| (a.peer.to_string(), a.protocol, a.path));
        let some = |protocol: &str, path: &str| {
            Some((ID.to_owned(), protocol.to_owned(), path.to_owned()))
        };
        assert_eq!(
            read(&format!("/p2p/{ID}/http/a/b%20c")),
            some("/http", "/a/b%20c")
        );
        assert_eq!(read(&format!("/p2p/{ID}/http/")), some("/http", "/"));
        assert_eq!(
            read(&format!("/p2p/{ID}/x/n%2f/http/a")),
            some("/x/n//http", "/a")
        );
        for none in ["/p2p/DERP", "/p2p/bogus/http/a"] {
            assert_eq!(read(none), None, "{none}");
        }
        for rest in [
            "",
            "/http",
            "/x/n/a",
            "/x/n/http",
            "/y/n/http/a",
            "/p2p/x/http/a",
        ] {
            assert_eq!(read(&format!("/p2p/{ID}{rest}")), None, "{rest}");
        }
    }
}
