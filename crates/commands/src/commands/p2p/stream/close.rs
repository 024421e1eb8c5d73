use async_trait::async_trait;

use crate::commands::p2p::network;
use crate::{About, Arg, Call, Command, Error, Output, Result, Status};

crate::options! {
    /// Options of `p2p stream close`.
    pub(crate) struct Options {
        /// End all connections
        all: bool = ["all", "a"],
    }
}

/// `ipfs p2p stream close`.
pub(crate) struct Close;

#[async_trait]
impl Command for Close {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "p2p/stream/close";
    const ABOUT: About = About::new("End connections that tunnels carry.")
        .status(Status::Experimental)
        .no_text();
    const ARGS: &'static [Arg] = &[Arg::optional(
        "id",
        "The ID that 'ipfs p2p stream ls' shows.",
    )];

    async fn run(mut call: Call<Options>, _: Output<()>) -> Result<()> {
        let network = network(&call).await?;
        if call.options.all {
            network.end_tunnel_streams(None);
            return Ok(());
        }
        let Some(text) = call.next_arg().await? else {
            return Err(Error::new("no id specified"));
        };
        let id = text.parse().map_err(|_| {
            Error::new(format!(
                "strconv.ParseUint: parsing {text:?}: invalid syntax"
            ))
        })?;
        network.end_tunnel_streams(Some(id));
        Ok(())
    }
}
