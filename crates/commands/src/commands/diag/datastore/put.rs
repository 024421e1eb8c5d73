use async_trait::async_trait;
use basalt::blockstore::Batch;

use super::{own_node, record};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result, Status};

/// `ipfs diag datastore put`.
pub(crate) struct Put;

#[async_trait]
impl Command for Put {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "diag/datastore/put";
    const ABOUT: About = About::new("Write a record of the datastore.")
        .text(
            "For tests and repairs: a record that is not what the node expects keeps it from working. The
daemon must not be running.",
        )
        .status(Status::Experimental)
        .client_only()
        .no_text();
    const ARGS: &'static [Arg] = &[
        Arg::required("key", "The key, such as /test/mykey."),
        Arg::required("value", "The value, as text."),
    ];

    async fn run(mut call: Call<NoOptions>, _: Output<()>) -> Result<()> {
        let node = own_node(&call).await?;
        let key = call.next_arg().await?.unwrap_or_default();
        let value = call.next_arg().await?.unwrap_or_default();
        let mut batch = Batch::default();
        batch.put(record(&key), value);
        let written = node.records().write(batch).await;
        written.map_err(|e| Error::new(format!("failed to put key: {e}")))
    }
}
