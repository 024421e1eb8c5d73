//! The records that this node knows.

use std::sync::Arc;

use basalt_blockstore::{Batch, Datastore};
use basalt_ipld::Path;
use bytes::Bytes;
use libp2p_identity::PublicKey;
use tokio::sync::Mutex;

use crate::{Draft, Error, Moment, Name, Record, Result};

/// The table of the last records that this node published; the bytes of a peer ID follow.
pub const PUBLISHED: &[u8] = b"ipns/published/";
/// The table of the best records that this node knows; the bytes of a peer ID follow.
pub const BEST: &[u8] = b"ipns/best/";

/// The records in a datastore. What a call has written is durable when it returns.
#[derive(Clone)]
pub struct Store {
    records: Arc<dyn Datastore>,
    /// Held from reading a record to replacing it, across both, so that no worse record replaces
    /// a better one and no sequence number is given twice. Records are small and seldom written.
    writing: Arc<Mutex<()>>,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is the best known one now.
    Best,
    /// One that is at least as good was there.
    Worse,
}

/// What to publish.
#[derive(Debug, Clone)]
pub struct Publication {
    /// What the name shall mean.
    pub value: Path,
    /// For how many nanoseconds.
    pub lifetime: i64,
    /// For how many nanoseconds it may be taken from a cache.
    pub ttl: i64,
    /// The sequence number; by default it counts up when the value changes.
    pub sequence: Option<u64>,
    /// Whether readers before 2021 shall understand it too.
    pub v1: bool,
}

impl Store {
    /// The records in `records`.
    pub fn new(records: Arc<dyn Datastore>) -> Self {
        Self {
            records,
            writing: Arc::default(),
        }
    }

    /// The best record of a name, unless it is not valid any more.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, name: &Name) -> Result<Option<Record>> {
        let Some(bytes) = self.records.get(&key(BEST, name)).await? else {
            return Ok(None);
        };
        Ok(valid(bytes, name))
    }

    /// Keeps a record of a name if it is better than what is there. Its bytes stay as they are.
    ///
    /// # Errors
    /// When the record is not a valid one of the name's, or the store fails.
    pub async fn put(&self, name: &Name, bytes: Bytes) -> Result<Stored> {
        let record = Record::decode(bytes)?;
        record.validate(name, Moment::now())?;
        let _writing = self.writing.lock().await;
        let mut batch = Batch::default();
        let stored = self.add_best(&mut batch, name, &record).await?;
        if stored == Stored::Best {
            self.records.write(batch).await?;
        }
        Ok(stored)
    }

    async fn add_best(&self, batch: &mut Batch, name: &Name, record: &Record) -> Result<Stored> {
        // One that was published for no time at all must not hide the one before it.
        if record.validate(name, Moment::now()).is_err() {
            return Ok(Stored::Worse);
        }
        if let Some(present) = self.get(name).await?
            && record.compare(&present)?.is_le()
        {
            return Ok(Stored::Worse);
        }
        batch.put(key(BEST, name), record.bytes().clone());
        Ok(Stored::Best)
    }

    /// The last record that this node published under a name, even if its time is over.
    ///
    /// # Errors
    /// When the store fails or has something else there.
    pub async fn published(&self, name: &Name) -> Result<Option<Record>> {
        let bytes = self.records.get(&key(PUBLISHED, name)).await?;
        bytes.map(Record::decode).transpose()
    }

    /// Makes a record with the next sequence number, signs and keeps it.
    ///
    /// # Errors
    /// [`Error::Sequence`] when the asked number is not greater than the present one,
    /// [`Error::Signing`], or when the store fails.
    pub async fn publish(
        &self,
        public: &PublicKey,
        publication: Publication,
        sign: impl Fn(&[u8]) -> Result<Vec<u8>, String>,
    ) -> Result<Record> {
        let name = Name::of(public);
        let _writing = self.writing.lock().await;
        let present = [self.published(&name).await?, self.get(&name).await?];
        let mut last: Option<(u64, Record)> = None;
        // The greater of the two: someone else with the same key may have published since.
        for record in present.into_iter().flatten() {
            let sequence = record.sequence()?;
            if last.as_ref().is_none_or(|(other, _)| sequence > *other) {
                last = Some((sequence, record));
            }
        }
        let draft = Draft {
            sequence: next_sequence(&publication, last)?,
            value: publication.value,
            validity: Moment::now().after(publication.lifetime),
            ttl: publication.ttl,
            v1: publication.v1,
        };
        let record = draft.sign(public, sign)?;
        let mut batch = Batch::default();
        batch.put(key(PUBLISHED, &name), record.bytes().clone());
        self.add_best(&mut batch, &name, &record).await?;
        self.records.write(batch).await?;
        Ok(record)
    }
}

/// Counts up when the value changes, so that a record that is only renewed stays comparable.
fn next_sequence(publication: &Publication, last: Option<(u64, Record)>) -> Result<u64> {
    match (publication.sequence, last) {
        // Nothing is older than a first record, whose number is 0.
        (Some(0), None) => Err(Error::Sequence),
        (Some(asked), Some((present, _))) if asked <= present => Err(Error::Sequence),
        (Some(asked), _) => Ok(asked),
        (None, None) => Ok(0),
        (None, Some((present, record))) => match record.value()? == publication.value {
            true => Ok(present),
            false => present.checked_add(1).ok_or(Error::Sequence),
        },
    }
}

fn key(table: &[u8], name: &Name) -> Bytes {
    [table, &name.multihash().to_bytes()].concat().into()
}

/// What is kept was valid once. It is checked again: its time may be over.
fn valid(bytes: Bytes, name: &Name) -> Option<Record> {
    let record = Record::decode(bytes).and_then(|record| {
        record.validate(name, Moment::now())?;
        Ok(record)
    });
    match record {
        Ok(record) => Some(record),
        Err(error) => {
            tracing::debug!(target: "basalt::ipns", %name, %error, "a kept record is not valid");
            None
        }
    }
}
