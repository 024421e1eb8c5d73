//! Pins as they are kept: one record a pin, under its mode and CID.

use basalt_block::Cid;
use bytes::Bytes;

use crate::{Error, Result};

/// The longest name of a pin, in bytes.
pub const MAX_NAME: usize = 255;

const TABLE: &[u8] = b"pins/";
/// Begins every value, so that the format can change.
const FORMAT: u8 = 1;

/// What a pin keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// The block and all that it links to.
    Recursive,
    /// The block alone.
    Direct,
}

/// A block or DAG that the user wants to keep. A CIDv0 and a CIDv1 of one block make two pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The block, as the user named it.
    pub cid: Cid,
    /// What is kept.
    pub mode: Mode,
    /// The user's name for it, at most [`MAX_NAME`] bytes; empty for none.
    pub name: String,
}

impl Mode {
    fn letter(self) -> u8 {
        match self {
            Self::Recursive => b'r',
            Self::Direct => b'd',
        }
    }
}

impl Pin {
    /// A recursive pin without a name.
    pub fn recursive(cid: Cid) -> Self {
        Self {
            cid,
            mode: Mode::Recursive,
            name: String::new(),
        }
    }

    /// A direct pin without a name.
    pub fn direct(cid: Cid) -> Self {
        Self {
            mode: Mode::Direct,
            ..Self::recursive(cid)
        }
    }

    /// The same pin with a name.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        check_name(&self.name)
    }

    pub(crate) fn value(&self) -> Bytes {
        let mut value = Vec::with_capacity(1 + self.name.len());
        value.push(FORMAT);
        value.extend_from_slice(self.name.as_bytes());
        value.into()
    }
}

/// Refuses a name that is too long, or a filter that could match none.
pub fn check_name(name: &str) -> Result<()> {
    if name.len() > MAX_NAME {
        return Err(Error::NameTooLong(name.len()));
    }
    Ok(())
}

pub(crate) fn prefix(mode: Mode) -> Vec<u8> {
    [TABLE, &[mode.letter(), b'/']].concat()
}

pub(crate) fn key(mode: Mode, cid: &Cid) -> Bytes {
    let mut key = prefix(mode);
    key.extend_from_slice(&cid.to_bytes());
    key.into()
}

pub(crate) fn decode_value(cid: Cid, mode: Mode, value: &[u8]) -> Result<Pin> {
    let name = match value.split_first() {
        Some((&FORMAT, name)) => String::from_utf8_lossy(name).into_owned(),
        _ => return Err(Error::Record(format!("{cid} has an unknown format"))),
    };
    Ok(Pin { cid, mode, name })
}

pub(crate) fn decode(mode: Mode, key: &[u8], value: &[u8]) -> Result<Pin> {
    let bytes = key.get(TABLE.len() + 2..).unwrap_or_default();
    let cid = Cid::try_from(bytes).map_err(|error| Error::Record(error.to_string()))?;
    decode_value(cid, mode, value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_record_is_read_or_refused(key in any::<Vec<u8>>(), value in any::<Vec<u8>>()) {
            let _ = decode(Mode::Direct, &key, &value);
        }

        #[test]
        fn records_come_back(digest in any::<[u8; 32]>(), name in ".{0,80}", v0: bool, r: bool) {
            let hash = basalt_block::Multihash::wrap(0x12, &digest).unwrap();
            let cid = if v0 { Cid::new_v0(hash).unwrap() } else { Cid::new_v1(0x71, hash) };
            let mode = if r { Mode::Recursive } else { Mode::Direct };
            let pin = Pin { cid, mode, name };
            let read = decode(mode, &key(mode, &cid), &pin.value()).unwrap();
            prop_assert_eq!(read, pin);
        }
    }

    #[test]
    fn names_are_limited_in_kubos_words() {
        assert!(check_name(&"x".repeat(255)).is_ok());
        let error = check_name(&"x".repeat(256)).unwrap_err().to_string();
        assert_eq!(error, "pin name is 256 bytes (max 255 bytes)");
    }
}
