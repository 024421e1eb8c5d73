//! Messages out of a stream, and into one.

use std::io;
use std::time::Duration;

use basalt_bitswap::Inlet;
use basalt_bitswap::message::{MAX_MESSAGE, Message, Version};
use bytes::Bytes;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Bytes that are asked for while the length of a message is not known.
const AHEAD: usize = 1 << 10;
/// A message that has begun goes on within this time, or its stream is given up.
const STALLED: Duration = Duration::from_secs(60);
/// A message leaves within this time, as in Kubo.
const SLOW: Duration = Duration::from_secs(120);
/// Somebody who takes no byte of a message for so long does not get it.
const DEAF: Duration = Duration::from_secs(30);
/// The longest varint of a length that makes sense.
const LENGTH: usize = 4;

/// Reads messages until the stream ends.
pub(super) async fn read(mut stream: impl AsyncRead + Unpin, inlet: Inlet) -> io::Result<()> {
    let mut read = Vec::with_capacity(AHEAD);
    loop {
        let Some((len, at)) = length(&mut stream, &mut read).await? else {
            return Ok(());
        };
        inlet.heard();
        let room = inlet.room(len).await.ok_or_else(|| {
            invalid(format!(
                "a message of {len} bytes; {MAX_MESSAGE} are allowed"
            ))
        })?;
        let have = len.min(read.len() - at);
        let mut frame = vec![0; len];
        frame[..have].copy_from_slice(&read[at..at + have]);
        read.drain(..at + have);
        let mut filled = have;
        while filled < len {
            let count = tokio::select! {
                read = within(STALLED, stream.read(&mut frame[filled..])) => read?,
                () = room.taken() => return Err(invalid("others need the room of a message that comes slowly")),
            };
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            inlet.heard();
            filled += count;
        }
        let message = Message::decode(&Bytes::from(frame)).map_err(invalid)?;
        if !inlet.deliver(message, room).await {
            return Ok(());
        }
    }
}

/// The length of the next message, and where in `read` it begins; `None` at the end.
async fn length(
    stream: &mut (impl AsyncRead + Unpin),
    read: &mut Vec<u8>,
) -> io::Result<Option<(usize, usize)>> {
    let mut buffer = [0; AHEAD];
    loop {
        let head = &read[..read.len().min(LENGTH)];
        if let Some(end) = head.iter().position(|byte| byte & 0x80 == 0) {
            let value = head[..=end].iter().rev();
            let len = value.fold(0, |len, byte| len << 7 | usize::from(byte & 0x7f));
            return Ok(Some((len, end + 1)));
        }
        if head.len() == LENGTH {
            return Err(invalid("the length of a message makes no sense"));
        }
        let count = if head.is_empty() {
            stream.read(&mut buffer).await?
        } else {
            within(STALLED, stream.read(&mut buffer)).await?
        };
        if count == 0 {
            return if read.is_empty() {
                Ok(None)
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
        read.extend_from_slice(&buffer[..count]);
    }
}

/// Writes a message and gives the stream back.
pub(super) async fn write<S: AsyncWrite + Unpin>(
    mut stream: S,
    message: Message,
    version: Version,
) -> (Message, io::Result<S>) {
    let mut encoded = message.encode(version);
    let sent = within(SLOW, async {
        while let Some(piece) = encoded.front() {
            let count = within(DEAF, stream.write(piece)).await?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            encoded.advance(count);
        }
        stream.flush().await
    })
    .await;
    (message, sent.map(|()| stream))
}

async fn within<T>(time: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(time, work).await {
        Ok(done) => done,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

fn invalid(why: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}
