use basalt::block::{Base, Cid, Multihash, cid_text, codec};

use crate::commands::cid::names::base_of;
use crate::{Error, Result};

/// How peer IDs and IPNS names are written, as `--peerid-base` and `--ipns-base` say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeerText(Option<Base>);

impl PeerText {
    /// Reads the option: `b58mh` is the bare multihash, anything else a multibase of CIDs.
    pub(crate) fn new(name: &str) -> Result<Self> {
        match name {
            "b58mh" | "v0" => Ok(Self(None)),
            name => base_of(name)
                .map(|base| Self(Some(base)))
                .map_err(Error::new),
        }
    }

    /// Writes the peer ID with this multihash.
    pub(crate) fn write(&self, multihash: &[u8]) -> Result<String> {
        let Some(base) = self.0 else {
            return Ok(Base::Base58Btc.encode(multihash));
        };
        let hash = Multihash::from_bytes(multihash).map_err(|e| Error::new(e.to_string()))?;
        Ok(cid_text(&Cid::new_v1(codec::LIBP2P_KEY, hash), base))
    }
}
