//! PCP: <https://www.rfc-editor.org/rfc/rfc6887>.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::pmp::ask;
use crate::upnp::local_address_to;
use crate::{Error, Mapping, Protocol};

/// The function that forwards a port.
const MAP: u8 = 1;
/// The function that says that the router is there.
const ANNOUNCE: u8 = 0;
/// Bytes of a question and of an answer.
const LENGTH: usize = 60;

/// A router that speaks it.
#[derive(Debug)]
pub(crate) struct Pcp {
    pub(crate) router: SocketAddr,
    /// Tells this client from others behind the same address.
    pub(crate) nonce: [u8; 12],
}

/// What a router forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forwarded {
    protocol: u8,
    port: u16,
    external: SocketAddr,
    time: Duration,
}

/// Whether a router speaks PCP, asked in a way that changes nothing.
pub(crate) async fn is_spoken(router: SocketAddr) -> Result<bool, Error> {
    let client = mapped(local_address_to(router).await?);
    let mut question = vec![2, ANNOUNCE, 0, 0, 0, 0, 0, 0];
    question.extend(client.octets());
    let read = |answer: &[u8]| match *answer {
        // Whether it knows the function or not.
        [2, of, _, code, ..] if of == ANNOUNCE | 0x80 => Some(Ok(matches!(code, 0 | 4))),
        [0, ..] => Some(Ok(false)),
        _ => None,
    };
    ask(router, &question, read).await
}

impl Pcp {
    pub(crate) async fn map(
        &self,
        protocol: Protocol,
        port: u16,
        from: u16,
        time: Duration,
    ) -> Result<(Mapping, Option<Duration>), Error> {
        let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX).max(1);
        let forwarded = self.request(protocol, port, from, seconds).await?;
        let mapping = Mapping {
            protocol,
            port,
            external: forwarded.external,
        };
        Ok((mapping, Some(forwarded.time)))
    }

    pub(crate) async fn unmap(&self, mapping: Mapping) -> Result<(), Error> {
        let request = self.request(mapping.protocol, mapping.port, 0, 0);
        request.await.map(drop)
    }

    async fn request(
        &self,
        protocol: Protocol,
        port: u16,
        from: u16,
        seconds: u32,
    ) -> Result<Forwarded, Error> {
        let protocol = match protocol {
            Protocol::Tcp => 6,
            Protocol::Udp => 17,
        };
        let client = mapped(local_address_to(self.router).await?);
        let mut question = Vec::with_capacity(LENGTH);
        question.extend([2, MAP, 0, 0]);
        question.extend(seconds.to_be_bytes());
        question.extend(client.octets());
        question.extend(self.nonce);
        question.extend([protocol, 0, 0, 0]);
        question.extend(port.to_be_bytes());
        question.extend(from.to_be_bytes());
        // Any address of the router.
        question.extend(mapped(IpAddr::from([0, 0, 0, 0])).octets());
        ask(self.router, &question, |answer| {
            let read = read(answer, &self.nonce)?;
            match read {
                Ok(read) if (read.protocol, read.port) != (protocol, port) => None,
                read => Some(read),
            }
        })
        .await
    }
}

fn mapped(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

/// What an answer says; `None` where that is no answer to a question with this nonce.
pub fn read(answer: &[u8], nonce: &[u8; 12]) -> Option<Result<Forwarded, Error>> {
    let refused = |code: u8, reason: &str| {
        let (code, reason) = (code.into(), reason.to_owned());
        Some(Err(Error::Refused { code, reason }))
    };
    match *answer {
        // One that speaks NAT-PMP only.
        [0, _, ..] => return refused(1, "unsupported version"),
        [2, of, _, 0, ..] if of == MAP | 0x80 => {}
        [2, of, _, code, ..] if of == MAP | 0x80 => {
            let reason = match code {
                1 => "unsupported version",
                2 => "not authorized",
                3 => "malformed request",
                4 => "unsupported function",
                7 => "network failure",
                8 => "no resources",
                10 => "user exceeded quota",
                11 => "cannot provide external",
                12 => "address mismatch",
                _ => "unknown",
            };
            return refused(code, reason);
        }
        _ => return None,
    }
    let answer: &[u8; LENGTH] = answer.get(..LENGTH)?.try_into().ok()?;
    if answer[24..36] != nonce[..] {
        return None;
    }
    let number = |at: usize| u16::from_be_bytes([answer[at], answer[at + 1]]);
    let octets: [u8; 16] = answer[44..60].try_into().ok()?;
    let seconds = u32::from_be_bytes(answer[4..8].try_into().ok()?);
    Some(Ok(Forwarded {
        protocol: answer[36],
        port: number(40),
        external: SocketAddr::new(Ipv6Addr::from(octets).to_canonical(), number(42)),
        time: Duration::from_secs(seconds.into()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let nonce = [7; 12];
        let mut answer = vec![2, 0x81, 0, 0, 0, 0, 0, 60];
        answer.extend([0; 16]);
        answer.extend(nonce);
        answer.extend([6, 0, 0, 0, 0, 80, 31, 144]);
        answer.extend(
            "203.0.113.7"
                .parse::<std::net::Ipv4Addr>()
                .unwrap()
                .to_ipv6_mapped()
                .octets(),
        );
        let good = read(&answer, &nonce).unwrap().unwrap();
        assert_eq!(good.external, "203.0.113.7:8080".parse().unwrap());
        assert_eq!((good.port, good.protocol), (80, 6));
        assert_eq!(good.time, Duration::from_secs(60));
        assert!(read(&answer, &[8; 12]).is_none());
        assert!(read(&answer[..59], &nonce).is_none());
        assert!(read(&[], &nonce).is_none());
        answer[3] = 8;
        assert!(matches!(
            read(&answer, &nonce),
            Some(Err(Error::Refused { code: 8, .. }))
        ));
        let old = read(&[0, 0x81, 0, 1], &nonce);
        assert!(matches!(old, Some(Err(Error::Refused { code: 1, .. }))));
    }
}
