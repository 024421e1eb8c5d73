//! Listing references and checking them.

use std::cmp::Ordering;

use basalt_block::{Cid, Multihash, codec};
use basalt_blockstore::{Blockstore, Error, Result};
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use crate::row::{self, PREFIX, Reference, Row};
use crate::{Broken, Filestore, Status};

/// References that are checked side by side.
const CHECKS: usize = 8;

/// A stream of references.
pub type Rows = BoxStream<'static, Result<Found>>;

/// The order of a listing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// By the key: as it comes.
    #[default]
    Key,
    /// By file and place in it. All references are held in memory for it.
    File,
}

/// A reference of a listing.
#[derive(Debug, Clone)]
pub struct Found {
    /// The block.
    pub hash: Multihash,
    /// Where it is, unless the row is damaged or missing.
    pub reference: Option<Reference>,
    /// What is wrong with it, as far as was looked.
    pub broken: Option<Broken>,
}

impl Found {
    /// How it is.
    pub fn status(&self) -> Status {
        self.broken.as_ref().map_or(Status::Ok, |b| b.status)
    }

    fn of(hash: Multihash, value: &[u8]) -> Self {
        let row = Row::decode(value);
        let broken = row
            .is_none()
            .then(|| Broken::new(Status::Other, "the reference cannot be read"));
        Self {
            hash,
            reference: row.map(|row| row.reference),
            broken,
        }
    }
}

impl Filestore {
    /// Every reference, as of now; `verify` has each of them read and checked.
    pub fn list(&self, order: Order, verify: bool) -> Rows {
        let rows = self.0.records.scan(PREFIX.as_bytes(), None);
        let rows = rows.map(|row| {
            let (key, value): (Bytes, Bytes) = row?;
            let damaged = || Error::Damaged("a key of the filestore is no multihash".into());
            Ok(Found::of(row::hash(&key).ok_or_else(damaged)?, &value))
        });
        let rows = match order {
            Order::Key => rows.boxed(),
            Order::File => stream::once(in_order(rows.boxed())).try_flatten().boxed(),
        };
        if !verify {
            return rows;
        }
        let store = self.clone();
        let check = move |row: Result<Found>| {
            let store = store.clone();
            async move { Ok(store.checked(row?).await) }
        };
        rows.map(check).buffered(CHECKS).boxed()
    }

    /// The reference to one block, read and checked.
    pub async fn check(&self, hash: &Multihash) -> Result<Found> {
        let keys = [row::key(hash)];
        let row = self.0.records.get_many(&keys).await?.pop().flatten();
        let found = match row {
            Some(value) => Found::of(*hash, &value),
            None => {
                let cid = Cid::new_v1(codec::RAW, *hash);
                let text = format!("ipld: could not find {cid}");
                Found {
                    hash: *hash,
                    reference: None,
                    broken: Some(Broken::new(Status::Missing, text)),
                }
            }
        };
        Ok(self.checked(found).await)
    }

    async fn checked(&self, mut found: Found) -> Found {
        if let Some(reference) = &found.reference {
            found.broken = self.read(&found.hash, reference).await.err();
        }
        found
    }

    /// The blocks that are referred to and kept as well.
    pub fn duplicates(&self) -> BoxStream<'static, Result<Multihash>> {
        let store = self.clone();
        let hashes = self.list(Order::Key, false).map_ok(|found| found.hash);
        hashes
            .try_ready_chunks(512)
            .map_err(|e| e.1)
            .and_then(move |hashes| {
                let blocks = store.0.blocks.clone();
                async move {
                    let cids: Vec<_> = hashes.iter().map(|h| Cid::new_v1(codec::RAW, *h)).collect();
                    let kept = Blockstore::stat_many(&*blocks, &cids).await?;
                    let both = hashes.into_iter().zip(kept);
                    let both = both.filter_map(|(hash, kept)| kept.map(|_| Ok(hash)));
                    Ok(stream::iter(both.collect::<Vec<_>>()))
                }
            })
            .try_flatten()
            .boxed()
    }
}

async fn in_order(rows: Rows) -> Result<Rows> {
    let mut all: Vec<Found> = rows.try_collect().await?;
    // What lies in one file keeps the order of the keys where offsets are the same.
    all.sort_by(|a, b| match (&a.reference, &b.reference) {
        (Some(a), Some(b)) => (&a.path, a.offset).cmp(&(&b.path, b.offset)),
        (None, None) => Ordering::Equal,
        (a, _) if a.is_none() => Ordering::Less,
        _ => Ordering::Greater,
    });
    Ok(stream::iter(all.into_iter().map(Ok)).boxed())
}
