use std::io::Write;

use async_trait::async_trait;
use serde_json::json;

use super::{KEY, parse};
use crate::commands::support::{Strings, online_command, with_repo};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result, View};

/// `ipfs swarm filters add`.
pub(crate) struct Add;

#[async_trait]
impl Command for Add {
    type Options = NoOptions;
    type Event = Strings;
    type State = ();

    const PATH: &'static str = "swarm/filters/add";
    const ABOUT: About = About::new("Refuse a range of addresses, from now on and in the config.");
    const ARGS: &'static [Arg] =
        &[
            Arg::required("address", "The range, such as /ip4/10.0.0.0/ipcidr/8.")
                .variadic()
                .stdin(),
        ];

    async fn run(mut call: Call<NoOptions>, out: Output<Strings>) -> Result<()> {
        let network = online_command(&call).await?;
        let texts = call.all_args().await?;
        for range in parse(&texts)? {
            network.filters().add(range);
        }
        let mut added: Vec<String> = Vec::new();
        for text in texts {
            if !added.contains(&text) {
                added.push(text);
            }
        }
        let new = added.clone();
        with_repo(&call.ctx, move |repo| {
            repo.change_config(|mut config| {
                let mut all = new.clone();
                all.extend(
                    config
                        .strings(KEY)
                        .into_iter()
                        .filter(|old| !new.contains(old)),
                );
                config.set(KEY, json!(all))?;
                Ok((config, ()))
            })
        })
        .await?;
        out.once(Strings::new(added)).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), added: Strings, w: &mut dyn Write) -> Result<()> {
        added.write(w)
    }
}
