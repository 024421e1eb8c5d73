use std::io::Write;

use async_trait::async_trait;

use super::{RemotePin, find, service};
use crate::commands::support::{CidText, escape_name};
use crate::{About, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `pin remote ls`.
    pub(crate) struct Options {
        /// The service that is asked (mandatory)
        service: Option<String> = ["service"],
        /// Only pins of this name; case matters
        name: Option<String> = ["name"],
        /// Only pins of these CIDs, separated by commas
        cid: Vec<String> = ["cid"],
        /// Only pins of these statuses, separated by commas: queued, pinning, pinned, failed
        status: Vec<String> = ["status"] default "pinned",
    }
}

/// `ipfs pin remote ls`.
pub(crate) struct Ls;

#[async_trait]
impl Command for Ls {
    type Options = Options;
    type Event = RemotePin;
    type State = ();

    const PATH: &'static str = "pin/remote/ls";
    const ABOUT: About = About::new("List what a pinning service keeps.").text(
        "Lists the pins of a service, the newest first. Those that are not pinned yet, or could not be,
are listed with --status=queued,pinning,pinned,failed.",
    );

    async fn run(call: Call<Options>, out: Output<RemotePin>) -> Result<()> {
        let options = &call.options;
        let client = service(&call.ctx, options.service.as_deref()).await?;
        let cids = CidText::new(&call.meta.globals)?;
        let filter = find::filter(options.name.as_deref(), &options.cid, &options.status)?;
        let mut pins = client.list(filter);
        while let Some(pin) = pins.next().await.map_err(basalt::Error::from)? {
            out.emit(RemotePin::new(pin, &cids)?).await?;
        }
        Ok(())
    }

    fn text(_: &View<Options>, _: &mut (), pin: RemotePin, w: &mut dyn Write) -> Result<()> {
        let RemotePin { status, cid, name } = pin;
        writeln!(w, "{cid}\t{status}\t{}", escape_name(&name))?;
        Ok(())
    }
}
