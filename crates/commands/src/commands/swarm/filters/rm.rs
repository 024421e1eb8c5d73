use std::io::Write;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{KEY, parse};
use crate::commands::support::{Strings, online_command, with_repo};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result, View};

/// `ipfs swarm filters rm`.
pub(crate) struct Rm;

#[async_trait]
impl Command for Rm {
    type Options = NoOptions;
    type Event = Strings;
    type State = ();

    const PATH: &'static str = "swarm/filters/rm";
    const ABOUT: About = About::new("Refuse a range of addresses no more.");
    const ARGS: &'static [Arg] = &[Arg::required("address", "The range, or 'all'.")
        .variadic()
        .stdin()];

    async fn run(mut call: Call<NoOptions>, out: Output<Strings>) -> Result<()> {
        let network = online_command(&call).await?;
        let texts = call.all_args().await?;
        let all = texts
            .first()
            .is_some_and(|text| text == "all" || text == "*");
        if all {
            network.filters().clear();
        } else {
            for range in parse(&texts)? {
                network.filters().remove(&range);
            }
        }
        let removed = with_repo(&call.ctx, move |repo| {
            repo.change_config(|mut config| {
                let (removed, kept): (Vec<_>, Vec<_>) = config
                    .strings(KEY)
                    .into_iter()
                    .partition(|old| all || texts.contains(old));
                let kept = if all { Value::Null } else { json!(kept) };
                config.set(KEY, kept)?;
                Ok((config, removed))
            })
        })
        .await?;
        out.once(Strings::new(removed)).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), removed: Strings, w: &mut dyn Write) -> Result<()> {
        removed.write(w)
    }
}
