use std::io::Write;

use async_trait::async_trait;
use basalt::block::{Block, Hasher};
use basalt::{TOO_BIG, ipld};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{codec_named, hash_named, told};
use crate::commands::support::{CidText, Keep, LinkJson, incoming, new_block, store};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

/// A block of 2 MiB may be longer in the codec that it is read from: more than this is refused
/// unless big blocks are allowed, in bytes.
const MOST: usize = 32 << 20;
/// The most that is ever held in memory, in bytes.
const MOST_BIG: usize = 256 << 20;

crate::options! {
    /// Options of `dag put`.
    pub(crate) struct Options {
        /// The codec of the block that is stored
        store_codec: String = ["store-codec"] default "dag-cbor",
        /// The codec of what is read
        input_codec: String = ["input-codec"] default "dag-json",
        /// Pin the node, and with it all that it links to
        pin: bool = ["pin"],
        /// The hash function
        hash: Option<String> = ["hash"],
        /// Allow blocks over 2MiB; other nodes will not take them
        allow_big_block: bool = ["allow-big-block"] default "false",
    }
}

/// `ipfs dag put`.
pub(crate) struct Put;

/// The CID of a node that was put.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutNode {
    cid: LinkJson,
}

#[derive(Clone, Copy)]
struct Shape {
    input: u64,
    store: u64,
    hash: u64,
    allow_big: bool,
}

#[async_trait]
impl Command for Put {
    type Options = Options;
    type Event = PutNode;
    type State = ();

    const PATH: &'static str = "dag/put";
    const ABOUT: About = About::new("Store IPLD nodes.").text(
        "Reads each file, or standard input, as a node in one codec, stores it as a block in another
and writes the block's CID. By default DAG-JSON becomes DAG-CBOR.

Example:

  > echo '{\"name\":\"x\",\"file\":{\"/\":\"<cid>\"}}' | ipfs dag put",
    );
    const ARGS: &'static [Arg] = &[Arg::file("object data", "The nodes.").variadic().stdin()];

    async fn run(mut call: Call<Options>, out: Output<PutNode>) -> Result<()> {
        let files = call.take_files()?;
        let node = call.ctx.node().await?.clone();
        let default_hash = node
            .repo()
            .and_then(|r| r.config().import().hash_function.clone());
        let shape = shape(&call.options, default_hash)?;
        let most = if shape.allow_big { MOST_BIG } else { MOST };
        let keep = if call.options.pin {
            Keep::Pinned
        } else {
            Keep::UntilCollected
        };
        let mut files = incoming(files, most, TOO_BIG);
        loop {
            let batch = files.batch().await?;
            if batch.is_empty() {
                return Ok(());
            }
            let made = tokio::task::spawn_blocking(move || make(shape, batch));
            let (blocks, failed) = made.await.map_err(|e| Error::new(e.to_string()))?;
            // What was good before the first bad one is kept and told.
            let cids: Vec<_> = blocks.iter().map(|b| LinkJson::new(b.cid())).collect();
            store(&node, blocks, keep).await?;
            for cid in cids {
                out.emit(PutNode { cid }).await?;
            }
            failed?;
        }
    }

    fn text(view: &View<Options>, _: &mut (), put: PutNode, w: &mut dyn Write) -> Result<()> {
        let cids = CidText::new(&view.meta.globals)?;
        let (cid, _) = basalt::block::parse_cid(&put.cid.cid).map_err(Error::new)?;
        writeln!(w, "{}", cids.write(&cid))?;
        Ok(())
    }
}

fn shape(options: &Options, default_hash: Option<String>) -> Result<Shape> {
    let named = options
        .hash
        .clone()
        .filter(|h| !h.is_empty())
        .or(default_hash);
    let name = named.as_deref().unwrap_or("sha2-256");
    let input = codec_named(&options.input_codec)?;
    let store = codec_named(&options.store_codec)?;
    let hash = match hash_named(name) {
        Some(code) => code,
        None => codec_named(name)?,
    };
    if !ipld::codec::is_decodable(input) {
        return Err(Error::new(ipld::Error::NoDecoder(input).to_string()));
    }
    if !ipld::codec::is_encodable(store) {
        return Err(Error::new(ipld::Error::NoEncoder(store).to_string()));
    }
    Ok(Shape {
        input,
        store,
        hash,
        allow_big: options.allow_big_block,
    })
}

/// The blocks of the nodes up to the first that is refused.
fn make(shape: Shape, batch: Vec<Bytes>) -> (Vec<Block>, Result<()>) {
    let mut blocks = Vec::with_capacity(batch.len());
    for data in batch {
        match block(shape, &data) {
            Ok(block) => blocks.push(block),
            Err(error) => return (blocks, Err(error)),
        }
    }
    (blocks, Ok(()))
}

fn block(shape: Shape, data: &[u8]) -> Result<Block> {
    let value = ipld::decode(shape.input, data).map_err(told)?;
    let bytes = ipld::encode(shape.store, &value).map_err(told)?;
    drop(value);
    let hasher = Hasher::new(shape.hash);
    new_block(1, shape.store, hasher, bytes.into(), shape.allow_big)
}
