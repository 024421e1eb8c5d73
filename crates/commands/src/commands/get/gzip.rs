//! Compressing what is sent.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::{Compression, GzBuilder, write::GzEncoder};
use futures::StreamExt;

use super::Pieces;
use crate::{Error, Output, Result};

/// Smaller pieces are compressed on the spot, in bytes.
const SMALL: usize = 8 << 10;
/// Of an unknown system, as Go writes it.
const UNKNOWN_SYSTEM: u8 = 255;

type Encoder = GzEncoder<Vec<u8>>;

/// Sends `pieces` as one gzip stream.
pub(super) async fn send(mut pieces: Pieces, level: u32, out: &Output<()>) -> Result<()> {
    let gzip = GzBuilder::new().operating_system(UNKNOWN_SYSTEM);
    let mut encoder = gzip.write(Vec::new(), Compression::new(level));
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(basalt::Error::from)?;
        let packed;
        (encoder, packed) = write(encoder, piece).await?;
        if !packed.is_empty() {
            out.bytes(packed).await?;
        }
    }
    out.bytes(encoder.finish()?.into()).await
}

async fn write(mut encoder: Encoder, piece: Bytes) -> Result<(Encoder, Bytes)> {
    let is_small = piece.len() <= SMALL;
    let work = move || {
        encoder.write_all(&piece)?;
        let packed = std::mem::take(encoder.get_mut());
        Ok::<_, io::Error>((encoder, Bytes::from(packed)))
    };
    if is_small {
        return Ok(work()?);
    }
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|e| Error::new(e.to_string()))??)
}
