use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{pubsub, topic};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result, Status, View};

/// `ipfs pubsub peers`.
pub(crate) struct Peers;

/// IDs; an empty list is one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct List {
    strings: Vec<String>,
}

#[async_trait]
impl Command for Peers {
    type Options = NoOptions;
    type Event = List;
    type State = ();

    const PATH: &'static str = "pubsub/peers";
    const ABOUT: About = About::new("List the peers that speak PubSub.")
        .text(
            "Lists the connected peers that speak PubSub, or those of them that read a topic.
Pubsub.Enabled switches PubSub on.",
        )
        .binary_args()
        .status(Status::Experimental);
    const ARGS: &'static [Arg] = &[Arg::optional("topic", "The topic that they read.")];

    async fn run(mut call: Call<NoOptions>, out: Output<List>) -> Result<()> {
        call.ctx.node().await?;
        let topic = match call.next_arg().await? {
            Some(arg) => Some(topic(&arg)?),
            None => None,
        };
        let topic = topic.as_deref().filter(|topic| !topic.is_empty());
        let peers = pubsub(&call).await?.peers(topic).await;
        let peers = peers.map_err(basalt::Error::from)?;
        let mut strings: Vec<String> = peers.iter().map(ToString::to_string).collect();
        strings.sort_unstable();
        out.once(List { strings }).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), list: List, w: &mut dyn Write) -> Result<()> {
        for peer in list.strings {
            writeln!(w, "{peer}")?;
        }
        Ok(())
    }
}
