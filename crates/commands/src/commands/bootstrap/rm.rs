use std::io::Write;

use async_trait::async_trait;
use serde_json::json;

use super::{AUTO, KEY, Peers, auto_enabled, parse, written};
use crate::commands::support::{PeerAddresses, with_repo};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

pub(crate) mod all;

crate::options! {
    /// Options of `bootstrap rm`.
    pub(crate) struct Options {
        /// Deprecated: remove all; use 'ipfs bootstrap rm all'
        all: bool = ["all"],
    }
}

/// `ipfs bootstrap rm`.
pub(crate) struct Rm;

const AUTO_STAYS: &str = "cannot remove individual bootstrap peers when using 'auto' placeholder: the 'auto' value is managed by AutoConf. Either disable AutoConf by setting AutoConf.Enabled=false and replace 'auto' with specific peer addresses, or use 'ipfs bootstrap rm --all' to remove all peers";

#[async_trait]
impl Command for Rm {
    type Options = Options;
    type Event = Peers;
    type State = ();

    const PATH: &'static str = "bootstrap/rm";
    const ABOUT: About = About::new("Remove bootstrap peers.").text(
        "Shows the peers that were removed. '/p2p/<peer ID>' alone removes every address of a peer.",
    );
    const ARGS: &'static [Arg] = &[
        Arg::optional("peer", "A peer as '<multiaddr>/p2p/<peer ID>'.")
            .variadic()
            .stdin(),
    ];

    async fn run(mut call: Call<Options>, out: Output<Peers>) -> Result<()> {
        if call.options.all {
            return out.once(all::remove(&call.ctx).await?).await;
        }
        let texts = call.all_args().await?;
        let config = with_repo(&call.ctx, |repo| repo.read_config()).await?;
        if auto_enabled(&config) && config.bootstrap().iter().any(|text| text == AUTO) {
            return Err(Error::new(AUTO_STAYS));
        }
        let unwanted = parse(&texts)?;
        let (kept, removed) = split(parse(&config.bootstrap())?, &unwanted);
        let kept = written(kept);
        with_repo(&call.ctx, move |repo| {
            repo.change_config(|mut config| {
                config.set(KEY, json!(kept))?;
                Ok((config, ()))
            })
        })
        .await?;
        out.once(Peers::new(written(removed))).await
    }

    fn text(_: &View<Options>, _: &mut (), peers: Peers, w: &mut dyn Write) -> Result<()> {
        peers.write("removed ", w)
    }
}

/// What stays and what goes.
fn split(
    peers: Vec<PeerAddresses>,
    unwanted: &[PeerAddresses],
) -> (Vec<PeerAddresses>, Vec<PeerAddresses>) {
    let (mut kept, mut removed) = (Vec::new(), Vec::new());
    for (peer, addresses) in peers {
        let Some((_, these)) = unwanted.iter().find(|(id, _)| *id == peer) else {
            kept.push((peer, addresses));
            continue;
        };
        if these.is_empty() {
            removed.push((peer, addresses));
            continue;
        }
        let (gone, left): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| these.contains(a));
        if !gone.is_empty() {
            removed.push((peer, gone));
        }
        if !left.is_empty() {
            kept.push((peer, left));
        }
    }
    (kept, removed)
}
