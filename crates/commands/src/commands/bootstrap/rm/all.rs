use std::io::Write;

use async_trait::async_trait;
use serde_json::Value;

use crate::commands::bootstrap::{AUTO, KEY, Peers, parse, written};
use crate::commands::support::with_repo;
use crate::options::NoOptions;
use crate::{About, Call, Command, Context, Output, Result, View};

/// `ipfs bootstrap rm all`.
pub(crate) struct All;

#[async_trait]
impl Command for All {
    type Options = NoOptions;
    type Event = Peers;
    type State = ();

    const PATH: &'static str = "bootstrap/rm/all";
    const ABOUT: About = About::new("Remove all bootstrap peers, and show them.");

    async fn run(call: Call<NoOptions>, out: Output<Peers>) -> Result<()> {
        out.once(remove(&call.ctx).await?).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), peers: Peers, w: &mut dyn Write) -> Result<()> {
        peers.write("removed ", w)
    }
}

/// Removes every peer.
pub(super) async fn remove(ctx: &Context) -> Result<Peers> {
    let listed = with_repo(ctx, |repo| Ok(repo.read_config()?.bootstrap())).await?;
    let removed = match listed.iter().any(|text| text == AUTO) {
        true => listed,
        false => written(parse(&listed)?),
    };
    with_repo(ctx, |repo| {
        repo.change_config(|mut config| {
            config.set(KEY, Value::Null)?;
            Ok((config, ()))
        })
    })
    .await?;
    Ok(Peers::new(removed))
}
