//! What two nodes say to each other before they punch a hole: a message of protobuf with two fields.

use basalt_block::varint;

/// Bytes of a message, at most.
pub(crate) const MESSAGE: usize = 4 << 10;
/// Addresses that are read of a message, at most.
pub(crate) const ADDRESSES: usize = 16;

const CONNECT: u64 = 100;
const SYNC: u64 = 300;

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// Where others see the one who says it: addresses as bytes, which may be none.
    Connect(Vec<Vec<u8>>),
    /// Now.
    Sync,
}

impl Message {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (kind, addresses) = match self {
            Self::Connect(addresses) => (CONNECT, &addresses[..]),
            Self::Sync => (SYNC, &[][..]),
        };
        let mut out = Vec::new();
        varint::write(1 << 3, &mut out);
        varint::write(kind, &mut out);
        for address in addresses {
            varint::write(2 << 3 | 2, &mut out);
            varint::write(address.len() as u64, &mut out);
            out.extend_from_slice(address);
        }
        out
    }

    /// Reads a message; `None` for what is none. Fields that are not known are passed over.
    pub(crate) fn decode(message: &[u8]) -> Option<Self> {
        let (mut kind, mut addresses) = (0, Vec::new());
        let mut rest = message;
        while !rest.is_empty() {
            let tag = varint::take(&mut rest).ok()?;
            match (tag >> 3, tag & 7) {
                (0, _) => return None,
                (1, 0) => kind = varint::take(&mut rest).ok()?,
                (2, 2) => {
                    let address = bytes(&mut rest)?;
                    if addresses.len() < ADDRESSES {
                        addresses.push(address.to_vec());
                    }
                }
                (_, 0) => drop(varint::take(&mut rest).ok()?),
                (_, 1) => rest = rest.get(8..)?,
                (_, 2) => drop(bytes(&mut rest)?),
                (_, 5) => rest = rest.get(4..)?,
                _ => return None,
            }
        }
        match kind {
            CONNECT => Some(Self::Connect(addresses)),
            SYNC => Some(Self::Sync),
            _ => None,
        }
    }
}

fn bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(varint::take(rest).ok()?).ok()?;
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_as_others_write_them() {
        let connect = Message::Connect(vec![b"ab".to_vec(), Vec::new()]);
        let bytes = [0x08, 100, 0x12, 2, b'a', b'b', 0x12, 0];
        assert_eq!(connect.encode(), bytes);
        assert_eq!(Message::decode(&bytes), Some(connect));
        let bytes = [0x08, 0xac, 0x02];
        assert_eq!(Message::Sync.encode(), bytes);
        assert_eq!(Message::decode(&bytes), Some(Message::Sync));
        // With fields that nobody knows.
        let more = [0x08, 0xac, 0x02, 0x1a, 1, 7, 0x20, 1, 0x2d, 0, 0, 0, 0];
        assert_eq!(Message::decode(&more), Some(Message::Sync));
    }

    #[test]
    fn what_is_no_message_is_refused_and_many_addresses_are_cut() {
        let wrong: [&[u8]; 7] = [
            b"",
            &[0x08],
            &[0x08, 99],
            &[0x12, 0],
            &[0x08, 100, 0x12, 3, 1],
            &[0x00, 0x08, 100],
            &[0x08, 100, 0x0b],
        ];
        for wrong in wrong {
            assert_eq!(Message::decode(wrong), None, "{wrong:?}");
        }
        let many = Message::Connect(vec![vec![1]; 3 * ADDRESSES]);
        let cut = Message::Connect(vec![vec![1]; ADDRESSES]);
        assert_eq!(Message::decode(&many.encode()), Some(cut));
    }
}
