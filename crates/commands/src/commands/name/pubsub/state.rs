use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::gossip;
use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result, Status, View};

/// `ipfs name pubsub state`.
pub(crate) struct State;

/// Whether records are exchanged through pubsub.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Answer {
    enabled: bool,
}

#[async_trait]
impl Command for State {
    type Options = NoOptions;
    type Event = Answer;
    type State = ();

    const PATH: &'static str = "name/pubsub/state";
    const ABOUT: About =
        About::new("Say whether names are followed through pubsub.").status(Status::Experimental);

    async fn run(call: Call<NoOptions>, out: Output<Answer>) -> Result<()> {
        let enabled = gossip(call.ctx.node().await?).is_ok();
        out.once(Answer { enabled }).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), answer: Answer, w: &mut dyn Write) -> Result<()> {
        let state = if answer.enabled {
            "enabled"
        } else {
            "disabled"
        };
        writeln!(w, "{state}")?;
        Ok(())
    }
}
