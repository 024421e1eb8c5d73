//! Finding routers that speak UPnP: a question to a multicast address, and answers from whoever is one.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::Error;

/// Kinds of devices that forward ports.
const KINDS: [&str; 2] = [
    "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
    "urn:schemas-upnp-org:device:InternetGatewayDevice:2",
];
/// Devices that are looked at.
const MOST: usize = 8;
/// Datagrams that are read for one question.
const DATAGRAMS: usize = 64;
/// Bytes of an answer.
const LONGEST: usize = 2048;

/// Where routers describe themselves, in the order in which they answered.
pub(crate) async fn search(target: SocketAddr, wait: Duration) -> Result<Vec<Url>, Error> {
    let any: SocketAddr = ([0, 0, 0, 0], 0).into();
    let socket = UdpSocket::bind(any).await?;
    let seconds = wait.as_secs().max(1);
    for kind in KINDS {
        let question = format!(
            "M-SEARCH * HTTP/1.1\r\nHOST: {target}\r\nST: {kind}\r\nMAN: \"ssdp:discover\"\r\nMX: {seconds}\r\n\r\n"
        );
        socket.send_to(question.as_bytes(), target).await?;
    }
    let until = Instant::now() + wait;
    let mut found: Vec<Url> = Vec::new();
    let mut buffer = [0; LONGEST];
    for _ in 0..DATAGRAMS {
        let Ok(read) = timeout_at(until, socket.recv_from(&mut buffer)).await else {
            break;
        };
        let Ok((length, from)) = read else {
            continue;
        };
        if let Some(url) = read_from(&buffer[..length], from.ip())
            && !found.contains(&url)
        {
            found.push(url);
            if found.len() == MOST {
                break;
            }
        }
    }
    Ok(found)
}

/// The location in an answer, if it is at the one who answered: nobody sends us elsewhere.
fn read_from(answer: &[u8], from: IpAddr) -> Option<Url> {
    let url = read(answer)?;
    let host: IpAddr = url.host_str()?.parse().ok()?;
    (host == from).then_some(url)
}

/// The location in an answer.
pub fn read(answer: &[u8]) -> Option<Url> {
    let text = std::str::from_utf8(answer).ok()?;
    let mut lines = text.lines();
    let status = lines.next()?;
    if !status.starts_with("HTTP/1.1 200") && !status.starts_with("HTTP/1.0 200") {
        return None;
    }
    let (mut location, mut kind) = (None, None);
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "location" => location = Some(value.trim()),
            "st" => kind = Some(value.trim()),
            _ => {}
        }
    }
    if !kind.is_none_or(|kind| KINDS.contains(&kind)) {
        return None;
    }
    let url = Url::parse(location?).ok()?;
    (url.scheme() == "http").then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let answer = |location: &str, st: &str| {
            format!(
                "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: {st}\r\nLocation: {location}\r\n\r\n"
            )
        };
        let at = "http://192.168.1.1:5000/rootDesc.xml";
        let good = answer(at, KINDS[0]);
        assert_eq!(read(good.as_bytes()).unwrap().as_str(), at);
        let from = |ip: &str| read_from(good.as_bytes(), ip.parse().unwrap());
        assert!(from("192.168.1.1").is_some());
        assert!(from("192.168.1.2").is_none());
        for bad in [
            String::new(),
            answer("ftp://192.168.1.1/", KINDS[0]),
            answer("nonsense", KINDS[0]),
            answer(at, "urn:schemas-upnp-org:device:MediaServer:1"),
            "HTTP/1.1 404 X\r\nLocation: http://192.168.1.1/\r\n".to_owned(),
            "NOTIFY * HTTP/1.1\r\nLocation: http://192.168.1.1/\r\n".to_owned(),
            format!("HTTP/1.1 200 OK\r\nST: {}\r\n\r\n", KINDS[0]),
        ] {
            assert_eq!(read(bad.as_bytes()), None, "{bad}");
        }
    }
}
