use libp2p_identity::PeerId;
use sha2::{Digest, Sha256};

/// A place in the space of keys and peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; 32]);

/// How far two places are from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Distance([u8; 32]);

impl Key {
    /// The place of a key: of a multihash, a peer ID or the key of a value, as bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The place of a peer.
    pub fn of_peer(peer: &PeerId) -> Self {
        Self::of(&peer.to_bytes())
    }

    /// The first of the places that begin with these bits.
    pub(super) fn least(head: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&head.to_be_bytes());
        Self(bytes)
    }

    /// The first and the last of the places that share so many first bits with this one.
    pub(super) fn range(&self, bits: usize) -> (Self, Self) {
        let (mut low, mut high) = (self.0, self.0);
        for (place, (low, high)) in low.iter_mut().zip(&mut high).enumerate() {
            let shared = bits.saturating_sub(8 * place).min(8);
            // All eight bits are shifted out where none is free.
            let free = 0xffu8.checked_shr(shared as u32).unwrap_or(0);
            *low &= !free;
            *high |= free;
        }
        (Self(low), Self(high))
    }

    /// How far it is to another place.
    pub fn distance(&self, other: &Self) -> Distance {
        let mut distance = [0; 32];
        for (out, (a, b)) in distance.iter_mut().zip(self.0.iter().zip(&other.0)) {
            *out = a ^ b;
        }
        Distance(distance)
    }

    /// How many of the first bits are the same.
    pub fn common_bits(&self, other: &Self) -> usize {
        let mut bits = 0;
        for byte in self.distance(other).0 {
            if byte != 0 {
                return bits + byte.leading_zeros() as usize;
            }
            bits += 8;
        }
        bits
    }

    /// The bytes, the first bit being the highest of the first.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 64 bits.
    pub fn head(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted() {
        let a = Key([0; 32]);
        let mut b = a;
        assert_eq!(a.common_bits(&b), 256);
        b.0[1] = 0b0001_0000;
        assert_eq!(a.common_bits(&b), 11);
        assert!(a.distance(&b) > a.distance(&a));
        assert_eq!(b.head(), 0x0010_0000_0000_0000);
        let (low, high) = b.range(11);
        assert_eq!((low.0[1], high.0[1], high.0[2]), (0, 0x1f, 0xff));
        assert_eq!(b.range(256), (b, b));
        assert_eq!(b.range(0), (Key([0; 32]), Key([0xff; 32])));
    }
}
