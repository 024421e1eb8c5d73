//! The names of blocks in Kubo's datastores.

use basalt_block::{Cid, Multihash};
use multibase::Base;

/// The multihash of the block that is kept under `name`, upper case base32 without padding: a
/// multihash since version 12 of the repository, a CID before that.
pub fn block_hash(name: &str) -> Option<Multihash> {
    // The longest multihash that a CID may carry, in base32, with room for a CIDv1's head.
    if name.is_empty() || name.len() > 256 {
        return None;
    }
    let bytes = Base::Base32Upper.decode(name).ok()?;
    // A multihash never begins with 1: there is no such hash function.
    if bytes.first() == Some(&1) {
        return Some(*Cid::try_from(bytes.as_slice()).ok()?.hash());
    }
    Multihash::from_bytes(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multihashes_and_the_cids_of_older_repos() {
        // The empty directory, as Kubo's flatfs names its file.
        let hash = block_hash("CIQFTFEEHEDF6KLBT32BFAGLXEZL4UWFNWM4LFTLMXQBCERZ6CMLX3Y").unwrap();
        let v0 = Cid::new_v0(hash).unwrap();
        assert_eq!(
            v0.to_string(),
            "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
        );
        let v1 = Cid::new_v1(0x55, hash);
        let old = Base::Base32Upper.encode(v1.to_bytes());
        assert_eq!(block_hash(&old), Some(hash));
        for bad in ["", "A", "ciq", "CIQ", "CIQ!", "AFKREI"] {
            assert_eq!(block_hash(bad), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_survived(name: String) {
            let _ = block_hash(&name);
        }
    }
}
