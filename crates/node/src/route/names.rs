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
        let Some(gossip) = self.0.name_gossip() else {
            return self.ask(name, records, out).await;
        };
        let mut came = gossip.watch(*name);
        // What goes round is as new as anything that others could be asked for.
        let last = came.borrow_and_update().clone();
        if let Some(record) = last {
            let _ = out.send(record.bytes().clone()).await;
            return Ok(());
        }
        let (answer, mut answers) = mpsc::channel(1);
        let asking = self.ask(name, records, answer);
        tokio::pin!(asking);
        let (mut asked, mut found, mut open) = (None, false, true);
        // Who is found nowhere else may still be heard of, for as long as somebody waits.
        while open || asked.is_none() || !found {
            tokio::select! {
                ended = &mut asking, if asked.is_none() => asked = Some(ended),
                answer = answers.recv(), if open => match answer {
                    Some(record) => {
                        found = true;
                        let _ = out.send(record).await;
                    }
                    None => open = false,
                },
                Ok(()) = came.changed() => {
                    let last = came.borrow_and_update().clone();
                    if let Some(record) = last {
                        let _ = out.send(record.bytes().clone()).await;
                        return Ok(());
                    }
                }
                () = out.closed() => return Ok(()),
            }
        }
        asked.unwrap_or(Ok(()))
    }
}

impl Names {
    /// Asks the DHT and servers.
    async fn ask(
        &self,
        name: &Name,
        records: usize,
        out: mpsc::Sender<Bytes>,
    ) -> Result<(), String> {
        let (key, none) = (name.routing_key(), Events::default());
        let searched = self.0.search_value(&key, records, &none, out).await;
        searched.map_err(|e| e.to_string())
    }
}
