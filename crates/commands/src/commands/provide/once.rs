use std::io::Write;

use async_trait::async_trait;
use basalt::block::Base;
use basalt::pin::{Visited, Walk, WalkOptions};
use serde::{Deserialize, Serialize};

use crate::commands::routing::{cid_of, online};
use crate::{About, Arg, Call, Command, Error, Events, Output, Result, Status, Terminal, View};

crate::options! {
    /// Options of `provide once`.
    pub(crate) struct Options {
        /// Announce everything below it too
        recursive: bool = ["recursive", "r"],
    }
}

/// A CID that will be announced.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Queued {
    queued: String,
}

/// `ipfs provide once`.
pub(crate) struct Once;

#[async_trait]
impl Command for Once {
    type Options = Options;
    type Event = Queued;
    type State = ();

    const PATH: &'static str = "provide/once";
    const ABOUT: About = About::new("Announce CIDs now.")
        .text(
            "Puts CIDs into the queue of what is announced next, whatever the strategy names. They are not
announced again afterwards unless the strategy names them. Blocks must be here.

Example:

  > ipfs pin ls --type=recursive -q | ipfs provide once",
        )
        .status(Status::Experimental);
    const ARGS: &'static [Arg] = &[Arg::required("cid", "What to announce.").variadic().stdin()];

    async fn run(mut call: Call<Options>, out: Output<Queued>) -> Result<()> {
        online(&call).await?;
        let node = call.ctx.node().await?.clone();
        if node.require_repo()?.config().flag("Provide.Enabled") == Some(false) {
            return Err(Error::new("cannot provide: Provide.Enabled is false"));
        }
        let connections = match node.network() {
            Some(network) => network.connections().await.map_err(basalt::Error::from)?,
            None => Vec::new(),
        };
        let (false, Some(provider)) = (connections.is_empty(), node.provider()) else {
            return Err(Error::new("cannot provide: no connected peers"));
        };
        let seen = std::sync::Arc::new(Visited::default());
        while let Some(text) = call.next_arg().await? {
            let cid = cid_of(&text);
            let cid =
                cid.map_err(|e| Error::new(format!("invalid CID {text:?}: {}", e.message)))?;
            let kept = node.blocks().stat_local(&[cid]).await;
            if kept.map_err(basalt::Error::from)?[0].is_none() {
                let text = basalt::block::cid_text(&cid, Base::Base32Lower);
                return Err(Error::new(format!(
                    "block {text} not found locally, cannot provide"
                )));
            }
            let queue = async |cid: basalt::Cid| {
                provider.queue(cid, false).await;
                let queued = cid.to_string();
                out.emit(Queued { queued }).await
            };
            if !call.options.recursive {
                if seen.visit(&cid) {
                    queue(cid).await?;
                }
                continue;
            }
            let root = futures::stream::once(std::future::ready(Ok(cid)));
            let source = node.source(call.meta.globals.offline);
            let mut walk = Walk::new(source, seen.clone(), Box::pin(root), WalkOptions::default());
            while let Some(reached) = walk.next().await {
                for reached in reached.map_err(basalt::Error::from)? {
                    reached.found.map_err(basalt::Error::from)?;
                    queue(reached.cid).await?;
                }
            }
        }
        Ok(())
    }

    fn text(_: &View<Options>, _: &mut (), queued: Queued, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "{}", queued.queued)?;
        Ok(())
    }

    async fn show(
        _: &View<Options>,
        mut events: Events<Queued>,
        term: &mut Terminal,
    ) -> Result<()> {
        let mut count = 0u64;
        while events.next().await?.is_some() {
            count += 1;
        }
        writeln!(term.out, "queued {count} CID(s) for immediate provide")?;
        Ok(())
    }
}
