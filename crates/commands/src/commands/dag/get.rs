use async_trait::async_trait;
use basalt::ipld::{self, Value};
use bytes::Bytes;

use super::{codec_named, codec_text};
use crate::commands::support::resolve;
use crate::{About, Arg, Call, Command, Error, Output, Result};

crate::options! {
    /// Options of `dag get`.
    pub(crate) struct Options {
        /// The codec to write the node in
        output_codec: String = ["output-codec"] default "dag-json",
    }
}

/// `ipfs dag get`.
pub(crate) struct Get;

#[async_trait]
impl Command for Get {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "dag/get";
    const ABOUT: About = About::new("Write an IPLD node.")
        .text(
            "Writes the node that a path leads to, or what the path leads to inside of it. By default
that is DAG-JSON; --output-codec takes dag-cbor, dag-pb, cbor, json and raw too.

Example:

  > ipfs dag get <cid>/name",
        )
        .no_text();
    const ARGS: &'static [Arg] = &[Arg::required("ref", "The path of the node.").stdin()];

    async fn run(mut call: Call<Options>, out: Output<()>) -> Result<()> {
        let codec = codec_named(&call.options.output_codec)?;
        let path = call.next_arg().await?.unwrap_or_default();
        let found = resolve(&call, &path).await?;
        let node = call.ctx.node().await?;
        let blocks = node.blocks();
        let blocks = if call.meta.globals.offline {
            blocks.offline()
        } else {
            blocks.clone()
        };
        let block = blocks.get(&found.cid).await.map_err(basalt::Error::from)?;
        let written = tokio::task::spawn_blocking(move || {
            let value = ipld::decode_block(block.cid().codec(), block.data())?;
            write(codec, value.descend(&found.rest)?)
        });
        let written = written.await.map_err(|e| Error::new(e.to_string()))?;
        match written.map_err(|e| (e.to_string(), e)) {
            Ok(bytes) => out.bytes(bytes.into()).await,
            Err((_, ipld::Error::NoEncoder(code))) => Err(Error::new(format!(
                "invalid encoding: {} - {}",
                codec_text(code),
                ipld::Error::NoEncoder(code)
            ))),
            Err((text, error)) => {
                // The answer has begun when a value turns out not to fit the codec.
                if !matches!(
                    error,
                    ipld::Error::UnknownBlock(_) | ipld::Error::Malformed { .. }
                ) {
                    out.bytes(Bytes::new()).await?;
                }
                Err(Error::new(text))
            }
        }
    }
}

fn write(codec: u64, value: &Value) -> Result<Vec<u8>, ipld::Error> {
    ipld::encode(codec, value)
}
