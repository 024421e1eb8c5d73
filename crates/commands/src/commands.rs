//! The commands, each in the file of its path.

pub(crate) mod add;
pub(crate) mod bitswap;
pub(crate) mod block;
pub(crate) mod bootstrap;
pub(crate) mod cat;
pub(crate) mod cid;
// The module has the name of the command.
#[expect(clippy::module_inception)]
pub(crate) mod commands;
pub(crate) mod config;
pub(crate) mod daemon;
pub(crate) mod dag;
pub(crate) mod dht;
pub(crate) mod diag;
pub(crate) mod files;
pub(crate) mod filestore;
pub(crate) mod get;
pub(crate) mod id;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod log;
pub(crate) mod ls;
pub(crate) mod mount;
pub(crate) mod multibase;
pub(crate) mod name;
pub(crate) mod object;
pub(crate) mod p2p;
pub(crate) mod pin;
pub(crate) mod ping;
pub(crate) mod provide;
pub(crate) mod pubsub;
pub(crate) mod refs;
pub(crate) mod repo;
pub(crate) mod resolve;
pub(crate) mod routing;
pub(crate) mod shutdown;
pub(crate) mod stats;
pub(crate) mod support;
pub(crate) mod swarm;
pub(crate) mod update;
pub(crate) mod version;

use crate::{Output, Result};

/// Makes a repo in `dir`, telling `out` what happens: for `daemon --init`.
pub async fn init_repo(
    dir: &std::path::Path,
    options: basalt::repo::InitOptions,
    out: Output<String>,
) -> Result<()> {
    init::init_repo(dir, options, out).await
}
