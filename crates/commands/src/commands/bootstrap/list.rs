use std::io::Write;

use async_trait::async_trait;

use super::{Peers, listed};
use crate::commands::support::with_repo;
use crate::{About, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `bootstrap list`.
    pub(crate) struct Options {
        /// Show the peers that 'auto' stands for
        expand_auto: bool = ["expand-auto"],
    }
}

/// `ipfs bootstrap list`.
pub(crate) struct List;

#[async_trait]
impl Command for List {
    type Options = Options;
    type Event = Peers;
    type State = ();

    const PATH: &'static str = "bootstrap/list";
    const ABOUT: About = About::new("Show the bootstrap peers, as multiaddrs with peer IDs.");

    async fn run(call: Call<Options>, out: Output<Peers>) -> Result<()> {
        let expand = call.options.expand_auto;
        let peers = with_repo(&call.ctx, move |repo| {
            let config = repo.read_config()?;
            Ok(match expand {
                true => Peers::found(config.bootstrap_resolved()),
                false => listed(&config),
            })
        })
        .await?;
        out.once(peers).await
    }

    fn text(_: &View<Options>, _: &mut (), peers: Peers, w: &mut dyn Write) -> Result<()> {
        peers.write("", w)
    }
}
