use std::io::Write;

use async_trait::async_trait;
use basalt::Awaited;
use serde::{Deserialize, Serialize};

use super::gossip;
use crate::commands::support::parse_peer;
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, Status, View};

/// `ipfs name pubsub cancel`.
pub(crate) struct Cancel;

/// Whether the name was followed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Canceled {
    canceled: bool,
}

#[async_trait]
impl Command for Cancel {
    type Options = NoOptions;
    type Event = Canceled;
    type State = ();

    const PATH: &'static str = "name/pubsub/cancel";
    const ABOUT: About = About::new("Follow a name no longer.").status(Status::Experimental);
    const ARGS: &'static [Arg] = &[Arg::required("name", "The name.")];

    async fn run(mut call: Call<NoOptions>, out: Output<Canceled>) -> Result<()> {
        let name = call.next_arg().await?.unwrap_or_default();
        let gossip = gossip(call.ctx.node().await?)?;
        let name = name.strip_prefix("/ipns/").unwrap_or(&name);
        let wrong = |e: Error| Error::client(format!("not a valid IPNS name: {}", e.message));
        let peer = parse_peer(name).map_err(wrong)?;
        let name = peer.to_base58().parse().map_err(basalt::Error::Ipns)?;
        match gossip.cancel(&name).await {
            Ok(canceled) => out.once(Canceled { canceled }).await,
            Err(Awaited) => Err(Error::new("key has active subscriptions")),
        }
    }

    fn text(_: &View<NoOptions>, _: &mut (), done: Canceled, w: &mut dyn Write) -> Result<()> {
        let state = if done.canceled {
            "canceled"
        } else {
            "no subscription"
        };
        writeln!(w, "{state}")?;
        Ok(())
    }
}
