use std::collections::BTreeMap;
use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::commands::support::online_action;
use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result, View};

pub(crate) mod autonat;
pub(crate) mod listen;
pub(crate) mod local;

/// `ipfs swarm addrs`.
pub(crate) struct Addrs;

/// Addresses by peer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Known {
    addrs: BTreeMap<String, Vec<String>>,
}

#[async_trait]
impl Command for Addrs {
    type Options = NoOptions;
    type Event = Known;
    type State = ();

    const PATH: &'static str = "swarm/addrs";
    const ABOUT: About = About::new("Show where peers may be, as far as the node knows.");

    async fn run(call: Call<NoOptions>, out: Output<Known>) -> Result<()> {
        let network = online_action(&call).await?;
        let known = network
            .known_addresses()
            .await
            .map_err(basalt::Error::from)?;
        let addrs = known
            .into_iter()
            .map(|(peer, list)| {
                let list = list.iter().map(ToString::to_string).collect();
                (peer.to_string(), list)
            })
            .collect();
        out.once(Known { addrs }).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), known: Known, w: &mut dyn Write) -> Result<()> {
        for (peer, addresses) in &known.addrs {
            writeln!(w, "{peer} ({})", addresses.len())?;
            for address in addresses {
                writeln!(w, "\t{address}")?;
            }
        }
        Ok(())
    }
}
