use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{pubsub, text, topic};
use crate::commands::multibase::decode_bare;
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, Status, View};

/// `ipfs pubsub sub`.
pub(crate) struct Sub;

/// A message.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Message {
    #[serde(skip_serializing_if = "String::is_empty")]
    from: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    data: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    seqno: String,
    #[serde(rename = "topicIDs", skip_serializing_if = "Vec::is_empty")]
    topics: Vec<String>,
}

#[async_trait]
impl Command for Sub {
    type Options = NoOptions;
    type Event = Message;
    type State = ();

    const PATH: &'static str = "pubsub/sub";
    const ABOUT: About = About::new("Read a topic.")
        .text(
            "Writes the messages that come to a topic, one after the other as they are, until it is
interrupted. With --enc=json each is a line that says who wrote it, and message, number and topic
are multibase. A reader that is far behind loses messages. Pubsub.Enabled switches PubSub on.",
        )
        .binary_args()
        .status(Status::Experimental);
    const ARGS: &'static [Arg] = &[Arg::required("topic", "The topic.")];

    async fn run(mut call: Call<NoOptions>, out: Output<Message>) -> Result<()> {
        call.ctx.node().await?;
        let topic = topic(&call.next_arg().await?.unwrap_or_default())?;
        let pubsub = pubsub(&call).await?;
        let reading = pubsub.subscribe(&topic).await;
        let mut reading = reading.map_err(basalt::Error::from)?;
        loop {
            let next = tokio::select! {
                () = out.closed() => return Ok(()),
                next = reading.next() => next,
            };
            let Some(message) = next else {
                return Ok(());
            };
            let number = message.number.map(u64::to_be_bytes);
            out.emit(Message {
                from: message.from.map(|p| p.to_string()).unwrap_or_default(),
                data: text(&message.data),
                seqno: text(number.as_ref().map_or(&[], |n| &n[..])),
                topics: vec![text(message.topic.as_bytes())],
            })
            .await?;
        }
    }

    fn text(_: &View<NoOptions>, _: &mut (), message: Message, w: &mut dyn Write) -> Result<()> {
        let data = decode_bare(message.data.as_bytes()).map_err(Error::new)?;
        w.write_all(&data)?;
        Ok(())
    }
}
