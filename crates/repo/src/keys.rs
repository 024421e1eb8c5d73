//! The node's keys by name: its own, which is called `self`, and those of the keystore.

use libp2p_identity::{KeyType, PeerId, PublicKey};

use crate::identity::make_identity;
use crate::{Error, KeyAlgorithm, PrivateKey, Repo, parse_peer_id};

/// The name of the node's own key, which is in the config and not in the keystore.
const OWN: &str = "self";

/// What is put before signed messages, so that a signature can be nothing else's.
const SIGNED_PREFIX: &[u8] = b"libp2p-key signed message:";

/// The keys of a repo. Calls touch the disk, and making an RSA key takes seconds.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a>(&'a Repo);

/// A key that has another name now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The ID of the key.
    pub id: PeerId,
    /// Whether a key that had the new name is gone.
    pub overwritten: bool,
}

impl Repo {
    /// The node's keys by name.
    pub fn keys(&self) -> Keys<'_> {
        Keys(self)
    }
}

impl Keys<'_> {
    /// The name and the ID of every key, the node's own first, the others by name. A file that is
    /// not a key is passed over.
    ///
    /// # Errors
    ///
    /// When the keystore or the node's own key cannot be read.
    pub fn list(&self) -> Result<Vec<(String, PeerId)>, Error> {
        let mut all = vec![(OWN.to_owned(), self.own()?.peer_id())];
        for name in self.0.keystore().list()? {
            match self.0.keystore().get(&name) {
                Ok(key) => all.push((name, key.peer_id())),
                Err(error) => {
                    tracing::error!(target: "basalt::repo", %error, "cannot get key from keystore");
                }
            }
        }
        Ok(all)
    }

    /// Makes a key. `bits` is its size, -1 the usual one.
    ///
    /// # Errors
    ///
    /// [`Error::OwnKey`], [`Error::KeyNameTaken`], [`Error::KeyType`], [`Error::KeySize`].
    pub fn generate(
        &self,
        name: &str,
        algorithm: &str,
        bits: Option<i64>,
    ) -> Result<PrivateKey, Error> {
        if name == OWN {
            return Err(Error::OwnKey("create"));
        }
        self.check_free(name)?;
        let (algorithm, bits) = checked(algorithm, bits)?;
        // Before a long calculation.
        if name.is_empty() {
            return Err(Error::EmptyKeyName);
        }
        let key = PrivateKey::generate(algorithm, bits)?;
        self.0.keystore().put(name, &key)?;
        Ok(key)
    }

    /// Keeps a key that was made elsewhere.
    ///
    /// # Errors
    ///
    /// [`Error::OwnKey`], [`Error::KeyNameTaken`].
    pub fn import(&self, name: &str, key: &PrivateKey) -> Result<(), Error> {
        if name == OWN {
            return Err(Error::OwnKey("import"));
        }
        self.check_free(name)?;
        self.0.keystore().put(name, key)
    }

    /// A file that is not a key does not count here, and is not overwritten either.
    fn check_free(&self, name: &str) -> Result<(), Error> {
        match self.0.keystore().get(name) {
            Ok(_) => Err(Error::KeyNameTaken(name.to_owned())),
            Err(_) => Ok(()),
        }
    }

    /// Gives a key another name; `force` allows to overwrite the key that has it.
    ///
    /// # Errors
    ///
    /// [`Error::OwnKey`], [`Error::NoKeyNamed`], [`Error::KeyExists`].
    pub fn rename(&self, name: &str, new: &str, force: bool) -> Result<Renamed, Error> {
        if name == OWN {
            return Err(Error::OwnKey("rename"));
        }
        if new == OWN {
            return Err(Error::OwnKey("overwrite"));
        }
        let id = self.stored(name)?.peer_id();
        let mut overwritten = false;
        if new != name {
            overwritten = self.0.keystore().rename(name, new, force)?;
        }
        Ok(Renamed { id, overwritten })
    }

    /// Removes a key and tells its ID.
    ///
    /// # Errors
    ///
    /// [`Error::OwnKey`], [`Error::NoKeyNamed`].
    pub fn remove(&self, name: &str) -> Result<PeerId, Error> {
        if name == OWN {
            return Err(Error::OwnKey("remove"));
        }
        let id = self.stored(name)?.peer_id();
        self.0.keystore().delete(name)?;
        Ok(id)
    }

    fn stored(&self, name: &str) -> Result<PrivateKey, Error> {
        self.0
            .keystore()
            .get(name)
            .map_err(|_| Error::NoKeyNamed(name.to_owned()))
    }

    /// The node's own key.
    ///
    /// # Errors
    ///
    /// When the config has none.
    pub fn own(&self) -> Result<PrivateKey, Error> {
        self.0.config().private_key()
    }

    /// The key of that name; no name is the node's own.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchKey`], [`Error::BadKeyFile`].
    pub fn named(&self, name: &str) -> Result<PrivateKey, Error> {
        match name {
            "" | OWN => self.own(),
            name => self.0.keystore().get(name),
        }
    }

    /// Whether a signature of [`PrivateKey::sign_message`] holds, by the key of that name, of that
    /// ID or in that IPNS name. Tells the name and the ID of the key.
    ///
    /// # Errors
    ///
    /// [`Error::NotAKey`], [`Error::KeyNotEmbedded`], [`Error::BadSignature`].
    pub fn verify(
        &self,
        name_or_id: &str,
        data: &[u8],
        signature: &[u8],
    ) -> Result<(String, PeerId, bool), Error> {
        let (name, key) = match (name_or_id, self.named(name_or_id)) {
            ("" | OWN, own) => (OWN, own?.public().clone()),
            (name, Ok(key)) => (name, key.public().clone()),
            (text, Err(_)) => ("", embedded_key(text)?),
        };
        let valid = verify(&key, data, signature)?;
        Ok((name.to_owned(), key.to_peer_id(), valid))
    }

    /// The key of that name or that ID.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchKey`], [`Error::NoSuchKeyOrId`], [`Error::BadKeyFile`].
    pub fn find(&self, name_or_id: &str) -> Result<PrivateKey, Error> {
        if name_or_id == OWN {
            return self.own();
        }
        match self.0.keystore().get(name_or_id) {
            Err(Error::NoSuchKey) => {}
            found => return found,
        }
        let id = parse_peer_id(name_or_id).map_err(|_| Error::NoSuchKey)?;
        let own = self.own()?;
        if own.peer_id() == id {
            return Ok(own);
        }
        for name in self.0.keystore().list()? {
            let key = self.0.keystore().get(&name)?;
            if key.peer_id() == id {
                return Ok(key);
            }
        }
        Err(Error::NoSuchKeyOrId)
    }

    /// Makes the node another key and keeps its old one in the keystore as `old_name`. The old one
    /// is durable there before the config has the new one.
    ///
    /// # Errors
    ///
    /// [`Error::Rotate`] names the step that failed; the node has its old key then.
    pub fn rotate(
        &self,
        old_name: &str,
        algorithm: &str,
        bits: Option<i64>,
        say: &mut dyn FnMut(&str),
    ) -> Result<PrivateKey, Error> {
        let new = checked_for_rotation(algorithm, bits)
            .and_then(|(algorithm, bits)| make_identity(algorithm, bits, say))
            .map_err(while_("creating identity"))?;
        let old = self.own().map_err(while_("decoding old private key"))?;
        self.0
            .keystore()
            .put(old_name, &old)
            .map_err(while_("saving old key in keystore"))?;
        self.0
            .change_config(|mut config| {
                config.set_private_key(&new)?;
                Ok((config, ()))
            })
            .map_err(while_("saving new key to config"))?;
        Ok(new)
    }
}

fn while_(doing: &'static str) -> impl FnOnce(Error) -> Error {
    move |source| Error::Rotate {
        doing,
        source: Box::new(source),
    }
}

fn checked(algorithm: &str, bits: Option<i64>) -> Result<(KeyAlgorithm, Option<u32>), Error> {
    let (algorithm, bits) = checked_for_rotation(algorithm, bits)?;
    if let Some(bits) = bits {
        algorithm.check_size(bits.into())?;
    }
    Ok((algorithm, bits))
}

/// Leaves the size of RSA keys to be checked when a key is made.
fn checked_for_rotation(
    algorithm: &str,
    bits: Option<i64>,
) -> Result<(KeyAlgorithm, Option<u32>), Error> {
    let algorithm: KeyAlgorithm = algorithm.parse()?;
    let Some(bits) = bits.filter(|bits| *bits != -1) else {
        return Ok((algorithm, None));
    };
    if algorithm != KeyAlgorithm::Rsa {
        algorithm.check_size(bits)?;
    }
    match u32::try_from(bits) {
        Ok(bits) => Ok((algorithm, Some(bits))),
        Err(_) => algorithm.check_size(bits).map(|()| (algorithm, None)),
    }
}

/// What is signed when a user signs `data`.
pub(crate) fn signed_message(data: &[u8]) -> Vec<u8> {
    [SIGNED_PREFIX, data].concat()
}

impl PrivateKey {
    /// Signs a message of a user's. What is signed begins with words that no other protocol's
    /// messages begin with.
    ///
    /// # Errors
    ///
    /// As [`PrivateKey::sign`].
    pub fn sign_message(&self, data: &[u8]) -> Result<Vec<u8>, Error> {
        self.sign(&signed_message(data))
    }
}

/// The public key in a peer ID or an IPNS name.
fn embedded_key(text: &str) -> Result<PublicKey, Error> {
    let id = parse_peer_id(text.strip_prefix("/ipns/").unwrap_or(text))
        .map_err(|_| Error::NotAKey(text.to_owned()))?;
    match id.as_ref().code() {
        0 => PublicKey::try_decode_protobuf(id.as_ref().digest())
            .map_err(|e| Error::PeerId(e.to_string())),
        _ => Err(Error::KeyNotEmbedded),
    }
}

/// Whether the signature of a message is the key's. Some types of keys have errors for signatures
/// that are wrong in certain ways, as Go has.
fn verify(key: &PublicKey, data: &[u8], signature: &[u8]) -> Result<bool, Error> {
    let valid = key.verify(&signed_message(data), signature);
    let malformed = |reason: String| {
        Err(Error::BadSignature(format!(
            "malformed signature: {reason}"
        )))
    };
    match (key.key_type(), signature) {
        (KeyType::RSA, _) if !valid => Err(Error::BadSignature(
            "crypto/rsa: verification error".to_owned(),
        )),
        (KeyType::Secp256k1, [..]) if signature.len() < 8 => {
            malformed(format!("too short: {} < 8", signature.len()))
        }
        (KeyType::Secp256k1, [..]) if signature.len() > 72 => {
            malformed(format!("too long: {} > 72", signature.len()))
        }
        (KeyType::Secp256k1, [first, ..]) if *first != 0x30 => {
            malformed(format!("format has wrong type: {first:#x}"))
        }
        _ => Ok(valid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InitOptions;

    fn repo() -> (tempfile::TempDir, Repo) {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repo::init(dir.path(), &InitOptions::default(), &mut |_| {}).unwrap();
        (dir, repo)
    }

    #[test]
    fn keys_are_found_by_name_and_by_id() {
        let (_dir, repo) = repo();
        let keys = repo.keys();
        let a = keys.generate("a", "ed25519", Some(-1)).unwrap();
        let text = |e: Error| e.to_string();
        assert_eq!(
            keys.generate("a", "foo", None).map_err(text).unwrap_err(),
            "key with name 'a' already exists"
        );
        for (name, kind, bits, expected) in [
            (
                "self",
                "ed25519",
                None,
                "cannot create key with name 'self'",
            ),
            ("", "foo", None, "unrecognized key type: foo"),
            (
                "",
                "rsa",
                Some(2048),
                "key name must be at least one character",
            ),
            (
                "b",
                "rsa",
                Some(-5),
                "rsa keys must be >= 2048 bits to be useful",
            ),
            ("b", "rsa", Some(8193), "rsa keys must be <= 8192 bits"),
            (
                "b",
                "secp256k1",
                Some(-5),
                "invalid key size -5: secp256k1 keys are always 256 bits",
            ),
        ] {
            let error = keys.generate(name, kind, bits).map_err(text).unwrap_err();
            assert_eq!(error, expected);
        }
        let id = a.peer_id();
        for name in ["a", &id.to_string()] {
            assert_eq!(keys.find(name).unwrap().peer_id(), id);
        }
        let own = keys.own().unwrap().peer_id();
        assert_eq!(keys.find(&own.to_string()).unwrap().peer_id(), own);
        assert!(matches!(keys.find("b"), Err(Error::NoSuchKey)));
        let other = PrivateKey::generate(KeyAlgorithm::Ed25519, None).unwrap();
        assert!(matches!(
            keys.find(&other.peer_id().to_string()),
            Err(Error::NoSuchKeyOrId)
        ));
        let listed = keys.list().unwrap();
        assert_eq!(listed, [("self".to_owned(), own), ("a".to_owned(), id)]);
        assert_eq!(keys.remove("a").unwrap(), id);
        assert_eq!(
            keys.remove("a").map_err(text).unwrap_err(),
            "no key named a was found"
        );
    }

    #[test]
    fn the_old_key_outlives_its_rotation() {
        let (dir, repo) = repo();
        let old = repo.keys().own().unwrap().peer_id();
        let mut said = String::new();
        let new = repo
            .keys()
            .rotate("old", "ed25519", None, &mut |text| said.push_str(text))
            .unwrap()
            .peer_id();
        assert_eq!(
            said,
            format!("generating ED25519 keypair...done\npeer identity: {new}\n")
        );
        let failed = repo.keys().rotate("old", "ed25519", None, &mut |_| {});
        assert_eq!(
            failed.unwrap_err().to_string(),
            "saving old key in keystore (key by that name already exists, refusing to overwrite)"
        );
        drop(repo);
        let repo = Repo::open(dir.path(), None).unwrap();
        let listed = repo.keys().list().unwrap();
        assert_eq!(listed, [("self".to_owned(), new), ("old".to_owned(), old)]);
        assert_eq!(
            repo.config().string("Identity.PeerID"),
            Some(new.to_string().as_str())
        );
    }

    #[test]
    fn a_signed_message_is_nothing_else() {
        let (_dir, repo) = repo();
        let keys = repo.keys();
        for (name, kind) in [("s", "secp256k1"), ("r", "rsa"), ("e", "ed25519")] {
            let key = keys.generate(name, kind, None).unwrap();
            let signature = key.sign_message(b"x").unwrap();
            let id = key.peer_id();
            let verified = keys.verify(name, b"x", &signature).unwrap();
            assert_eq!(verified, (name.to_owned(), id, true));
            assert!(!key.public().verify(b"x", &signature));
            let wrong = keys.verify(name, b"y", &signature);
            match kind {
                "rsa" => assert!(matches!(wrong, Err(Error::BadSignature(_)))),
                _ => assert!(!wrong.unwrap().2),
            }
            let by_id = keys.verify(&format!("/ipns/{id}"), b"x", &signature);
            match kind {
                "rsa" => assert!(matches!(by_id, Err(Error::KeyNotEmbedded))),
                _ => assert_eq!(by_id.unwrap(), (String::new(), id, true)),
            }
        }
        let error = keys.verify("foo", b"", b"").unwrap_err().to_string();
        assert_eq!(
            error,
            "'\"foo\"' is not a known key, an IPNS Name, or a valid PeerID"
        );
    }

    #[test]
    fn rsa_keys_of_every_size_sign() {
        // Made once: large keys take their time.
        let pem = include_bytes!("identity/rsa-5120.pem");
        let key = PrivateKey::import(pem, crate::KeyFormat::Pem, false).unwrap();
        assert!(key.keypair().is_none());
        let signature = key.sign(b"x").unwrap();
        assert!(key.public().verify(b"x", &signature));
        let again = PrivateKey::decode(key.encoded()).unwrap();
        assert_eq!(again.peer_id(), key.peer_id());
        assert_eq!(key.export(crate::KeyFormat::Pem).unwrap(), pem);
    }
}
