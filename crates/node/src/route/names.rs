//! Records of names, as routing finds them.

use async_trait::async_trait;
use basalt_ipns::{Name, Search};
use basalt_routing::Events;
use bytes::Bytes;
use tokio::sync::mpsc;

use super::Routing;

pub(super) struct Names(pub(super) Routing);

#[async_trait]
impl Search for Names {
    async fn search(
        &self,
        name: &Name,
        records: usize,
        out: mpsc::Sender<Bytes>,
    ) -> Result<(), String> {
        let key = name.routing_key();
        let peer = name.multihash().to_bytes();
        let by_http = self.0.delegated.records(&peer, out.clone());
        let Some(dual) = self.0.dht() else {
            by_http.await;
            return Ok(());
        };
        let events = Events::default();
        let searched = dual.search_value(&key, records, &events, out);
        let (searched, ()) = tokio::join!(searched, by_http);
        searched.map_err(|e| e.to_string())
    }
}
