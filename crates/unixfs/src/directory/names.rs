//! A directory's block that names are looked up in many times.

use basalt_block::{Block, Cid};
use basalt_ipld::dag_pb::{Field, fields};
use bytes::Bytes;

use super::Entry;
use super::hamt::{Shard, Slot};
use crate::{Data, Error, Kind, Result, murmur3};

/// The names in one block of a directory, so arranged that one is found without reading all of them.
pub struct Names(Kinds);

enum Kinds {
    /// Where the link of each name begins, by the hash of the name.
    Plain {
        block: Block,
        order: Box<[(u32, u32)]>,
    },
    Shard(Shard),
    /// A file or a symlink: nothing is below it.
    Nothing,
}

/// What a name leads to in one block of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// An entry of that name.
    Entry(Entry),
    /// This shard knows, of which so many bits of the name's hash tell the place.
    Shard(Cid, u32),
    /// There is no such name.
    Nothing,
}

impl Names {
    /// Reads a dag-pb block: a directory, a shard of one, or a node that is no UnixFS, whose links
    /// have names all the same.
    pub fn read(block: &Block) -> Result<Self> {
        let bytes = block.data();
        let malformed = |e: basalt_ipld::Error| Error::malformed(block.cid(), e);
        let mut order = Vec::new();
        let mut data = None;
        let mut all = fields(bytes);
        loop {
            let at = all.offset();
            let Some(field) = all.next() else { break };
            match field.map_err(malformed)? {
                Field::Data(found) => data = Some(bytes.slice_ref(found)),
                Field::Link(link) => {
                    let at =
                        u32::try_from(at).map_err(|_| Error::TooDeep(Box::new(*block.cid())))?;
                    order.push((short(link.name.unwrap_or_default()), at));
                }
            }
        }
        let data = data.and_then(|bytes: Bytes| Data::decode(&bytes).ok());
        Ok(Self(match data.map(|data| data.kind) {
            Some(Kind::HamtShard) => Kinds::Shard(Shard::decode(block)?),
            Some(Kind::Directory) | None => {
                order.sort_unstable();
                Kinds::Plain {
                    block: block.clone(),
                    order: order.into(),
                }
            }
            Some(_) => Kinds::Nothing,
        }))
    }

    /// About how many bytes of memory it takes.
    pub fn size(&self) -> usize {
        let own = match &self.0 {
            Kinds::Plain { block, order } => block.data().len() + size_of_val::<[_]>(order),
            Kinds::Shard(shard) => shard.size(),
            Kinds::Nothing => 0,
        };
        own + size_of::<Self>()
    }

    /// Looks a name up, of whose hash so many bits led to this block: 0 at the root.
    pub fn find(&self, name: &[u8], used_bits: u32) -> Result<Found> {
        let (block, order) = match &self.0 {
            Kinds::Plain { block, order } => (block, order),
            Kinds::Shard(shard) => {
                return Ok(match shard.find(murmur3::hash64(name), used_bits)? {
                    Some((Slot::Entry(entry), _)) if entry.name == name => Found::Entry(entry),
                    Some((Slot::Shard(link), used_bits)) => Found::Shard(link.cid, used_bits),
                    _ => Found::Nothing,
                });
            }
            Kinds::Nothing => return Ok(Found::Nothing),
        };
        let key = short(name);
        let from = order.partition_point(|(have, _)| *have < key);
        // Of several links of one name the first counts, and it stands first here too.
        for (_, at) in order[from..].iter().take_while(|(have, _)| *have == key) {
            let link = block
                .data()
                .get(*at as usize..)
                .and_then(|rest| fields(rest).next());
            if let Some(Ok(Field::Link(link))) = link
                && link.name.unwrap_or_default() == name
            {
                return Ok(Found::Entry(Entry {
                    name: Bytes::copy_from_slice(name),
                    cid: link.cid,
                    dag_size: link.tsize.unwrap_or_default(),
                }));
            }
        }
        Ok(Found::Nothing)
    }
}

fn short(name: &[u8]) -> u32 {
    murmur3::hash64(name) as u32
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use basalt_blockstore::MemoryStore;
    use basalt_ipld::dag_pb::{Link, Node};
    use proptest::prelude::*;

    use super::*;
    use crate::{BlockSource, CidFormat, DirectoryBuilder, DirectoryOptions, Stat, resolve_name};

    /// The block of a node that is made by hand.
    fn node(links: Vec<Link>, data: Option<&'static [u8]>) -> Block {
        let data = data.map(Bytes::from_static);
        let bytes = Node { links, data }.encode();
        let hasher = basalt_block::Hasher::SHA2_256;
        Block::hash(1, basalt_block::codec::DAG_PB, hasher, bytes.into()).unwrap()
    }

    fn link(name: &'static str, number: u8) -> Link {
        let data = vec![number].into();
        let hasher = basalt_block::Hasher::SHA2_256;
        let block = Block::hash(1, basalt_block::codec::RAW, hasher, data).unwrap();
        Link {
            cid: *block.cid(),
            name: Some(Bytes::from_static(name.as_bytes())),
            tsize: Some(u64::from(number)),
        }
    }

    #[test]
    fn the_first_of_one_name_counts_and_files_have_no_names() {
        let links = vec![link("a", 1), link("b", 2), link("b", 3)];
        let names = Names::read(&node(links.clone(), None)).unwrap();
        let Found::Entry(found) = names.find(b"b", 0).unwrap() else {
            panic!("b is there");
        };
        assert_eq!((found.cid, found.dag_size), (links[1].cid, 2));
        assert_eq!(names.find(b"c", 0).unwrap(), Found::Nothing);
        // A file: its links have no names, whatever stands there.
        let file = Names::read(&node(links, Some(b"\x08\x02"))).unwrap();
        assert_eq!(file.find(b"a", 0).unwrap(), Found::Nothing);
    }

    async fn find(source: &Arc<MemoryStore>, root: &Cid, name: &[u8]) -> Option<Cid> {
        let (mut cid, mut bits) = (*root, 0);
        loop {
            let block = BlockSource::get(source, &cid).await.unwrap();
            match Names::read(&block).unwrap().find(name, bits).unwrap() {
                Found::Entry(entry) => return Some(entry.cid),
                Found::Shard(next, used) => (cid, bits) = (next, used),
                Found::Nothing => return None,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn finds_what_a_walk_finds(count in 0u32..400, most in prop_oneof![Just(5usize), Just(1000)]) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let store = Arc::new(MemoryStore::default());
                let options = DirectoryOptions {
                    cids: CidFormat::V1,
                    max_links: most,
                    fanout: 8,
                    ..DirectoryOptions::default()
                };
                let mut builder = DirectoryBuilder::new(options, Stat::default()).unwrap();
                for number in 0..count {
                    let cid = link("", number as u8).cid;
                    builder.add(format!("{number}").as_bytes(), &cid, 1).unwrap();
                }
                let root = builder.finish(&store).await.unwrap().cid;
                for number in 0..count + 50 {
                    let name = format!("{number}").into_bytes();
                    let block = BlockSource::get(&store, &root).await.unwrap();
                    let walked = resolve_name(&store, &block, &name).await.ok().map(|e| e.cid);
                    assert_eq!(find(&store, &root, &name).await, walked, "{number}");
                }
            });
        }
    }
}
