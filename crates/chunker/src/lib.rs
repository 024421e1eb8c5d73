//! Bytes to chunks: fixed size, Rabin and buzhash. The chunks are those that Kubo 0.43 cuts.
//!
//! A [`Chunker`] says how to cut, a [`Splitter`] finds the cuts in buffers that the caller owns,
//! and [`Chunks`] does both for a [`std::io::Read`]:
//!
//! ```
//! use basalt_chunker::Chunker;
//!
//! let chunker: Chunker = "size-5".parse()?;
//! let chunks: Vec<_> = chunker.chunks(&b"hello world"[..]).collect::<Result<_, _>>()?;
//! assert_eq!(chunks, ["hello", " worl", "d"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod buzhash;
mod chunks;
mod error;
mod rabin;
mod spec;
mod splitter;

pub use chunks::Chunks;
pub use error::Error;
pub use spec::Chunker;
pub use splitter::Splitter;

/// The length of a chunk in bytes where nothing else is asked for: 256 KiB.
pub const DEFAULT_CHUNK_SIZE: usize = 256 << 10;

/// The longest chunk in bytes that may be asked for: a block of 2 MiB less room for its framing.
pub const MAX_CHUNK_SIZE: usize = (2 << 20) - 256;
