//! IPLD codecs, the links of a block, and path resolution.
//!
//! ```
//! use basalt_ipld::{codec, dag_pb::Node, links};
//!
//! let empty_directory = Node { data: Some("\x08\x01".into()), ..Node::default() };
//! let block = empty_directory.encode();
//! assert_eq!(block, b"\x0a\x02\x08\x01");
//! assert!(links(codec::DAG_PB, &block)?.is_empty());
//! # Ok::<(), basalt_ipld::Error>(())
//! ```

mod base64;
mod cbor;
pub mod codec;
mod convert;
pub mod dag_pb;
mod error;
mod git;
mod jose;
mod json;
mod links;
mod path;
mod quote;
mod resolve;
mod value;

pub use basalt_block::{CidRefused, decode_cid, read_cid};
pub use convert::{decode, decode_block, encode};
pub use error::{Error, PathRefused};
pub use links::{for_each_link, links};
pub use path::{Namespace, Path};
pub use quote::go_quote;
pub use resolve::{LinkSource, Lookup, Resolved, resolve};
pub use value::{Text, Value};
