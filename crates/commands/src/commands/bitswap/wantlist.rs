use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::stat::written;
use super::{bitswap, stopped};
use crate::commands::support::{CidText, LinkJson, parse_peer};
use crate::{About, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `bitswap wantlist`.
    pub(crate) struct Options {
        /// The peer whose wants are shown. Default: this node
        peer: Option<String> = ["peer", "p"],
    }
}

/// `ipfs bitswap wantlist`.
pub(crate) struct Wantlist;

/// Blocks that somebody waits for; of another peer that wants nothing, `null`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Keys {
    keys: Option<Vec<LinkJson>>,
}

#[async_trait]
impl Command for Wantlist {
    type Options = Options;
    type Event = Keys;
    type State = ();

    const PATH: &'static str = "bitswap/wantlist";
    const ABOUT: About = About::new("Show which blocks are waited for.").text(
        "Shows the blocks that this node waits for from its peers, or, with --peer, those that a peer
waits for and that this node was told of.",
    );

    async fn run(call: Call<Options>, out: Output<Keys>) -> Result<()> {
        let bitswap = bitswap(&call).await?;
        let network = call.ctx.node().await?.network();
        let own = network.map(basalt::network::Handle::local_peer);
        let other = match &call.options.peer {
            Some(text) => Some(parse_peer(text)?).filter(|peer| Some(*peer) != own),
            None => None,
        };
        let wanted = match (bitswap, other) {
            (None, _) => Vec::new(),
            (Some(bitswap), None) => bitswap.wantlist().await.ok_or_else(stopped)?,
            (Some(bitswap), Some(peer)) => bitswap.wantlist_of(peer).await.ok_or_else(stopped)?,
        };
        let keys: Vec<LinkJson> = wanted.iter().map(LinkJson::new).collect();
        let none = other.is_some() && keys.is_empty();
        out.once(Keys {
            keys: (!none).then_some(keys),
        })
        .await
    }

    fn text(view: &View<Options>, _: &mut (), keys: Keys, w: &mut dyn Write) -> Result<()> {
        let cids = CidText::new(&view.meta.globals)?;
        let mut keys = keys.keys.unwrap_or_default();
        keys.sort_unstable_by(|a, b| a.cid.cmp(&b.cid));
        for key in &keys {
            writeln!(w, "{}", written(&cids, key)?)?;
        }
        Ok(())
    }
}
