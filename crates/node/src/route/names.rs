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
        let Some(dual) = self.0.dht() else {
            return Ok(());
        };
        let key = name.routing_key();
        let events = Events::default();
        let searched = dual.search_value(&key, records, &events, out);
        searched.await.map_err(|e| e.to_string())
    }
}
