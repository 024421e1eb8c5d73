use std::io::Write;

use async_trait::async_trait;

use crate::commands::support::{Strings, addresses_with_peers, online_action, peer_addresses};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

/// `ipfs swarm connect`.
pub(crate) struct Connect;

#[async_trait]
impl Command for Connect {
    type Options = NoOptions;
    type Event = Strings;
    type State = ();

    const PATH: &'static str = "swarm/connect";
    const ABOUT: About = About::new("Connect to a peer.").text(
        "Makes sure that the node is connected to a peer. Addresses are advice: the node may know others,
or be connected already. An address ends with the peer:

  > ipfs swarm connect /ip4/104.131.131.82/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ",
    );
    const ARGS: &'static [Arg] = &[Arg::required("address", "Where the peer is.")
        .variadic()
        .stdin()];

    async fn run(mut call: Call<NoOptions>, out: Output<Strings>) -> Result<()> {
        let texts = call.all_args().await?;
        let node = call.ctx.node().await?;
        let addresses = addresses_with_peers(node, &texts).await?;
        let mut lines = Vec::new();
        for (peer, addresses) in peer_addresses(&addresses)? {
            let failed = |e: String| Error::new(format!("connect {peer} failure: {e}"));
            online_action(&call).await.map_err(|e| failed(e.message))?;
            let connected = node.connect(peer, addresses).await;
            connected.map_err(|e| failed(e.to_string()))?;
            lines.push(format!("connect {peer} success"));
        }
        out.once(Strings::new(lines)).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), lines: Strings, w: &mut dyn Write) -> Result<()> {
        lines.write(w)
    }
}
