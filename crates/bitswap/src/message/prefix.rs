use basalt_block::{Cid, Version as CidVersion, codec, digest, hash_codes, varint};

use super::Malformed;

/// A CID without its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    version: CidVersion,
    codec: u64,
    hash: u64,
    len: u64,
}

impl Prefix {
    /// Of every CIDv0.
    pub(crate) const V0: Self = Self {
        version: CidVersion::V0,
        codec: codec::DAG_PB,
        hash: hash_codes::SHA2_256,
        len: 32,
    };

    /// The prefix of `cid`.
    pub fn of(cid: &Cid) -> Self {
        Self {
            version: cid.version(),
            codec: cid.codec(),
            hash: cid.hash().code(),
            len: u64::from(cid.hash().size()),
        }
    }

    pub(super) fn read(mut data: &[u8]) -> Result<Self, Malformed> {
        let mut next = || varint::take(&mut data).map_err(|e| Malformed(format!("prefix: {e}")));
        let (version, codec, hash, len) = (next()?, next()?, next()?, next()?);
        let version = match version {
            0 => CidVersion::V0,
            1 => CidVersion::V1,
            other => return Err(Malformed(format!("CID of version {other}"))),
        };
        Ok(Self {
            version,
            codec,
            hash,
            len,
        })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(8);
        let version = u64::from(self.version == CidVersion::V1);
        for n in [version, self.codec, self.hash, self.len] {
            varint::write(n, &mut out);
        }
        out
    }

    /// The CID that begins so and names `data`; `None` when it is of no kind known here.
    pub(crate) fn cid_of(&self, data: &[u8]) -> Option<Cid> {
        if self.hash == hash_codes::IDENTITY {
            // Nobody needs to be sent what the CID holds already.
            return None;
        }
        let len = usize::try_from(self.len).ok()?;
        let hash = digest(self.hash, data, Some(len)).ok()?;
        Cid::new(self.version, self.codec, hash).ok()
    }
}
