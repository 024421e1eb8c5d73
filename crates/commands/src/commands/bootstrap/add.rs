use std::io::Write;

use async_trait::async_trait;
use basalt::network::{parse_address, peer_of, without_peer};
use serde_json::json;

use super::{AUTO, KEY, Peers, auto_enabled};
use crate::commands::support::with_repo;
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

/// `ipfs bootstrap add`.
pub(crate) struct Add;

const NO_AUTO: &str = "cannot add default bootstrap peers: AutoConf is disabled (AutoConf.Enabled=false). Enable AutoConf by setting AutoConf.Enabled=true in your config, or add specific peer addresses instead";

#[async_trait]
impl Command for Add {
    type Options = NoOptions;
    type Event = Peers;
    type State = ();

    const PATH: &'static str = "bootstrap/add";
    const ABOUT: About = About::new("Add bootstrap peers.").text(
        "Shows the peers that were added. 'auto' and 'default' add those of the public network.",
    );
    const ARGS: &'static [Arg] =
        &[
            Arg::optional("peer", "A peer as '<multiaddr>/p2p/<peer ID>', or 'auto'.")
                .variadic()
                .stdin(),
        ];

    async fn run(mut call: Call<NoOptions>, out: Output<Peers>) -> Result<()> {
        let mut added: Vec<String> = Vec::new();
        for text in call.all_args().await? {
            let text = if text == "default" {
                AUTO.to_owned()
            } else {
                text
            };
            if !added.contains(&text) {
                added.push(text);
            }
        }
        if added.is_empty() {
            return Err(Error::new("no bootstrap peers to add"));
        }
        let auto = with_repo(&call.ctx, |repo| Ok(auto_enabled(&repo.read_config()?))).await?;
        if !auto && added.iter().any(|text| text == AUTO) {
            return Err(Error::new(NO_AUTO));
        }
        for text in added.iter().filter(|text| *text != AUTO) {
            check(text)?;
        }
        let new = added.clone();
        with_repo(&call.ctx, move |repo| {
            repo.change_config(|mut config| {
                let mut all = new.clone();
                for old in config.bootstrap() {
                    if !all.contains(&old) {
                        all.push(old);
                    }
                }
                config.set(KEY, json!(all))?;
                Ok((config, ()))
            })
        })
        .await?;
        out.once(Peers::new(added)).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), peers: Peers, w: &mut dyn Write) -> Result<()> {
        peers.write("added ", w)
    }
}

/// Checks that an address can lead to a peer.
fn check(text: &str) -> Result<()> {
    let address = parse_address(text).map_err(|e| Error::new(e.to_string()))?;
    if peer_of(&address).is_none() {
        return Err(Error::new(format!("invalid bootstrap address: {text}")));
    }
    if without_peer(&address).is_empty() {
        return Err(Error::new(format!(
            "bootstrap address without a transport: {text}"
        )));
    }
    Ok(())
}
