//! The gateway over streams of peers, for `Experimental.GatewayOverLibp2p`: raw blocks and CARs of what is
//! here, and nothing that would have to be fetched. <https://github.com/libp2p/specs/tree/master/http>

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use basalt::Node;
use basalt::repo::config::Config;
use basalt_commands::{Error, Result};
use basalt_gateway::{Gateway, Settings};
use basalt_http::{
    Duplex, Handler, Headers, Incoming, Listener, Options, Request, Responder, serve as serve_http,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// HTTP on a stream.
const PROTOCOL: &str = "/http/1.1";
/// Where a peer says what it serves.
const WELL_KNOWN: &str = "/.well-known/libp2p/protocols";
/// What this node says there.
const SERVED: &str = r#"{"/ipfs/gateway":{"path":"/"}}"#;
/// Streams that are served at a time.
const AT_A_TIME: usize = 256;

/// Serves peers, if the config says so and there is a network.
pub(super) fn serve(
    node: &Node,
    config: &Config,
    servers: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> Result<()> {
    let on = config.flag("Experimental.GatewayOverLibp2p") == Some(true);
    let Some(network) = node.network().filter(|_| on) else {
        return Ok(());
    };
    let mut streams = network
        .accept(PROTOCOL)
        .map_err(|e| Error::new(e.to_string()))?;
    let settings = Settings {
        deserialized_responses: false,
        no_dns_link: true,
        disable_html_errors: true,
        public_gateways: [].into(),
        root_redirect: None,
        ..super::gateway::settings(config)
    };
    let blocks = node.blocks().offline();
    let (names, denied) = (node.names().clone(), node.denylists().clone());
    let gateway = Gateway::with_denylists(settings, blocks, names, denied);
    let (give, connections) = mpsc::channel::<Box<dyn Duplex>>(1);
    let stopped = stop.clone();
    servers.spawn(async move {
        loop {
            let incoming = tokio::select! {
                Some(incoming) = streams.recv() => incoming,
                () = stopped.cancelled() => return,
            };
            if give.send(Box::new(Open(incoming.stream))).await.is_err() {
                return;
            }
        }
    });
    let mut limits = Options::default();
    limits.drain = super::DRAIN;
    limits.max_connections = AT_A_TIME;
    // As in Kubo: whoever asks again opens another stream.
    limits.keep_alive = false;
    let listeners = vec![Listener::Other(Incoming::new(connections))];
    servers.spawn(serve_http(
        listeners,
        ForPeers(gateway),
        limits,
        stop.clone(),
    ));
    Ok(())
}

#[derive(Clone)]
struct ForPeers(Gateway);

impl Handler for ForPeers {
    async fn handle(&self, request: Request, responder: Responder) {
        let path = request.path();
        let sent = if path == WELL_KNOWN {
            well_known(&request, responder)
        } else if path == "/version" || path.starts_with("/ipfs/") {
            self.0.answer(&request, responder).await
        } else {
            refuse(responder, 404, "404 page not found\n")
        };
        if let Err(error) = sent {
            tracing::debug!(target: "basalt::gateway", %error, "an answer to a peer was not sent whole");
        }
    }
}

fn well_known(request: &Request, responder: Responder) -> basalt_http::Result<()> {
    let accepts = request.headers.get("Accept").unwrap_or_default();
    let json = ["application/json", "*/*"]
        .iter()
        .any(|kind| accepts.contains(kind));
    if !accepts.is_empty() && !json {
        return refuse(responder, 406, "Only application/json is supported\n");
    }
    if request.method != "GET" {
        return refuse(responder, 405, "Only GET requests are supported\n");
    }
    let headers = Headers::from_iter([("Content-Type", "application/json")]);
    responder.full(200, &headers, SERVED)
}

fn refuse(responder: Responder, status: u16, why: &'static str) -> basalt_http::Result<()> {
    let headers = Headers::from_iter([
        ("Content-Type", "text/plain; charset=utf-8"),
        ("X-Content-Type-Options", "nosniff"),
    ]);
    responder.full(status, &headers, why)
}

/// A stream whose other side may close its half as soon as it has asked: that does not mean that it has
/// gone.
struct Open<S>(S);

impl<S: AsyncRead + Unpin> AsyncRead for Open<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.0).poll_read(cx, buf))?;
        match buf.filled().len() > before || buf.remaining() == 0 {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Open<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn half_a_close_is_no_end() {
        let (mut here, there) = duplex(64);
        let mut open = Open(there);
        here.write_all(b"asked").await.unwrap();
        here.shutdown().await.unwrap();
        let mut said = [0; 5];
        open.read_exact(&mut said).await.unwrap();
        let mut more = [0; 1];
        let read = open.read(&mut more);
        assert!(futures::FutureExt::now_or_never(read).is_none());
        open.write_all(b"answer").await.unwrap();
        let mut answer = [0; 6];
        here.read_exact(&mut answer).await.unwrap();
    }
}
