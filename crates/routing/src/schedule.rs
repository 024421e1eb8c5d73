//! When which part of the space is announced again.
//!
//! A cycle goes over the whole space once, from its beginning to its end, and takes as long as the
//! interval. So the time of a place in it follows from the beginning of the cycle, and all that needs to
//! be kept is that and the place up to which it is done. A node that was away does first what became due
//! meanwhile.

use std::time::Duration;

/// The whole space.
const SPACE: u128 = 1 << 64;

/// Where a node is in its cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cycle {
    /// When it began, in milliseconds since 1970.
    pub began: u64,
    /// The first 64 bits of the place up to which it is done; all of them set at its end.
    pub done: u64,
}

impl Cycle {
    /// A cycle that begins now.
    pub fn begin(now: u64) -> Self {
        Self {
            began: now,
            done: 0,
        }
    }

    /// When a place is due, in milliseconds since 1970.
    pub fn due(&self, place: u64, interval: Duration) -> u64 {
        let millis = interval.as_millis() * u128::from(place) / SPACE;
        self.began
            .saturating_add(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    /// How far the cycle should be by now.
    pub fn target(&self, now: u64, interval: Duration) -> u64 {
        let millis = interval.as_millis().max(1);
        let passed = u128::from(now.saturating_sub(self.began));
        u64::try_from(passed * SPACE / millis).unwrap_or(u64::MAX)
    }

    /// The cycle after this one. It begins when this one was to end, unless that is so long ago that
    /// records have been forgotten: then it begins now.
    pub fn next(&self, now: u64, interval: Duration) -> Self {
        let length = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        let end = self.began.saturating_add(length);
        match now.saturating_sub(end) < length {
            true => Self::begin(end),
            false => Self::begin(now),
        }
    }

    /// The cycle as it is kept.
    pub fn encode(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.began.to_be_bytes());
        bytes[8..].copy_from_slice(&self.done.to_be_bytes());
        bytes
    }

    /// Reads what [`Cycle::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (began, done) = bytes.split_first_chunk::<8>()?;
        Some(Self {
            began: u64::from_be_bytes(*began),
            done: u64::from_be_bytes(*done.first_chunk()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn places_are_spread_over_the_interval() {
        let cycle = Cycle::begin(1000);
        assert_eq!(cycle.due(0, DAY), 1000);
        assert_eq!(cycle.due(1 << 63, DAY), 1000 + 43_200_000);
        assert_eq!(cycle.target(1000 + 43_200_000, DAY), 1 << 63);
        assert_eq!(cycle.target(0, DAY), 0);
        assert_eq!(cycle.target(u64::MAX, DAY), u64::MAX);
        assert_eq!(Cycle::decode(&cycle.encode()), Some(cycle));
        assert_eq!(Cycle::decode(&[1; 15]), None);
    }

    #[test]
    fn cycles_follow_each_other() {
        let cycle = Cycle::begin(0);
        assert_eq!(cycle.next(86_400_000, DAY).began, 86_400_000);
        assert_eq!(cycle.next(100_000_000, DAY).began, 86_400_000);
        assert_eq!(cycle.next(200_000_000, DAY).began, 200_000_000);
    }
}
