use std::io::Write;

use async_trait::async_trait;

use crate::commands::support::{Strings, addresses_with_peers, online_action, peer_addresses};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result, View};

/// `ipfs swarm disconnect`.
pub(crate) struct Disconnect;

#[async_trait]
impl Command for Disconnect {
    type Options = NoOptions;
    type Event = Strings;
    type State = ();

    const PATH: &'static str = "swarm/disconnect";
    const ABOUT: About = About::new("Close the connection to a peer.").text(
        "Closes the connection to this address of a peer, or, without an address before the peer, every
one. Whatever needs the peer later connects again.

  > ipfs swarm disconnect /p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ",
    );
    const ARGS: &'static [Arg] = &[Arg::required("address", "The peer, and where it is.")
        .variadic()
        .stdin()];

    async fn run(mut call: Call<NoOptions>, out: Output<Strings>) -> Result<()> {
        let texts = call.all_args().await?;
        let node = call.ctx.node().await?;
        let addresses = addresses_with_peers(node, &texts).await?;
        let mut lines = Vec::new();
        for (peer, addresses) in peer_addresses(&addresses)? {
            let places = match addresses.is_empty() {
                true => vec![None],
                false => addresses.into_iter().map(Some).collect(),
            };
            for place in places {
                let failure = match online_action(&call).await {
                    Ok(network) => network
                        .disconnect(peer, place)
                        .await
                        .err()
                        .map(|e| e.to_string()),
                    Err(error) => Some(error.message),
                };
                lines.push(match failure {
                    None => format!("disconnect {peer} success"),
                    Some(why) => format!("disconnect {peer} failure: {why}"),
                });
            }
        }
        out.once(Strings::new(lines)).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), lines: Strings, w: &mut dyn Write) -> Result<()> {
        lines.write(w)
    }
}
