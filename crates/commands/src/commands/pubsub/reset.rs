use std::io::Write;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::commands::support::parse_peer;
use crate::{About, Call, Command, Error, Output, Result, Status, View};

crate::options! {
    /// Options of `pubsub reset`.
    pub(crate) struct Options {
        /// Forget this author alone
        peer: Option<String> = ["peer", "p"],
    }
}

/// `ipfs pubsub reset`.
pub(crate) struct Reset;

/// How many authors were forgotten.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    deleted: u64,
}

#[async_trait]
impl Command for Reset {
    type Options = Options;
    type Event = Forgotten;
    type State = ();

    const PATH: &'static str = "pubsub/reset";
    const ABOUT: About = About::new("Forget which messages were there.")
        .text(
            "Messages of an author are numbered, and one whose number is not greater than that of those
before is refused, also after a restart. This forgets the numbers of all authors, or of one: of
use when one has lost its own, or for tests. What came within Pubsub.SeenMessagesTTL stays known.",
        )
        .status(Status::Experimental);

    async fn run(call: Call<Options>, out: Output<Forgotten>) -> Result<()> {
        let node = call.ctx.node().await?;
        let author = match call.options.peer.as_deref().filter(|peer| !peer.is_empty()) {
            Some(text) => {
                let id = parse_peer(text);
                Some(id.map_err(|e| Error::new(format!("invalid peer ID: {e}")))?)
            }
            None => None,
        };
        let deleted = node.reset_pubsub(author).await?;
        out.once(Forgotten { deleted }).await
    }

    fn text(view: &View<Options>, _: &mut (), done: Forgotten, w: &mut dyn Write) -> Result<()> {
        let author = view.options.peer.as_deref().filter(|peer| !peer.is_empty());
        match (author, done.deleted) {
            (Some(peer), 0) => writeln!(w, "No validator state found for peer {peer}")?,
            (Some(peer), _) => writeln!(w, "Reset validator state for peer {peer}")?,
            (None, count) => writeln!(w, "Reset validator state for {count} peer(s)")?,
        }
        Ok(())
    }
}
