use async_trait::async_trait;

use super::{find, service};
use crate::{About, Call, Command, Error, Output, Result};

/// Pins that one call removes.
const MOST: usize = 1_000_000;

crate::options! {
    /// Options of `pin remote rm`.
    pub(crate) struct Options {
        /// The service that is asked (mandatory)
        service: Option<String> = ["service"],
        /// Only pins of this name; case matters
        name: Option<String> = ["name"],
        /// Only pins of these CIDs, separated by commas
        cid: Vec<String> = ["cid"],
        /// Only pins of these statuses, separated by commas: queued, pinning, pinned, failed
        status: Vec<String> = ["status"] default "pinned",
        /// Remove more than one pin
        force: bool = ["force"] default "false",
    }
}

/// `ipfs pin remote rm`.
pub(crate) struct Rm;

#[async_trait]
impl Command for Rm {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "pin/remote/rm";
    const ABOUT: About = About::new("Have a pinning service keep content no longer.")
        .text(
            "Removes the pins that 'ipfs pin remote ls' lists with the same options; more than one only
with --force. What is not pinned yet has to be named: --status=queued,pinning,failed.",
        )
        .no_text();

    async fn run(call: Call<Options>, _: Output<()>) -> Result<()> {
        let options = &call.options;
        let client = service(&call.ctx, options.service.as_deref()).await?;
        let filter = find::filter(options.name.as_deref(), &options.cid, &options.status)
            .map_err(listing)?;
        let mut pins = client.list(filter);
        let mut ids = Vec::new();
        while let Some(pin) = pins.next().await.map_err(listing)? {
            if ids.len() == MOST {
                return Err(listing(format!("there are more than {MOST}")));
            }
            ids.push(pin.request_id);
        }
        if ids.len() > 1 && !options.force {
            return Err(Error::new(
                "multiple remote pins are matching this query, add --force to confirm the bulk removal",
            ));
        }
        for id in ids {
            client.remove(&id).await.map_err(|e| {
                Error::new(format!(
                    "removing pin identified by requestid={id:?} failed: {e}"
                ))
            })?;
        }
        Ok(())
    }
}

fn listing(error: impl std::fmt::Display) -> Error {
    Error::new(format!("error while listing remote pins: {error}"))
}
