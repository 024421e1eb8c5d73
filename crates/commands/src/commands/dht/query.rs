use std::io::Write;

use async_trait::async_trait;
use basalt::repo::parse_peer_id;
use basalt::routing::{Event, EventKind};

use crate::commands::routing::query_event::{QueryEvent, watch};
use crate::{About, Arg, Call, Command, Error, Output, Result, Status, View};

crate::options! {
    /// Options of `dht query`.
    pub(crate) struct Options {
        /// Write what is asked and answered
        verbose: bool = ["verbose", "v"],
    }
}

/// `ipfs dht query`.
pub(crate) struct Query;

pub(crate) const NO_DHT: &str = "routing service is not a DHT";

#[async_trait]
impl Command for Query {
    type Options = Options;
    type Event = QueryEvent;
    type State = ();

    const PATH: &'static str = "dht/query";
    const ABOUT: About = About::new("Find the peers that are nearest to one in the DHT.")
        .text(
            "Asks from node to node, and writes the nearest peers in the end, one a line.

Example:

  > ipfs dht query <peer>",
        )
        .status(Status::Deprecated);
    const ARGS: &'static [Arg] = &[Arg::required("peerID", "The peer.").variadic()];

    async fn run(call: Call<Options>, out: Output<QueryEvent>) -> Result<()> {
        let node = call.ctx.node().await?;
        let dual = node.routing().and_then(|routing| routing.dht());
        let dual = dual.ok_or_else(|| Error::new(NO_DHT))?;
        let peer = parse_peer_id(&call.meta.args[0]);
        let peer = peer.map_err(|_| Error::client("invalid peer ID"))?;
        let found = watch(&out, async |events| {
            let found = dual.closest_peers(&peer.to_bytes(), &events).await;
            for peer in found.iter().flatten() {
                let event = Event::of(EventKind::FinalPeer, *peer);
                events.tell(|| event).await;
            }
            found
        })
        .await?;
        found.map(drop).map_err(|e| Error::new(e.to_string()))
    }

    fn text(view: &View<Options>, _: &mut (), event: QueryEvent, w: &mut dyn Write) -> Result<()> {
        let verbose = view.options.verbose;
        QueryEvent::write_time(verbose, w)?;
        if !event.is(EventKind::FinalPeer) {
            return event.write(verbose, w);
        }
        writeln!(w, "{}", event.id)?;
        Ok(())
    }
}
