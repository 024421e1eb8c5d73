use async_trait::async_trait;
use basalt::network::MAX_MESSAGE;

use super::{pubsub, topic};
use crate::commands::support::whole_file;
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, Status};

/// `ipfs pubsub pub`.
pub(crate) struct Pub;

#[async_trait]
impl Command for Pub {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "pubsub/pub";
    const ABOUT: About = About::new("Write a message to a topic.")
        .text(
            "Sends a file, or what comes on standard input, to all who read a topic: one message of at
most a megabyte. That nobody reads it is no error. Pubsub.Enabled switches PubSub on.",
        )
        .binary_args()
        .status(Status::Experimental)
        .no_text();
    const ARGS: &'static [Arg] = &[
        Arg::required("topic", "The topic."),
        Arg::file("data", "The message.").stdin(),
    ];

    async fn run(mut call: Call<NoOptions>, _: Output<()>) -> Result<()> {
        call.ctx.node().await?;
        let topic = topic(&call.next_arg().await?.unwrap_or_default())?;
        let mut files = call.take_files()?;
        if files.next().await?.is_none() {
            return Err(Error::new("expected a file argument"));
        }
        let data = whole_file(&mut *files, MAX_MESSAGE, "the message is too large").await?;
        let pubsub = pubsub(&call).await?;
        let sent = pubsub.publish(&topic, data).await;
        Ok(sent.map_err(basalt::Error::from)?)
    }
}
