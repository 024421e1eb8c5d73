//! Looking for records among other nodes, and remembering what was found.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{Name, Record};

/// Names that are remembered, unless it is said.
const REMEMBERED: usize = 128;
/// Records of the answers to one search that may wait to be looked at.
pub(crate) const WAITING: usize = 8;

/// How a name is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Find {
    /// Whether other nodes are asked.
    pub online: bool,
    /// Whether what was found lately does.
    pub cached: bool,
    /// After so many records it is enough; 0 asks for all.
    pub records: usize,
    /// After so long it is enough.
    pub time: Option<Duration>,
}

impl Default for Find {
    fn default() -> Self {
        Self {
            online: true,
            cached: true,
            records: 16,
            time: Some(Duration::from_secs(60)),
        }
    }
}

impl Find {
    /// Asks nobody.
    pub fn offline() -> Self {
        Self {
            online: false,
            ..Self::default()
        }
    }
}

/// Other nodes that know records.
#[async_trait]
pub trait Search: Send + Sync + 'static {
    /// Gives valid records of a name, each better than the one before.
    async fn search(
        &self,
        name: &Name,
        records: usize,
        out: mpsc::Sender<Bytes>,
    ) -> Result<(), String>;
}

/// The records that were found lately, for as long as they say themselves.
pub(crate) struct Cache {
    most: usize,
    longest: Option<Duration>,
    records: Mutex<HashMap<Name, (Record, Instant)>>,
}

impl Default for Cache {
    fn default() -> Self {
        Self::new(REMEMBERED, None)
    }
}

impl Cache {
    pub(crate) fn new(most: usize, longest: Option<Duration>) -> Self {
        Self {
            most,
            longest,
            records: Mutex::default(),
        }
    }

    pub(crate) fn get(&self, name: &Name) -> Option<Record> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let (record, until) = records.get(name)?;
        let alive = *until > Instant::now() && record.validate(name, crate::Moment::now()).is_ok();
        alive.then(|| record.clone())
    }

    pub(crate) fn put(&self, name: Name, record: Record) {
        let ttl = u64::try_from(record.ttl().unwrap_or(0)).unwrap_or(0);
        let mut time = Duration::from_nanos(ttl);
        if let Some(longest) = self.longest {
            time = time.min(longest);
        }
        let now = Instant::now();
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if time.is_zero() || self.most == 0 {
            records.remove(&name);
            return;
        }
        if records.len() >= self.most && !records.contains_key(&name) {
            records.retain(|_, (_, until)| *until > now);
            // Whose time is over first makes room.
            let first = records.iter().min_by_key(|(_, (_, until))| *until);
            if let Some(first) = first.map(|(name, _)| *name)
                && records.len() >= self.most
            {
                records.remove(&first);
            }
        }
        let until = now.checked_add(time);
        let until = until.unwrap_or(now + Duration::from_secs(86_400));
        records.insert(name, (record, until));
    }
}
