use std::io::Write;
use std::time::Duration;

use async_trait::async_trait;
use basalt::Node;
use basalt::pin::check_name;
use basalt::pinning::{Client, PinStatus, Status};

use super::{RemotePin, service};
use crate::command::encoding_of;
use crate::commands::support::{CidText, resolve, write_columns};
use crate::{About, Arg, Call, Command, Encoding, Error, Output, Result, View};

/// The time between two questions for what became of the pin.
const ASK: Duration = Duration::from_millis(500);

const OFFLINE: &str = "WARNING: the local node is offline and remote pinning may fail if there is no other provider for this CID\n";

crate::options! {
    /// Options of `pin remote add`.
    pub(crate) struct Options {
        /// The service that is to pin it (mandatory)
        service: Option<String> = ["service"],
        /// A name for the pin
        name: Option<String> = ["name"],
        /// Return when the service has queued it, without waiting until it is pinned
        background: bool = ["background"] default "false",
    }
}

/// `ipfs pin remote add`.
pub(crate) struct Add;

#[async_trait]
impl Command for Add {
    type Options = Options;
    type Event = RemotePin;
    type State = ();

    const PATH: &'static str = "pin/remote/add";
    const ABOUT: About = About::new("Have a pinning service keep content.").text(
        "Asks a service to pin what a path leads to, with everything under it, and waits until the
service has it. With --background it returns as soon as the service has taken the request;
'ipfs pin remote ls --status=queued,pinning,pinned,failed' tells what became of it.

If this node has the content, the service is told where to reach it.

Example:

  > ipfs pin remote add --service=srv --name=site bafkqaaa",
    );
    const ARGS: &'static [Arg] = &[Arg::required("ipfs-path", "Path to what is to be pinned.")];

    async fn run(mut call: Call<Options>, out: Output<RemotePin>) -> Result<()> {
        let cids = CidText::new(&call.meta.globals)?;
        let client = service(&call.ctx, call.options.service.as_deref()).await?;
        let path = call.next_arg().await?.unwrap_or_default();
        let cid = resolve(&call, &path).await?.cid;
        let name = call.options.name.clone().unwrap_or_default();
        check_name(&name).map_err(basalt::Error::from)?;
        let node = call.ctx.node().await?;
        if is_alone(&call, node, &cid).await? {
            out.bytes(OFFLINE.into()).await?;
        }
        let draft = node.remote_pin_draft(&cid).await?.name(name);
        let mut pin = client.add(&draft).await.map_err(basalt::Error::from)?;
        node.connect_delegates(&pin.delegates)?;
        if !call.options.background {
            pin = wait(&client, pin).await?;
        }
        out.emit(RemotePin::new(pin, &cids)?).await
    }

    fn text(_: &View<Options>, _: &mut (), pin: RemotePin, w: &mut dyn Write) -> Result<()> {
        let RemotePin { status, cid, name } = pin;
        let lines = [
            format!("CID:\t{cid}"),
            format!("Name:\t{name}"),
            format!("Status:\t{status}"),
        ];
        Ok(write_columns(w, &lines, 0)?)
    }
}

/// Whether nobody can fetch the content from this node, and somebody reads a warning of that.
async fn is_alone(call: &Call<Options>, node: &Node, cid: &basalt::Cid) -> Result<bool> {
    let read = encoding_of(&call.meta.globals, true)? == Encoding::Text;
    if call.ctx.is_daemon() || node.is_online() || !read {
        return Ok(false);
    }
    let has = node.blocks().store().has(cid).await;
    Ok(has.map_err(basalt::Error::from)?)
}

/// Waits until a service has pinned what it was asked for.
async fn wait(client: &Client, asked: PinStatus) -> Result<PinStatus> {
    let id = asked.request_id;
    loop {
        let pin = client.status(&id).await.map_err(|e| {
            Error::new(format!(
                "failed to check pin status for requestid={id:?} due to error: {e}"
            ))
        })?;
        if pin.request_id != id {
            return Err(Error::new(format!(
                "failed to check pin status for requestid={id:?}, remote service sent unexpected requestid={:?}",
                pin.request_id
            )));
        }
        match pin.status {
            Status::Pinned => return Ok(pin),
            Status::Failed => {
                return Err(Error::new(format!(
                    "remote service failed to pin requestid={id:?}"
                )));
            }
            _ => tokio::time::sleep(ASK).await,
        }
    }
}
