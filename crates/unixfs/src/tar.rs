//! Trees as tar archives, as `get` writes and unpacks them.

mod extract;
mod header;
mod read;
mod write;

pub use extract::Extractor;
pub use header::{Header, HeaderKind, Times};
pub use read::{Archive, Member};
pub use write::{Packer, archive};

const BLOCK: usize = 512;
