use std::io::Write;

use async_trait::async_trait;
use basalt::network::{Multiaddr, TunnelInfo};

use super::network;
use crate::commands::support::parse_addresses;
use crate::{About, Call, Command, Error, Output, Result, Status, View};

crate::options! {
    /// Options of `p2p close`.
    pub(crate) struct Options {
        /// Close all tunnels
        all: bool = ["all", "a"],
        /// Those of this protocol
        protocol: Option<String> = ["protocol", "p"],
        /// Those that listen here
        listen_address: Option<String> = ["listen-address", "l"],
        /// Those that lead there
        target_address: Option<String> = ["target-address", "t"],
    }
}

/// `ipfs p2p close`.
pub(crate) struct Close;

#[async_trait]
impl Command for Close {
    type Options = Options;
    type Event = usize;
    type State = ();

    const PATH: &'static str = "p2p/close";
    const ABOUT: About = About::new("Close tunnels.")
        .text("Tunnels that fit all that is asked for take no more connections; those that they carry go on.")
        .status(Status::Experimental);

    async fn run(call: Call<Options>, out: Output<usize>) -> Result<()> {
        let network = network(&call).await?;
        let options = &call.options;
        let (listen, target) = (&options.listen_address, &options.target_address);
        let read =
            |text: &Option<String>| -> Result<Vec<Multiaddr>> { parse_addresses(text.as_slice()) };
        let (listens, targets) = (read(listen)?, read(target)?);
        let some = options.protocol.is_some() || listen.is_some() || target.is_some();
        if !options.all && !some {
            return Err(Error::new("no matching options given"));
        }
        if options.all && some {
            return Err(Error::new(
                "can't combine --all with other matching options",
            ));
        }
        let fits = |tunnel: &TunnelInfo| {
            let is = |wanted: &[Multiaddr], text: &str| {
                wanted.iter().all(|wanted| wanted.to_string() == text)
            };
            let protocol = options.protocol.as_ref();
            protocol.is_none_or(|protocol| *protocol == tunnel.protocol)
                && is(&listens, &tunnel.listen)
                && is(&targets, &tunnel.target)
        };
        out.once(network.close_tunnels(fits)).await
    }

    fn text(_: &View<Options>, _: &mut (), count: usize, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "Closed {count} stream(s)")?;
        Ok(())
    }
}
