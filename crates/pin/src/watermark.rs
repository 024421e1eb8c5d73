use std::time::Duration;

use tokio::time::Instant;

/// When to collect garbage by itself: a state machine that is told the time and how much is stored.
///
/// As Kubo does, it looks every `period` whether the store is over the watermark. Beyond that,
/// it collects at once when the store is over its maximum, but not again and again if that does
/// not help, because everything is pinned.
#[derive(Debug, Clone)]
pub struct Watermark {
    max: u64,
    mark: u64,
    period: Option<Duration>,
    next: Option<Instant>,
    /// What was stored after a collection that left the store over its maximum.
    in_vain: Option<u64>,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Collect, then call [`Watermark::collected`].
    Collect,
    /// Ask again at this time, or when much was written.
    WaitUntil(Instant),
    /// Never: collecting by itself is off.
    Off,
}

/// After a collection in vain, how much more must be written for another, in parts of the maximum.
const GROWTH: u64 = 20;
/// The longest that [`Watermark::next`] is not asked.
const LOOK: Duration = Duration::from_secs(10);

impl Watermark {
    /// A store of at most `max` bytes (`Datastore.StorageMax`) that is collected when `percent` of
    /// it are used (`Datastore.StorageGCWatermark`), looked at every `period`
    /// (`Datastore.GCPeriod`); a period of zero turns it off.
    pub fn new(max: u64, percent: u64, period: Duration) -> Self {
        let mark = u128::from(max) * u128::from(percent) / 100;
        Self {
            max,
            mark: u64::try_from(mark).unwrap_or(u64::MAX),
            period: (!period.is_zero()).then_some(period),
            next: None,
            in_vain: None,
        }
    }

    /// What to do at `now`, with `used` bytes stored.
    pub fn next(&mut self, now: Instant, used: u64) -> Action {
        let Some(period) = self.period else {
            return Action::Off;
        };
        // The first look is a period after the start.
        let due = *self.next.get_or_insert(now + period);
        let in_vain = self
            .in_vain
            .is_some_and(|left| used < left.saturating_add(self.max / GROWTH));
        if used > self.max && !in_vain {
            return Action::Collect;
        }
        if now < due {
            return Action::WaitUntil(due.min(now + LOOK));
        }
        let next = now + period;
        self.next = Some(next);
        if used > self.mark {
            Action::Collect
        } else {
            Action::WaitUntil(next.min(now + LOOK))
        }
    }

    /// A collection ended at `now` and left `used` bytes.
    pub fn collected(&mut self, now: Instant, used: u64) {
        self.next = self.period.map(|period| now + period);
        self.in_vain = (used > self.max).then_some(used);
    }

    /// Whether `more` bytes beside the `used` ones would take the store over its maximum.
    pub fn would_exceed(&self, used: u64, more: u64) -> bool {
        used.saturating_add(more) > self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn collects(mark: &mut Watermark, now: Instant, used: u64) -> bool {
        mark.next(now, used) == Action::Collect
    }

    #[test]
    fn collects_over_the_watermark_once_a_period() {
        let start = Instant::now();
        let mut mark = Watermark::new(1000, 90, HOUR);
        assert!(!collects(&mut mark, start, 950));
        assert_eq!(mark.next(start, 950), Action::WaitUntil(start + LOOK));
        assert!(!collects(&mut mark, start + HOUR - LOOK, 950));
        assert!(collects(&mut mark, start + HOUR, 901));
        mark.collected(start + HOUR, 950);
        assert!(!collects(&mut mark, start + HOUR, 950));
        assert!(!collects(&mut mark, start + HOUR * 2 - LOOK, 950));
        assert!(!collects(&mut mark, start + HOUR * 2, 900));
        assert!(collects(&mut mark, start + HOUR * 3, 901));
    }

    #[test]
    fn collects_over_the_maximum_at_once_but_not_in_vain() {
        let now = Instant::now();
        let mut mark = Watermark::new(1000, 90, HOUR);
        assert!(collects(&mut mark, now, 1001));
        mark.collected(now, 1001);
        assert!(!collects(&mut mark, now, 1001));
        assert!(!collects(&mut mark, now, 1050));
        assert!(collects(&mut mark, now, 1051));
        mark.collected(now, 1051);
        assert!(!collects(&mut mark, now, 1052));
        // The period still counts.
        assert!(collects(&mut mark, now + HOUR, 1052));
        mark.collected(now + HOUR, 500);
        assert!(collects(&mut mark, now + HOUR, 1001));
    }

    #[test]
    fn a_period_of_zero_turns_it_off() {
        let mut mark = Watermark::new(1000, 90, Duration::ZERO);
        assert_eq!(mark.next(Instant::now(), u64::MAX), Action::Off);
        assert!(mark.would_exceed(999, 2) && !mark.would_exceed(999, 1));
    }
}
