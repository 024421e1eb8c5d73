//! `ipfs name`.

pub(crate) mod get;
pub(crate) mod inspect;
pub(crate) mod publish;
pub(crate) mod pubsub;
pub(crate) mod put;
pub(crate) mod resolve;

use basalt::Node;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::commands::support::whole_file;
use crate::{Call, Error, Result};

/// What a name means now.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Entry {
    name: String,
    value: String,
}

const OFFLINE: &str = "this action must be run in online mode, try running 'ipfs daemon' first";

/// What two commands answer to flags that exclude each other.
const BOTH: &str = "cannot use both --allow-offline and --allow-delegated flags";

/// Checks `--allow-delegated`: there is nobody yet who publishes over HTTP.
fn check_delegated(node: &Node) -> Result<()> {
    let publishers = node
        .repo()
        .map(|repo| repo.config().delegated_publishers_resolved())
        .unwrap_or_default();
    Err(Error::new(match publishers.is_empty() {
        true => {
            "no delegated publishers configured: add Ipns.DelegatedPublishers or use --allow-offline \
             for local-only publishing"
        }
        false => {
            "this node does not publish through delegated publishers yet: use --allow-offline for \
             local-only publishing"
        }
    }))
}

/// The bytes of a record that was sent along.
async fn record<O>(call: &mut Call<O>, most: usize, over: &str) -> Result<Bytes> {
    let mut files = call.take_files()?;
    if files.next().await?.is_none() {
        return Err(Error::client("file argument 'record' is required"));
    }
    whole_file(&mut *files, most, over).await
}
