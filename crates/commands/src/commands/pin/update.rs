use std::io::Write;

use async_trait::async_trait;
use basalt::KeptBy;
use basalt::pin::Progress;

use super::Pins;
use crate::commands::support::{CidText, fast_provide, parse_path, resolve};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `pin update`.
    pub(crate) struct Options {
        /// Remove the old pin
        unpin: bool = ["unpin"] default "true",
        /// Announce the new root at once
        fast_provide_root: Option<bool> = ["fast-provide-root"],
        /// Announce the whole new DAG, as Provide.Strategy says
        fast_provide_dag: Option<bool> = ["fast-provide-dag"],
        /// Wait until it is announced
        fast_provide_wait: Option<bool> = ["fast-provide-wait"],
    }
}

/// `ipfs pin update`.
pub(crate) struct Update;

#[async_trait]
impl Command for Update {
    type Options = Options;
    type Event = Pins;
    type State = ();

    const PATH: &'static str = "pin/update";
    const ABOUT: About = About::new("Pin a DAG in the place of another.").text(
        "Pins a DAG recursively, under the name of an older recursive pin, and then removes the older
one. What the two have in common is not gone through again, so that a large DAG of which little
has changed is pinned fast.",
    );
    const ARGS: &'static [Arg] = &[
        Arg::required("from-path", "Path to what is pinned."),
        Arg::required("to-path", "Path to what is to be pinned."),
    ];

    async fn run(mut call: Call<Options>, out: Output<Pins>) -> Result<()> {
        let cids = CidText::new(&call.meta.globals)?;
        let from = call.next_arg().await?.unwrap_or_default();
        let to = call.next_arg().await?.unwrap_or_default();
        // Both are read before either is looked for.
        parse_path(&from)?;
        parse_path(&to)?;
        let from = resolve(&call, &from).await?.cid;
        let to = resolve(&call, &to).await?.cid;
        let node = call.ctx.node().await?;
        let source = node.source(call.meta.globals.offline);
        let progress = Progress::default();
        let updated = node
            .pins()
            .update(source, &from, &to, call.options.unpin, &progress)
            .await;
        updated.map_err(|error| match error {
            basalt::pin::Error::Missing(cid) if cid == to => {
                Error::new(format!("get {cid}: {error}"))
            }
            error => Error::new(error.to_string()),
        })?;
        let options = &call.options;
        let how = [
            options.fast_provide_root,
            options.fast_provide_dag,
            options.fast_provide_wait,
        ];
        fast_provide(node, &[to], KeptBy::PIN, how).await?;
        out.once(Pins {
            pins: vec![cids.write(&from), cids.write(&to)],
        })
        .await
    }

    fn text(_: &View<Options>, _: &mut (), done: Pins, w: &mut dyn Write) -> Result<()> {
        if let [from, to] = &done.pins[..] {
            writeln!(w, "updated {from} to {to}")?;
        }
        Ok(())
    }
}
