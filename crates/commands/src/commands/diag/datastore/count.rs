use std::io::Write;

use async_trait::async_trait;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

use super::{own_node, record};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, Status, View};

/// `ipfs diag datastore count`.
pub(crate) struct Count;

/// How many there are.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Counted {
    prefix: String,
    count: u64,
}

#[async_trait]
impl Command for Count {
    type Options = NoOptions;
    type Event = Counted;
    type State = ();

    const PATH: &'static str = "diag/datastore/count";
    const ABOUT: About = About::new("Count records of the datastore.")
        .text("Counts the records whose keys are below the given one. The daemon must not be running.")
        .status(Status::Experimental)
        .client_only();
    const ARGS: &'static [Arg] = &[Arg::required(
        "prefix",
        "The key, such as /pins; / for all.",
    )];

    async fn run(mut call: Call<NoOptions>, out: Output<Counted>) -> Result<()> {
        let node = own_node(&call).await?;
        let prefix = call.next_arg().await?.unwrap_or_default();
        let below = match record(&prefix) {
            all if all.is_empty() => all,
            key => key + "/",
        };
        let mut count = 0;
        let mut rows = node.records().scan(below.as_bytes(), None);
        while let Some(_row) = rows
            .try_next()
            .await
            .map_err(|e| Error::new(format!("failed to query datastore: {e}")))?
        {
            count += 1;
        }
        out.once(Counted { prefix, count }).await
    }

    fn text(_: &View<NoOptions>, _: &mut (), counted: Counted, w: &mut dyn Write) -> Result<()> {
        Ok(writeln!(w, "{}", counted.count)?)
    }
}
