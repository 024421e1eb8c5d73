//! `ipfs multibase`: text encodings that say which they are.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod transcode;

use crate::commands::cid::names::offered_bases;
use crate::{Call, Error, Result};

/// The most that is encoded or decoded at once, in bytes: it is held in memory.
const MOST: usize = 64 << 20;

/// The whole content of the file that comes with the call.
async fn content<O>(call: &mut Call<O>) -> Result<Vec<u8>> {
    let mut files = call.take_files()?;
    let mut all = Vec::new();
    if files.next().await?.is_none() {
        return Err(Error::new(
            "failed to access file: expected a file argument",
        ));
    }
    while let Some(chunk) = files.chunk().await? {
        if all.len() + chunk.len() > MOST {
            return Err(Error::new(format!(
                "failed to read file contents: it is over {MOST} bytes"
            )));
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

/// Decodes a multibase text.
fn decode_text(text: &[u8]) -> Result<Vec<u8>> {
    decode_bare(text).map_err(|why| Error::new(format!("failed to decode multibase: {why}")))
}

/// As [`decode_text`], with the bare reason as the error.
pub(crate) fn decode_bare(text: &[u8]) -> Result<Vec<u8>, String> {
    const NO_BASE: &str = "selected encoding not supported";
    let text = std::str::from_utf8(text).map_err(|_| NO_BASE)?;
    let Some(letter) = text.chars().next() else {
        return Err("cannot decode multibase for zero length string".to_owned());
    };
    let base = offered_bases().find(|(base, _)| base.code() == letter);
    let (base, _) = base.ok_or(NO_BASE)?;
    basalt::block::decode_digits(base, &text[letter.len_utf8()..])
}
