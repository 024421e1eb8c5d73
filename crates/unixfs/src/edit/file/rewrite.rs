//! Changing what is there: the leaves that are met, and the nodes on the way to them.

use basalt_block::codec;
use bytes::{Buf, Bytes, BytesMut};
use futures::{FutureExt, future::BoxFuture};

use super::{
    append::{MAX_DEPTH, touch},
    node::{Node, Part},
};
use crate::{BlockSource, CidFormat, Error, Result, sink::Outbox};

/// Overwrites the file from `offset` on, as far as it goes; what remains in `bytes` lies behind.
pub(super) async fn write(
    source: &dyn BlockSource,
    root: &mut Part,
    offset: u64,
    bytes: &mut Bytes,
    out: &mut Outbox,
) -> Result<()> {
    write_below(source, root, offset, bytes, out, 0).await
}

fn write_below<'a>(
    source: &'a dyn BlockSource,
    part: &'a mut Part,
    mut offset: u64,
    bytes: &'a mut Bytes,
    out: &'a mut Outbox,
    level: usize,
) -> BoxFuture<'a, Result<()>> {
    async move {
        let node = match part {
            Part::Raw(block) => {
                let data = overwrite(block.data(), offset, bytes);
                *block = CidFormat::of(block.cid()).block(codec::RAW, data)?;
                return Ok(());
            }
            Part::Node(node) => node,
        };
        if node.links.is_empty() {
            if let Some(data) = &mut node.data.data {
                *data = overwrite(data, offset, bytes);
            }
            touch(node);
            return Ok(());
        }
        let mut begin = 0;
        for at in 0..node.links.len() {
            let size = node.data.block_sizes[at];
            let end = begin + size;
            if end > offset {
                let cid = &mut node.links[at].cid;
                if level >= MAX_DEPTH {
                    return Err(Error::TooDeep(Box::new(*cid)));
                }
                let mut child = Part::load(source, cid, size).await?;
                let at = offset - begin;
                write_below(source, &mut child, at, bytes, out, level + 1).await?;
                // `Tsize` stays, as in Kubo.
                *cid = child.close(out)?.cid;
                if bytes.is_empty() {
                    break;
                }
                offset = end;
            }
            begin = end;
        }
        Ok(())
    }
    .boxed()
}

fn overwrite(data: &Bytes, offset: u64, bytes: &mut Bytes) -> Bytes {
    let from = usize::try_from(offset)
        .unwrap_or(usize::MAX)
        .min(data.len());
    let len = bytes.len().min(data.len() - from);
    let mut new = BytesMut::from(&data[..]);
    new[from..from + len].copy_from_slice(&bytes[..len]);
    bytes.advance(len);
    new.freeze()
}

/// The file cut to fewer bytes than it has. At the place of the cut is a leaf, if an empty one.
pub(super) async fn truncate(
    source: &dyn BlockSource,
    root: &Part,
    size: u64,
    out: &mut Outbox,
) -> Result<Part> {
    truncate_below(source, root, size, out, 0).await
}

fn truncate_below<'a>(
    source: &'a dyn BlockSource,
    part: &'a Part,
    size: u64,
    out: &'a mut Outbox,
    level: usize,
) -> BoxFuture<'a, Result<Part>> {
    async move {
        let cut = |data: &Bytes| data.slice(..(size as usize).min(data.len()));
        let node = match part {
            Part::Raw(block) => {
                let block = CidFormat::of(block.cid()).block(codec::RAW, cut(block.data()))?;
                return Ok(Part::Raw(block));
            }
            Part::Node(node) => node,
        };
        if node.links.is_empty() {
            let mut leaf = node.clone();
            leaf.data.data = leaf.data.data.as_ref().map(cut);
            leaf.data.file_size = Some(size);
            // Kubo forgets how the leaf was named.
            leaf.cids = CidFormat::default();
            touch(&mut leaf);
            return Ok(Part::Node(leaf));
        }
        let mut cut = Node {
            links: Vec::new(),
            ..node.clone()
        };
        cut.data.block_sizes.clear();
        let mut begin = 0;
        for (link, len) in node.links.iter().zip(&node.data.block_sizes) {
            if size >= begin + len {
                begin += len;
                cut.links.push(link.clone());
                cut.data.block_sizes.push(*len);
                continue;
            }
            if level >= MAX_DEPTH {
                return Err(Error::TooDeep(Box::new(link.cid)));
            }
            let child = Part::load(source, &link.cid, *len).await?;
            let child = truncate_below(source, &child, size - begin, out, level + 1).await?;
            cut.data.file_size = Some(begin);
            let child = child.close(out)?;
            cut.push(child)?;
            break;
        }
        Ok(Part::Node(cut))
    }
    .boxed()
}
