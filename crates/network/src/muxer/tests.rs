use std::future::poll_fn;
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt};
use tokio::io::DuplexStream;
use tokio::time::timeout;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::budget::Patience;
use super::*;

type Wire = Compat<DuplexStream>;

const STREAMS: usize = 512;
const MIB: usize = 1 << 20;
/// More than any connection waits before it gives the other side up.
const LONG: Duration = Duration::from_secs(100);

/// One that gives up soon.
fn budget() -> Arc<Budget> {
    let patience = Patience {
        deaf: Duration::from_millis(50),
        stuck: Duration::from_millis(300),
        untaken: Duration::from_millis(300),
        look: Duration::from_millis(20),
    };
    let mut budget = Budget::default();
    budget.patience = patience;
    Arc::new(budget)
}

/// A connection that others opened, and what they write to by hand.
fn inbound(budget: &Arc<Budget>) -> (Muxer<Wire>, Wire) {
    let (ours, theirs) = tokio::io::duplex(MIB);
    let yamux = Yamux::new(budget.clone(), STREAMS);
    (yamux.muxer(ours.compat(), Mode::Server), theirs.compat())
}

/// A frame of data; the first of a stream opens it.
fn data(id: u32, first: bool, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, 0, u8::from(first)];
    frame.extend(id.to_be_bytes());
    frame.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
    frame.extend(body);
    frame
}

/// Moves a connection on until it ends; its streams are kept.
async fn drive(muxer: &mut Muxer<Wire>, streams: &mut Vec<Stream>) -> io::Error {
    poll_fn(|cx| {
        loop {
            match Pin::new(&mut *muxer).poll_inbound(cx) {
                Poll::Ready(Ok(stream)) => streams.push(stream),
                Poll::Ready(Err(error)) => return Poll::Ready(error),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

/// Writes to a connection whose streams nobody reads: the error that it ends with, and the most that was
/// held meanwhile.
async fn flood(bodies: impl Iterator<Item = (u32, bool, Vec<u8>)>) -> (String, usize) {
    let budget = budget();
    let (mut muxer, mut theirs) = inbound(&budget);
    let (mut streams, mut most) = (Vec::new(), 0);
    let write = async {
        for (id, first, body) in bodies {
            if theirs.write_all(&data(id, first, &body)).await.is_err() {
                break;
            }
            most = most.max(budget.used().0);
        }
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        error = drive(&mut muxer, &mut streams) => error,
        () = write => unreachable!(),
    };
    drop((muxer, streams));
    assert_eq!(budget.used(), (0, 0));
    (error.to_string(), most)
}

#[tokio::test]
async fn one_that_sends_what_nobody_reads_is_sent_away() {
    let full = (0..4 * 300).map(|n| (1 + 2 * (n / 4), n % 4 == 0, vec![7; 64 << 10]));
    let (error, most) = flood(full).await;
    assert!(error.contains("more has come than is read"), "{error}");
    assert!(most <= 8 * MIB, "{most}");
}

#[tokio::test]
async fn a_frame_may_be_as_long_as_a_window() {
    let (ours, theirs) = tokio::io::duplex(MIB);
    let mut guard = Guard::new(ours.compat(), Account::open(budget(), true));
    let mut theirs = theirs.compat();
    let body: Vec<u8> = (0..3 * MIB + 1).map(|n| (n % 251) as u8).collect();
    let sent = [data(1, true, &body), data(3, true, &[])].concat();
    let write = async {
        theirs.write_all(&sent).await.unwrap();
        theirs.close().await.unwrap();
    };
    let read = async {
        let mut came = Vec::new();
        guard.read_to_end(&mut came).await.unwrap();
        came
    };
    let ((), came) = futures::join!(write, read);
    // The library takes them as it takes any frame.
    let (mut rest, mut bodies, mut opened) = (&came[..], Vec::new(), Vec::new());
    while !rest.is_empty() {
        let (head, behind) = rest.split_at(12);
        let word = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap());
        let len = word(8) as usize;
        assert!(len <= 256 << 10, "{len}");
        if head[3] & 1 != 0 {
            opened.push(word(4));
        }
        bodies.extend_from_slice(&behind[..len]);
        rest = &behind[len..];
    }
    assert_eq!(opened, [1, 3]);
    assert!(bodies == body);
}

#[tokio::test]
async fn frames_of_one_byte_count_for_what_they_cost() {
    let (error, most) = flood((0..200_000).map(|n| (1, n == 0, vec![7]))).await;
    assert!(error.contains("more has come than is read"), "{error}");
    assert!(most <= 8 * MIB, "{most}");
}

#[tokio::test]
async fn many_share_one_budget_and_who_is_read_goes_on() {
    let budget = budget();
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let (mut muxer, mut theirs) = inbound(&budget);
        tasks.push(tokio::spawn(async move {
            let mut streams = Vec::new();
            drive(&mut muxer, &mut streams).await
        }));
        tokio::spawn(async move {
            for n in 0..120 {
                let frame = data(1 + 2 * (n / 4), n % 4 == 0, &[7; 64 << 10]);
                if theirs.write_all(&frame).await.is_err() {
                    return;
                }
            }
            std::future::pending::<()>().await;
        });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let held = budget.used().0;
    assert!((14 * MIB..18 * MIB).contains(&held), "{held}");
    // There is no room, but for one frame at a time.
    let read = honest(&budget, 10 * MIB);
    assert_eq!(timeout(LONG, read).await.unwrap(), 10 * MIB);
    // Who was in the way of others goes.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let gone = tasks.iter().filter(|task| task.is_finished()).count();
    assert!(gone > 0);
    for task in &tasks {
        task.abort();
    }
}

/// How much comes of a stream that is read.
async fn honest(budget: &Arc<Budget>, len: usize) -> usize {
    let (mut muxer, mut theirs) = inbound(budget);
    let write = tokio::spawn(async move {
        for n in 0..len / (64 << 10) {
            // What is granted comes back on the wire, and is not waited for: the window is large enough
            // for each stream of four frames.
            let id = 1 + 2 * u32::try_from(n / 4).unwrap();
            let frame = data(id, n % 4 == 0, &[7; 64 << 10]);
            theirs.write_all(&frame).await.unwrap();
        }
        theirs
    });
    let mut came = 0;
    let mut sink = vec![0; 64 << 10];
    let mut open: VecDeque<Stream> = VecDeque::new();
    poll_fn(|cx| {
        loop {
            let mut moved = false;
            if let Poll::Ready(stream) = Pin::new(&mut muxer).poll_inbound(cx) {
                open.push_back(stream.unwrap());
                moved = true;
            }
            for stream in &mut open {
                if let Poll::Ready(count) = Pin::new(stream).poll_read(cx, &mut sink) {
                    came += count.unwrap();
                    moved = true;
                }
            }
            // A stream is done with after four frames.
            while open.len() > 8 {
                open.pop_front();
            }
            if came >= len {
                return Poll::Ready(());
            }
            if !moved {
                return Poll::Pending;
            }
        }
    })
    .await;
    drop(write);
    came
}

#[tokio::test]
async fn what_is_read_leaves_nothing_behind() {
    let budget = budget();
    let read = timeout(LONG, honest(&budget, 64 * MIB)).await.unwrap();
    assert_eq!(read, 64 * MIB);
    assert_eq!(budget.used(), (0, 0));
}

#[tokio::test]
async fn one_that_takes_nothing_has_little_waiting_and_is_sent_away() {
    let budget = budget();
    let (mut muxer, mut theirs) = inbound(&budget);
    for n in 0..100 {
        let open = data(1 + 2 * n, true, b"?");
        theirs.write_all(&open).await.unwrap();
    }
    let mut streams = Vec::new();
    let ended = timeout(Duration::from_secs(1), drive(&mut muxer, &mut streams)).await;
    assert!(ended.is_err() && streams.len() == 100);
    let (mut written, answer) = (0, vec![7; 200 << 10]);
    let error = poll_fn(|cx| {
        for stream in &mut streams {
            while let Poll::Ready(Ok(count)) = Pin::new(&mut *stream).poll_write(cx, &answer) {
                written += count;
            }
        }
        match Pin::new(&mut muxer).poll_inbound(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(error),
            _ => Poll::Pending,
        }
    })
    .await;
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    // The wire took some of it.
    assert!(written <= 3 * MIB, "{written}");
    drop((muxer, streams));
    assert_eq!(budget.used(), (0, 0));
}

#[tokio::test]
async fn both_ends_speak_with_each_other() {
    let budget = budget();
    let (a, b) = tokio::io::duplex(MIB);
    let yamux = Yamux::new(budget.clone(), STREAMS);
    let mut client = yamux.clone().muxer(a.compat(), Mode::Client);
    let mut server = yamux.muxer(b.compat(), Mode::Server);
    let serve = async move {
        let mut stream = poll_fn(|cx| Pin::new(&mut server).poll_inbound(cx))
            .await
            .unwrap();
        let echo = async {
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await.unwrap();
            stream.write_all(&all).await.unwrap();
            stream.close().await.unwrap();
            std::future::pending::<()>().await;
        };
        let mut none = Vec::new();
        tokio::select! {
            _ = drive(&mut server, &mut none) => {}
            () = echo => {}
        }
    };
    let ask = async move {
        let mut stream = poll_fn(|cx| Pin::new(&mut client).poll_outbound(cx))
            .await
            .unwrap();
        let talk = async {
            let question = vec![7; 3 * MIB];
            stream.write_all(&question).await.unwrap();
            stream.close().await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            answer == question
        };
        let mut none = Vec::new();
        tokio::select! {
            _ = drive(&mut client, &mut none) => false,
            same = talk => same,
        }
    };
    let talked = timeout(LONG, async {
        tokio::select! {
            () = serve => false,
            same = ask => same,
        }
    });
    assert!(talked.await.unwrap());
}
