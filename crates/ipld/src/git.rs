//! Objects of Git as IPLD sees them: <https://ipld.io/specs/codecs/git-raw/>.
//!
//! A block is an object as Git hashes it, `TYPE SIZE NUL CONTENT`. Links are SHA-1 hashes and become
//! CIDs of the same codec. What Kubo lets pass is let pass: sizes of all but blobs are not looked at, a
//! tree ends where an entry is cut, and a line of a header is cut after 4,096 bytes.

mod decode;
mod encode;
mod lines;
mod person;

pub(crate) use decode::{decode, decode_zlib};
pub(crate) use encode::encode;

/// Multicodec code of SHA-1.
const SHA1: u64 = 0x11;
const SHA_LEN: usize = 20;
/// The last line of a signature, which is not kept: it is always the same.
const END_OF_SIGNATURE: &[u8] = b" -----END PGP SIGNATURE-----";
