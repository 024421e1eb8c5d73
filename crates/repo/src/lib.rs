//! The repository on disk: lock, configuration, profiles, keystore.
//!
//! A repo is a directory (`IPFS_PATH`, or `~/.ipfs`) laid out as Kubo lays out its own: `config`,
//! `version`, `datastore_spec`, `repo.lock`, `api`, `gateway`, `keystore/`, `swarm.key`. Beside
//! them are Basalt's data in `basalt/` and its own settings in `basalt.json`. This crate knows
//! everything of it but the databases.
//!
//! ```
//! use basalt_repo::{InitOptions, Repo};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let parent = tempfile::tempdir()?;
//! let dir = parent.path().join("repo");
//! let options = InitOptions {
//!     profiles: "server".to_owned(),
//!     ..InitOptions::default()
//! };
//! let repo = Repo::init(&dir, &options, &mut |text| print!("{text}"))?;
//! assert_eq!(repo.config().addresses().api, ["/ip4/127.0.0.1/tcp/5001"]);
//! # Ok(())
//! # }
//! ```

mod api_file;
mod byte_size;
pub mod config;
mod durable;
mod error;
mod go_duration;
pub mod go_json;
mod go_text;
mod home;
mod identity;
mod imported;
mod init;
mod keys;
mod keystore;
mod layout;
mod lock;
mod repo;
mod settings;

pub use api_file::{AddressFiles, read_api_file};
pub use byte_size::{ByteSizeError, parse_byte_size};
pub use config::Config;
pub use error::{Error, KUBO_REPO_ADVICE};
pub use go_duration::{DurationError, GoDuration};
pub use go_text::{is_print as go_is_print, quote as go_quote};
pub use home::{PATH_VARIABLE, expand_home, repo_path};
pub use identity::{KeyAlgorithm, KeyFormat, PrivateKey, parse_peer_id};
pub use imported::ImportedRepo;
pub use init::{InitOptions, NewRepo};
pub use keys::{Keys, Renamed};
pub use keystore::Keystore;
pub use layout::{DATA_FORMAT, REPO_VERSION, RepoKind, config_path, detect, read_version};
pub use lock::{Holder, RepoLock, WAIT_LOCK_VARIABLE};
pub use repo::{Repo, check_ours};
pub use settings::{Settings, StoreSettings, SwarmSettings};
