//! A bad line between two nodes: slow, lossy, cut now and then, and silent when told.
//!
//! The kernel may have no emulation of such lines, so this stands between the nodes. Datagrams are lost one
//! by one; TCP would repair that below, so its connections are cut instead.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::proof::content::Dice;

const DELAY: Duration = Duration::from_millis(50);
/// One datagram of so many is lost.
const LOST: u64 = 20;
/// How long a TCP connection lasts, in milliseconds.
const LIFE: (u64, u64) = (5_000, 40_000);
/// Pieces under way in one direction.
const PIECES: usize = 64;
const DATAGRAMS: usize = 2048;
const PIECE: usize = 16 << 10;

/// What a line carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Tcp,
    Udp,
}

/// A line to a port of this machine; it ends when this is dropped.
pub(super) struct Link {
    /// Where the line begins.
    pub(super) port: u16,
    silent: watch::Sender<bool>,
    _work: JoinSet<()>,
}

impl Link {
    pub(super) async fn new(kind: Kind, target: u16, dice: Dice) -> Result<Self> {
        let (silent, line) = watch::channel(false);
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, target));
        let mut work = JoinSet::new();
        let port = match kind {
            Kind::Tcp => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                let port = listener.local_addr()?.port();
                work.spawn(connections(listener, target, line, dice));
                port
            }
            Kind::Udp => {
                let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                let port = socket.local_addr()?.port();
                work.spawn(datagrams(Arc::new(socket), target, line, dice));
                port
            }
        };
        Ok(Self {
            port,
            silent,
            _work: work,
        })
    }

    /// Lets nothing through, or everything again. TCP keeps what was sent meanwhile, as it would.
    pub(super) fn silence(&self, silent: bool) {
        self.silent.send_replace(silent);
    }
}

async fn connections(
    listener: TcpListener,
    target: SocketAddr,
    line: watch::Receiver<bool>,
    mut dice: Dice,
) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            Ok((near, _)) = listener.accept() => {
                let life = Duration::from_millis(dice.within(LIFE.0, LIFE.1));
                open.spawn(connection(near, target, line.clone(), life));
            }
            Some(_) = open.join_next() => {}
        }
    }
}

/// One connection, until either side ends it or its life is over.
async fn connection(
    near: TcpStream,
    target: SocketAddr,
    mut line: watch::Receiver<bool>,
    life: Duration,
) {
    // Who knocks at a silent line hears nothing.
    if line.wait_for(|silent| !silent).await.is_err() {
        return;
    }
    let Ok(far) = TcpStream::connect(target).await else {
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    tokio::select! {
        _ = pump(from_near, to_far, line.clone()) => {}
        _ = pump(from_far, to_near, line) => {}
        () = sleep(life) => {}
    }
}

/// Carries one direction.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut line: watch::Receiver<bool>,
) -> io::Result<()> {
    let (send, mut sent) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES);
    let reads = async move {
        let mut piece = vec![0; PIECE];
        loop {
            let len = from.read(&mut piece).await?;
            let due = Instant::now() + DELAY;
            if len == 0 || send.send((due, piece[..len].to_vec())).await.is_err() {
                return Ok(());
            }
        }
    };
    let writes = async move {
        while let Some((due, piece)) = sent.recv().await {
            sleep_until(due).await;
            if line.wait_for(|silent| !silent).await.is_err() {
                break;
            }
            to.write_all(&piece).await?;
        }
        Ok(())
    };
    tokio::try_join!(reads, writes).map(|_| ())
}

/// Datagrams of every sender, each with a socket of its own to the target.
async fn datagrams(
    socket: Arc<UdpSocket>,
    target: SocketAddr,
    line: watch::Receiver<bool>,
    mut dice: Dice,
) {
    let (mut senders, mut work) = (HashMap::new(), JoinSet::new());
    let mut datagram = vec![0; 65536];
    loop {
        // On loopback a socket may hear that nobody listens; that says nothing of others.
        let Ok((len, sender)) = socket.recv_from(&mut datagram).await else {
            continue;
        };
        let lose = dice.one_in(LOST);
        let there = match senders.get(&sender) {
            Some(there) => there,
            None => {
                let Ok(far) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await else {
                    continue;
                };
                if far.connect(target).await.is_err() {
                    continue;
                }
                let far = Arc::new(far);
                let (there, coming) = mpsc::channel(DATAGRAMS);
                let out = Arc::clone(&far);
                work.spawn(late(coming, move |piece: Vec<u8>| {
                    let out = Arc::clone(&out);
                    async move { out.send(&piece).await.map(|_| ()) }
                }));
                let (back, coming) = mpsc::channel(DATAGRAMS);
                let near = Arc::clone(&socket);
                work.spawn(late(coming, move |piece: Vec<u8>| {
                    let near = Arc::clone(&near);
                    async move { near.send_to(&piece, sender).await.map(|_| ()) }
                }));
                let seed = Dice::new(dice.next());
                work.spawn(answers(far, back, line.clone(), seed));
                senders.entry(sender).or_insert(there)
            }
        };
        if !lose && !*line.borrow() {
            // More than is under way anywhere is lost too.
            let _ = there.try_send((Instant::now() + DELAY, datagram[..len].to_vec()));
        }
    }
}

/// What comes back from the target.
async fn answers(
    far: Arc<UdpSocket>,
    back: mpsc::Sender<(Instant, Vec<u8>)>,
    line: watch::Receiver<bool>,
    mut dice: Dice,
) {
    let mut datagram = vec![0; 65536];
    loop {
        // Nobody listens there for now.
        let Ok(len) = far.recv(&mut datagram).await else {
            sleep(DELAY).await;
            continue;
        };
        if !dice.one_in(LOST) && !*line.borrow() {
            let _ = back.try_send((Instant::now() + DELAY, datagram[..len].to_vec()));
        }
    }
}

/// Sends each datagram when it is due.
async fn late<F>(mut coming: mpsc::Receiver<(Instant, Vec<u8>)>, send: impl Fn(Vec<u8>) -> F)
where
    F: Future<Output = io::Result<()>>,
{
    while let Some((due, piece)) = coming.recv().await {
        sleep_until(due).await;
        // What cannot be sent is lost.
        let _ = send(piece).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_by_tcp_comes_late_and_waits_out_a_silence() {
        let target = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = target.local_addr().unwrap().port();
        let link = Link::new(Kind::Tcp, port, Dice::new(1)).await.unwrap();
        let mut near = TcpStream::connect((Ipv4Addr::LOCALHOST, link.port))
            .await
            .unwrap();
        let (mut far, _) = target.accept().await.unwrap();
        let began = Instant::now();
        near.write_all(b"one").await.unwrap();
        let mut word = [0; 3];
        far.read_exact(&mut word).await.unwrap();
        assert_eq!(&word, b"one");
        assert!(began.elapsed() >= DELAY);
        link.silence(true);
        far.write_all(b"two").await.unwrap();
        let nothing = tokio::time::timeout(DELAY * 3, near.read_exact(&mut word)).await;
        assert!(nothing.is_err());
        link.silence(false);
        near.read_exact(&mut word).await.unwrap();
        assert_eq!(&word, b"two");
    }

    #[tokio::test]
    async fn some_datagrams_are_lost_and_answers_find_back() {
        let target = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = target.local_addr().unwrap().port();
        let link = Link::new(Kind::Udp, port, Dice::new(1)).await.unwrap();
        let near = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        near.connect((Ipv4Addr::LOCALHOST, link.port))
            .await
            .unwrap();
        for n in 0..200_u8 {
            near.send(&[n]).await.unwrap();
        }
        let (mut came, mut byte, mut from) = (0, [0; 1], None);
        while let Ok(Ok((_, sender))) =
            tokio::time::timeout(DELAY * 10, target.recv_from(&mut byte)).await
        {
            came += 1;
            from = Some(sender);
        }
        assert!((150..200).contains(&came), "{came}");
        // One of a few comes back.
        for _ in 0..20 {
            target.send_to(b"x", from.unwrap()).await.unwrap();
        }
        near.recv(&mut byte).await.unwrap();
        assert_eq!(&byte, b"x");
    }
}
