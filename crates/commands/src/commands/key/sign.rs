use async_trait::async_trait;
use basalt::block::{Base, multibase_text};
use serde::{Deserialize, Serialize};

use super::{Key, data};
use crate::commands::support::{PeerText, with_repo};
use crate::{About, Arg, Call, Command, Output, Result, Status};

crate::options! {
    /// Options of `key sign`.
    pub(crate) struct Options {
        /// The name of the key; the node's own by default
        key: Option<String> = ["key", "k"],
        /// How the ID is written: b58mh, or the multibase of a CID, such as base36 or k
        ipns_base: String = ["ipns-base"] default "base36",
    }
}

/// A signature and whose it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Signed {
    key: Key,
    signature: String,
}

/// `ipfs key sign`.
pub(crate) struct Sign;

#[async_trait]
impl Command for Sign {
    type Options = Options;
    type Event = Signed;
    type State = ();

    const PATH: &'static str = "key/sign";
    const ABOUT: About = About::new("Sign data with a key.")
        .text(
            "Proves that whoever signs holds the key of a peer ID or of an IPNS name. What is signed
is the data behind the words \"libp2p-key signed message:\", so that the signature means nothing in
any other protocol.

Example:

  > echo hello | ipfs key sign --key=site",
        )
        .status(Status::Experimental)
        .no_text();
    const ARGS: &'static [Arg] = &[Arg::file("data", "What to sign.").stdin()];

    async fn run(mut call: Call<Options>, out: Output<Signed>) -> Result<()> {
        let written = PeerText::new(&call.options.ipns_base)?;
        let data = data(&mut call).await?;
        let asked = call.options.key.clone().unwrap_or_default();
        let name = if asked.is_empty() { "self" } else { &asked }.to_owned();
        let (id, signature) = with_repo(&call.ctx, move |repo| {
            let key = repo.keys().named(&asked)?;
            Ok((key.peer_id(), key.sign_message(&data)?))
        })
        .await?;
        let id = written.write(&id.to_bytes())?;
        out.once(Signed {
            key: Key { name, id },
            signature: multibase_text(Base::Base64Url, &signature),
        })
        .await
    }
}
