use std::io::Write;

use async_trait::async_trait;
use basalt::routing::{Event, EventKind};
use tokio::sync::mpsc;

use super::query_event::{QueryEvent, watch};
use super::{cid_of, online};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `routing findprovs`.
    pub(crate) struct Options {
        /// Write what is asked and answered, and where the providers are
        verbose: bool = ["verbose", "v"],
        /// How many providers to find
        num_providers: i32 = ["num-providers", "n"] default "20",
    }
}

/// `ipfs routing findprovs`.
pub(crate) struct FindProvs;

#[async_trait]
impl Command for FindProvs {
    type Options = Options;
    type Event = QueryEvent;
    type State = ();

    const PATH: &'static str = "routing/findprovs";
    const ABOUT: About = About::new("Find peers that have something.").text(
        "Asks other nodes who has the block with a CID, and writes the peers that are said to have it, as
they are found.

Example:

  > ipfs routing findprovs --num-providers=3 <cid>",
    );
    const ARGS: &'static [Arg] = &[Arg::required("key", "What to find providers of.").variadic()];

    async fn run(call: Call<Options>, out: Output<QueryEvent>) -> Result<()> {
        let routing = online(&call).await?;
        let most = usize::try_from(call.options.num_providers).unwrap_or(0);
        if most < 1 {
            return Err(Error::new("number of providers must be greater than 0"));
        }
        let cid = cid_of(&call.meta.args[0])?;
        watch(&out, async |events| {
            let (found, mut providers) = mpsc::channel(16);
            let key = cid.hash().to_bytes();
            let search = routing.find_providers(&key, most, &events, found);
            let tell = async {
                while let Some(provider) = providers.recv().await {
                    let event = || Event::found(EventKind::Provider, vec![provider]);
                    events.tell(event).await;
                }
            };
            // That there is nobody to ask is among the events.
            let _ = tokio::join!(search, tell);
        })
        .await
    }

    fn text(view: &View<Options>, _: &mut (), event: QueryEvent, w: &mut dyn Write) -> Result<()> {
        let verbose = view.options.verbose;
        QueryEvent::write_time(verbose, w)?;
        if event.is(EventKind::FinalPeer) && verbose {
            writeln!(w, "* closest peer {}", event.id)?;
            return Ok(());
        }
        if !event.is(EventKind::Provider) {
            return event.write(verbose, w);
        }
        for provider in event.responses.iter().flatten() {
            if verbose {
                write!(w, "provider: ")?;
            }
            writeln!(w, "{}", provider.id)?;
            for address in provider.addrs.iter().filter(|_| verbose) {
                writeln!(w, "\t{address}")?;
            }
        }
        Ok(())
    }
}
