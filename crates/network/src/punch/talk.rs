//! The talk of two nodes that ends with both dialling each other at the same moment.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};
use libp2p::Multiaddr;
use tokio::time::Instant;

use super::message::{ADDRESSES, MESSAGE, Message};
use crate::address::{ip_of, is_public, is_relayed};
use crate::dht::frame::{read_frame, write_frame};

/// Begins the talk: where the other side is, and when to dial it there.
///
/// The stream has to stay until the dial has ended. Dropped before the other side has read the last word,
/// it would take that word with it, and only this side would dial.
pub(super) async fn begin(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    own: &[Multiaddr],
) -> Result<(Vec<Multiaddr>, Instant)> {
    say(stream, &connect(own)).await?;
    let said = Instant::now();
    let theirs = read_connect(stream).await?;
    let round: Duration = said.elapsed();
    say(stream, &Message::Sync).await?;
    // When the word arrives there.
    let then = Instant::now() + round / 2;
    stream.close().await?;
    Ok((theirs, then))
}

/// Answers: where the other side is, which dials now.
pub(super) async fn answer(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    own: &[Multiaddr],
) -> Result<Vec<Multiaddr>> {
    let theirs = read_connect(stream).await?;
    say(stream, &connect(own)).await?;
    match read(stream).await? {
        Message::Sync => Ok(theirs),
        Message::Connect(_) => Err(wrong("it begins twice")),
    }
}

fn connect(own: &[Multiaddr]) -> Message {
    let all = own.iter().take(ADDRESSES);
    Message::Connect(all.map(Multiaddr::to_vec).collect())
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), message: &Message) -> Result<()> {
    write_frame(stream, &message.encode()).await
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Message> {
    let frame = read_frame(stream, MESSAGE).await?;
    let frame = frame.ok_or(ErrorKind::UnexpectedEof)?;
    Message::decode(&frame).ok_or_else(|| wrong("no message"))
}

async fn read_connect(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<Multiaddr>> {
    let Message::Connect(addresses) = read(stream).await? else {
        return Err(wrong("it does not say where it is"));
    };
    let addresses = addresses.into_iter();
    let mut found: Vec<_> = addresses
        .filter_map(|address| Multiaddr::try_from(address).ok())
        .filter(is_dialled)
        .collect();
    found.dedup();
    if found.is_empty() {
        return Err(wrong("it has no public address"));
    }
    Ok(found)
}

/// Nobody has this node knock at doors of its own network.
fn is_dialled(address: &Multiaddr) -> bool {
    !is_relayed(address) && ip_of(address).is_some_and(is_public)
}

fn wrong(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use futures::AsyncReadExt;
    use tokio_util::compat::TokioAsyncReadCompatExt;

    use super::*;

    fn list(all: &[&str]) -> Vec<Multiaddr> {
        all.iter().map(|a| a.parse().unwrap()).collect()
    }

    #[tokio::test]
    async fn both_sides_learn_where_the_other_is() {
        let (one, other) = tokio::io::duplex(MESSAGE);
        let (mut one, mut other) = (one.compat(), other.compat());
        let here = list(&["/ip4/5.10.1.1/tcp/4001", "/ip4/192.168.1.2/tcp/4001"]);
        let there = list(&["/ip4/5.10.2.1/udp/4001/quic-v1"]);
        let (begun, answered) = tokio::join!(begin(&mut one, &here), answer(&mut other, &there));
        assert_eq!(begun.unwrap().0, there);
        assert_eq!(answered.unwrap(), here[..1]);
    }

    /// A reset after the last word would be that word's end, where the other side is late.
    #[tokio::test]
    async fn a_side_that_reads_late_reads_the_last_word() {
        let (one, other) = tokio::io::duplex(MESSAGE);
        let (mut one, mut other) = (one.compat(), other.compat());
        let own = list(&["/ip4/5.10.1.1/tcp/4001"]);
        let late = async {
            read_connect(&mut other).await.unwrap();
            say(&mut other, &connect(&own)).await.unwrap();
        };
        let (begun, ()) = tokio::join!(begin(&mut one, &own), late);
        begun.unwrap();
        // It is there, and then the orderly end, with the stream still held.
        assert_eq!(read(&mut other).await.unwrap(), Message::Sync);
        assert_eq!(other.read(&mut [0]).await.unwrap(), 0);
        drop(one);
    }

    #[tokio::test]
    async fn who_is_nowhere_or_lies_is_not_dialled() {
        let own = list(&["/ip4/5.10.1.1/tcp/4001"]);
        for theirs in [
            Message::Connect(Vec::new()),
            Message::Connect(vec![vec![0xff; 9]]),
            connect(&list(&["/ip4/127.0.0.1/tcp/1", "/dns4/localhost/tcp/1"])),
            Message::Sync,
        ] {
            let (one, other) = tokio::io::duplex(MESSAGE);
            let (mut one, mut other) = (one.compat(), other.compat());
            say(&mut one, &theirs).await.unwrap();
            assert!(answer(&mut other, &own).await.is_err(), "{theirs:?}");
        }
        let (one, other) = tokio::io::duplex(MESSAGE);
        let (mut one, mut other) = (one.compat(), other.compat());
        let twice = async {
            say(&mut one, &connect(&own)).await.unwrap();
            say(&mut one, &connect(&own)).await.unwrap();
        };
        let (answered, ()) = tokio::join!(answer(&mut other, &own), twice);
        assert!(answered.is_err());
    }
}
