//! The HTTP gateway: content of IPFS for browsers, and verifiable pieces of it for clients that
//! check. <https://specs.ipfs.tech/http-gateways/>
//!
//! A [`Gateway`] reads through a [`basalt_exchange::BlockService`] and knows nothing of the node
//! around it. It is a [`basalt_http::Handler`]; [`Settings`] are what the config says of it.
//!
//! ```
//! use basalt_blockstore::MemoryStore;
//! use basalt_exchange::BlockService;
//! use basalt_gateway::{Gateway, Settings};
//! use basalt_ipns::{Resolver, Store};
//! use std::sync::Arc;
//!
//! let store = Arc::new(MemoryStore::default());
//! let names = Resolver::new(Store::new(store.clone()), None);
//! let gateway = Gateway::new(Settings::default(), BlockService::local(store), names);
//! # let _: Gateway = gateway;
//! ```

mod answer;
mod ask;
mod backend;
mod cache;
mod car;
mod codecs;
mod conditions;
mod content;
mod defaults;
mod directories;
mod directory;
mod error;
mod file;
mod format;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod go_url;
mod host;
mod ipns_record;
mod metrics;
mod mime;
mod namespace;
mod others;
mod pace;
mod page;
mod range;
mod raw;
mod reading;
mod redirects;
mod resolve;
mod retrieval;
mod send;
mod settings;
mod streaming;
mod subdomain;
mod tar;

pub use basalt_denylist::Denylists;
pub use gateway::Gateway;
pub use settings::{PublicGateway, Settings};
