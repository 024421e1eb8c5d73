//! Writing the two bases that nearly every CID is written in. The general code of `multibase` takes
//! microseconds for a CID, which is most of the time that long listings take.

/// The bytes of a CIDv0.
pub(crate) const V0_LEN: usize = 34;

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// Five digits are one limb.
const LIMB: u64 = 58 * 58 * 58 * 58 * 58;
/// Limbs that 34 bytes take.
const LIMBS: usize = 10;
/// Words of 32 bits that 34 bytes take; the first has two bytes.
const WORDS: usize = 9;

/// What each word counts for, in limbs, the highest first.
const WEIGHTS: [[u32; LIMBS]; WORDS] = weights();

const fn weights() -> [[u32; LIMBS]; WORDS] {
    let mut all = [[0; LIMBS]; WORDS];
    let mut weight = [0u64; LIMBS];
    weight[LIMBS - 1] = 1;
    let mut word = WORDS;
    while word > 0 {
        word -= 1;
        let mut limb = LIMBS;
        let mut carry = 0;
        while limb > 0 {
            limb -= 1;
            all[word][limb] = weight[limb] as u32;
            // The next word counts 2^32 times as much.
            let next = (weight[limb] << 32) + carry;
            weight[limb] = next % LIMB;
            carry = next / LIMB;
        }
    }
    all
}

/// A multihash of 32 bytes in base58btc.
pub(crate) fn base58(bytes: &[u8; V0_LEN]) -> String {
    let mut limbs = [0u64; LIMBS];
    let (first, rest) = bytes.split_at(2);
    let first = u32::from(first[0]) << 8 | u32::from(first[1]);
    let words = rest.chunks_exact(4);
    let words = words.map(|w| u32::from_be_bytes([w[0], w[1], w[2], w[3]]));
    for (n, (word, weights)) in std::iter::once(first)
        .chain(words)
        .zip(&WEIGHTS)
        .enumerate()
    {
        for (limb, weight) in limbs.iter_mut().zip(weights) {
            *limb += u64::from(word) * u64::from(*weight);
        }
        // The sum of five such products is the most that 64 bits hold.
        if n == 4 || n == WORDS - 1 {
            carry(&mut limbs);
        }
    }
    let mut digits = [0; LIMBS * 5];
    for (limb, digits) in limbs.iter().zip(digits.chunks_exact_mut(5)) {
        let mut left = *limb as u32;
        for digit in digits.iter_mut().rev() {
            *digit = BASE58[(left % 58) as usize];
            left /= 58;
        }
    }
    // Zeros in front are not written, but for one for each byte that is none.
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let unwritten = digits.iter().take_while(|digit| **digit == b'1').count();
    let written = &digits[unwritten.saturating_sub(zeros)..];
    written.iter().map(|digit| char::from(*digit)).collect()
}

fn carry(limbs: &mut [u64; LIMBS]) {
    let mut over = 0;
    for limb in limbs.iter_mut().rev() {
        let sum = *limb + over;
        *limb = sum % LIMB;
        over = sum / LIMB;
    }
}

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Bytes in base32, lower case and without padding, after the letter that says so.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(1 + (bytes.len() * 8).div_ceil(5));
    text.push('b');
    for group in bytes.chunks(5) {
        let mut bits = [0; 8];
        bits[3..3 + group.len()].copy_from_slice(group);
        let bits = u64::from_be_bytes(bits);
        let digits = (group.len() * 8).div_ceil(5);
        text.extend((0..digits).map(|n| char::from(BASE32[(bits >> (35 - 5 * n)) as usize & 31])));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use multibase::Base;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_are_those_of_multibase(
            bytes in any::<[u8; V0_LEN]>(),
            zeros in 0usize..=V0_LEN,
            any in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let mut few = bytes;
            few[..zeros].fill(0);
            for bytes in [bytes, few] {
                prop_assert_eq!(base58(&bytes), Base::Base58Btc.encode(bytes));
            }
            prop_assert_eq!(base32(&any), multibase::encode(Base::Base32Lower, &any));
        }
    }

    #[test]
    fn extremes() {
        for byte in [0, 1, 57, 58, 0x12, 0xff] {
            let bytes = [byte; V0_LEN];
            assert_eq!(base58(&bytes), Base::Base58Btc.encode(bytes), "{byte}");
        }
    }
}
