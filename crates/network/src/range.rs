//! Ranges of IP addresses.

use std::net::IpAddr;
use std::str::FromStr;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

/// A range of IP addresses, as `/ip4/10.0.0.0/ipcidr/8` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Range {
    network: IpAddr,
    bits: u8,
}

impl Range {
    /// Reads a range; `None` where the address is none.
    pub fn of(address: &Multiaddr) -> Option<Self> {
        let mut parts = address.iter();
        let ip = match parts.next()? {
            Protocol::Ip4(ip) => IpAddr::from(ip),
            Protocol::Ip6(ip) => IpAddr::from(ip),
            _ => return None,
        };
        let Some(Protocol::Ipcidr(bits)) = parts.next() else {
            return None;
        };
        let most = if ip.is_ipv4() { 32 } else { 128 };
        if bits > most || parts.next().is_some() {
            return None;
        }
        Some(Self::new(ip, bits))
    }

    /// The range of the addresses that begin with the same `bits` bits as `ip`.
    pub fn new(ip: IpAddr, bits: u8) -> Self {
        Self {
            network: masked(ip, bits),
            bits,
        }
    }

    /// Whether the address lies in the range. An IPv4 address in an IPv6 one is an IPv4 address.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip.is_ipv4() == self.network.is_ipv4() && masked(ip, self.bits) == self.network
    }
}

/// A text that is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotARange {
    /// It is none at all.
    #[error("invalid multiaddr-filter format")]
    Format,
    /// Its address or its number of bits is wrong.
    #[error("invalid CIDR address: {0}")]
    Cidr(String),
}

impl FromStr for Range {
    type Err = NotARange;

    fn from_str(text: &str) -> Result<Self, NotARange> {
        let parts: Vec<&str> = text.split('/').collect();
        let ["", kind, ip, "ipcidr", bits] = parts[..] else {
            return Err(NotARange::Format);
        };
        if kind != "ip4" && kind != "ip6" {
            return Err(NotARange::Format);
        }
        let wrong = || NotARange::Cidr(format!("{ip}/{bits}"));
        let address: IpAddr = ip.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let digits = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
        match bits.parse() {
            Ok(bits) if digits && bits <= most => Ok(Self::new(address, bits)),
            _ => Err(wrong()),
        }
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if self.network.is_ipv4() { "ip4" } else { "ip6" };
        write!(f, "/{kind}/{}/ipcidr/{}", self.network, self.bits)
    }
}

fn masked(ip: IpAddr, bits: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let mask = u32::MAX
                .checked_shl(32u32.saturating_sub(bits.into()))
                .unwrap_or(0);
            IpAddr::from((ip.to_bits() & mask).to_be_bytes())
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX
                .checked_shl(128u32.saturating_sub(bits.into()))
                .unwrap_or(0);
            IpAddr::from((ip.to_bits() & mask).to_be_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_what_they_say() {
        let range = |a: &str| Range::of(&a.parse().unwrap());
        let ten = range("/ip4/10.1.2.3/ipcidr/8").unwrap();
        assert_eq!(ten.to_string(), "/ip4/10.0.0.0/ipcidr/8");
        assert!(ten.contains("10.255.0.1".parse().unwrap()));
        assert!(ten.contains("::ffff:10.0.0.1".parse().unwrap()));
        assert!(!ten.contains("11.0.0.1".parse().unwrap()));
        assert!(!ten.contains("::1".parse().unwrap()));
        let all = range("/ip6/::/ipcidr/0").unwrap();
        assert!(all.contains("2001:db8::1".parse().unwrap()));
        assert!(
            range("/ip4/1.2.3.4/ipcidr/32")
                .unwrap()
                .contains("1.2.3.4".parse().unwrap())
        );
        assert_eq!(range("/ip4/1.2.3.4/ipcidr/33"), None);
        assert_eq!(range("/ip4/1.2.3.4"), None);
        assert_eq!(range("/dns4/x/ipcidr/3"), None);
    }

    #[test]
    fn ranges_are_read() {
        let read = |text: &str| text.parse::<Range>().map(|range| range.to_string());
        assert_eq!(
            read("/ip4/10.1.2.3/ipcidr/8").unwrap(),
            "/ip4/10.0.0.0/ipcidr/8"
        );
        assert_eq!(
            read("/ip6/fe80::1/ipcidr/10").unwrap(),
            "/ip6/fe80::/ipcidr/10"
        );
        let error = |text: &str| read(text).unwrap_err().to_string();
        for wrong in [
            "x",
            "/ip4/1.2.3.4",
            "/dns4/x/ipcidr/3",
            "/ip4/1.2.3.4/ipcidr/8/",
        ] {
            assert_eq!(error(wrong), "invalid multiaddr-filter format");
        }
        assert_eq!(
            error("/ip4/1.2.3.4/ipcidr/99"),
            "invalid CIDR address: 1.2.3.4/99"
        );
        assert_eq!(
            error("/ip4/1.2.3/ipcidr/+8"),
            "invalid CIDR address: 1.2.3/+8"
        );
    }
}
