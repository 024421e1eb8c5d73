//! Who has what, and who is where.
//!
//! [`Dht`] is one Kademlia DHT: a table of the peers that serve it, lookups that come nearer to a key
//! from peer to peer, and the answers that a server gives. [`Dual`] is the two of them that a node takes
//! part in, one of the internet and one of the local network. What they need of the network is a
//! [`Host`], what they keep goes to [`Records`].
//! <https://specs.ipfs.tech/routing/kad-dht/>
//!
//! ```
//! use basalt_routing::{Key, Message};
//!
//! // Peers and keys lie in one space, the nearer the more of their first bits are the same.
//! let (a, b) = (Key::of(b"a"), Key::of(b"b"));
//! assert_eq!(a.distance(&b), b.distance(&a));
//! assert_eq!(a.common_bits(&a), 256);
//!
//! let question = Message::find_node(b"a");
//! assert_eq!(Message::decode(&question.encode())?, question);
//! # Ok::<(), basalt_routing::Error>(())
//! ```

mod dual;
mod error;
mod event;
mod fetch;
mod host;
mod kad;
mod peer;
mod public_key;
mod records;
mod schedule;
mod scope;
mod validate;

pub use dual::{Dual, Which};
pub use error::Error;
pub use event::{Event, EventKind, Events};
pub use fetch::{FetchAnswer, fetch_question, read_fetch_question};
pub use host::{Host, Messages};
pub use kad::{
    Announced, Bucket, Dht, Effort, Key, Kind, Member, Message, Mode, Options, OwnContent,
    Provided, Providers, Values, WireRecord,
};
pub use peer::PeerInfo;
pub use public_key::PublicKeys;
pub use records::{MemoryRecords, RecordBatch, Records};
pub use schedule::Cycle;
pub use scope::{Scope, is_loopback, is_private, is_public, is_relayed};
pub use validate::{Validator, Validators};

/// Peers that know of a key, and peers of a bucket.
pub const K: usize = 20;
/// Peers that are asked at a time.
pub const ALPHA: usize = 10;
/// So many of the nearest peers must have answered for a lookup to end.
pub const BETA: usize = 3;

/// The result of every call.
pub type Result<T, E = Error> = std::result::Result<T, E>;
