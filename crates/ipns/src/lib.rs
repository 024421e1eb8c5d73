//! IPNS: names that are public keys, and the signed records that say what they mean.
//! <https://specs.ipfs.tech/ipns/ipns-record/>
//!
//! A [`Record`] is what the holder of a key published under it. [`Store`] keeps the best record of
//! each name, and [`Resolver`] follows paths of `/ipns` through it.
//!
//! ```
//! use basalt_ipld::Path;
//! use basalt_ipns::{Draft, Error, Moment, Name};
//!
//! let key = libp2p_identity::Keypair::generate_ed25519();
//! let draft = Draft {
//!     value: Path::parse("/ipfs/bafkqaaa")?,
//!     sequence: 1,
//!     validity: Moment::now().after(3_600_000_000_000),
//!     ttl: 60_000_000_000,
//!     v1: true,
//! };
//! let record = draft.sign(&key.public(), |data| key.sign(data).map_err(|e| e.to_string()))?;
//! let name = Name::of(&key.public());
//! record.validate(&name, Moment::now())?;
//! assert_eq!(record.value()?.to_string(), "/ipfs/bafkqaaa");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod dns_link;
mod draft;
mod error;
mod moment;
mod name;
mod record;
mod resolver;
mod rules;
mod search;
mod select;
mod store;
mod validate;
mod wire;

pub use dns_link::{Dns, Texts};
pub use draft::Draft;
pub use error::Error;
pub use moment::Moment;
pub use name::Name;
pub use record::{Record, SignatureType};
pub use resolver::{DEPTH, Gate, Resolution, Resolver};
pub use rules::Rules;
pub use search::{Find, Search};
pub use select::best;
pub use store::{BEST, PUBLISHED, Publication, Store, Stored};

/// The most bytes that a record may have.
pub const MAX_RECORD_SIZE: usize = 10 << 10;

/// The result of every call.
pub type Result<T, E = Error> = std::result::Result<T, E>;
