//! `ipfs object patch`: dag-pb nodes made out of others.

pub(crate) mod add_link;
pub(crate) mod rm_link;

use basalt::{Cid, PatchOptions};
use serde::{Deserialize, Serialize};

use crate::commands::support::CidText;
use crate::{Call, OptionSet, Result};

crate::options! {
    /// Options of all commands of `object patch`.
    pub(crate) struct Options {
        /// Allow blocks over 2MiB; other nodes will not take them
        allow_big_block: bool = ["allow-big-block"] default "false",
    }
}

/// The node that was made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Made {
    hash: String,
}

impl Made {
    fn new(cids: &CidText, cid: &Cid) -> Self {
        Self {
            hash: cids.write(cid),
        }
    }
}

/// How a node is patched, as the group's own options and the global ones have it.
fn how<O>(call: &Call<O>, any_node: bool) -> PatchOptions {
    PatchOptions {
        offline: call.meta.globals.offline,
        any_node,
        allow_big: Options::read(&call.meta.parsed).allow_big_block,
    }
}

/// Follows the path of a node that is read whole.
async fn node_at<O>(call: &Call<O>, at: usize) -> Result<Cid> {
    let path = call.meta.args.get(at).map_or("", String::as_str);
    Ok(crate::commands::support::resolve(call, path).await?.cid)
}
