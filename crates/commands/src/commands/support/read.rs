use bytes::{Bytes, BytesMut};

use crate::files::Files;
use crate::{Error, Result};

/// The rest of the present file, of at most `most` bytes; more is the error `over`.
pub(crate) async fn whole_file(files: &mut dyn Files, most: usize, over: &str) -> Result<Bytes> {
    let mut whole = BytesMut::new();
    let mut first = None;
    while let Some(chunk) = files.chunk().await? {
        if whole.len() + first.as_ref().map_or(0, Bytes::len) + chunk.len() > most {
            return Err(Error::new(over));
        }
        match first.take() {
            None if whole.is_empty() => first = Some(chunk),
            None => whole.extend_from_slice(&chunk),
            Some(begin) => {
                whole.extend_from_slice(&begin);
                whole.extend_from_slice(&chunk);
            }
        }
    }
    // A file of one chunk is not copied.
    Ok(first.unwrap_or_else(|| whole.freeze()))
}
