use async_trait::async_trait;
use serde_json::Value;

use super::system;
use crate::commands::support::with_repo;
use crate::options::NoOptions;
use crate::{About, Call, Command, Error, Output, Result};

/// `ipfs diag sys`.
pub(crate) struct Sys;

#[async_trait]
impl Command for Sys {
    type Options = NoOptions;
    type Event = Value;
    type State = ();

    const PATH: &'static str = "diag/sys";
    const ABOUT: About = About::new("Show what the node runs on.")
        .text("Shows the disk, memory, network addresses and versions, for a report of a fault.")
        .no_text();

    async fn run(call: Call<NoOptions>, out: Output<Value>) -> Result<()> {
        with_repo(&call.ctx, |_| Ok(())).await?;
        let (ctx, tasks) = (
            call.ctx.clone(),
            tokio::runtime::Handle::current().metrics(),
        );
        let facts = tokio::task::spawn_blocking(move || system::facts(&ctx, &tasks));
        out.once(facts.await.map_err(|e| Error::new(e.to_string()))??)
            .await
    }
}
