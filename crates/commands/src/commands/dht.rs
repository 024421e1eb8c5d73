//! `ipfs dht`: what is left of it.

pub(crate) mod query;

use super::support::removed;

removed! {
    "Removed: use 'ipfs routing'.",
    "removed, use 'ipfs routing' instead":
    FindPeer = "dht/findpeer",
    FindProvs = "dht/findprovs",
    Get = "dht/get",
    Provide = "dht/provide",
    Put = "dht/put",
}
