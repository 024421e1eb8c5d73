//! One Kademlia DHT.

mod covered;
mod crawl;
mod dht;
mod key;
mod lookup;
mod many;
mod message;
mod peers;
mod providers;
mod refresh;
mod search;
mod server;
mod store;
mod table;
mod values;
mod whole;
pub(crate) mod wire;

pub use dht::{Dht, Mode, Options};
pub use key::Key;
pub use many::{Announced, Effort};
pub use message::{Kind, Message, WireRecord};
pub use providers::{OwnContent, Provided, Providers};
pub use table::{Bucket, Member};
pub use values::Values;
