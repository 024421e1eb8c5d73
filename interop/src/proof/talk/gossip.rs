//! Messages of PubSub.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use basalt_block::{Base, decode_digits, multibase_text};
use serde_json::Value;

use super::Pair;
use crate::http::{Request, send};
use crate::proof::side::{Side, until};

/// Messages of a burst.
const BURST: usize = 10_000;
/// Messages of a burst of which some may be lost, and how long none comes at its end.
const LOSSY: usize = 2000;
const QUIET: Duration = Duration::from_secs(3);
/// How long no message may come.
const SILENCE: Duration = Duration::from_secs(20);

/// A program that reads a topic. Dropping it ends it.
struct Reader {
    child: Child,
    lines: Receiver<String>,
}

impl Reader {
    /// Reads a topic on a node; both nodes know of it when this returns.
    fn start(side: &Side, other: &Side, topic: &str) -> Result<Self> {
        let mut command = side
            .program
            .command(&["pubsub", "sub", "--enc=json", topic]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = child.stdout.take().context("it has no stdout")?;
        let (found, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                if line.is_ok_and(|line| found.send(line).is_ok()) {
                    continue;
                }
                return;
            }
        });
        let reader = Self { child, lines };
        until(SILENCE, || {
            let peers = other.say(&["pubsub", "peers", topic])?;
            Ok(peers.contains(side.id()).then_some(()))
        })?;
        Ok(reader)
    }

    /// What the next message says.
    fn next(&self) -> Result<String> {
        self.next_within(SILENCE)?.context("nothing more came")
    }

    /// What the next message says, if it comes so soon.
    fn next_within(&self, time: Duration) -> Result<Option<String>> {
        let line = match self.lines.recv_timeout(time) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the reader has ended"),
        };
        let message: Value = serde_json::from_str(&line)?;
        let digits = message["data"].as_str().and_then(|d| d.strip_prefix('u'));
        let digits = digits.with_context(|| line.clone())?;
        let data = decode_digits(Base::Base64Url, digits).map_err(anyhow::Error::msg)?;
        Ok(Some(String::from_utf8(data)?))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // An error means that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Publishes over the RPC.
fn publish(side: &Side, topic: &str, message: &[u8]) -> Result<()> {
    let begin = b"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\
        Content-Type: application/octet-stream\r\n\r\n";
    let topic = multibase_text(Base::Base64Url, topic.as_bytes());
    let request = Request {
        method: "POST".to_owned(),
        target: format!("/api/v0/pubsub/pub?arg={topic}"),
        headers: vec![(
            "Content-Type".to_owned(),
            "multipart/form-data; boundary=x".to_owned(),
        )],
        body: Some([&begin[..], message, b"\r\n--x--\r\n"].concat()),
    };
    let answer = send(side.api()?, &request, false)?;
    let said = String::from_utf8_lossy(&answer.body);
    ensure!(answer.status == 200, "{}: {said}", answer.status);
    Ok(())
}

/// Each message of a burst arrives, in order. Kubo checks several messages at a time and refuses a number that
/// is lower than one it has seen, so that it loses some, from Kubo too ([`lost`]). So it gets the next message when
/// it has read the one before.
pub(super) fn burst(pair: &Pair) -> Result<()> {
    let reader = Reader::start(&pair.to, &pair.from, "burst")?;
    let ahead = if pair.to.is_kubo() { 1 } else { BURST };
    let (read, allowed) = sync_channel(ahead);
    for _ in 0..ahead {
        read.send(())?;
    }
    thread::scope(move |scope| {
        let sending = scope.spawn(move || {
            for number in 0..BURST {
                // None comes any more when the reader has given up.
                if allowed.recv().is_err() {
                    return Ok(());
                }
                publish(&pair.from, "burst", format!("message {number}").as_bytes())?;
            }
            Ok::<_, anyhow::Error>(())
        });
        for number in 0..BURST {
            let line = reader
                .next()
                .with_context(|| format!("after {number} messages"))?;
            ensure!(line == format!("message {number}"), "{number}: {line}");
            // It may have sent all that it has to.
            let _ = read.try_send(());
        }
        match sending.join() {
            Ok(sent) => sent,
            Err(_) => bail!("the sender has failed"),
        }
    })
}

/// How many of so many messages do not arrive that are sent as fast as it goes, which is no fault of the sender:
/// to Kubo.
pub(super) fn lost(pair: &Pair) -> Result<usize> {
    let reader = Reader::start(&pair.to, &pair.from, "lost")?;
    for number in 0..LOSSY {
        publish(&pair.from, "lost", number.to_string().as_bytes())?;
    }
    let mut came = HashSet::new();
    while let Some(line) = reader.next_within(QUIET)? {
        let number: usize = line.parse()?;
        ensure!(number < LOSSY && came.insert(number), "{number} came twice");
    }
    Ok(LOSSY - came.len())
}

pub(super) fn sizes(pair: &Pair) -> Result<()> {
    let reader = Reader::start(&pair.to, &pair.from, "sizes")?;
    for size in [0, 1, 1000, 100_000, 900_000] {
        publish(&pair.from, "sizes", "x".repeat(size).as_bytes())?;
        let came = reader.next()?.len();
        ensure!(came == size, "{came} bytes came of {size}");
    }
    Ok(())
}
