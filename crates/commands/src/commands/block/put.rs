use std::io::Write;

use async_trait::async_trait;
use basalt::block::{Block, Hasher, MAX_BLOCK_SIZE, codec, hash_code, hash_codes};
use basalt::{Node, TOO_BIG};
use bytes::Bytes;

use super::KeyAndSize;
use crate::commands::cid::names::codec_of;
use crate::commands::support::{CidText, Keep, incoming, new_block, store};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

/// Even those who insist get no larger block than this, in bytes: it is held in memory.
const MOST: usize = 256 << 20;

crate::options! {
    /// Options of `block put`.
    pub(crate) struct Options {
        /// The codec of the CIDs that are answered
        cid_codec: String = ["cid-codec"] default "raw",
        /// The hash function
        hash: Option<String> = ["mhtype"],
        /// The length of the digest in bytes; -1 is the whole
        digest_len: i32 = ["mhlen"] default "-1",
        /// Pin the blocks recursively
        pin: bool = ["pin"] default "false",
        /// Allow blocks over 2MiB; other nodes will not take them
        allow_big_block: bool = ["allow-big-block"] default "false",
        /// Deprecated: v0, protobuf, cbor or another codec; use --cid-codec
        format: Option<String> = ["format", "f"],
    }
}

/// `ipfs block put`.
pub(crate) struct Put;

struct Shape {
    version: u64,
    codec: u64,
    hasher: Hasher,
}

#[async_trait]
impl Command for Put {
    type Options = Options;
    type Event = KeyAndSize;
    type State = ();

    const PATH: &'static str = "block/put";
    const ABOUT: About = About::new("Store files as blocks.").text(
        "Stores each file, or standard input, as one block and writes its CID. The bytes are not
changed or checked, whatever the codec.

Example:

  > printf hello | ipfs block put
  bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq",
    );
    const ARGS: &'static [Arg] = &[Arg::file("data", "What to store.").variadic().stdin()];

    async fn run(mut call: Call<Options>, out: Output<KeyAndSize>) -> Result<()> {
        let cids = CidText::new(&call.meta.globals)?;
        let files = call.take_files()?;
        let node = call.ctx.node().await?.clone();
        let default_hash = node
            .repo()
            .and_then(|r| r.config().import().hash_function.clone());
        let shape = shape(&call.options, default_hash)?;
        let most = if call.options.allow_big_block {
            MOST
        } else {
            MAX_BLOCK_SIZE
        };
        let mut files = incoming(files, most, TOO_BIG);
        loop {
            let batch = files.batch().await?;
            if batch.is_empty() {
                return Ok(());
            }
            for row in put(&node, &shape, call.options.pin, batch, &cids).await? {
                out.emit(row).await?;
            }
        }
    }

    fn text(_: &View<Options>, _: &mut (), row: KeyAndSize, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "{}", row.key)?;
        Ok(())
    }
}

async fn put(
    node: &Node,
    shape: &Shape,
    pin: bool,
    batch: Vec<Bytes>,
    cids: &CidText,
) -> Result<Vec<KeyAndSize>> {
    // What is too big was not even read.
    let block = |data| new_block(shape.version, shape.codec, shape.hasher, data, true);
    let blocks = batch.into_iter().map(block).collect::<Result<Vec<_>>>()?;
    let row = |b: &Block| KeyAndSize {
        key: cids.write(b.cid()),
        size: b.data().len() as u64,
    };
    let rows = blocks.iter().map(row).collect();
    let keep = if pin {
        Keep::PinnedWhole
    } else {
        Keep::UntilCollected
    };
    store(node, blocks, keep).await?;
    Ok(rows)
}

fn shape(options: &Options, default_hash: Option<String>) -> Result<Shape> {
    let named = options
        .hash
        .clone()
        .filter(|h| !h.is_empty())
        .or(default_hash);
    let name = named.as_deref().unwrap_or("sha2-256");
    let code = hash_code(name).filter(|_| !name.bytes().any(|b| b.is_ascii_uppercase()));
    let code =
        code.ok_or_else(|| Error::new(format!("unrecognized multihash function: {name}")))?;
    let len = usize::try_from(options.digest_len).ok();
    let hasher = Hasher { code, len };
    let Some(format) = options.format.as_deref().filter(|f| !f.is_empty()) else {
        let codec = match options.cid_codec.as_str() {
            "" => codec::RAW,
            name => codec_of(name).map_err(Error::new)?,
        };
        return Ok(Shape {
            version: 1,
            codec,
            hasher,
        });
    };
    if !["", "raw"].contains(&options.cid_codec.as_str()) {
        return Err(Error::new(
            "unable to use \"format\" (deprecated) and a custom \"cid-codec\" at the same time",
        ));
    }
    match format {
        "v0" if code != hash_codes::SHA2_256 || !matches!(len, None | Some(32)) => {
            Err(Error::new("only sha2-255-32 is allowed with CIDv0"))
        }
        "v0" => Ok(Shape {
            version: 0,
            codec: codec::DAG_PB,
            hasher,
        }),
        "protobuf" => Ok(Shape {
            version: 1,
            codec: codec::DAG_PB,
            hasher,
        }),
        "cbor" => Ok(Shape {
            version: 1,
            codec: codec::DAG_CBOR,
            hasher,
        }),
        other => Ok(Shape {
            version: 1,
            codec: codec_of(other).map_err(Error::new)?,
            hasher,
        }),
    }
}
