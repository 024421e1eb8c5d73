use async_trait::async_trait;
use basalt::ipns::{Find, Name};

use super::OFFLINE;
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, Status};

/// `ipfs name get`.
pub(crate) struct Get;

#[async_trait]
impl Command for Get {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "name/get";
    const ABOUT: About = About::new("Get the signed record of a name.")
        .text(
            "Writes the best known record of a name as it was signed: a protobuf message that 'ipfs name
inspect' shows and 'ipfs name put' takes.

Example:

  > ipfs name get <name> | ipfs name inspect",
        )
        .status(Status::Experimental)
        .no_text();
    const ARGS: &'static [Arg] = &[Arg::required("name", "The name.")];

    async fn run(call: Call<NoOptions>, out: Output<()>) -> Result<()> {
        let node = call.ctx.node().await?;
        if !node.is_online() {
            return Err(Error::new(OFFLINE));
        }
        let name: Name = call.meta.args[0].parse().map_err(basalt::Error::Ipns)?;
        let find = Find {
            cached: false,
            ..Find::default()
        };
        let record = match node.names().record(&name, &find).await {
            Err(basalt::ipns::Error::NoRecord) => return Err(Error::new("routing: not found")),
            record => record.map_err(basalt::Error::Ipns)?,
        };
        out.content_type("application/vnd.ipfs.ipns-record").await?;
        out.bytes(record.bytes().clone()).await
    }
}
