use basalt::Cid;
use basalt::block::cid_string;
use serde::{Deserialize, Serialize};

/// A CID as Go's CID type writes itself in JSON: `{"/": "bafy…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkJson {
    /// The CID's text.
    #[serde(rename = "/")]
    pub(crate) cid: String,
}

impl LinkJson {
    /// The CID in its usual base; `--cid-base` does not change it.
    pub(crate) fn new(cid: &Cid) -> Self {
        Self {
            cid: cid_string(cid),
        }
    }
}
