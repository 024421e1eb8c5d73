//! Routers of our own on loopback: that work, that half work, and that lie.

#![allow(clippy::unwrap_used, reason = "tests")]

mod igd;
mod pcp;

use std::time::Duration;

use basalt_portmap::{Mapper, Mapping, Options, Protocol};
use tokio_util::sync::CancellationToken;

pub(crate) const PORTS: [(Protocol, u16); 2] = [(Protocol::Tcp, 4001), (Protocol::Udp, 4001)];

/// Options under which nobody is found; tests put their router in.
pub(crate) fn options() -> Options {
    // Nobody answers at a port that is bound and not read.
    Options {
        multicast: ([127, 0, 0, 1], 9).into(),
        router: Some(([127, 0, 0, 1], 9).into()),
        search: Duration::from_millis(300),
        ..Options::default()
    }
}

/// Starts mapping and waits until something is mapped.
pub(crate) async fn mapped(options: Options) -> (Vec<Mapping>, CancellationToken) {
    let cancel = CancellationToken::new();
    let mapper = Mapper::start(options, PORTS.to_vec(), cancel.clone());
    let mut mapped = mapper.mapped();
    let wait = mapped.wait_for(|mapped| !mapped.is_empty());
    let mapped = tokio::time::timeout(Duration::from_secs(20), wait).await;
    let mapped = mapped.expect("nothing is mapped").unwrap().clone();
    (mapped, cancel)
}

#[tokio::test]
async fn where_there_is_no_router_nothing_is_mapped() {
    let cancel = CancellationToken::new();
    let mapper = Mapper::start(options(), PORTS.to_vec(), cancel.clone());
    cancel.cancel();
    // Ends without a word.
    assert!(mapper.mapped().changed().await.is_err());
    assert!(mapper.mapped().borrow().is_empty());
}
