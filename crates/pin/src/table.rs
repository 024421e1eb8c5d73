//! The table of pins, with the rules of which pins go together.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use basalt_block::Cid;
use basalt_blockstore::{Batch, Datastore};
use futures::{StreamExt, stream::BoxStream};
use tokio::sync::{Mutex, MutexGuard};

use crate::record::{decode, decode_value, key, prefix};
use crate::{Error, Mode, Pin, Result};

const STRIPES: usize = 64;

/// The records. A CID has one pin at most: a recursive pin takes the place of a direct one.
pub(crate) struct Table {
    records: Arc<dyn Datastore>,
    // Whoever reads a pin in order to change it holds the stripe of its CID, so that pins of
    // different CIDs are committed side by side.
    stripes: [Mutex<()>; STRIPES],
    hasher: RandomState,
}

impl Table {
    pub(crate) fn new(records: Arc<dyn Datastore>) -> Self {
        Self {
            records,
            stripes: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
        }
    }

    fn stripe(&self, cid: &Cid) -> usize {
        self.hasher.hash_one(cid) as usize % STRIPES
    }

    async fn lock(&self, cids: impl Iterator<Item = &Cid>) -> Vec<MutexGuard<'_, ()>> {
        // In one order everywhere, or two callers could wait for one another.
        let mut stripes: Vec<usize> = cids.map(|cid| self.stripe(cid)).collect();
        stripes.sort_unstable();
        stripes.dedup();
        let mut guards = Vec::with_capacity(stripes.len());
        for stripe in stripes {
            guards.push(self.stripes[stripe].lock().await);
        }
        guards
    }

    /// The pins of `cids`, in that order.
    pub(crate) async fn get_many(&self, cids: &[Cid]) -> Result<Vec<Option<Pin>>> {
        let modes = [Mode::Recursive, Mode::Direct];
        let keys: Vec<_> = cids
            .iter()
            .flat_map(|cid| modes.map(|mode| key(mode, cid)))
            .collect();
        let values = self.records.get_many(&keys).await?;
        let mut pins = Vec::with_capacity(cids.len());
        for (cid, pair) in cids.iter().zip(values.chunks(2)) {
            let found = modes.iter().zip(pair).find_map(|(mode, value)| {
                let value = value.as_ref()?;
                Some(decode_value(*cid, *mode, value))
            });
            pins.push(found.transpose()?);
        }
        Ok(pins)
    }

    /// How `cids` are pinned; does not read the records.
    async fn modes(&self, cids: &[Cid]) -> Result<Vec<Option<Mode>>> {
        let modes = [Mode::Recursive, Mode::Direct];
        let keys: Vec<_> = cids
            .iter()
            .flat_map(|cid| modes.map(|mode| key(mode, cid)))
            .collect();
        let values = self.records.get_many(&keys).await?;
        let found = values.chunks(2).map(|pair| {
            let at = pair.iter().position(Option::is_some)?;
            Some(modes[at])
        });
        Ok(found.collect())
    }

    /// The pins of one mode, in the order of their CIDs' bytes, as of now.
    pub(crate) fn list(&self, mode: Mode) -> BoxStream<'static, Result<Pin>> {
        self.records
            .scan(&prefix(mode), None)
            .map(move |record| {
                let (key, value) = record?;
                decode(mode, &key, &value)
            })
            .boxed()
    }

    /// Writes pins, all or none, as if one after the other. A pin takes the place of what its CID
    /// had before, but a direct pin never that of a recursive one.
    pub(crate) async fn put_many(&self, pins: &[Pin]) -> Result<()> {
        pins.iter().try_for_each(Pin::check)?;
        let _locked = self.lock(pins.iter().map(|pin| &pin.cid)).await;
        let cids: Vec<Cid> = pins.iter().map(|pin| pin.cid).collect();
        let mut recursive: HashSet<Cid> = (cids.iter().zip(self.modes(&cids).await?))
            .filter(|(_, mode)| *mode == Some(Mode::Recursive))
            .map(|(cid, _)| *cid)
            .collect();
        let mut batch = Batch::default();
        for pin in pins {
            match pin.mode {
                Mode::Recursive => _ = recursive.insert(pin.cid),
                Mode::Direct if recursive.contains(&pin.cid) => {
                    return Err(Error::AlreadyPinned(pin.cid));
                }
                Mode::Direct => {}
            }
            put(&mut batch, pin);
        }
        Ok(self.records.write(batch).await?)
    }

    /// Removes a pin. A recursive one is removed only if `recursive`.
    pub(crate) async fn remove(&self, cid: &Cid, recursive: bool) -> Result<()> {
        let _locked = self.lock(std::iter::once(cid)).await;
        let mode = match self.modes(std::slice::from_ref(cid)).await?.first() {
            Some(Some(Mode::Recursive)) if !recursive => {
                return Err(Error::PinnedRecursively(*cid));
            }
            Some(Some(mode)) => *mode,
            _ => return Err(Error::NotPinned),
        };
        let mut batch = Batch::default();
        batch.delete(key(mode, cid));
        Ok(self.records.write(batch).await?)
    }

    /// Whether `from` can be updated to `to`; `false` when there is nothing to do.
    pub(crate) async fn can_replace(&self, from: &Cid, to: &Cid) -> Result<bool> {
        let modes = self.modes(&[*from, *to]).await?;
        if modes[0] != Some(Mode::Recursive) {
            return Err(Error::FromNotPinned);
        }
        if from == to {
            return Ok(false);
        }
        if modes[1] == Some(Mode::Recursive) {
            return Err(Error::ToPinned);
        }
        Ok(true)
    }

    /// Pins `to` recursively under the name of `from`, which is removed if `unpin`.
    pub(crate) async fn replace(&self, from: &Cid, to: &Cid, unpin: bool) -> Result<()> {
        let _locked = self.lock([from, to].into_iter()).await;
        if !self.can_replace(from, to).await? {
            return Ok(());
        }
        let pins = self.get_many(std::slice::from_ref(from)).await?;
        let mut pin = Pin::recursive(*to);
        if let Some(from) = pins.into_iter().flatten().next() {
            pin.name = from.name;
        }
        let mut batch = Batch::default();
        put(&mut batch, &pin);
        if unpin {
            batch.delete(key(Mode::Recursive, from));
        }
        Ok(self.records.write(batch).await?)
    }
}

fn put(batch: &mut Batch, pin: &Pin) {
    batch.put(key(pin.mode, &pin.cid), pin.value());
    if pin.mode == Mode::Recursive {
        batch.delete(key(Mode::Direct, &pin.cid));
    }
}
