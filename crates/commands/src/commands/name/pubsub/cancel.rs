use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::not_enabled;
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result, Status, View};

/// `ipfs name pubsub cancel`.
pub(crate) struct Cancel;

/// Whether the name was followed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Canceled {
    canceled: bool,
}

#[async_trait]
impl Command for Cancel {
    type Options = NoOptions;
    type Event = Canceled;
    type State = ();

    const PATH: &'static str = "name/pubsub/cancel";
    const ABOUT: About = About::new("Follow a name no longer.").status(Status::Experimental);
    const ARGS: &'static [Arg] = &[Arg::required("name", "The name.")];

    async fn run(call: Call<NoOptions>, _: Output<Canceled>) -> Result<()> {
        call.ctx.node().await?;
        Err(not_enabled())
    }

    fn text(_: &View<NoOptions>, _: &mut (), done: Canceled, w: &mut dyn Write) -> Result<()> {
        let state = if done.canceled {
            "canceled"
        } else {
            "no subscription"
        };
        writeln!(w, "{state}")?;
        Ok(())
    }
}
