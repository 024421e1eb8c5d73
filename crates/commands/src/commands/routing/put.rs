use std::io::Write;

use async_trait::async_trait;
use basalt::ipns::Name;
use basalt::routing::{EventKind, Events};

use super::key_of;
use super::query_event::QueryEvent;
use crate::commands::support::whole_file;
use crate::{About, Arg, Call, Command, Error, Output, Result, Status, View};

crate::options! {
    /// Options of `routing put`.
    pub(crate) struct Options {
        /// Without other nodes, keep the value on this one
        allow_offline: bool = ["allow-offline"],
    }
}

/// `ipfs routing put`.
pub(crate) struct Put;

/// More is not read, in bytes: no value may be so large.
const MOST: usize = 1 << 20;
const OFFLINE: &str = "can't put while offline: pass `--allow-offline` to override";

#[async_trait]
impl Command for Put {
    type Options = Options;
    type Event = QueryEvent;
    type State = ();

    const PATH: &'static str = "routing/put";
    const ABOUT: About = About::new("Give a value to other nodes.")
        .text(
            "Gives a signed record of a name, as 'ipfs name get' writes it, to the nodes that are to keep it.
A value that is not a valid one of its key is kept by nobody, and neither is one that is older than
the value that is known; as in Kubo, that is no error.

Example:

  > ipfs routing put /ipns/<name> record.bin",
        )
        .status(Status::Experimental);
    const ARGS: &'static [Arg] = &[
        Arg::required("key", "The key: /ipns/<name>."),
        Arg::file("value-file", "The file with the value.").stdin(),
    ];

    async fn run(mut call: Call<Options>, out: Output<QueryEvent>) -> Result<()> {
        let mut files = call.take_files()?;
        if files.next().await?.is_none() {
            return Err(Error::client("file argument 'value-file' is required"));
        }
        let value = whole_file(&mut *files, MOST, "the value is too large").await?;
        let text = &call.meta.args[0];
        let name: Name = text.parse().map_err(basalt::Error::Ipns)?;
        let node = call.ctx.node().await?;
        if !call.options.allow_offline && !node.is_online() {
            return Err(Error::new(OFFLINE));
        }
        let key = key_of(text)?;
        let refused = match node.names().store().put(&name, value.clone()).await {
            Err(failed @ basalt::ipns::Error::Store(_)) => {
                return Err(basalt::Error::Ipns(failed).into());
            }
            Err(refused) => Some(refused.to_string()),
            Ok(_) => match node.routing() {
                Some(routing) => {
                    let put = routing.put_value(&key, &value, &Events::default()).await;
                    put.err().map(|e| e.to_string())
                }
                None => None,
            },
        };
        if let Some(reason) = refused {
            tracing::warn!(target: "basalt::routing", %name, reason, "a value was not given to others");
        }
        let peer = basalt::network::PeerId::from_bytes(&name.multihash().to_bytes());
        out.emit(QueryEvent {
            id: peer.map(|peer| peer.to_string()).unwrap_or_default(),
            kind: EventKind::Value as u8,
            ..QueryEvent::default()
        })
        .await
    }

    fn text(_: &View<Options>, _: &mut (), event: QueryEvent, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "{}", event.id)?;
        Ok(())
    }
}
