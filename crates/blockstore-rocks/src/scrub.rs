//! Reads every block and checks its hash, past whatever is damaged.
//!
//! The index and the two families of bytes are walked side by side in the order of their keys. An
//! iterator that meets damage is broken; the bytes of a broken family are then asked for one by
//! one, as the index names them, and a broken index is entered again behind the damage, with the
//! keys of the bytes naming the blocks in between. A damaged table is told of besides, since it has to
//! be rebuilt; a damaged blob is not, as its block can be deleted.

mod walk;

use std::path::Path;
use std::sync::Arc;

use basalt_block::{Block, Cid, Multihash, codec};
use basalt_blockstore::{Findings, ScrubEvent};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};

use crate::cf::Cf;
use crate::codec::Totals;
use crate::db::{Db, Snap};
use crate::pool::Pool;
use crate::{open, rescue, warm};

/// What the walk met.
enum Step {
    /// Bytes to be checked.
    Check(Multihash, Bytes),
    /// What needs no check.
    Found(ScrubEvent),
}

struct Place {
    snapshot: Arc<Snap>,
    /// The next key is this one or later.
    from: Vec<u8>,
    /// The first key of the next part.
    until: Option<Vec<u8>>,
}

/// Parts of the key space that are walked at the same time. Bytes lie in the order in which they were
/// written, so that almost each block is a read of the disk of its own, and a disk answers several as
/// soon as one. The parts are equal where the blocks are named by SHA2-256.
const PARTS: u8 = 8;

pub(crate) fn run(db: &Arc<Db>, pool: &Pool, totals: Totals) -> Findings {
    let ahead = read_ahead(db.path(), pool, totals);
    let snapshot = Arc::new(db.snapshot());
    let parts = (0..PARTS).map(|part| {
        let place = Place {
            snapshot: snapshot.clone(),
            from: if part == 0 { Vec::new() } else { border(part) },
            until: (part + 1 < PARTS).then(|| border(part + 1)),
        };
        walk_part(place, pool.clone()).boxed()
    });
    // Last of all the rows that are no blocks', and what rows are reached by.
    let (db, reader) = (db.clone(), pool.clone());
    let others = stream::once(async move {
        let look = move || {
            let snapshot = db.snapshot();
            let gaps = [Cf::Own, Cf::Records].map(|cf| rescue::gaps(&snapshot, cf));
            let unopenable = open::unopenable(db.path());
            let gaps = gaps.into_iter().flatten().chain(unopenable);
            gaps.map(ScrubEvent::Damaged).collect()
        };
        let found = reader.run(look).await;
        found.unwrap_or_else(|e| vec![ScrubEvent::Damaged(e.to_string())])
    });
    let events = ahead.chain(stream::select_all(parts)).chain(others);
    events.map(stream::iter).flatten().boxed()
}

/// Reads the files of many small blocks from end to end, where memory has room for all of them: then
/// the blocks are at hand in any order.
fn read_ahead(
    dir: &Path,
    pool: &Pool,
    totals: Totals,
) -> impl Stream<Item = Vec<ScrubEvent>> + Send + 'static {
    /// The part of the free memory that the files may fill.
    const PART_OF_FREE: u64 = 2;
    let fits = totals.is_of_small_blocks() && totals.bytes < warm::free_memory() / PART_OF_FREE;
    let files = if fits {
        warm::blob_files(dir)
    } else {
        Default::default()
    };
    let pool = pool.clone();
    stream::iter(files).then(move |file| {
        let pool = pool.clone();
        async move {
            // That a file is not there any more, or cannot be read, the walk will tell.
            let _ = pool
                .run(move || warm::read_file_ahead(&file, u64::MAX))
                .await;
            Vec::new()
        }
    })
}

/// Where a part begins, in the order of the keys.
fn border(part: u8) -> Vec<u8> {
    const SHA2_256: [u8; 2] = [0x12, 0x20];
    [&SHA2_256[..], &[part * (u8::MAX / PARTS + 1)]].concat()
}

fn walk_part(place: Place, pool: Pool) -> impl Stream<Item = Vec<ScrubEvent>> + Send {
    stream::unfold(Some(place), move |place| {
        let pool = pool.clone();
        async move {
            let place = place?;
            let read_and_check = move || {
                let (steps, next) = walk::chunk(place);
                let events: Vec<ScrubEvent> = steps.into_iter().map(check).collect();
                (events, next)
            };
            Some(pool.run(read_and_check).await.unwrap_or_else(|closed| {
                let event = ScrubEvent::Damaged(closed.to_string());
                (vec![event], None)
            }))
        }
    })
}

fn check(step: Step) -> ScrubEvent {
    let (hash, data) = match step {
        Step::Found(event) => return event,
        Step::Check(hash, data) => (hash, data),
    };
    match Block::verified(Cid::new_v1(codec::RAW, hash), data) {
        // Of a hash that cannot be computed here RocksDB's checksum has to do.
        Ok(_) | Err(basalt_block::Error::UnknownHash(_)) => ScrubEvent::Good(hash),
        Err(basalt_block::Error::Mismatch(_, found)) => {
            let text = format!("block in storage has different hash than requested: {found}");
            ScrubEvent::Bad(hash, text)
        }
        Err(error) => ScrubEvent::Bad(hash, error.to_string()),
    }
}
