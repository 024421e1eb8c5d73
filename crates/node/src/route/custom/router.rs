//! A router: a DHT, a server, or others side by side or one after the other.

mod compose;

use std::sync::Arc;
use std::time::Duration;

use basalt_block::{Cid, Multihash, codec};
use basalt_delegated::Client;
use basalt_network::PeerId;
use basalt_routing::{Announced, Dual, Effort, Error as Failed, Events, PeerInfo, Scope, Which};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use tokio::sync::mpsc;

use super::Announcer;

type Outcome<T> = Result<T, Failed>;

/// What routers work with.
#[derive(Clone, Copy)]
pub(super) struct On<'a> {
    pub(super) dual: &'a Dual,
    pub(super) announcer: &'a Announcer,
}

/// One router.
#[derive(Debug)]
pub(super) enum Router {
    Dht(Scope),
    Http(Box<Http>),
    Parallel(Vec<Branch>),
    Sequential(Vec<Branch>),
}

/// A server.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) client: Client,
    /// Keys of one announcement.
    pub(super) batch: usize,
    /// Announcements side by side.
    pub(super) side_by_side: usize,
}

/// A router among others.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) router: Arc<Router>,
    /// How long it may take.
    pub(super) timeout: Option<Duration>,
    /// How long it is left to the others first; of those side by side.
    pub(super) after: Option<Duration>,
    /// Whether it is as if it had not been asked if it fails.
    pub(super) ignores_errors: bool,
}

fn remote(error: basalt_delegated::Error) -> Failed {
    Failed::Remote(error.to_string())
}

impl Router {
    /// Whether there may be somebody to tell something.
    pub(super) fn is_ready(&self, dual: &Dual) -> bool {
        match self {
            Self::Dht(scope) => dual.dht(Which::One(*scope)).size() > 0,
            Self::Http(_) => true,
            Self::Parallel(branches) | Self::Sequential(branches) => {
                branches.iter().any(|branch| branch.router.is_ready(dual))
            }
        }
    }

    pub(super) fn find_providers<'a>(
        &'a self,
        on: On<'a>,
        key: &'a [u8],
        most: usize,
        events: &'a Events,
        out: mpsc::Sender<PeerInfo>,
    ) -> BoxFuture<'a, Outcome<()>> {
        let found = async move {
            match self {
                Self::Dht(scope) => {
                    let dht = on.dual.dht(Which::One(*scope));
                    dht.find_providers(key, most, events, out).await
                }
                Self::Http(http) => {
                    let hash = Multihash::from_bytes(key);
                    let hash = hash.map_err(|_| Failed::Malformed("no multihash"))?;
                    let cid = Cid::new_v1(codec::RAW, hash);
                    let found = http.client.providers(&cid).await.map_err(remote)?;
                    for record in found {
                        if out.send(record.into()).await.is_err() {
                            break;
                        }
                    }
                    Ok(())
                }
                Self::Parallel(branches) => {
                    let find = |r: &'a Self| r.find_providers(on, key, most, events, out.clone());
                    compose::all_at_once(branches, find).await
                }
                Self::Sequential(branches) => {
                    let find = |r: &'a Self| r.find_providers(on, key, most, events, out.clone());
                    compose::one_by_one(branches, find, || out.is_closed()).await
                }
            }
        };
        found.boxed()
    }

    pub(super) fn find_peer<'a>(
        &'a self,
        on: On<'a>,
        peer: PeerId,
        events: &'a Events,
    ) -> BoxFuture<'a, Outcome<PeerInfo>> {
        let found = async move {
            let find = |r: &'a Self| r.find_peer(on, peer, events);
            match self {
                Self::Dht(scope) => {
                    let dht = on.dual.dht(Which::One(*scope));
                    dht.find_peer(peer, events).await
                }
                Self::Http(http) => match http.client.peer(&peer).await.map_err(remote)? {
                    // Without an address it is of no use.
                    Some(found) if !found.addresses.is_empty() => Ok(found.into()),
                    _ => Err(Failed::NotFound),
                },
                Self::Parallel(branches) => compose::first(branches, find).await,
                Self::Sequential(branches) => compose::first_in_order(branches, find).await,
            }
        };
        found.boxed()
    }

    /// Tells that the node has what has these multihashes.
    pub(super) fn provide<'a>(
        &'a self,
        on: On<'a>,
        keys: Arc<[Bytes]>,
        effort: Effort,
    ) -> BoxFuture<'a, Outcome<Announced>> {
        let told = async move {
            let provide = |r: &'a Self| r.provide(on, keys.clone(), effort);
            match self {
                Self::Dht(scope) => {
                    let dht = on.dual.dht(Which::One(*scope));
                    dht.provide_many(keys.to_vec(), effort).await
                }
                Self::Http(http) => http.announce(on.announcer, &keys).await,
                Self::Parallel(branches) => compose::best_at_once(branches, provide).await,
                Self::Sequential(branches) => compose::best_in_order(branches, provide).await,
            }
        };
        told.boxed()
    }

    pub(super) fn put_value<'a>(
        &'a self,
        on: On<'a>,
        key: &'a [u8],
        value: &'a Bytes,
    ) -> BoxFuture<'a, Outcome<()>> {
        let put = async move {
            let put = |r: &'a Self| r.put_value(on, key, value);
            match self {
                Self::Dht(scope) => {
                    let dht = on.dual.dht(Which::One(*scope));
                    dht.put_value(key, value, &Events::default()).await
                }
                Self::Http(http) => {
                    let name = key.strip_prefix(b"/ipns/").ok_or(Failed::NotSupported)?;
                    let put = http.client.put_record(name, value.clone()).await;
                    put.map_err(remote)
                }
                Self::Parallel(branches) => compose::all_at_once(branches, put).await,
                Self::Sequential(branches) => compose::one_by_one(branches, put, || false).await,
            }
        };
        put.boxed()
    }

    /// Gives the values of a key. Those of servers are not checked.
    pub(super) fn search_value<'a>(
        &'a self,
        on: On<'a>,
        key: &'a [u8],
        quorum: usize,
        events: &'a Events,
        out: mpsc::Sender<Bytes>,
    ) -> BoxFuture<'a, Outcome<()>> {
        let found = async move {
            match self {
                Self::Dht(scope) => {
                    let dht = on.dual.dht(Which::One(*scope));
                    dht.search_value(key, quorum, events, out).await
                }
                Self::Http(http) => {
                    let name = key.strip_prefix(b"/ipns/").ok_or(Failed::NotSupported)?;
                    let found = http.client.record(name).await.map_err(remote)?;
                    let record = found.ok_or(Failed::NotFound)?;
                    // Who searched may have enough.
                    let _ = out.send(record).await;
                    Ok(())
                }
                Self::Parallel(branches) => {
                    let find = |r: &'a Self, out| r.search_value(on, key, quorum, events, out);
                    compose::until_one_has_found(branches, find, out).await
                }
                Self::Sequential(branches) => {
                    let find = |r: &'a Self| r.search_value(on, key, quorum, events, out.clone());
                    compose::one_by_one(branches, find, || out.is_closed()).await
                }
            }
        };
        found.boxed()
    }
}

impl Http {
    async fn announce(&self, announcer: &Announcer, keys: &[Bytes]) -> Outcome<Announced> {
        let batches = keys.chunks(self.batch.max(1)).map(<[Bytes]>::to_vec);
        let told = stream::iter(batches.collect::<Vec<_>>())
            .map(async |keys| {
                let told = announcer.announce(&self.client, &keys).await;
                (keys.len() as u64, told)
            })
            .buffer_unordered(self.side_by_side.max(1))
            .collect::<Vec<_>>()
            .await;
        let (mut done, mut failure) = (Announced::default(), None);
        for (count, outcome) in told {
            match outcome {
                Ok(()) => {
                    done.keys += count;
                    done.records += count;
                }
                Err(error) => {
                    done.failed += count;
                    failure = Some(error);
                }
            }
        }
        match failure {
            Some(error) if done.keys == 0 => Err(error),
            _ => Ok(done),
        }
    }
}
