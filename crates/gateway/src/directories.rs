//! Directories that were looked into: where their names stand, so that a path through a large one does
//! not read all of it again.
//!
//! What a CID means never changes, so nothing here grows old. That a block is still in the store is asked
//! for every time: what was removed is gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use basalt_block::{Block, Cid, codec};
use basalt_unixfs::{Found, Names};

use crate::backend::Backend;
use crate::error::Error;

/// What all of them may take, in bytes.
const ROOM: usize = 16 << 20;
/// Smaller blocks are read again as fast as they are found here.
const LEAST: usize = 2 << 10;
/// One that takes more than this is not kept.
const MOST: usize = ROOM / 4;
/// No honest path leads through more shards of one directory.
const MAX_SHARDS: usize = 32;

/// The directories of a gateway. Clones are cheap and share everything.
#[derive(Clone, Default)]
pub(crate) struct Directories(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    names: HashMap<Cid, Used>,
    size: usize,
    clock: u64,
}

struct Used {
    names: Arc<Names>,
    size: usize,
    last: u64,
}

impl Directories {
    fn get(&self, cid: &Cid) -> Option<Arc<Names>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let now = kept.clock;
        let used = kept.names.get_mut(cid)?;
        used.last = now;
        Some(used.names.clone())
    }

    fn keep(&self, cid: &Cid, names: &Arc<Names>) {
        let size = names.size() + size_of::<(Cid, Used)>();
        if size > MOST {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while kept.size + size > ROOM {
            // There are a few thousand at most.
            let oldest = kept.names.iter().min_by_key(|(_, used)| used.last);
            let Some(oldest) = oldest.map(|(cid, _)| *cid) else {
                break;
            };
            kept.forget(&oldest);
        }
        kept.forget(cid);
        kept.clock += 1;
        kept.size += size;
        let used = Used {
            names: names.clone(),
            size,
            last: kept.clock,
        };
        kept.names.insert(*cid, used);
    }

    fn forget(&self, cid: &Cid) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.forget(cid);
    }
}

impl Kept {
    fn forget(&mut self, cid: &Cid) {
        if let Some(used) = self.names.remove(cid) {
            self.size -= used.size;
        }
    }
}

/// What a block of dag-pb is found to be.
pub(crate) enum Opened {
    Names(Arc<Names>),
    /// It is better read as it is, or cannot be read.
    Block(Block),
}

/// The names in a block, which is not read where they are known.
pub(crate) async fn open(backend: &Backend, cid: &Cid) -> Result<Opened, Error> {
    let directories = &backend.directories;
    if let Some(names) = directories.get(cid) {
        backend.denied.check_cid(cid)?;
        let known = backend.blocks.stat_local(std::slice::from_ref(cid)).await;
        if known.is_ok_and(|known| known.iter().any(Option::is_some)) {
            return Ok(Opened::Names(names));
        }
        directories.forget(cid);
    }
    let block = backend.block(cid).await?;
    if block.data().len() < LEAST || cid.codec() != codec::DAG_PB {
        return Ok(Opened::Block(block));
    }
    match Names::read(&block) {
        Ok(names) => {
            let names = Arc::new(names);
            directories.keep(cid, &names);
            Ok(Opened::Names(names))
        }
        Err(_) => Ok(Opened::Block(block)),
    }
}

/// Follows a name from a block to what it means; `None` if there is no such name.
pub(crate) async fn find(
    backend: &Backend,
    names: Arc<Names>,
    name: &[u8],
) -> Result<Option<Cid>, Error> {
    let (mut names, mut bits) = (names, 0);
    for _ in 0..MAX_SHARDS {
        match names.find(name, bits)? {
            Found::Entry(entry) => return Ok(Some(entry.cid)),
            Found::Nothing => return Ok(None),
            Found::Shard(cid, used) => {
                bits = used;
                names = match open(backend, &cid).await? {
                    Opened::Names(names) => names,
                    Opened::Block(block) => Arc::new(Names::read(&block)?),
                };
            }
        }
    }
    Err(Error::Other("the directory is too deep".to_owned()))
}

#[cfg(test)]
mod tests {
    use basalt_block::Hasher;
    use basalt_ipld::dag_pb::{Link, Node};

    use super::*;

    fn names(seed: u32, count: u32) -> (Cid, Arc<Names>) {
        let links = (0..count).map(|number| {
            let name = format!("{number:0600} {seed}");
            Link::new(Cid::default(), name.into_bytes(), 1)
        });
        let node = Node {
            links: links.collect(),
            data: None,
        };
        let bytes = node.encode().into();
        let block = Block::hash(1, codec::DAG_PB, Hasher::SHA2_256, bytes).unwrap();
        (*block.cid(), Arc::new(Names::read(&block).unwrap()))
    }

    #[test]
    fn the_room_is_never_exceeded_and_what_is_used_stays() {
        let directories = Directories::default();
        let (first, kept) = names(0, 1000);
        directories.keep(&first, &kept);
        for seed in 1..20 {
            let (cid, names) = names(seed, 2000);
            directories.keep(&cid, &names);
            assert!(directories.get(&first).is_some(), "{seed}");
            assert!(directories.get(&cid).is_some(), "{seed}");
            let kept = directories.0.lock().unwrap();
            assert!(kept.size <= ROOM);
            assert_eq!(kept.size, kept.names.values().map(|used| used.size).sum());
        }
        directories.forget(&first);
        assert!(directories.get(&first).is_none());
        let (huge, names) = names(1, 8000);
        directories.keep(&huge, &names);
        assert!(directories.get(&huge).is_none());
    }
}
