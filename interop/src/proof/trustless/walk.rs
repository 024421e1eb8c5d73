//! What a client needs of a DAG, found out from the blocks that it was sent and nothing else.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, bail, ensure};
use basalt_block::{Block, Cid, codec};
use basalt_car::{Decoder, Event};
use basalt_ipld::Value;
use basalt_ipld::dag_pb::Node;
use basalt_unixfs::{Data, Found, Kind, Names};
use bytes::Bytes;

/// How much of what a path leads to is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    Entity,
    Block,
}

/// A CAR, each block of which was hashed.
pub(super) struct Car {
    pub(super) roots: Vec<Cid>,
    /// In the order in which they came.
    pub(super) order: Vec<Cid>,
    blocks: HashMap<Cid, Block>,
}

impl Car {
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let mut decoder = Decoder::default();
        decoder.feed(Bytes::copy_from_slice(bytes));
        let mut car = Self {
            roots: Vec::new(),
            order: Vec::new(),
            blocks: HashMap::new(),
        };
        while let Some(event) = decoder.next()? {
            match event {
                Event::Header(header) => car.roots.extend(header.roots()),
                Event::Section(section) => {
                    let block = section.verify()?;
                    car.order.push(*block.cid());
                    car.blocks.insert(*block.cid(), block);
                }
            }
        }
        decoder.finish()?;
        Ok(car)
    }
}

/// A walk over what was sent.
pub(super) struct Walk<'a> {
    car: &'a Car,
    /// What is needed, in depth-first order, as often as it is met.
    pub(super) needed: Vec<Cid>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(car: &'a Car) -> Self {
        Self {
            car,
            needed: Vec::new(),
        }
    }

    fn block(&mut self, cid: &Cid) -> Result<Block> {
        if let Some(block) = Block::from_identity(cid) {
            return Ok(block);
        }
        let block = self.car.blocks.get(cid);
        let block = block.with_context(|| format!("{cid} is needed and was not sent"))?;
        self.needed.push(*cid);
        Ok(block.clone())
    }

    /// Follows a path; `None` where it is proven that there is nothing.
    pub(super) fn path(&mut self, root: &Cid, path: &[&str]) -> Result<Option<Cid>> {
        let mut cid = *root;
        // The value inside a document that the path has come to.
        let mut inside: Option<Value> = None;
        for name in path {
            if cid.codec() != codec::DAG_PB {
                let value = match inside.take() {
                    Some(value) => value,
                    None => basalt_ipld::decode_block(cid.codec(), self.block(&cid)?.data())?,
                };
                match value.child(name.as_bytes()) {
                    Ok(Value::Link(link)) => cid = **link,
                    Ok(child) => inside = Some(child.clone()),
                    Err(_) => return Ok(None),
                }
                continue;
            }
            let block = self.block(&cid)?;
            let (mut names, mut bits) = (Names::read(&block)?, 0);
            cid = loop {
                match names.find(name.as_bytes(), bits)? {
                    Found::Entry(entry) => break entry.cid,
                    Found::Nothing => return Ok(None),
                    Found::Shard(shard, used) => {
                        names = Names::read(&self.block(&shard)?)?;
                        bits = used;
                    }
                }
            };
        }
        Ok(Some(cid))
    }

    /// Goes over what is wanted of what a path led to.
    pub(super) fn scope(
        &mut self,
        cid: &Cid,
        scope: Scope,
        range: Option<(i64, Option<i64>)>,
    ) -> Result<()> {
        let block = self.block(cid)?;
        match scope {
            Scope::Block => Ok(()),
            Scope::All => self.all_below(&block),
            Scope::Entity => self.entity(&block, range),
        }
    }

    fn all_below(&mut self, block: &Block) -> Result<()> {
        for cid in basalt_ipld::links(block.cid().codec(), block.data())? {
            let below = self.block(&cid)?;
            self.all_below(&below)?;
        }
        Ok(())
    }

    fn entity(&mut self, block: &Block, range: Option<(i64, Option<i64>)>) -> Result<()> {
        let Some((node, data)) = unixfs(block)? else {
            return Ok(());
        };
        match data.kind {
            Kind::HamtShard => self.shards(&node, &data),
            Kind::File => {
                let size = i64::try_from(data.size())?;
                let (from, to) = range.unwrap_or((0, None));
                let from = if from < 0 { (size + from).max(0) } else { from };
                let to = match to {
                    None => size - 1,
                    Some(to) if to < 0 => size - 1 + to,
                    Some(to) => to.min(size - 1),
                };
                if from > to {
                    return Ok(());
                }
                self.parts(&node, &data, u64::try_from(from)?, u64::try_from(to)?)
            }
            _ => Ok(()),
        }
    }

    fn shards(&mut self, node: &Node, data: &Data) -> Result<()> {
        let digits = format!("{:X}", data.fanout.unwrap_or(256) - 1).len();
        for link in node.links.iter().filter(|link| link.name().len() == digits) {
            let block = self.block(&link.cid)?;
            let (node, data) = unixfs(&block)?.context("a shard is no UnixFS")?;
            self.shards(&node, &data)?;
        }
        Ok(())
    }

    fn parts(&mut self, node: &Node, data: &Data, first: u64, last: u64) -> Result<()> {
        let mut at = data.data.as_ref().map_or(0, |own| own.len() as u64);
        for (link, size) in node.links.iter().zip(&data.block_sizes) {
            let end = at + size;
            if first < end && last >= at {
                let block = self.block(&link.cid)?;
                if let Some((node, data)) = unixfs(&block)? {
                    self.parts(
                        &node,
                        &data,
                        first.saturating_sub(at),
                        last.min(end - 1) - at,
                    )?;
                }
            }
            at = end;
        }
        Ok(())
    }

    /// Whether what came is what is needed: nothing less, nothing more, and in this order.
    pub(super) fn compare(self, duplicates: bool) -> Result<()> {
        let mut met = HashSet::new();
        let needed = self.needed.into_iter();
        let needed: Vec<Cid> = match duplicates {
            true => needed.collect(),
            false => needed.filter(|cid| met.insert(*cid.hash())).collect(),
        };
        if self.car.order == needed {
            return Ok(());
        }
        let same: HashSet<_> = needed.iter().collect();
        let came: HashSet<_> = self.car.order.iter().collect();
        if let Some(extra) = came.difference(&same).next() {
            bail!("{extra} was sent and is not needed");
        }
        ensure!(
            self.car.order.len() == needed.len(),
            "{} blocks came where {} are needed",
            self.car.order.len(),
            needed.len()
        );
        bail!("the blocks are not in depth-first order")
    }

    /// The bytes of a file, as far as they were sent.
    pub(super) fn bytes(&mut self, cid: &Cid, out: &mut Vec<u8>) -> Result<()> {
        let block = self.block(cid)?;
        match unixfs(&block)? {
            None => out.extend_from_slice(block.data()),
            Some((node, data)) => {
                out.extend_from_slice(data.data.as_deref().unwrap_or_default());
                for link in &node.links {
                    self.bytes(&link.cid, out)?;
                }
            }
        }
        Ok(())
    }
}

fn unixfs(block: &Block) -> Result<Option<(Node, Data)>> {
    if block.cid().codec() != codec::DAG_PB {
        return Ok(None);
    }
    let node = Node::decode(block.data())?;
    let data = Data::decode(node.data.as_ref().unwrap_or(&Bytes::new()))?;
    Ok(Some((node, data)))
}
