//! CAR, the archive of blocks: <https://ipld.io/specs/transport/car/>.
//!
//! A CARv1 is a header, which names the roots, and sections, each a CID and the bytes of its block.
//! A CARv2 is a CARv1 with a fixed header before it and an index behind it, which a reader of
//! streams passes over. This crate writes CARv1 and reads both. It does no I/O: a [`Decoder`] is fed
//! with bytes as they come and holds one section at most.
//!
//! ```
//! use basalt_block::{Block, Hasher, codec};
//! use basalt_car::{Decoder, Event, write_header, write_section};
//!
//! let block = Block::hash(1, codec::RAW, Hasher::SHA2_256, "hello".into())?;
//! let mut car = Vec::new();
//! write_header(&[*block.cid()], &mut car);
//! write_section(block.cid(), block.data(), &mut car);
//!
//! let mut decoder = Decoder::default();
//! decoder.feed(car.into());
//! let Some(Event::Header(header)) = decoder.next()? else { panic!("the header comes first") };
//! assert_eq!(header.roots().collect::<Vec<_>>(), [*block.cid()]);
//! let Some(Event::Section(section)) = decoder.next()? else { panic!("then the blocks") };
//! assert_eq!(section.verify()?, block);
//! assert!(decoder.next()?.is_none());
//! decoder.finish()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cbor;
mod decoder;
mod error;
mod gather;
mod header;
mod input;
mod section;
mod version_two;
mod write;

pub use decoder::{Decoder, Event, Limits};
pub use error::{Error, Reason};
pub use gather::Gather;
pub use header::{Header, Roots};
pub use section::Section;
pub use write::{section_head, write_header, write_section};

/// The result of every call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
