use basalt_routing::Validator;

use crate::{Error, Moment, Name, Record, Result};

/// What routing systems need to know of records: the rules of `/ipns/`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules;

impl Rules {
    fn read(key: &[u8], value: &[u8]) -> Result<Record> {
        let name = Name::from_routing_key(key)?;
        let record = Record::decode(bytes::Bytes::copy_from_slice(value))?;
        record.validate(&name, Moment::now())?;
        Ok(record)
    }
}

impl Validator for Rules {
    fn validate(&self, key: &[u8], value: &[u8]) -> basalt_routing::Result<()> {
        let read = Self::read(key, value);
        read.map(drop)
            .map_err(|e: Error| basalt_routing::Error::Invalid(e.to_string()))
    }

    fn is_better(&self, key: &[u8], value: &[u8], than: &[u8]) -> bool {
        match (Self::read(key, value), Self::read(key, than)) {
            (Ok(value), Ok(than)) => value.compare(&than).is_ok_and(std::cmp::Ordering::is_gt),
            (value, _) => value.is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Draft;
    use basalt_ipld::Path;

    #[test]
    fn the_newer_record_of_the_right_name_counts() {
        let key = libp2p_identity::Keypair::generate_ed25519();
        let record = |sequence| {
            let draft = Draft {
                value: Path::parse("/ipfs/bafkqaaa").unwrap(),
                sequence,
                validity: Moment::now().after(3_600_000_000_000),
                ttl: 0,
                v1: true,
            };
            let sign = |data: &[u8]| key.sign(data).map_err(|e| e.to_string());
            draft.sign(&key.public(), sign).unwrap().bytes().clone()
        };
        let name = Name::of(&key.public()).routing_key();
        let other = libp2p_identity::Keypair::generate_ed25519();
        let other = Name::of(&other.public()).routing_key();
        let (old, new) = (record(1), record(2));
        assert!(Rules.validate(&name, &old).is_ok());
        assert!(Rules.validate(&other, &old).is_err());
        assert!(Rules.validate(&name, b"no record").is_err());
        assert!(Rules.is_better(&name, &new, &old));
        assert!(!Rules.is_better(&name, &old, &new));
        assert!(!Rules.is_better(&name, &old, &old));
        assert!(Rules.is_better(&name, &old, b"no record"));
    }
}
