use std::io::Write;

use async_trait::async_trait;

use super::Key;
use crate::commands::support::{PeerText, with_repo};
use crate::{About, Arg, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `key gen`.
    pub(crate) struct Options {
        /// The algorithm: ed25519, rsa or secp256k1
        algorithm: String = ["type", "t"] default "ed25519",
        /// The size of an RSA key in bits, from 2048 to 8192
        size: Option<i32> = ["size", "s"],
        /// How the ID is written: b58mh, or the multibase of a CID, such as base36 or k
        ipns_base: String = ["ipns-base"] default "base36",
    }
}

/// `ipfs key gen`.
pub(crate) struct Gen;

#[async_trait]
impl Command for Gen {
    type Options = Options;
    type Event = Key;
    type State = ();

    const PATH: &'static str = "key/gen";
    const ABOUT: About = About::new("Make a new key.").text(
        "Keeps a new key in the keystore and writes its ID, the name to publish under.

Example:

  > ipfs key gen site
  k51qzi5uqu5d...",
    );
    const ARGS: &'static [Arg] = &[Arg::required("name", "What to call the key.")];

    async fn run(call: Call<Options>, out: Output<Key>) -> Result<()> {
        let name = call.meta.args[0].clone();
        if name == "self" {
            return Err(basalt::Error::from(basalt::repo::Error::OwnKey("create")).into());
        }
        let written = PeerText::new(&call.options.ipns_base)?;
        let (algorithm, size) = (call.options.algorithm.clone(), call.options.size);
        let called = name.clone();
        let id = with_repo(&call.ctx, move |repo| {
            let key = repo
                .keys()
                .generate(&called, &algorithm, size.map(i64::from))?;
            Ok(key.peer_id())
        })
        .await?;
        let id = written.write(&id.to_bytes())?;
        out.once(Key { name, id }).await
    }

    fn text(_: &View<Options>, _: &mut (), key: Key, w: &mut dyn Write) -> Result<()> {
        writeln!(w, "{}", key.id)?;
        Ok(())
    }
}
