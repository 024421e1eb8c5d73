use async_trait::async_trait;

use crate::commands::support::with_repo;
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result};

/// `ipfs pin remote service rm`.
pub(crate) struct Rm;

#[async_trait]
impl Command for Rm {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "pin/remote/service/rm";
    const ABOUT: About = About::new("Forget a pinning service.")
        .text("Forgets a service and its key. What it has pinned stays pinned there.")
        .no_text();
    const ARGS: &'static [Arg] = &[Arg::required("service", "The name of the service.")];

    async fn run(mut call: Call<NoOptions>, _: Output<()>) -> Result<()> {
        let name = call.next_arg().await?.unwrap_or_default();
        with_repo(&call.ctx, move |repo| {
            repo.change_config(|config| Ok((config.without_pinning_service(&name)?, ())))
        })
        .await
    }
}
