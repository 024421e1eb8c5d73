use async_trait::async_trait;
use basalt::pinning::Endpoint;

use crate::commands::support::with_repo;
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result};

/// `ipfs pin remote service add`.
pub(crate) struct Add;

#[async_trait]
impl Command for Add {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "pin/remote/service/add";
    const ABOUT: About = About::new("Make a pinning service known.")
        .text(
            "Keeps the name of a service, the URL of its API and the key that it knows you by in the
config. The key is never shown. 'ipfs pin remote service ls --stat' tells whether it works.",
        )
        .no_text();
    const ARGS: &'static [Arg] = &[
        Arg::required("service", "The name that you give the service."),
        Arg::required("endpoint", "The URL of its API, without /pins."),
        Arg::required("key", "Its secret key."),
    ];

    async fn run(mut call: Call<NoOptions>, _: Output<()>) -> Result<()> {
        let args = call.all_args().await?;
        let [name, endpoint, key] = args.try_into().unwrap_or_default();
        let endpoint = Endpoint::parse(&endpoint).map_err(basalt::Error::from)?;
        let endpoint = endpoint.to_string();
        with_repo(&call.ctx, move |repo| {
            repo.change_config(|config| {
                Ok((config.with_pinning_service(&name, &endpoint, &key)?, ()))
            })
        })
        .await
    }
}
