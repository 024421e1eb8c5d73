use basalt::block::{Base, Cid, Version, cid_text};

use crate::commands::cid::names::base_of;
use crate::{Error, Globals, Result};

/// How CIDs are written, as `--cid-base` says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CidText {
    base: Option<Base>,
    upgrade: bool,
}

impl CidText {
    /// Reads `--cid-base`. Any base but base58btc makes CIDv1 of CIDv0.
    pub(crate) fn new(globals: &Globals) -> Result<Self> {
        let named = globals.cid_base.as_deref().filter(|name| !name.is_empty());
        let base = named.map(base_of).transpose().map_err(Error::new)?;
        let upgrade = base.is_some_and(|base| base != Base::Base58Btc);
        Ok(Self {
            base,
            upgrade: globals.upgrade_cidv0.unwrap_or(upgrade),
        })
    }

    /// Like [`CidText::new`], but where no base is asked for CIDs are written as the one in
    /// `path` is: in its base, and as CIDv1 if it is one.
    pub(crate) fn like(globals: &Globals, path: &str) -> Result<Self> {
        let own = Self::new(globals)?;
        if own.base.is_some() || globals.upgrade_cidv0.is_some() {
            return Ok(own);
        }
        let words = path
            .trim_start_matches("ipfs://")
            .trim_start_matches('/')
            .split('/');
        let read = words
            .take(2)
            .find_map(|word| basalt::block::parse_cid(word).ok());
        Ok(match read {
            Some((cid, base)) if cid.version() == Version::V1 => Self {
                base: Some(base),
                upgrade: true,
            },
            _ => own,
        })
    }

    /// Writes a CID.
    pub(crate) fn write(&self, cid: &Cid) -> String {
        if cid.version() == Version::V0 && !self.upgrade {
            return cid_text(cid, Base::Base58Btc);
        }
        cid_text(
            &Cid::new_v1(cid.codec(), *cid.hash()),
            self.base.unwrap_or(Base::Base32Lower),
        )
    }
}
