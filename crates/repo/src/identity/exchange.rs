//! Keys as they are given to other programs and taken from them.

use std::fmt;
use std::str::FromStr;

use libp2p_identity::KeyType;

use super::pkcs8::Read;
use super::{PrivateKey, pem, pkcs8};
use crate::Error;

const PEM_KIND: &str = "PRIVATE KEY";

/// The form in which a key is exported and imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum KeyFormat {
    /// libp2p's protobuf message.
    #[default]
    Libp2p,
    /// PKCS #8 in PEM, as OpenSSL reads it.
    Pem,
}

impl KeyFormat {
    /// The name of the format on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Libp2p => "libp2p-protobuf-cleartext",
            Self::Pem => "pem-pkcs8-cleartext",
        }
    }

    /// What the name of a file in this format ends in.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Libp2p => "key",
            Self::Pem => "pem",
        }
    }
}

impl fmt::Display for KeyFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyFormat {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Libp2p, Self::Pem]
            .into_iter()
            .find(|format| format.as_str() == name)
            .ok_or(())
    }
}

impl PrivateKey {
    /// The key for other programs, as the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`Error::KeyExchange`] when the key cannot be written so.
    pub fn export(&self, format: KeyFormat) -> Result<Vec<u8>, Error> {
        match format {
            KeyFormat::Libp2p => Ok(self.encoded.clone()),
            KeyFormat::Pem => {
                let der = pkcs8::write(self).map_err(|reason| {
                    Error::KeyExchange(format!("marshalling key to PKCS8 format: {reason}"))
                })?;
                Ok(pem::write(PEM_KIND, &der).into_bytes())
            }
        }
    }

    /// Reads a key that another program wrote. Unless `any_type`, only keys of the types that
    /// [`PrivateKey::generate`] makes are taken.
    ///
    /// # Errors
    ///
    /// [`Error::KeyExchange`] says what is wrong with the bytes.
    pub fn import(bytes: &[u8], format: KeyFormat, any_type: bool) -> Result<Self, Error> {
        let key = match format {
            KeyFormat::Libp2p => Self::read(bytes).map_err(|reason| match pem::read(bytes) {
                Some(_) => format!(
                    "unexpected PEM block for format={format}: try again with format={}",
                    KeyFormat::Pem
                ),
                None => format!("unable to unmarshall format={format}: {reason}"),
            }),
            KeyFormat::Pem => from_pem(bytes, any_type),
        }
        .map_err(Error::KeyExchange)?;
        if key.kind() == KeyType::Ecdsa && !any_type {
            return Err(Error::KeyExchange(refused()));
        }
        Ok(key)
    }
}

fn from_pem(bytes: &[u8], any_type: bool) -> Result<PrivateKey, String> {
    let Some(block) = pem::read(bytes) else {
        return Err(format!(
            "PEM block not found in input data:\n{}",
            String::from_utf8_lossy(bytes)
        ));
    };
    if block.kind != PEM_KIND {
        return Err(format!(
            "expected PRIVATE KEY type in PEM block but got: {}",
            block.kind
        ));
    }
    match pkcs8::read(&block.bytes)? {
        Read::Key(key) => Ok(*key),
        Read::OtherCurve(_) if !any_type => Err(refused()),
        Read::OtherCurve(name) => Err(format!(
            "ECDSA keys on the curve {name} are not supported, only those on P-256"
        )),
    }
}

fn refused() -> String {
    "key type *crypto.ECDSAPrivateKey is not allowed to be imported, only RSA, Ed25519, or \
     Secp256k1; use flag --allow-any-key-type if you are sure of what you're doing"
        .to_owned()
}
