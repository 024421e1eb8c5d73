//! NAT-PMP: <https://www.rfc-editor.org/rfc/rfc6886>.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::{Error, Mapping, Protocol};

/// How long the first answer is waited for; doubled with each of the tries.
const FIRST: Duration = Duration::from_millis(250);
const TRIES: u32 = 4;
/// Bytes of the longest answer, of PCP too.
const LONGEST: usize = 1100;

/// A router that speaks it.
#[derive(Debug)]
pub(crate) struct Pmp {
    pub(crate) router: SocketAddr,
}

/// Sends a question until it is answered by something that `read` makes sense of.
pub(crate) async fn ask<T>(
    router: SocketAddr,
    question: &[u8],
    read: impl Fn(&[u8]) -> Option<Result<T, Error>>,
) -> Result<T, Error> {
    let any: SocketAddr = ([0, 0, 0, 0], 0).into();
    let socket = UdpSocket::bind(any).await?;
    // Takes answers of the router alone.
    socket.connect(router).await?;
    let mut buffer = [0; LONGEST];
    for number in 0..TRIES {
        socket.send(question).await?;
        let answer = async {
            loop {
                let length = socket.recv(&mut buffer).await?;
                if let Some(answer) = read(&buffer[..length]) {
                    return answer;
                }
            }
        };
        match timeout(FIRST * (1 << number), answer).await {
            Ok(answer) => return answer,
            Err(_) => continue,
        }
    }
    Err(Error::Silent)
}

impl Pmp {
    pub(crate) async fn external(&self) -> Result<Ipv4Addr, Error> {
        ask(self.router, &[0, 0], read_address).await
    }

    pub(crate) async fn map(
        &self,
        protocol: Protocol,
        port: u16,
        from: u16,
        time: Duration,
    ) -> Result<(Mapping, Option<Duration>), Error> {
        let external = self.external().await?;
        let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX).max(1);
        let (from, time) = self.request(protocol, port, from, seconds).await?;
        let mapping = Mapping {
            protocol,
            port,
            external: SocketAddr::new(external.into(), from),
        };
        Ok((mapping, Some(time)))
    }

    async fn request(
        &self,
        protocol: Protocol,
        port: u16,
        from: u16,
        seconds: u32,
    ) -> Result<(u16, Duration), Error> {
        let function = match protocol {
            Protocol::Udp => 1,
            Protocol::Tcp => 2,
        };
        let mut question = vec![0, function, 0, 0];
        question.extend(port.to_be_bytes());
        question.extend(from.to_be_bytes());
        question.extend(seconds.to_be_bytes());
        ask(self.router, &question, |answer| {
            read_mapping(answer, function, port)
        })
        .await
    }

    pub(crate) async fn unmap(&self, mapping: Mapping) -> Result<(), Error> {
        self.request(mapping.protocol, mapping.port, 0, 0)
            .await
            .map(drop)
    }
}

/// Whether an answer is one to `function`, and good.
fn check(answer: &[u8], function: u8) -> Option<Result<(), Error>> {
    let [0, of, high, low, ..] = *answer else {
        return None;
    };
    if of != function | 0x80 {
        return None;
    }
    let reason = match u16::from_be_bytes([high, low]) {
        0 => return Some(Ok(())),
        1 => "unsupported version",
        2 => "not authorized",
        3 => "network failure",
        4 => "out of resources",
        5 => "unsupported",
        _ => "unknown",
    };
    Some(Err(Error::Refused {
        code: u16::from_be_bytes([high, low]).into(),
        reason: reason.to_owned(),
    }))
}

/// The router's address in an answer; `None` where that is no answer.
pub fn read_address(answer: &[u8]) -> Option<Result<Ipv4Addr, Error>> {
    if let Err(error) = check(answer, 0)? {
        return Some(Err(error));
    }
    let octets: [u8; 4] = answer.get(8..12)?.try_into().ok()?;
    Some(Ok(octets.into()))
}

/// The port from which another is forwarded, and for how long; `None` where that is no answer.
pub fn read_mapping(
    answer: &[u8],
    function: u8,
    port: u16,
) -> Option<Result<(u16, Duration), Error>> {
    if let Err(error) = check(answer, function)? {
        return Some(Err(error));
    }
    let number = |at: usize| Some(u16::from_be_bytes(answer.get(at..at + 2)?.try_into().ok()?));
    if number(8)? != port {
        return None;
    }
    let seconds = u32::from_be_bytes(answer.get(12..16)?.try_into().ok()?);
    let time = Duration::from_secs(seconds.into());
    Some(Ok((number(10)?, time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let address = [0, 128, 0, 0, 0, 0, 0, 9, 203, 0, 113, 7];
        let read = read_address(&address).unwrap().unwrap();
        assert_eq!(read, Ipv4Addr::new(203, 0, 113, 7));
        assert!(read_address(&address[..11]).is_none());
        assert!(read_address(&[2, 128, 0, 0]).is_none());
        let refused = read_address(&[0, 128, 0, 3, 0, 0, 0, 0]).unwrap();
        assert!(matches!(refused, Err(Error::Refused { code: 3, .. })));
        let mapping = [0, 130, 0, 0, 0, 0, 0, 9, 0, 80, 31, 144, 0, 0, 0, 60];
        let read = read_mapping(&mapping, 2, 80).unwrap().unwrap();
        assert_eq!(read, (8080, Duration::from_secs(60)));
        // Of another port, of another function, cut.
        assert!(read_mapping(&mapping, 2, 81).is_none());
        assert!(read_mapping(&mapping, 1, 80).is_none());
        assert!(read_mapping(&mapping[..15], 2, 80).is_none());
    }
}
