use std::io::Write;

use async_trait::async_trait;

use super::{pubsub, text};
use crate::commands::multibase::decode_bare;
use crate::commands::support::{Strings, escape_name};
use crate::options::NoOptions;
use crate::{About, Call, Command, Error, Output, Result, Status, View};

/// `ipfs pubsub ls`.
pub(crate) struct Ls;

#[async_trait]
impl Command for Ls {
    type Options = NoOptions;
    type Event = Strings;
    type State = ();

    const PATH: &'static str = "pubsub/ls";
    const ABOUT: About = About::new("List the topics that are read here.")
        .text("Pubsub.Enabled switches PubSub on. With --enc=json topics are multibase.")
        .status(Status::Experimental);

    async fn run(call: Call<NoOptions>, out: Output<Strings>) -> Result<()> {
        let topics = pubsub(&call).await?.topics();
        let topics = topics.iter().map(|topic| text(topic.as_bytes()));
        out.once(Strings::new(topics.collect())).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), list: Strings, w: &mut dyn Write) -> Result<()> {
        for topic in list.lines() {
            let topic = decode_bare(topic.as_bytes()).map_err(Error::new)?;
            let topic = String::from_utf8_lossy(&topic);
            writeln!(w, "{}", escape_name(&topic))?;
        }
        Ok(())
    }
}
