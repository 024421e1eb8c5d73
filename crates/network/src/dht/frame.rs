//! Messages on a stream: each after its length.

use std::io::{Error, ErrorKind, Result};

use bytes::{Bytes, BytesMut};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of an answer, at most.
pub(super) const ANSWER: usize = 4 << 20;
/// Bytes of a question, at most: the largest has a record of 10 KiB, or a peer with all its addresses.
pub(super) const QUESTION: usize = 64 << 10;
/// Bytes that are made room for before they came.
const AHEAD: usize = 16 << 10;

/// Writes a message.
pub(crate) async fn write_frame(
    stream: &mut (impl AsyncWrite + Unpin),
    message: &[u8],
) -> Result<()> {
    let mut frame = Vec::with_capacity(message.len() + 5);
    add_frame(&mut frame, message);
    stream.write_all(&frame).await?;
    stream.flush().await
}

/// Adds a message to those that are written together.
pub(super) fn add_frame(frames: &mut Vec<u8>, message: &[u8]) {
    let mut length = message.len();
    while length >= 0x80 {
        frames.push(u8::try_from(length & 0x7f).unwrap_or(0) | 0x80);
        length >>= 7;
    }
    frames.push(u8::try_from(length).unwrap_or(0));
    frames.extend_from_slice(message);
}

/// Reads a message of at most so many bytes; `None` where the stream ends before one begins.
pub(crate) async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    most: usize,
) -> Result<Option<Bytes>> {
    match read_length(stream, most).await? {
        Some(length) => Ok(Some(read_body(stream, length).await?)),
        None => Ok(None),
    }
}

/// Reads what follows the length. Memory is taken as bytes come.
pub(super) async fn read_body(
    stream: &mut (impl AsyncRead + Unpin),
    length: usize,
) -> Result<Bytes> {
    let mut message = BytesMut::new();
    while message.len() < length {
        let from = message.len();
        message.resize(length.min(from + AHEAD), 0);
        stream.read_exact(&mut message[from..]).await?;
    }
    Ok(message.freeze())
}

/// Reads the length of a message of at most so many bytes; `None` where the stream ends before it.
pub(super) async fn read_length(
    stream: &mut (impl AsyncRead + Unpin),
    most: usize,
) -> Result<Option<usize>> {
    let mut length = 0;
    for place in 0..4 {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return match place {
                0 => Ok(None),
                _ => Err(ErrorKind::UnexpectedEof.into()),
            };
        }
        length |= usize::from(byte[0] & 0x7f) << (7 * place);
        if byte[0] < 0x80 {
            return match length <= most {
                true => Ok(Some(length)),
                false => break,
            };
        }
    }
    Err(Error::new(
        ErrorKind::InvalidData,
        "the message is too large",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::io::Cursor;

    async fn read(bytes: &[u8]) -> Result<Option<Bytes>> {
        read_frame(&mut Cursor::new(bytes), ANSWER).await
    }

    #[tokio::test]
    async fn messages_are_read_as_written() {
        for size in [0, 1, 127, 128, 70_000] {
            let message = vec![7; size];
            let mut stream = Vec::new();
            write_frame(&mut stream, &message).await.unwrap();
            assert_eq!(read(&stream).await.unwrap().unwrap(), message);
        }
    }

    #[tokio::test]
    async fn streams_that_end_or_lie_are_told_apart() {
        assert_eq!(read(&[]).await.unwrap(), None);
        let kind = async |bytes: &[u8]| read(bytes).await.unwrap_err().kind();
        assert_eq!(kind(&[0x80]).await, ErrorKind::UnexpectedEof);
        assert_eq!(kind(&[5, 1]).await, ErrorKind::UnexpectedEof);
        assert_eq!(kind(&[0xff; 10]).await, ErrorKind::InvalidData);
        assert_eq!(kind(&[0x81, 0x80, 0x80, 2]).await, ErrorKind::InvalidData);
    }
}
