use std::io::Write;

use async_trait::async_trait;
use basalt::block::Base;
use basalt::routing::{EventKind, Events};

use super::find_peer::not_found;
use super::key_of;
use super::query_event::QueryEvent;
use crate::commands::support::online_action;
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, Status, View};

/// `ipfs routing get`.
pub(crate) struct Get;

#[async_trait]
impl Command for Get {
    type Options = NoOptions;
    type Event = QueryEvent;
    type State = ();

    const PATH: &'static str = "routing/get";
    const ABOUT: About = About::new("Write the best value of a key.")
        .text(
            "Asks other nodes for the value of a key, /ipns/<peer> or /pk/<peer>, and writes it as it is. Of
several values of a name the newest valid one counts.

Example:

  > ipfs routing get /ipns/<name> | ipfs name inspect",
        )
        .status(Status::Experimental);
    const ARGS: &'static [Arg] = &[Arg::required("key", "The key.").variadic()];

    async fn run(call: Call<NoOptions>, out: Output<QueryEvent>) -> Result<()> {
        online_action(&call).await?;
        let key = key_of(&call.meta.args[0])?;
        let node = call.ctx.node().await?;
        let nothing = basalt::Error::Routing(basalt::routing::Error::NotFound);
        let routing = node.routing().ok_or_else(|| not_found(nothing))?;
        let value = routing.get_value(&key, &Events::default()).await;
        out.emit(QueryEvent {
            extra: Base::Base64Pad.encode(value.map_err(not_found)?),
            kind: EventKind::Value as u8,
            ..QueryEvent::default()
        })
        .await
    }

    fn text(_: &View<NoOptions>, _: &mut (), event: QueryEvent, w: &mut dyn Write) -> Result<()> {
        let value = Base::Base64Pad
            .decode(&event.extra)
            .map_err(|e| Error::new(e.to_string()))?;
        w.write_all(&value)?;
        Ok(())
    }
}
