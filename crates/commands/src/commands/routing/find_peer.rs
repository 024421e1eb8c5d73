use std::io::Write;

use async_trait::async_trait;
use basalt::repo::parse_peer_id;
use basalt::routing::{Event, EventKind};

use super::online;
use super::query_event::{QueryEvent, watch};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `routing findpeer`.
    pub(crate) struct Options {
        /// Write what is asked and answered
        verbose: bool = ["verbose", "v"],
    }
}

/// `ipfs routing findpeer`.
pub(crate) struct FindPeer;

#[async_trait]
impl Command for FindPeer {
    type Options = Options;
    type Event = QueryEvent;
    type State = ();

    const PATH: &'static str = "routing/findpeer";
    const ABOUT: About = About::new("Find out where a peer is.").text(
        "Asks other nodes for the addresses of a peer, and writes them, one a line.

Example:

  > ipfs routing findpeer <peer>",
    );
    const ARGS: &'static [Arg] = &[Arg::required("peerID", "The peer.").variadic()];

    async fn run(call: Call<Options>, out: Output<QueryEvent>) -> Result<()> {
        let routing = online(&call).await?;
        let node = call.ctx.node().await?;
        let peer = parse_peer_id(&call.meta.args[0]).map_err(basalt::Error::from)?;
        if node.network().is_some_and(|n| n.local_peer() == peer) {
            return Err(Error::new(
                "finding your own node in the DHT is currently not supported",
            ));
        }
        let found = watch(&out, async |events| {
            let found = routing.find_peer(peer, &events).await;
            let event = match &found {
                Ok(peer) => Event::found(EventKind::FinalPeer, vec![peer.clone()]),
                Err(error) => Event::error(None, error),
            };
            events.tell(|| event).await;
            found
        })
        .await?;
        found.map(drop).map_err(not_found)
    }

    fn text(view: &View<Options>, _: &mut (), event: QueryEvent, w: &mut dyn Write) -> Result<()> {
        let verbose = view.options.verbose;
        QueryEvent::write_time(verbose, w)?;
        if !event.is(EventKind::FinalPeer) {
            return event.write(verbose, w);
        }
        for peer in event.responses.iter().flatten() {
            for address in &peer.addrs {
                writeln!(w, "{address}")?;
            }
        }
        Ok(())
    }
}

/// Whatever the reason, Kubo says that nothing was found.
pub(super) fn not_found(error: basalt::Error) -> Error {
    match error {
        basalt::Error::Routing(reason) => {
            tracing::debug!(target: "basalt::routing", %reason, "nothing was found");
            Error::new(basalt::routing::Error::NotFound.to_string())
        }
        other => other.into(),
    }
}
