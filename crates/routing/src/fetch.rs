//! Messages of the fetch protocol, `/libp2p/fetch/0.0.1`.

use bytes::Bytes;

use crate::kad::wire::{self, Field, Fields};
use crate::{Error, Result};

/// The message that asks for what is under a key.
pub fn fetch_question(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len() + 4);
    wire::bytes(&mut out, 1, key);
    out
}

/// The key that a message asks for.
///
/// # Errors
/// It is no message.
pub fn read_fetch_question(message: &[u8]) -> Result<Bytes> {
    let (mut fields, mut key) = (Fields(message), &[][..]);
    while let Some((number, field)) = fields.take()? {
        if let (1, Field::Bytes(bytes)) = (number, field) {
            key = bytes;
        }
    }
    Ok(Bytes::copy_from_slice(key))
}

/// What is said to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchAnswer {
    /// The value.
    Found(Bytes),
    /// There is nothing under the key.
    NotFound,
    /// It could not be found out.
    Failed,
}

impl FetchAnswer {
    /// Writes the message.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Found(value) => wire::bytes(&mut out, 2, value),
            Self::NotFound => wire::number(&mut out, 1, 1),
            Self::Failed => wire::number(&mut out, 1, 2),
        }
        out
    }

    /// Reads a message.
    ///
    /// # Errors
    /// It is none, or says what nobody knows.
    pub fn decode(message: &[u8]) -> Result<Self> {
        let (mut fields, mut status, mut value) = (Fields(message), 0, &[][..]);
        while let Some((number, field)) = fields.take()? {
            match (number, field) {
                (1, Field::Number(number)) => status = number,
                (2, Field::Bytes(bytes)) => value = bytes,
                _ => {}
            }
        }
        match status {
            0 => Ok(Self::Found(Bytes::copy_from_slice(value))),
            1 => Ok(Self::NotFound),
            2 => Ok(Self::Failed),
            _ => Err(Error::Malformed("a status that nobody knows")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_written() {
        for key in [&b""[..], b"/ipns/\x00\xff", &[7; 300]] {
            assert_eq!(read_fetch_question(&fetch_question(key)).unwrap(), key);
        }
        let found = |value: &'static [u8]| FetchAnswer::Found(Bytes::from_static(value));
        for answer in [
            found(b""),
            found(b"value"),
            FetchAnswer::NotFound,
            FetchAnswer::Failed,
        ] {
            assert_eq!(FetchAnswer::decode(&answer.encode()).unwrap(), answer);
        }
    }

    /// What Go writes.
    #[test]
    fn bytes_on_the_wire() {
        assert_eq!(fetch_question(b"ab"), [0x0a, 2, b'a', b'b']);
        assert_eq!(
            FetchAnswer::Found(Bytes::from_static(b"v")).encode(),
            [0x12, 1, b'v']
        );
        assert_eq!(FetchAnswer::NotFound.encode(), [8, 1]);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for wrong in [&[0x0a][..], &[0x0a, 5, 1], &[0x80], &[0]] {
            assert!(read_fetch_question(wrong).is_err(), "{wrong:?}");
            assert!(FetchAnswer::decode(wrong).is_err(), "{wrong:?}");
        }
        assert!(FetchAnswer::decode(&[8, 3]).is_err());
        // Fields that nobody knows, and numbers where bytes are wanted, are passed over.
        assert_eq!(read_fetch_question(&[8, 1, 0x1a, 1, 0]).unwrap(), "");
    }
}
