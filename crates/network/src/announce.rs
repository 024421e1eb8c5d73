//! Which addresses a node tells others.

use libp2p::Multiaddr;

use crate::Range;
use crate::address::ip_of;

/// The rules of `Addresses.Announce`, `AppendAnnounce` and `NoAnnounce`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    instead: Vec<Multiaddr>,
    besides: Vec<Multiaddr>,
    never: Vec<Multiaddr>,
    ranges: Vec<Range>,
}

impl Rules {
    pub(crate) fn new(instead: &[Multiaddr], besides: &[Multiaddr], never: &[Multiaddr]) -> Self {
        let ranges: Vec<_> = never.iter().filter_map(Range::of).collect();
        Self {
            instead: instead.to_vec(),
            besides: besides.to_vec(),
            never: never.to_vec(),
            ranges,
        }
    }

    /// What is announced when these were found out.
    pub(crate) fn apply(&self, found: impl IntoIterator<Item = Multiaddr>) -> Vec<Multiaddr> {
        let mut all: Vec<Multiaddr> = if self.instead.is_empty() {
            found.into_iter().collect()
        } else {
            self.instead.clone()
        };
        all.extend(self.besides.iter().cloned());
        all.retain(|address| {
            let in_range = |ip| self.ranges.iter().any(|range| range.contains(ip));
            !self.never.contains(address) && !ip_of(address).is_some_and(in_range)
        });
        all.sort_unstable_by_key(ToString::to_string);
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(all: &[&str]) -> Vec<Multiaddr> {
        all.iter().map(|a| a.parse().unwrap()).collect()
    }

    #[test]
    fn rules_choose_what_is_announced() {
        let found = list(&["/ip4/10.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1"]);
        let rules = Rules::new(&[], &list(&["/ip4/1.1.1.1/tcp/1"]), &[]);
        assert_eq!(rules.apply(found.clone()).len(), 3);
        let rules = Rules::new(&list(&["/ip4/1.1.1.1/tcp/1"]), &[], &[]);
        assert_eq!(rules.apply(found.clone()), list(&["/ip4/1.1.1.1/tcp/1"]));
        let never = list(&["/ip4/10.0.0.0/ipcidr/8", "/ip4/127.0.0.1/tcp/1"]);
        assert!(Rules::new(&[], &[], &never).apply(found).is_empty());
    }
}
