use std::io::Write;

use async_trait::async_trait;
use basalt::routing::{EventKind, Events};

use super::query_event::QueryEvent;
use super::{cid_of, online};
use crate::{About, Arg, Call, Command, Error, Output, Result, Status, View};

crate::options! {
    /// Options of `routing provide`.
    pub(crate) struct Options {
        /// Write which peers are told
        verbose: bool = ["verbose", "v"],
        /// Announce everything below it too
        recursive: bool = ["recursive", "r"],
    }
}

/// `ipfs routing provide`.
pub(crate) struct Provide;

#[async_trait]
impl Command for Provide {
    type Options = Options;
    type Event = QueryEvent;
    type State = ();

    const PATH: &'static str = "routing/provide";
    const ABOUT: About = About::new("Deprecated: use 'ipfs provide once'.")
        .text(
            "Tells the nodes that are nearest to each CID that this node has it, and waits until they know.

Example:

  > ipfs routing provide <cid>",
        )
        .status(Status::Deprecated);
    const ARGS: &'static [Arg] = &[Arg::required("key", "What to announce.").variadic().stdin()];

    async fn run(mut call: Call<Options>, _: Output<QueryEvent>) -> Result<()> {
        let routing = online(&call).await?;
        let node = call.ctx.node().await?.clone();
        if node.require_repo()?.config().flag("Provide.Enabled") == Some(false) {
            return Err(Error::new(
                "invalid configuration: Provide.Enabled is set to 'false'",
            ));
        }
        let network = node.network().ok_or_else(|| Error::new(super::ONLINE))?;
        let connections = network.connections().await.map_err(basalt::Error::from)?;
        if connections.is_empty() {
            return Err(Error::new("cannot provide, no connected peers"));
        }
        let mut cids = Vec::new();
        for text in call.all_args().await? {
            let cid = cid_of(&text)?;
            let kept = node.blocks().stat_local(&[cid]).await;
            if kept.map_err(basalt::Error::from)?[0].is_none() {
                return Err(Error::new(format!(
                    "block {text} not found locally, cannot provide"
                )));
            }
            cids.push(cid);
        }
        for cid in cids {
            if let Some(provider) = node.provider() {
                provider.queue(cid, call.options.recursive).await;
            }
            let key = cid.hash().to_bytes();
            let told = routing.provide(&key, &Events::default()).await;
            told.map_err(|e| Error::new(format!("error providing cid: {e}")))?;
        }
        Ok(())
    }

    fn text(view: &View<Options>, _: &mut (), event: QueryEvent, w: &mut dyn Write) -> Result<()> {
        let verbose = view.options.verbose;
        QueryEvent::write_time(verbose, w)?;
        match event.is(EventKind::FinalPeer) {
            true if verbose => {
                writeln!(w, "sending provider record to peer {}", event.id)?;
                Ok(())
            }
            _ => event.write(verbose, w),
        }
    }
}
