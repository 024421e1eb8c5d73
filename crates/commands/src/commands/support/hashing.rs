use basalt::block;

use crate::Error;

/// In the words of Kubo: why data has no CID under the hash function that was asked for.
pub(crate) fn hashing_failed(error: block::Error) -> Error {
    Error::new(match error {
        block::Error::InsecureHash | block::Error::IdentityTooLarge(_) => error.to_string(),
        block::Error::UnknownHash(_) => format!("invalid cid: {error}: no such hash registered"),
        other => format!("invalid cid: {other}"),
    })
}
