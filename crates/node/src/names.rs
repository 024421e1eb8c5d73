//! Names of `/ipns`, as far as to say why one is not resolved.

use basalt_block::{Base, Cid, Multihash, Version, cid_text, codec, decode_digits, parse_cid};
use basalt_ipld::Path;

use crate::Error;

/// The longest domain name, and the longest label in one.
const MAX_DOMAIN: usize = 253;
const MAX_LABEL: usize = 63;

/// Why the path of a name cannot be resolved.
pub(crate) fn unresolved(path: &Path) -> Error {
    let root = path.root().into_owned();
    if is_key(&root) {
        return Error::NoRecord;
    }
    if is_domain(&root) {
        return Error::NoDnsLink(root);
    }
    match parse_cid(&root) {
        Ok((cid, _)) if cid.version() == Version::V1 && cid.codec() != codec::LIBP2P_KEY => {
            let key = Cid::new_v1(codec::LIBP2P_KEY, *cid.hash());
            Error::NotAKey(cid_text(&key, Base::Base32Lower))
        }
        _ => Error::NotAName(root),
    }
}

/// Whether the text is a peer ID: a bare multihash, or a CID of a key.
fn is_key(text: &str) -> bool {
    if text.starts_with("Qm") || text.starts_with('1') {
        let bytes = decode_digits(Base::Base58Btc, text);
        return bytes.is_ok_and(|bytes| Multihash::from_bytes(&bytes).is_ok());
    }
    parse_cid(text).is_ok_and(|(cid, _)| cid.codec() == codec::LIBP2P_KEY)
}

/// Whether the text could be asked for in the DNS, whose names are looser than those of hosts.
fn is_domain(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let fits = |label: &str| (1..=MAX_LABEL).contains(&label.len());
    text.len() <= MAX_DOMAIN && text.split('.').all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_is_decides_what_is_said() {
        let long = "x".repeat(64);
        for (root, text) in [
            (
                "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5",
                "could not resolve name",
            ),
            (
                "QmatmE9msSfkKxoffpHwNLNKgwZG8eT9Bud6YoPab52vpy",
                "could not resolve name",
            ),
            (
                "k51qzi5uqu5dgutdk6i1ynyzgkqngpha5xpgia3a5qqp4jsh0u4csozksxel2r",
                "could not resolve name",
            ),
            (
                "example.com",
                "DNSLink lookup for \"example.com.\" failed: could not resolve name: \
                 this node does not look up DNSLink names yet",
            ),
            (&long, &format!("cannot resolve: \"/ipns/{long}\"")),
        ] {
            let path = Path::parse(format!("/ipns/{root}/a")).unwrap();
            assert_eq!(unresolved(&path).to_string(), text);
        }
    }

    #[test]
    fn a_cid_of_something_else_is_told_how_to_become_a_key() {
        let digest = basalt_block::digest(0x14, b"x", Some(64)).unwrap();
        let cid = Cid::new_v1(codec::RAW, digest);
        // Long enough not to be a domain's label.
        let root = cid_text(&cid, Base::Base32Lower);
        assert!(root.len() > MAX_LABEL, "{root}");
        let path = Path::parse(format!("/ipns/{root}")).unwrap();
        let text = unresolved(&path).to_string();
        assert!(
            text.starts_with(
                "peer ID represented as CIDv1 require libp2p-key multicodec: retry with /ipns/baf"
            ),
            "{text}"
        );
    }
}
