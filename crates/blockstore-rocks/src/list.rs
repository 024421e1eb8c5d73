//! Listings: rows of one moment, read in chunks, so that a slow reader holds neither a thread nor
//! memory.

use std::sync::Arc;

use basalt_blockstore::{Records, Result, StatStream};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use rocksdb::DBRawIterator;

use crate::cf::Cf;
use crate::codec::multihash;
use crate::db::{Db, Snap, decode_meta};
use crate::error;
use crate::pool::Pool;

/// Rows read in one visit.
const ROWS: usize = 4096;
/// Bytes of keys and values after which a visit ends.
const BYTES: usize = 512 << 10;

/// Every block with what the index says of it.
pub(crate) fn keys(db: &Arc<Db>, pool: &Pool) -> StatStream {
    let row = |(key, value): (Bytes, Bytes)| {
        let meta = decode_meta(&key, &value)?;
        let hash = multihash(&key).ok_or_else(|| {
            basalt_blockstore::Error::Damaged("a key of the index is no multihash".into())
        })?;
        Ok((hash, meta.stat(basalt_block::codec::DAG_PB)))
    };
    rows(db, pool, Cf::Meta, Bytes::new(), Bytes::new())
        .map(move |chunk| stream::iter(rows_of(chunk).map(move |r| r.and_then(row))))
        .flatten()
        .boxed()
}

/// The records under `prefix`, from `from` on.
pub(crate) fn scan(db: &Arc<Db>, pool: &Pool, prefix: &[u8], from: Option<&[u8]>) -> Records {
    let start = Bytes::copy_from_slice(from.map_or(prefix, |from| from.max(prefix)));
    let prefix = Bytes::copy_from_slice(prefix);
    rows(db, pool, Cf::Records, prefix, start)
        .map_ok(|rows| stream::iter(rows.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
}

type Rows = Vec<(Bytes, Bytes)>;

fn rows_of(chunk: Result<Rows>) -> impl Iterator<Item = Result<(Bytes, Bytes)>> {
    let (rows, error) = match chunk {
        Ok(rows) => (rows, None),
        Err(error) => (Vec::new(), Some(Err(error))),
    };
    rows.into_iter().map(Ok).chain(error)
}

struct Place {
    snapshot: Snap,
    /// The next key is this one or later.
    from: Bytes,
}

fn rows(
    db: &Arc<Db>,
    pool: &Pool,
    cf: Cf,
    prefix: Bytes,
    from: Bytes,
) -> impl Stream<Item = Result<Rows>> + Send + use<> {
    let place = Place {
        snapshot: db.snapshot(),
        from,
    };
    let pool = pool.clone();
    stream::try_unfold(Some(place), move |place| {
        let (pool, prefix) = (pool.clone(), prefix.clone());
        async move {
            let Some(place) = place else { return Ok(None) };
            let (rows, place) = pool.run(move || chunk(place, cf, &prefix)).await??;
            Ok((!rows.is_empty()).then_some((rows, place)))
        }
    })
}

fn chunk(mut place: Place, cf: Cf, prefix: &[u8]) -> Result<(Rows, Option<Place>)> {
    let mut rows = Vec::new();
    let mut bytes = 0;
    let mut iter: DBRawIterator<'_> = place.snapshot.iter(cf);
    iter.seek(&place.from);
    while let Some((key, value)) = iter.item() {
        if !key.starts_with(prefix) {
            return Ok((rows, None));
        }
        if rows.len() == ROWS || bytes >= BYTES {
            let next = Bytes::copy_from_slice(key);
            drop(iter);
            place.from = next;
            return Ok((rows, Some(place)));
        }
        bytes += key.len() + value.len();
        rows.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
        iter.next();
    }
    iter.status().map_err(error::store)?;
    Ok((rows, None))
}
