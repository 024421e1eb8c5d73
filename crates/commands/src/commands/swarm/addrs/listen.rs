use std::io::Write;

use async_trait::async_trait;

use crate::commands::support::{Strings, online_action};
use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result, View};

/// `ipfs swarm addrs listen`.
pub(crate) struct Listen;

#[async_trait]
impl Command for Listen {
    type Options = NoOptions;
    type Event = Strings;
    type State = ();

    const PATH: &'static str = "swarm/addrs/listen";
    const ABOUT: About = About::new("List the addresses of interfaces that the node listens on.");

    async fn run(call: Call<NoOptions>, out: Output<Strings>) -> Result<()> {
        let network = online_action(&call).await?;
        let all = network
            .listen_addresses()
            .await
            .map_err(basalt::Error::from)?;
        let mut all: Vec<String> = all.iter().map(ToString::to_string).collect();
        if network.uses_relays().await.map_err(basalt::Error::from)? {
            all.push("/p2p-circuit".to_owned());
        }
        out.once(Strings::sorted(all)).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), all: Strings, w: &mut dyn Write) -> Result<()> {
        all.write(w)
    }
}
