//! A peer that is written by hand from Yamux up, and keeps no rule that it does not like.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use futures::io::{ReadHalf, WriteHalf};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::core::upgrade::OutboundConnectionUpgrade;
use libp2p::identity::Keypair;
use libp2p::{PeerId, noise};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

type Secure = noise::Output<Compat<TcpStream>>;

const DATA: u8 = 0;
const WINDOW: u8 = 1;
const PING: u8 = 2;
const SYN: u16 = 1;
const RST: u16 = 8;
/// How long the other side may take before it counts as full.
const PATIENCE: Duration = Duration::from_millis(1500);
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes of a frame, as most write them.
const FRAME: usize = 64 << 10;

/// A connection of TCP, of which nothing more is made.
pub(super) async fn plain(at: SocketAddr) -> Result<TcpStream> {
    Ok(timeout(CONNECT, TcpStream::connect(at)).await??)
}

fn line(text: &str) -> Vec<u8> {
    super::proto::framed(format!("{text}\n").as_bytes())
}

async fn agree<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut S, name: &str) -> Result<()> {
    let hello = [line("/multistream/1.0.0"), line(name)];
    socket.write_all(&hello.concat()).await?;
    socket.flush().await?;
    for expected in hello {
        let mut said = vec![0; expected.len()];
        socket.read_exact(&mut said).await?;
        ensure!(said == expected, "{name} is not spoken");
    }
    Ok(())
}

/// A hostile peer.
pub(super) struct Peer {
    pub(super) id: PeerId,
    out: WriteHalf<Secure>,
    next: u32,
    reader: Reader,
}

/// What reads for it, or does not.
enum Reader {
    Task(JoinHandle<()>),
    Nobody { _kept: ReadHalf<Secure> },
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Reader::Task(task) = &self.reader {
            task.abort();
        }
    }
}

impl Peer {
    /// Connects; one that does not read leaves what comes on the wire.
    pub(super) async fn connect(at: SocketAddr, reads: bool) -> Result<Self> {
        match timeout(CONNECT, Self::dial(at, reads)).await {
            Ok(peer) => peer,
            Err(_) => bail!("no connection in time"),
        }
    }

    async fn dial(at: SocketAddr, reads: bool) -> Result<Self> {
        let mut socket = TcpStream::connect(at).await?.compat();
        agree(&mut socket, "/noise").await?;
        let key = Keypair::generate_ed25519();
        let config = noise::Config::new(&key)?;
        let (_, mut io) = config.upgrade_outbound(socket, "/noise").await?;
        agree(&mut io, "/yamux/1.0.0").await?;
        let (mut read, out) = io.split();
        let reader = match reads {
            true => Reader::Task(tokio::spawn(async move {
                let mut sink = vec![0; 64 << 10];
                while read.read(&mut sink).await.is_ok_and(|count| count > 0) {}
            })),
            false => Reader::Nobody { _kept: read },
        };
        Ok(Self {
            id: key.public().to_peer_id(),
            out,
            next: 1,
            reader,
        })
    }

    /// Writes bytes as they are; `false` when the other side takes no more.
    pub(super) async fn raw(&mut self, bytes: &[u8]) -> bool {
        let write = async {
            self.out.write_all(bytes).await?;
            self.out.flush().await
        };
        matches!(timeout(PATIENCE, write).await, Ok(Ok(())))
    }

    fn head(kind: u8, flags: u16, id: u32, length: u32) -> Vec<u8> {
        let mut head = vec![0, kind];
        head.extend(flags.to_be_bytes());
        head.extend(id.to_be_bytes());
        head.extend(length.to_be_bytes());
        head
    }

    /// Opens a stream and asks for a protocol on it, if one is given.
    pub(super) async fn open(&mut self, protocol: &str) -> Option<u32> {
        let id = self.next;
        self.next += 2;
        let mut body = Vec::new();
        if !protocol.is_empty() {
            body = [line("/multistream/1.0.0"), line(protocol)].concat();
        }
        let mut frame = Self::head(DATA, SYN, id, body.len() as u32);
        frame.extend(body);
        self.raw(&frame).await.then_some(id)
    }

    /// Sends bytes on a stream, whatever its window.
    pub(super) async fn send(&mut self, id: u32, body: &[u8]) -> bool {
        for piece in body.chunks(FRAME) {
            let mut frame = Self::head(DATA, 0, id, piece.len() as u32);
            frame.extend_from_slice(piece);
            if !self.raw(&frame).await {
                return false;
            }
        }
        true
    }

    /// Opens a stream and sends bytes on it.
    pub(super) async fn say(&mut self, protocol: &str, body: &[u8]) -> bool {
        match self.open(protocol).await {
            Some(id) => self.send(id, body).await,
            None => false,
        }
    }

    /// Sends so many bytes, each in a frame of its own.
    pub(super) async fn dribble(&mut self, id: u32, count: usize) -> bool {
        let mut frame = Self::head(DATA, 0, id, 1);
        frame.push(0x80);
        let many = frame.repeat(1000);
        for _ in 0..count.div_ceil(1000) {
            if !self.raw(&many).await {
                return false;
            }
        }
        true
    }

    /// Takes a stream back.
    pub(super) async fn reset(&mut self, id: u32) -> bool {
        self.raw(&Self::head(DATA, RST, id, 0)).await
    }

    /// Lets the other side send so much more on a stream.
    pub(super) async fn grant(&mut self, id: u32, bytes: u32) -> bool {
        self.raw(&Self::head(WINDOW, 0, id, bytes)).await
    }

    /// Pings of the multiplexer.
    pub(super) async fn pings(&mut self, count: usize) -> bool {
        let many = Self::head(PING, SYN, 0, 7).repeat(count);
        self.raw(&many).await
    }
}
