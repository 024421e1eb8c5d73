//! Reads every block and checks its hash, past whatever is damaged.
//!
//! The index and the two families of bytes are walked side by side in the order of their keys. An
//! iterator that meets damage is broken; the bytes of a broken family are then asked for one by
//! one, as the index names them, and a broken index is entered again behind the damage, with the
//! keys of the bytes naming the blocks in between. A damaged table is told of besides, since it has to
//! be rebuilt; a damaged blob is not, as its block can be deleted.

mod walk;

use std::sync::Arc;

use basalt_block::{Block, Cid, Multihash, codec};
use basalt_blockstore::{Findings, ScrubEvent};
use bytes::Bytes;
use futures::{StreamExt, stream};

use crate::cf::Cf;
use crate::db::{Db, Snap};
use crate::pool::Pool;
use crate::rescue;

/// What the walk met.
enum Step {
    /// Bytes to be checked.
    Check(Multihash, Bytes),
    /// What needs no check.
    Found(ScrubEvent),
}

struct Place {
    snapshot: Snap,
    /// The next key is this one or later.
    from: Vec<u8>,
}

pub(crate) fn run(db: &Arc<Db>, pool: &Pool) -> Findings {
    let place = Place {
        snapshot: db.snapshot(),
        from: Vec::new(),
    };
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let reader = pool.clone();
    let chunks = stream::unfold(Some(place), move |place| {
        let pool = reader.clone();
        async move {
            let place = place?;
            match pool.run(move || walk::chunk(place)).await {
                Ok((steps, place)) => Some((steps, place)),
                Err(closed) => {
                    let event = ScrubEvent::Damaged(closed.to_string());
                    Some((vec![Step::Found(event)], None))
                }
            }
        }
    });
    // Last of all the rows that are no blocks'.
    let (db, reader) = (db.clone(), pool.clone());
    let others = stream::once(async move {
        let look = move || {
            let snapshot = db.snapshot();
            let gaps = [Cf::Own, Cf::Records].map(|cf| rescue::gaps(&snapshot, cf));
            let found = |gap| Step::Found(ScrubEvent::Damaged(gap));
            gaps.into_iter().flatten().map(found).collect()
        };
        let found = reader.run(look).await;
        found.unwrap_or_else(|e| vec![Step::Found(ScrubEvent::Damaged(e.to_string()))])
    });
    let chunks = chunks.chain(others);
    let pool = pool.clone();
    chunks
        .map(move |steps| {
            let pool = pool.clone();
            async move {
                let check = move || steps.into_iter().map(check).collect::<Vec<_>>();
                let events = pool.run(check).await;
                events.unwrap_or_else(|e| vec![ScrubEvent::Damaged(e.to_string())])
            }
        })
        .buffered(workers)
        .map(stream::iter)
        .flatten()
        .boxed()
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
