use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use basalt_block::{Block, Cid, hash_codes::IDENTITY, validate};
use basalt_blockstore::{BlockStat, Blockstore, Lease};
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use tokio::task::JoinHandle;

use crate::{Error, Event, Exchange, Gate, Observer, Offline, Result, Waiting};

/// Blocks read from the store in one visit by [`BlockService::stream`].
const VISIT: usize = 64;
/// Hashing more than this many bytes at once is left to the blocking pool.
const HASH_INLINE: usize = 512 << 10;

/// The local store, and behind it an exchange. Clones are cheap and share both.
///
/// What is fetched is checked, written to the store and kept from garbage collection as long as a
/// lease ([`BlockService::lease`]) lives that was taken before the fetch.
#[derive(Clone)]
pub struct BlockService {
    store: Arc<dyn Blockstore>,
    exchange: Arc<dyn Exchange>,
    observer: Option<Observer>,
    hash_on_read: bool,
    gate: Option<Gate>,
}

impl BlockService {
    /// A service over `store` that asks `exchange` for what is missing.
    pub fn new(store: Arc<dyn Blockstore>, exchange: Arc<dyn Exchange>) -> Self {
        Self {
            store,
            exchange,
            observer: None,
            hash_on_read: false,
            gate: None,
        }
    }

    /// A service over `store` alone.
    pub fn local(store: Arc<dyn Blockstore>) -> Self {
        Self::new(store, Arc::new(Offline))
    }

    /// Whether every block that is read from the store is hashed again (`Datastore.HashOnRead`).
    pub fn hash_on_read(mut self, yes: bool) -> Self {
        self.hash_on_read = yes;
        self
    }

    /// The same service, which tells `observer` whenever a request waits on the exchange.
    pub fn observed(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The same service, which refuses what `gate` refuses, whether it is asked for or to be written.
    pub fn gated(mut self, gate: Gate) -> Self {
        self.gate = Some(gate);
        self
    }

    /// The same service, which refuses nothing.
    pub fn ungated(mut self) -> Self {
        self.gate = None;
        self
    }

    fn check(&self, cid: &Cid) -> Result<()> {
        validate(cid)?;
        match &self.gate {
            Some(gate) => gate(cid).map_err(Error::Refused),
            None => Ok(()),
        }
    }

    /// The same service, which asks nobody for what is missing.
    pub fn offline(&self) -> Self {
        Self {
            exchange: Arc::new(Offline),
            ..self.clone()
        }
    }

    /// The same service for the blocks of one DAG: see [`Exchange::session`].
    pub fn session(&self) -> Self {
        let mut service = self.clone();
        if let Some(session) = self.exchange.session() {
            service.exchange = session;
        }
        service
    }

    /// The store in front.
    pub fn store(&self) -> &Arc<dyn Blockstore> {
        &self.store
    }

    /// The exchange behind.
    pub fn exchange(&self) -> &Arc<dyn Exchange> {
        &self.exchange
    }

    /// Keeps what is written or fetched from now on until the lease is dropped.
    pub fn lease(&self) -> Lease {
        self.store.lease()
    }

    /// The block, from the store or the exchange.
    pub async fn get(&self, cid: &Cid) -> Result<Block> {
        self.check(cid)?;
        if let Some(block) = Block::from_identity(cid) {
            return Ok(block);
        }
        if let Some(block) = self.store.get(cid).await? {
            let mut blocks = self.checked(vec![Some(block)]).await?;
            if let Some(block) = blocks.pop().flatten() {
                return Ok(block);
            }
        }
        match self.fetch(vec![*cid]).next().await {
            Some((_, fetched)) => fetched,
            None => Err(Error::NotFound(*cid)),
        }
    }

    /// Several blocks, in the order of `cids`; a single one that cannot be had is an error. Memory
    /// is that of all the blocks together: [`BlockService::stream`] needs less.
    pub async fn get_many(&self, cids: &[Cid]) -> Result<Vec<Block>> {
        let mut blocks = self.get_local(cids).await?;
        // The same block may be asked for twice, even by a CIDv0 and a CIDv1.
        let mut asked = HashSet::new();
        let missing: Vec<Cid> = cids
            .iter()
            .zip(&blocks)
            .filter(|(cid, block)| block.is_none() && asked.insert(*cid.hash()))
            .map(|(cid, _)| *cid)
            .collect();
        let mut fetched = HashMap::new();
        if !missing.is_empty() {
            let mut stream = self.fetch(missing);
            while let Some((cid, block)) = stream.next().await {
                fetched.insert(*cid.hash(), block?.into_data());
            }
        }
        let filled = cids.iter().zip(blocks.iter_mut()).map(|(cid, block)| {
            block
                .take()
                .or_else(|| {
                    let data = fetched.get(cid.hash())?.clone();
                    Some(Block::unchecked(*cid, data))
                })
                .ok_or(Error::NotFound(*cid))
        });
        filled.collect()
    }

    /// Several blocks as they come: those of the store first, in the order of `cids`, then the
    /// others in any order. Ends at the first error.
    pub fn stream(&self, cids: Vec<Cid>) -> BoxStream<'static, Result<Block>> {
        let visits: Vec<Vec<Cid>> = cids.chunks(VISIT).map(<[Cid]>::to_vec).collect();
        let (service, later) = (self.clone(), self.clone());
        let missing: Arc<std::sync::Mutex<Vec<Cid>>> = Arc::default();
        let left = missing.clone();
        let local = stream::iter(visits)
            .then(move |cids| {
                let (service, missing) = (service.clone(), missing.clone());
                async move {
                    let found = service.get_local(&cids).await?;
                    let mut missing = missing
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner);
                    let absent = cids.iter().zip(&found).filter(|(_, b)| b.is_none());
                    missing.extend(absent.map(|(cid, _)| *cid));
                    Ok::<_, Error>(stream::iter(found.into_iter().flatten().map(Ok)))
                }
            })
            .try_flatten();
        let remote = stream::once(async move {
            let missing = std::mem::take(
                &mut *left
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner),
            );
            later.fetch(missing).map(|(_, block)| block)
        })
        .flatten();
        let mut failed = false;
        local
            .chain(remote)
            .take_while(move |item| {
                let go_on = !failed;
                failed |= item.is_err();
                std::future::ready(go_on)
            })
            .boxed()
    }

    /// Each of `cids` once, as they come and in any order: the block, or why it cannot be had, which
    /// keeps no other from coming.
    pub fn each(&self, cids: Vec<Cid>) -> BoxStream<'static, (Cid, Result<Block>)> {
        let service = self.clone();
        stream::once(async move {
            let (mut known, mut missing) = (Vec::new(), Vec::new());
            for visit in cids.chunks(VISIT) {
                let found = match service.get_local(visit).await {
                    Ok(found) => found.into_iter().map(Ok).collect(),
                    // One of them is damaged, or not to be trusted.
                    Err(_) => service.get_one_by_one(visit).await,
                };
                for (cid, found) in visit.iter().zip(found) {
                    match found.transpose() {
                        Some(found) => known.push((*cid, found)),
                        None => missing.push(*cid),
                    }
                }
            }
            stream::iter(known).chain(service.fetch(missing))
        })
        .flatten()
        .boxed()
    }

    async fn get_one_by_one(&self, cids: &[Cid]) -> Vec<Result<Option<Block>>> {
        let mut found = Vec::with_capacity(cids.len());
        for cid in cids {
            let block = self.get_local(std::slice::from_ref(cid)).await;
            found.push(block.map(|mut block| block.pop().flatten()));
        }
        found
    }

    /// Those of `cids` that are in the store or inside their CID, in that order; nobody else is
    /// asked.
    pub async fn get_local(&self, cids: &[Cid]) -> Result<Vec<Option<Block>>> {
        for cid in cids {
            self.check(cid)?;
        }
        let stored: Vec<Cid> = cids.iter().copied().filter(is_stored).collect();
        let found = self.checked(self.store.get_many(&stored).await?).await?;
        let mut found = found.into_iter();
        let answers = cids.iter().map(|cid| {
            if is_stored(cid) {
                found.next().flatten()
            } else {
                Block::from_identity(cid)
            }
        });
        Ok(answers.collect())
    }

    /// What is known of the blocks that are in the store or inside their CID, in the order of
    /// `cids`; nobody else is asked and no block is read.
    pub async fn stat_local(&self, cids: &[Cid]) -> Result<Vec<Option<BlockStat>>> {
        for cid in cids {
            validate(cid)?;
        }
        let stored: Vec<Cid> = cids.iter().copied().filter(is_stored).collect();
        let mut found = self.store.stat_many(&stored).await?.into_iter();
        let answers = cids.iter().map(|cid| match Block::from_identity(cid) {
            Some(block) => Some(stat_of(&block)),
            None => found.next().flatten(),
        });
        Ok(answers.collect())
    }

    /// What is known of a block; it is fetched if it is not in the store.
    pub async fn stat(&self, cid: &Cid) -> Result<BlockStat> {
        let known = self.stat_local(std::slice::from_ref(cid)).await?;
        match known.into_iter().next().flatten() {
            Some(stat) => Ok(stat),
            None => Ok(stat_of(&self.get(cid).await?)),
        }
    }

    /// Writes blocks and tells the exchange of them. The bytes are taken to match the CIDs. Take a
    /// [`BlockService::lease`] first, and hold it until something pins the blocks.
    pub async fn put_many(&self, blocks: Vec<Block>) -> Result<()> {
        for block in &blocks {
            self.check(block.cid())?;
        }
        let blocks: Vec<Block> = blocks.into_iter().filter(|b| is_stored(b.cid())).collect();
        let cids: Vec<Cid> = blocks.iter().map(|b| *b.cid()).collect();
        self.store.put_many(blocks).await?;
        self.exchange.notify(&cids).await;
        Ok(())
    }

    /// Begins to fetch blocks that are not in the store and will be asked for soon. What goes wrong is
    /// told to those who ask for them.
    pub fn prefetch(&self, cids: Vec<Cid>) -> Prefetch {
        let cids = cids.into_iter();
        let cids = cids.filter(|cid| self.check(cid).is_ok() && is_stored(cid));
        let mut fetched = self.fetch(cids.collect());
        Prefetch(tokio::spawn(async move {
            while fetched.next().await.is_some() {}
        }))
    }

    /// Asks the exchange, checks what comes and keeps it. Yields each of `cids`, or an error of it.
    fn fetch(&self, cids: Vec<Cid>) -> BoxStream<'static, (Cid, Result<Block>)> {
        let wanted: HashSet<Cid> = cids.iter().copied().collect();
        if wanted.is_empty() {
            return stream::empty().boxed();
        }
        let left = Arc::new(std::sync::Mutex::new(wanted));
        let unanswered = left.clone();
        let (service, observer) = (self.clone(), self.observer.clone());
        let come = self.exchange.fetch(cids).filter_map(move |event| {
            let (observer, left) = (observer.clone(), left.clone());
            let mut left = left
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let item = match event {
                Event::Block(block) => {
                    let cid = *block.cid();
                    left.remove(&cid).then_some((cid, Ok(block)))
                }
                Event::Failed(cid, error) => left.remove(&cid).then_some((cid, Err(*error))),
                Event::Waiting(waiting) => {
                    tell(observer.as_ref(), &waiting);
                    None
                }
            };
            std::future::ready(item)
        });
        // What has come together is written together.
        let kept = come.ready_chunks(VISIT).then(move |batch| {
            let service = service.clone();
            async move { service.keep(batch).await }
        });
        let rest = stream::once(async move {
            let left = std::mem::take(
                &mut *unanswered
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner),
            );
            stream::iter(left.into_iter().map(|cid| (cid, Err(Error::NotFound(cid)))))
        })
        .flatten();
        kept.map(stream::iter).flatten().chain(rest).boxed()
    }

    async fn keep(&self, batch: Vec<(Cid, Result<Block>)>) -> Vec<(Cid, Result<Block>)> {
        let mut answers = Vec::with_capacity(batch.len());
        let mut good = Vec::with_capacity(batch.len());
        let verifies = self.exchange.verifies();
        for (cid, item) in batch {
            match item {
                Ok(block) if verifies => good.push(block),
                Ok(block) => match verified(vec![block]).await {
                    Ok(blocks) => good.extend(blocks),
                    Err(error) => answers.push((cid, Err(error))),
                },
                Err(error) => answers.push((cid, Err(error))),
            }
        }
        if !good.is_empty() {
            let cids: Vec<Cid> = good.iter().map(|b| *b.cid()).collect();
            match self.store.put_many(good.clone()).await {
                Ok(()) => {
                    self.exchange.notify(&cids).await;
                    answers.extend(good.into_iter().map(|block| (*block.cid(), Ok(block))));
                }
                Err(error) => {
                    let failed = |cid| (cid, Err(error.clone().into()));
                    answers.extend(cids.into_iter().map(failed));
                }
            }
        }
        answers
    }

    /// Hashes what was read from the store again, if that is asked for.
    async fn checked(&self, blocks: Vec<Option<Block>>) -> Result<Vec<Option<Block>>> {
        if self.hash_on_read {
            let present: Vec<Block> = blocks.iter().flatten().cloned().collect();
            verified(present).await.map_err(|error| match error {
                Error::Block(basalt_block::Error::Mismatch(cid, found)) => {
                    basalt_blockstore::Error::Corrupt {
                        cid,
                        reason: format!(
                            "block in storage has different hash than requested: {found}"
                        ),
                    }
                    .into()
                }
                other => other,
            })?;
        }
        Ok(blocks)
    }
}

/// Blocks on their way. Dropping it withdraws those that have not come.
#[derive(Debug)]
pub struct Prefetch(JoinHandle<()>);

impl Drop for Prefetch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn verified(blocks: Vec<Block>) -> Result<Vec<Block>> {
    let bytes: usize = blocks.iter().map(|b| b.data().len()).sum();
    let check = move || -> Result<Vec<Block>> {
        let checked = blocks
            .into_iter()
            .map(|b| Block::verified(*b.cid(), b.into_data()));
        Ok(checked.collect::<Result<_, _>>()?)
    };
    if bytes <= HASH_INLINE {
        return check();
    }
    // Fails only when the runtime shuts down.
    tokio::task::spawn_blocking(check)
        .await
        .map_err(|_| basalt_blockstore::Error::Closed)?
}

fn is_stored(cid: &Cid) -> bool {
    cid.hash().code() != IDENTITY
}

fn stat_of(block: &Block) -> BlockStat {
    BlockStat {
        size: block.data().len() as u64,
        leaf: block.is_leaf(),
    }
}

fn tell(observer: Option<&Observer>, waiting: &Waiting) {
    if let Some(observer) = observer {
        observer(waiting);
    }
}

#[cfg(test)]
mod tests;
