//! Pins as Kubo keeps them since go-ipfs 0.8, in the datastore: a map in CBOR each.

use basalt_block::Cid;

/// Maps and arrays in one another; Kubo writes two at most.
const MAX_DEPTH: usize = 32;

/// A pin of Kubo's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// What is pinned.
    pub cid: Cid,
    /// With everything that it links to, or alone.
    pub recursive: bool,
    /// Its name; empty for none.
    pub name: String,
}

/// Reads the record of a pin.
///
/// # Errors
/// What is wrong with it.
pub fn decode_pin(bytes: &[u8]) -> Result<Pin, String> {
    let mut reader = Reader(bytes);
    let (mut cid, mut mode, mut name) = (None, None, String::new());
    let Some((MAP, fields)) = reader.head() else {
        return Err("it is no map".to_owned());
    };
    let mut left = fields;
    while left.is_none_or(|n| n > 0) {
        if left.is_none() && reader.take_break() {
            break;
        }
        left = left.map(|n| n - 1);
        let key = reader.text().ok_or("a field has no name")?;
        let bad = || format!("its field {key:?} is not understood");
        match key.as_str() {
            "cid" => {
                let bytes = reader.bytes().ok_or_else(bad)?;
                cid = Some(Cid::try_from(bytes.as_slice()).map_err(|e| format!("its CID: {e}"))?);
            }
            "mode" => mode = Some(reader.number().ok_or_else(bad)?),
            "name" => name = reader.text().ok_or_else(bad)?,
            _ => reader.skip(0).ok_or_else(bad)?,
        }
    }
    let recursive = match mode.ok_or("it has no mode")? {
        0 => true,
        1 => false,
        other => return Err(format!("its mode is {other}")),
    };
    Ok(Pin {
        cid: cid.ok_or("it has no CID")?,
        recursive,
        name,
    })
}

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const OTHER: u8 = 7;
const BREAK: u8 = 0xff;

/// As much of CBOR as pins may have.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, len: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn take_break(&mut self) -> bool {
        let found = self.0.first() == Some(&BREAK);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    /// Major type and argument; `None` for an indefinite length.
    fn head(&mut self) -> Option<(u8, Option<u64>)> {
        let byte = *self.take(1)?.first()?;
        let argument = match byte & 0x1f {
            small @ 0..=23 => Some(u64::from(small)),
            wide @ 24..=27 => {
                let bytes = self.take(1 << (wide - 24))?;
                Some(bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
            }
            31 => None,
            _ => return None,
        };
        Some((byte >> 5, argument))
    }

    fn number(&mut self) -> Option<u64> {
        match self.head()? {
            (UNSIGNED, number) => number,
            _ => None,
        }
    }

    fn string(&mut self, kind: u8) -> Option<Vec<u8>> {
        match self.head()? {
            (found, Some(len)) if found == kind => {
                Some(self.take(usize::try_from(len).ok()?)?.to_vec())
            }
            _ => None,
        }
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        self.string(BYTES)
    }

    fn text(&mut self) -> Option<String> {
        Some(String::from_utf8_lossy(&self.string(TEXT)?).into_owned())
    }

    fn skip(&mut self, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (kind, argument) = self.head()?;
        match (kind, argument) {
            (UNSIGNED | NEGATIVE, Some(_)) | (OTHER, Some(_)) => {}
            (BYTES | TEXT, Some(len)) => _ = self.take(usize::try_from(len).ok()?)?,
            (TAG, Some(_)) => self.skip(depth + 1)?,
            (ARRAY | MAP, Some(len)) => {
                let items = if kind == MAP {
                    len.checked_mul(2)?
                } else {
                    len
                };
                // Each takes a byte at least, so a lie ends at the end.
                for _ in 0..items {
                    self.skip(depth + 1)?;
                }
            }
            (ARRAY | MAP | BYTES | TEXT, None) => {
                while !self.take_break() {
                    self.skip(depth + 1)?;
                }
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(mode: u8, name: &str, extra: &[u8]) -> Vec<u8> {
        let cid: Cid = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
            .parse()
            .unwrap();
        let bytes = cid.to_bytes();
        let mut out = vec![0xbf];
        out.extend(b"\x63cid\x58");
        out.push(bytes.len() as u8);
        out.extend(bytes);
        out.extend(b"\x64mode");
        out.push(mode);
        out.extend(b"\x64name");
        out.push(0x60 + name.len() as u8);
        out.extend(name.as_bytes());
        out.extend(extra);
        out.push(BREAK);
        out
    }

    #[test]
    fn pins_and_what_is_none() {
        let pin = decode_pin(&record(0, "näm", b"\x68metadata\xa1\x61x\x82\x01\xf6")).unwrap();
        assert_eq!((pin.recursive, pin.name.as_str()), (true, "näm"));
        assert!(!decode_pin(&record(1, "", b"")).unwrap().recursive);
        assert_eq!(
            decode_pin(&record(3, "", b"")).unwrap_err(),
            "its mode is 3"
        );
        assert_eq!(decode_pin(b"\xa0").unwrap_err(), "it has no mode");
        assert!(decode_pin(b"\x80").is_err());
        let deep = [&record(0, "", b"")[..], &[0x81; 100]].concat();
        assert!(decode_pin(&deep).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn any_record_is_survived(bytes: Vec<u8>) {
            let _ = decode_pin(&bytes);
        }
    }
}
