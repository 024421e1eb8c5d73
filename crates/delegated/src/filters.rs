//! What of an answer is wanted: by the protocols of addresses, and by how peers give what they have.
//! <https://specs.ipfs.tech/ipips/ipip-0484/>

use std::collections::BTreeSet;

use multiaddr::{Multiaddr, Protocol};

use crate::PeerRecord;

/// Stands for records that do not say.
const UNKNOWN: &str = "unknown";

/// What is wanted; by default everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    addresses: Option<Addresses>,
    /// In lower case.
    protocols: Option<BTreeSet<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Addresses {
    wanted: BTreeSet<String>,
    unwanted: BTreeSet<String>,
}

impl Filters {
    /// Reads the values of `filter-addrs` and `filter-protocols`: names, parted by commas. Empty ones
    /// filter nothing.
    pub fn new(addresses: &str, protocols: &str) -> Self {
        Self {
            addresses: Some(addresses)
                .filter(|text| !text.is_empty())
                .map(Addresses::new),
            protocols: names(protocols),
        }
    }

    /// The query that asks a server for the same.
    pub fn query(&self) -> String {
        let mut parts = Vec::new();
        if let Some(Addresses { wanted, unwanted }) = &self.addresses {
            let mut all: Vec<String> = unwanted.iter().map(|name| format!("!{name}")).collect();
            all.extend(wanted.iter().cloned());
            parts.push(format!("filter-addrs={}", list(&all)));
        }
        if let Some(protocols) = &self.protocols {
            let all: Vec<String> = protocols.iter().cloned().collect();
            parts.push(format!("filter-protocols={}", list(&all)));
        }
        parts.join("&")
    }

    /// What is wanted of a record; `None` if nothing is.
    pub fn apply(&self, mut record: PeerRecord) -> Option<PeerRecord> {
        if let Some(wanted) = &self.protocols {
            let said = &record.protocols;
            let fits = said
                .iter()
                .any(|name| wanted.contains(&name.to_lowercase()));
            let silent = said.is_empty() && wanted.contains(UNKNOWN);
            if !fits && !silent {
                return None;
            }
        }
        if let Some(filter) = &self.addresses {
            if record.addresses.is_empty() && filter.wanted.contains(UNKNOWN) {
                return Some(record);
            }
            record.addresses.retain(|address| filter.wants(address));
            if record.addresses.is_empty() {
                return None;
            }
        }
        Some(record)
    }
}

impl Addresses {
    fn new(text: &str) -> Self {
        let mut filter = Self::default();
        for name in text.to_lowercase().split(',') {
            match name.strip_prefix('!') {
                Some(name) => filter.unwanted.insert(name.to_owned()),
                None => filter.wanted.insert(name.to_owned()),
            };
        }
        filter
    }

    fn wants(&self, address: &Multiaddr) -> bool {
        let has = |names: &BTreeSet<String>| {
            address.iter().any(|part| {
                let peer = matches!(part, Protocol::P2p(_));
                // What these were called before.
                names.contains(part.tag()) || (peer && names.contains("ipfs"))
            })
        };
        !has(&self.unwanted) && (self.wanted.is_empty() || has(&self.wanted))
    }
}

fn names(text: &str) -> Option<BTreeSet<String>> {
    let names = || text.to_lowercase().split(',').map(str::to_owned).collect();
    (!text.is_empty()).then(names)
}

/// Names parted by commas, which stay as they are so that caches see one URL.
fn list(names: &[String]) -> String {
    let escaped = names
        .iter()
        .map(|name| basalt_http::query::escape(name.as_bytes()));
    match escaped.collect::<Vec<_>>().join(",") {
        // One name that is empty filters too, unlike none.
        list if list.is_empty() => ",".to_owned(),
        list => list,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p_identity::PeerId;

    fn record(addresses: &[&str], protocols: &[&str]) -> PeerRecord {
        PeerRecord {
            id: PeerId::random(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
            protocols: protocols.iter().map(|p| (*p).to_owned()).collect(),
        }
    }

    /// The addresses that are left; `None` where the record is not.
    fn left(filters: (&str, &str), record: &PeerRecord) -> Option<Vec<String>> {
        let filters = Filters::new(filters.0, filters.1);
        let record = filters.apply(record.clone())?;
        Some(record.addresses.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn addresses_are_chosen_by_their_protocols() {
        let all = [
            "/ip4/1.2.3.4/tcp/1",
            "/ip4/1.2.3.4/udp/1/quic-v1",
            "/ip6/::1/tcp/1/ws",
        ];
        let some = record(&all, &[]);
        let left = |addresses: &str| left((addresses, ""), &some);
        assert_eq!(left("").unwrap(), all);
        assert_eq!(left("tcp").unwrap(), [all[0], all[2]]);
        assert_eq!(left("TCP,quic-v1").unwrap(), all);
        assert_eq!(left("!tcp").unwrap(), [all[1]]);
        assert_eq!(left("!ip6,tcp").unwrap(), [all[0]]);
        assert_eq!(left("unknown,ws").unwrap(), [all[2]]);
        for nothing in ["unknown", "nonsense", ",", "!ip4,!ip6", "webrtc"] {
            assert_eq!(left(nothing), None, "{nothing}");
        }
        let peer = record(
            &["/dns4/a/tcp/1/p2p/12D3KooWFZnDfM5LwFGLCN6m2MJxFMfqphKrRNnFTCyvgUhgAR2r"],
            &[],
        );
        assert!(Filters::new("ipfs", "").apply(peer).is_some());
        let nowhere = record(&[], &[]);
        assert!(Filters::new("unknown", "").apply(nowhere.clone()).is_some());
        assert!(Filters::new("tcp", "").apply(nowhere.clone()).is_none());
        assert!(Filters::new("!tcp", "").apply(nowhere).is_none());
    }

    #[test]
    fn peers_are_chosen_by_their_protocols() {
        let silent = record(&["/ip4/1.2.3.4/tcp/1"], &[]);
        let speaks = record(&["/ip4/1.2.3.4/tcp/1"], &["Transport-Bitswap", "x"]);
        let has = |protocols: &str, record| left(("", protocols), record).is_some();
        assert!(has("", &silent) && has("", &speaks));
        assert!(has("unknown", &silent) && !has("unknown", &speaks));
        assert!(has("transport-BITSWAP", &speaks) && !has("transport-bitswap", &silent));
        assert!(!has("y", &speaks) && has("y,X", &speaks));
    }

    #[test]
    fn queries_say_the_same() {
        let filters = Filters::new("!udp,tcp", "unknown,transport-bitswap");
        let query = filters.query();
        assert_eq!(
            query,
            "filter-addrs=%21udp,tcp&filter-protocols=transport-bitswap,unknown"
        );
        let pairs = basalt_http::query::parse(&query);
        assert_eq!(Filters::new(&pairs[0].1, &pairs[1].1), filters);
        assert_eq!(Filters::default().query(), "");
        let nothing = Filters::new(",", "");
        assert_eq!(nothing.query(), "filter-addrs=,");
    }
}
