//! Answers that may be given again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hickory_resolver::proto::rr::{RData, RecordType};

/// Answers that are kept.
const MOST: usize = 4096;
/// Nothing is kept longer, whatever a server says.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

type Key = (String, RecordType);

/// Answers by domain and kind.
pub(crate) struct Cache {
    longest: Duration,
    answers: Mutex<HashMap<Key, (Vec<RData>, Instant)>>,
}

impl Cache {
    pub(crate) fn new(longest: Option<Duration>) -> Self {
        Self {
            longest: longest.map_or(LONGEST, |longest| longest.min(LONGEST)),
            answers: Mutex::default(),
        }
    }

    /// An answer, and for how long it may be kept.
    pub(crate) fn get(&self, key: &Key) -> Option<(Vec<RData>, Duration)> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (data, until) = answers.get(key)?;
        let left = until.checked_duration_since(Instant::now())?;
        (!left.is_zero()).then(|| (data.clone(), left))
    }

    /// Keeps an answer; gives for how long it is kept.
    pub(crate) fn put(&self, key: Key, data: &[RData], ttl: u32) -> Duration {
        let time = Duration::from_secs(ttl.into()).min(self.longest);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if time.is_zero() {
            answers.remove(&key);
            return time;
        }
        let now = Instant::now();
        if answers.len() >= MOST && !answers.contains_key(&key) {
            answers.retain(|_, (_, until)| *until > now);
            let some = answers.keys().next().cloned();
            if let Some(some) = some.filter(|_| answers.len() >= MOST) {
                answers.remove(&some);
            }
        }
        answers.insert(key, (data.to_vec(), now + time));
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::proto::rr::rdata::A;

    #[test]
    fn answers_are_kept_as_long_as_they_and_the_limit_say() {
        let key = |n: usize| (format!("{n}."), RecordType::A);
        let data = [RData::A(A::new(127, 0, 0, 1))];
        for (limit, ttl, kept) in [
            (None, 60, 60),
            (Some(30), 60, 30),
            (Some(30), 10, 10),
            (Some(0), 60, 0),
            (None, 0, 0),
            (None, u32::MAX, 24 * 60 * 60),
        ] {
            let cache = Cache::new(limit.map(Duration::from_secs));
            let kept = Duration::from_secs(kept);
            assert_eq!(cache.put(key(0), &data, ttl), kept);
            assert_eq!(cache.get(&key(0)).is_some(), !kept.is_zero());
        }
        let cache = Cache::new(None);
        for n in 0..MOST + 10 {
            cache.put(key(n), &data, 60);
        }
        assert_eq!(cache.answers.lock().unwrap().len(), MOST);
        assert!(cache.get(&key(MOST + 9)).is_some());
    }
}
