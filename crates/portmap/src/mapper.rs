//! Keeps ports forwarded.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::pcp::{self, Pcp};
use crate::pmp::Pmp;
use crate::router::Router;
use crate::upnp::Upnp;
use crate::{Error, Mapping, Protocol, route, ssdp};

/// The port at which routers are asked by PCP and NAT-PMP.
const PORT: u16 = 5351;
/// How long taking forwarding back may take when the node stops.
const GOODBYE: Duration = Duration::from_millis(300);
/// Forwarding is asked for again at the soonest after this long.
const SOONEST: Duration = Duration::from_secs(1);

/// How routers are found and asked.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where UPnP's question goes.
    pub multicast: SocketAddr,
    /// The router that is asked by PCP and NAT-PMP; `None` for that of the default route.
    pub router: Option<SocketAddr>,
    /// How long answers to UPnP's question are waited for.
    pub search: Duration,
    /// For how long ports are asked to be forwarded.
    pub time: Duration,
    /// How soon is looked again for a router where there was none.
    pub again: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            multicast: ([239, 255, 255, 250], 1900).into(),
            router: None,
            search: Duration::from_secs(3),
            time: Duration::from_secs(60 * 60),
            again: Duration::from_secs(10 * 60),
        }
    }
}

/// Ports that are forwarded as long as this and its task live.
#[derive(Debug, Clone)]
pub struct Mapper {
    mapped: watch::Receiver<Vec<Mapping>>,
}

impl Mapper {
    /// Has the router forward ports until `cancel`, if there is one that does.
    pub fn start(options: Options, ports: Vec<(Protocol, u16)>, cancel: CancellationToken) -> Self {
        let (sender, mapped) = watch::channel(Vec::new());
        let task = Task {
            options,
            ports,
            mapped: sender,
        };
        tokio::spawn(task.run(cancel));
        Self { mapped }
    }

    /// What is forwarded, now and when that changes.
    pub fn mapped(&self) -> watch::Receiver<Vec<Mapping>> {
        self.mapped.clone()
    }
}

struct Task {
    options: Options,
    ports: Vec<(Protocol, u16)>,
    mapped: watch::Sender<Vec<Mapping>>,
}

impl Task {
    async fn run(self, cancel: CancellationToken) {
        if self.ports.is_empty() {
            return;
        }
        while !cancel.is_cancelled() {
            let found = tokio::select! {
                found = discover(&self.options) => found,
                () = cancel.cancelled() => return,
            };
            if let Some(router) = found {
                tracing::info!(target: "basalt::portmap", protocol = router.name(), "a router forwards ports");
                self.keep(&router, &cancel).await;
                self.tell(Vec::new());
            }
            tokio::select! {
                () = tokio::time::sleep(self.options.again) => {}
                () = cancel.cancelled() => return,
            }
        }
    }

    /// Keeps ports forwarded by a router until it refuses all of them, or `cancel`.
    async fn keep(&self, router: &Router, cancel: &CancellationToken) {
        loop {
            let wait = tokio::select! {
                wait = self.renew(router) => wait,
                () = cancel.cancelled() => break,
            };
            let Some(wait) = wait else {
                return;
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = cancel.cancelled() => break,
            }
        }
        let mapped = self.mapped.borrow().clone();
        let unmapped = join_all(mapped.into_iter().map(|mapping| router.unmap(mapping)));
        // What is not taken back lapses.
        let _ = timeout(GOODBYE, unmapped).await;
    }

    /// Asks for all ports; gives when to ask again, or `None` where none is forwarded.
    async fn renew(&self, router: &Router) -> Option<Duration> {
        let before = self.mapped.borrow().clone();
        let mut mapped = Vec::new();
        let mut shortest = self.options.time;
        for (protocol, port) in &self.ports {
            let same = |m: &&Mapping| (m.protocol, m.port) == (*protocol, *port);
            let external = before.iter().find(same).map(|m| m.external.port());
            let asked = router.map(*protocol, *port, external, self.options.time);
            match asked.await {
                Ok((mapping, time)) if is_somewhere(&mapping) => {
                    shortest = shortest.min(time.unwrap_or(shortest));
                    mapped.push(mapping);
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(target: "basalt::portmap", %error, ?protocol, port, "not forwarded");
                }
            }
        }
        let any = !mapped.is_empty();
        self.tell(mapped);
        any.then(|| (shortest / 2).max(SOONEST))
    }

    fn tell(&self, mapped: Vec<Mapping>) {
        self.mapped.send_if_modified(|known| {
            let changed = *known != mapped;
            *known = mapped;
            changed
        });
    }
}

fn is_somewhere(mapping: &Mapping) -> bool {
    mapping.external.port() != 0 && !mapping.external.ip().is_unspecified()
}

/// A router that works; UPnP and the others are asked side by side.
async fn discover(options: &Options) -> Option<Router> {
    let upnp = async {
        for location in ssdp::search(options.multicast, options.search).await? {
            let described = Upnp::at(&location).await;
            match described {
                Ok(upnp) if upnp.external().await.is_ok_and(|ip| !ip.is_unspecified()) => {
                    return Ok(Router::Upnp(upnp));
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(target: "basalt::portmap", %location, %error, "not a router");
                }
            }
        }
        Err(Error::Silent)
    };
    let others = async {
        let router = match options.router {
            Some(router) => router,
            None => (route::gateway().await.ok_or(Error::Silent)?, PORT).into(),
        };
        let pmp = Pmp { router };
        let (pcp, address) = tokio::join!(pcp::is_spoken(router), pmp.external());
        if let Ok(true) = pcp {
            let nonce = rand::random();
            return Ok(Router::Pcp(Pcp { router, nonce }));
        }
        match address {
            Ok(address) if !address.is_unspecified() => Ok(Router::Pmp(pmp)),
            Ok(_) => Err(Error::Silent),
            Err(error) => Err(error),
        }
    };
    let (upnp, others): (Result<Router, Error>, Result<Router, Error>) = tokio::join!(upnp, others);
    for (protocol, found) in [("UPnP", upnp), ("PCP or NAT-PMP", others)] {
        match found {
            Ok(router) => return Some(router),
            Err(error) => {
                tracing::debug!(target: "basalt::portmap", protocol, %error, "no router");
            }
        }
    }
    None
}
