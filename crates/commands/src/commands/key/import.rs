use std::io::Write;

use async_trait::async_trait;
use basalt::repo::{KeyFormat, PrivateKey};

use super::Key;
use crate::commands::support::{PeerText, whole_file, with_repo};
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `key import`.
    pub(crate) struct Options {
        /// How the ID is written: b58mh, or the multibase of a CID, such as base36 or k
        ipns_base: String = ["ipns-base"] default "base36",
        /// The form of the key: libp2p-protobuf-cleartext or pem-pkcs8-cleartext
        format: String = ["format", "f"] default "libp2p-protobuf-cleartext",
        /// Take keys of types that 'ipfs key gen' does not make
        any_type: bool = ["allow-any-key-type"] default "false",
    }
}

/// `ipfs key import`.
pub(crate) struct Import;

/// A file over this size is no key, in bytes. RSA keys of 8192 bits take 7 KiB in PEM.
const MOST: usize = 64 << 10;

#[async_trait]
impl Command for Import {
    type Options = Options;
    type Event = Key;
    type State = ();

    const PATH: &'static str = "key/import";
    const ABOUT: About = About::new("Keep a key that was made elsewhere.").text(
        "Reads what 'ipfs key export' writes, and PEM files of OpenSSL.

Example:

  > openssl genpkey -algorithm ED25519 > site.pem
  > ipfs key import site -f pem-pkcs8-cleartext site.pem",
    );
    const ARGS: &'static [Arg] = &[
        Arg::required("name", "What to call the key."),
        Arg::file("key", "The file with the key."),
    ];

    async fn run(mut call: Call<Options>, out: Output<Key>) -> Result<()> {
        let name = call.meta.args[0].clone();
        if name == "self" {
            return Err(basalt::Error::from(basalt::repo::Error::OwnKey("import")).into());
        }
        let written = PeerText::new(&call.options.ipns_base)?;
        let mut files = call.take_files()?;
        if files.next().await?.is_none() {
            return Err(Error::client("file argument 'key' is required"));
        }
        let bytes = whole_file(&mut *files, MOST, "a key has at most 64KiB").await?;
        let named = &call.options.format;
        let format: KeyFormat = named
            .parse()
            .map_err(|()| Error::new(format!("unrecognized import format: {named}")))?;
        let any_type = call.options.any_type;
        let called = name.clone();
        let read = move || PrivateKey::import(&bytes, format, any_type);
        let key = tokio::task::spawn_blocking(read)
            .await
            .map_err(basalt::Error::from)?
            .map_err(basalt::Error::from)?;
        let id = written.write(&key.peer_id().to_bytes())?;
        with_repo(&call.ctx, move |repo| repo.keys().import(&called, &key)).await?;
        out.once(Key { name, id }).await
    }

    fn text(_: &View<Options>, _: &mut (), key: Key, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "{}", key.id)?;
        Ok(())
    }
}
