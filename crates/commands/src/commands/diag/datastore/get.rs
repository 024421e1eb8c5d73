use std::io::Write;

use async_trait::async_trait;
use basalt::block::{Base, multibase_text};
use serde::{Deserialize, Serialize};

use super::{own_node, record};
use crate::commands::support::hex_dump;
use crate::{About, Arg, Call, Command, Error, Output, Result, Status, View};

crate::options! {
    /// Options of `diag datastore get`.
    pub(crate) struct Options {
        /// Write the value as a table of its bytes
        hex: bool = ["hex"],
    }
}

/// `ipfs diag datastore get`.
pub(crate) struct Get;

/// A record.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    key: String,
    /// In base64.
    value: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    hex_dump: String,
    #[serde(skip)]
    bytes: Vec<u8>,
}

#[async_trait]
impl Command for Get {
    type Options = Options;
    type Event = Record;
    type State = ();

    const PATH: &'static str = "diag/datastore/get";
    const ABOUT: About = About::new("Read a record of the datastore.")
        .text("Writes the value of a record, as it is or with --hex as a table. The daemon must not be running.")
        .status(Status::Experimental)
        .client_only();
    const ARGS: &'static [Arg] = &[Arg::required("key", "The key, such as /local/filesroot.")];

    async fn run(mut call: Call<Options>, out: Output<Record>) -> Result<()> {
        let node = own_node(&call).await?;
        let key = call.next_arg().await?.unwrap_or_default();
        let value = node.records().get(record(&key).as_bytes()).await;
        let value = value.map_err(|e| Error::new(format!("failed to read key: {e}")))?;
        let bytes = value.ok_or_else(|| Error::new(format!("key not found: {key}")))?;
        let hex_dump = match call.options.hex {
            true => hex_dump(&bytes),
            false => String::new(),
        };
        // Behind the letter that says the base.
        let value = multibase_text(Base::Base64Pad, &bytes).split_off(1);
        out.once(Record {
            key,
            value,
            hex_dump,
            bytes: bytes.to_vec(),
        })
        .await
    }

    fn text(_: &View<Options>, _: &mut (), record: Record, w: &mut dyn Write) -> Result<()> {
        if record.hex_dump.is_empty() {
            w.write_all(&record.bytes)?;
        } else {
            write!(w, "Key: {}\nHex Dump:\n{}", record.key, record.hex_dump)?;
        }
        Ok(())
    }
}
