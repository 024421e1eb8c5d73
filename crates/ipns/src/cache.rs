//! The records that were found lately, for as long as they say themselves.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{Moment, Name, Record};

/// Names that are remembered, unless it is said.
const REMEMBERED: usize = 128;
/// Nothing is remembered for longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Records by name.
pub(crate) struct Cache {
    most: usize,
    longest: Option<Duration>,
    entries: Mutex<HashMap<Name, Entry>>,
}

struct Entry {
    record: Record,
    since: Instant,
    until: Instant,
    /// A newer one is being looked for.
    refreshing: bool,
}

/// What is remembered of a name.
pub(crate) struct Cached {
    pub(crate) record: Record,
    /// How long it goes on to be remembered.
    pub(crate) left: Duration,
    /// Half of its time is over, and nobody looks for a newer one yet.
    pub(crate) ages: bool,
}

impl Default for Cache {
    fn default() -> Self {
        Self::new(REMEMBERED, None)
    }
}

impl Cache {
    /// Remembers so many names, and none for longer.
    pub(crate) fn new(most: usize, longest: Option<Duration>) -> Self {
        Self {
            most,
            longest,
            entries: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For how long others may keep an answer that could be kept for `time`. A limit of nothing only
    /// means that nothing is remembered here.
    pub(crate) fn cap(&self, time: Duration) -> Duration {
        match self.longest {
            Some(longest) if !longest.is_zero() => time.min(longest),
            _ => time,
        }
    }

    pub(crate) fn get(&self, name: &Name) -> Option<Cached> {
        let entries = self.lock();
        let entry = entries.get(name)?;
        let now = Instant::now();
        let left = entry.until.checked_duration_since(now)?;
        if left.is_zero() || entry.record.validate(name, Moment::now()).is_err() {
            return None;
        }
        let half = (entry.until - entry.since) / 2;
        Some(Cached {
            record: entry.record.clone(),
            left,
            ages: left <= half && !entry.refreshing,
        })
    }

    /// Takes it upon the caller to look for a newer record; false if somebody does already.
    pub(crate) fn claim(&self, name: &Name) -> bool {
        match self.lock().get_mut(name) {
            Some(entry) => !std::mem::replace(&mut entry.refreshing, true),
            None => false,
        }
    }

    /// Gives that up.
    pub(crate) fn release(&self, name: &Name) {
        if let Some(entry) = self.lock().get_mut(name) {
            entry.refreshing = false;
        }
    }

    /// Lets half of the time of a name pass.
    #[cfg(test)]
    pub(crate) fn age(&self, name: &Name) {
        if let Some(entry) = self.lock().get_mut(name) {
            entry.since -= 2 * (entry.until - entry.since);
        }
    }

    /// Remembers a record from now on.
    pub(crate) fn put(&self, name: Name, record: Record) {
        let mut time = record.kept_for().min(LONGEST);
        if let Some(longest) = self.longest {
            time = time.min(longest);
        }
        let mut entries = self.lock();
        if time.is_zero() || self.most == 0 {
            entries.remove(&name);
            return;
        }
        let since = Instant::now();
        if entries.len() >= self.most && !entries.contains_key(&name) {
            entries.retain(|_, entry| entry.until > since);
            // Whose time is over first makes room.
            let first = entries.iter().min_by_key(|(_, entry)| entry.until);
            if let Some(first) = first.map(|(name, _)| *name)
                && entries.len() >= self.most
            {
                entries.remove(&first);
            }
        }
        let entry = Entry {
            record,
            since,
            until: since + time,
            refreshing: false,
        };
        entries.insert(name, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Draft;
    use basalt_ipld::Path;
    use libp2p_identity::Keypair;

    fn record(ttl: Duration) -> (Name, Record) {
        let key = Keypair::generate_ed25519();
        let draft = Draft {
            value: Path::parse("/ipfs/bafkqaaa").unwrap(),
            sequence: 1,
            validity: Moment::now().after(3_600_000_000_000),
            ttl: i64::try_from(ttl.as_nanos()).unwrap(),
            v1: true,
        };
        let sign = |data: &[u8]| key.sign(data).map_err(|e| e.to_string());
        let record = draft.sign(&key.public(), sign).unwrap();
        (Name::of(&key.public()), record)
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_record_is_kept_as_long_as_it_and_the_limit_say() {
        for (limit, ttl, kept, told) in [
            (None, MINUTE, Some(MINUTE), MINUTE),
            (Some(MINUTE / 2), MINUTE, Some(MINUTE / 2), MINUTE / 2),
            (Some(MINUTE), MINUTE / 2, Some(MINUTE / 2), MINUTE / 2),
            (Some(Duration::ZERO), MINUTE, None, MINUTE),
            (None, Duration::ZERO, None, Duration::ZERO),
        ] {
            let cache = Cache::new(8, limit);
            let (name, record) = record(ttl);
            assert!(cache.cap(record.kept_for()) <= told);
            cache.put(name, record);
            let found = cache.get(&name);
            assert_eq!(found.is_some(), kept.is_some(), "{limit:?} {ttl:?}");
            if let (Some(found), Some(kept)) = (found, kept) {
                assert!(found.left <= kept && found.left > kept - MINUTE / 4);
                assert!(!found.ages);
            }
        }
    }

    #[test]
    fn no_more_names_are_kept_than_may_be() {
        let cache = Cache::new(2, None);
        let all = [MINUTE, 2 * MINUTE, 3 * MINUTE].map(record);
        for (name, record) in &all {
            cache.put(*name, record.clone());
        }
        let kept = all.iter().map(|(name, _)| cache.get(name).is_some());
        assert_eq!(kept.collect::<Vec<_>>(), [false, true, true]);
        assert!(Cache::new(0, None).get(&all[0].0).is_none());
    }

    #[test]
    fn one_looks_for_a_newer_record_at_a_time() {
        let cache = Cache::default();
        let (name, record) = record(MINUTE);
        assert!(!cache.claim(&name));
        cache.put(name, record.clone());
        assert!(cache.claim(&name));
        assert!(!cache.claim(&name));
        cache.release(&name);
        assert!(cache.claim(&name));
        cache.put(name, record);
        assert!(cache.claim(&name));
    }
}
