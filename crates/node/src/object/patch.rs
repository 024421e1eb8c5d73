//! Links added to nodes and removed from them.

use basalt_block::{Block, Cid, Hasher, MAX_BLOCK_SIZE, Version, codec};
use basalt_exchange::BlockService;
use basalt_ipld::dag_pb::{self, Link};
use basalt_unixfs::{Data, Kind};

use super::{load, node_of};
use crate::{Error, Node, Result};

/// An empty directory.
const EMPTY_DIRECTORY: &[u8] = b"\x08\x01";

/// How nodes are changed.
#[derive(Debug, Clone, Copy, Default)]
pub struct PatchOptions {
    /// Nobody is asked for what is missing.
    pub offline: bool,
    /// Nodes are changed that are not plain directories, which may make them unreadable.
    pub any_node: bool,
    /// The result may be over [`MAX_BLOCK_SIZE`], all that it links to included.
    pub allow_big: bool,
}

/// A node on the way down, and how its CID is made.
struct Step {
    node: dag_pb::Node,
    like: Cid,
    name: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Change<'a> {
    Add(&'a Block, bool),
    Remove,
}

impl Node {
    /// Makes a node like `root` that links to `child` under `name`, a path whose parts have slashes
    /// between them; `create` makes the directories on the way. Nothing pins it.
    ///
    /// # Errors
    /// A node on the way is missing or no dag-pb node, or is not to be changed.
    pub async fn add_link(
        &self,
        root: &Cid,
        name: &str,
        child: &Cid,
        create: bool,
        options: PatchOptions,
    ) -> Result<Cid> {
        let blocks = self.blocks_for(options.offline);
        let node = load(&blocks, root).await?;
        let child = load(&blocks, child).await?;
        self.patch(&blocks, &node, name, Change::Add(&child, create), options)
            .await
    }

    /// Makes a node like `root` that has nothing under `name`. Nothing pins it.
    ///
    /// # Errors
    /// As for [`Node::add_link`], or there is no such link.
    pub async fn remove_link(&self, root: &Cid, name: &str, options: PatchOptions) -> Result<Cid> {
        let blocks = self.blocks_for(options.offline);
        let node = load(&blocks, root).await?;
        self.patch(&blocks, &node, name, Change::Remove, options)
            .await
    }

    async fn patch(
        &self,
        blocks: &BlockService,
        root: &Block,
        name: &str,
        change: Change<'_>,
        options: PatchOptions,
    ) -> Result<Cid> {
        let mut node = node_of(root)?;
        if !options.any_node {
            check(&node, change)?;
        }
        let mut like = *root.cid();
        let (above, last) = name.rsplit_once('/').unwrap_or(("", name));
        let above: Vec<&str> = match name.contains('/') {
            true => above.split('/').collect(),
            false => Vec::new(),
        };
        let mut way = Vec::with_capacity(above.len());
        for name in above {
            let name = name.as_bytes();
            let found = node.link(name).map(|link| link.cid);
            let (below, cid) = match (found, change) {
                (Some(cid), _) => (node_of(&load(blocks, &cid).await?)?, cid),
                (None, Change::Add(_, true)) => empty_directory()?,
                (None, _) => return Err(Error::NoSuchLink),
            };
            way.push(Step {
                node: std::mem::replace(&mut node, below),
                like: std::mem::replace(&mut like, cid),
                name: name.to_vec(),
            });
        }
        let count = node.links.len();
        if let Change::Add(..) = change
            && last.is_empty()
        {
            return Err(Error::NamelessLink);
        }
        node.links.retain(|link| link.name() != last.as_bytes());
        match change {
            Change::Add(child, _) => {
                let size = size_of(child)?;
                let name = last.as_bytes().to_vec();
                node.links.push(Link::new(*child.cid(), name, size));
            }
            Change::Remove if node.links.len() == count => return Err(Error::NoSuchLink),
            Change::Remove => {}
        }
        let mut made = vec![block_of(&node, &like)?];
        while let Some(Step {
            mut node,
            like,
            name,
        }) = way.pop()
        {
            let below = &made[made.len() - 1];
            let link = Link::new(*below.cid(), name.clone(), size_of(below)?);
            node.links.retain(|link| link.name() != name);
            node.links.push(link);
            made.push(block_of(&node, &like)?);
        }
        let root = made[made.len() - 1].clone();
        let _lease = blocks.lease();
        blocks.put_many(made).await?;
        blocks.store().sync().await?;
        // As in Kubo, where all that is under the node counts.
        if size_of(&root)? > MAX_BLOCK_SIZE as u64 && !options.allow_big {
            return Err(Error::TooBig);
        }
        Ok(*root.cid())
    }
}

/// Refuses what is not a plain directory: its data would no longer fit its links.
fn check(node: &dag_pb::Node, change: Change<'_>) -> Result<()> {
    let (adds, named) = match change {
        Change::Add(..) => (true, "cannot add named links to"),
        Change::Remove => (false, "cannot remove links from"),
    };
    let data = Data::decode(&node.data.clone().unwrap_or_default());
    let Ok(data) = data else {
        return Err(Error::Unpatchable(format!(
            "{named} a non-UnixFS dag-pb node; pass --allow-non-unixfs to skip validation"
        )));
    };
    let kind = match data.kind {
        Kind::Directory => return Ok(()),
        Kind::HamtShard if adds => {
            return Err(Error::Unpatchable(
                "cannot add links to a HAMTShard at the dag-pb level (would corrupt the HAMT bitfield); use 'ipfs files' commands instead, or pass --allow-non-unixfs to override".to_owned(),
            ));
        }
        Kind::HamtShard => {
            return Err(Error::Unpatchable(
                "cannot remove links from a HAMTShard at the dag-pb level (would corrupt the HAMT bitfield); use 'ipfs files rm' instead, or pass --allow-non-unixfs to override".to_owned(),
            ));
        }
        Kind::Raw => "Raw",
        Kind::File => "File",
        Kind::Metadata => "Metadata",
        Kind::Symlink => "Symlink",
    };
    let done = if adds { "addition" } else { "removal" };
    Err(Error::Unpatchable(format!(
        "{named} a UnixFS {kind} node, only Directory nodes support link {done} at the dag-pb level (see https://specs.ipfs.tech/unixfs/)"
    )))
}

fn empty_directory() -> Result<(dag_pb::Node, Cid)> {
    let node = dag_pb::Node {
        data: Some(EMPTY_DIRECTORY.into()),
        ..dag_pb::Node::default()
    };
    let block = Block::hash(0, codec::DAG_PB, Hasher::SHA2_256, node.encode().into())
        .map_err(basalt_exchange::Error::from)?;
    Ok((node, *block.cid()))
}

/// The node as a block whose CID is made as that of another is.
fn block_of(node: &dag_pb::Node, like: &Cid) -> Result<Block> {
    let hasher = Hasher {
        code: like.hash().code(),
        len: Some(like.hash().digest().len()),
    };
    let version = u64::from(like.version() == Version::V1);
    let mut node = node.clone();
    // What a link did not say is said when the node is written again, as Kubo does.
    for link in &mut node.links {
        link.name.get_or_insert_default();
        link.tsize.get_or_insert_default();
    }
    let block = Block::hash(version, codec::DAG_PB, hasher, node.encode().into());
    Ok(block.map_err(basalt_exchange::Error::from)?)
}

/// What a link to the block says of its size.
fn size_of(block: &Block) -> Result<u64> {
    let own = block.data().len() as u64;
    if block.cid().codec() != codec::DAG_PB {
        return Ok(own);
    }
    let links = node_of(block)?.links;
    Ok(links
        .iter()
        .fold(own, |size, link| size.wrapping_add(link.tsize())))
}
