//! `ipfs swarm peering`: peers that the node is always connected to.

use serde::{Deserialize, Serialize};

pub(crate) mod add;
pub(crate) mod ls;
pub(crate) mod rm;

/// What was done with a peer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Done {
    #[serde(rename = "ID")]
    id: String,
    status: String,
}

impl Done {
    fn new(id: impl ToString) -> Self {
        Self {
            id: id.to_string(),
            status: "success".to_owned(),
        }
    }
}
