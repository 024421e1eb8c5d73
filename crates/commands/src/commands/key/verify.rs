use async_trait::async_trait;
use basalt::repo::Repo;
use serde::{Deserialize, Serialize};

use super::{Key, data};
use crate::commands::multibase::decode_bare;
use crate::commands::support::{PeerText, with_repo};
use crate::{About, Arg, Call, Command, Error, Output, Result, Status};

crate::options! {
    /// Options of `key verify`.
    pub(crate) struct Options {
        /// The name of the key, a peer ID or an IPNS name; the node's own key by default
        key: Option<String> = ["key", "k"],
        /// The signature, in a multibase
        signature: Option<String> = ["signature", "s"],
        /// How the ID is written: b58mh, or the multibase of a CID, such as base36 or k
        ipns_base: String = ["ipns-base"] default "base36",
    }
}

/// Whether a signature holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Verified {
    key: Key,
    signature_valid: bool,
}

/// `ipfs key verify`.
pub(crate) struct Verify;

#[async_trait]
impl Command for Verify {
    type Options = Options;
    type Event = Verified;
    type State = ();

    const PATH: &'static str = "key/verify";
    const ABOUT: About = About::new("Verify a signature of 'ipfs key sign'.")
        .text(
            "Says whether the signature is that of the data by the key.

Example:

  > echo hello | ipfs key verify --key=<name or ID> --signature=<signature>",
        )
        .status(Status::Experimental)
        .no_text();
    const ARGS: &'static [Arg] = &[Arg::file("data", "What was signed.").stdin()];

    async fn run(mut call: Call<Options>, out: Output<Verified>) -> Result<()> {
        let written = PeerText::new(&call.options.ipns_base)?;
        let text = call.options.signature.clone().unwrap_or_default();
        let signature = decode_bare(text.as_bytes()).map_err(Error::new)?;
        let data = data(&mut call).await?;
        let asked = call.options.key.clone().unwrap_or_default();
        let verify = move |repo: &Repo| repo.keys().verify(&asked, &data, &signature);
        let (name, id, valid) = with_repo(&call.ctx, verify).await?;
        let id = written.write(&id.to_bytes())?;
        out.once(Verified {
            key: Key { name, id },
            signature_valid: valid,
        })
        .await
    }
}
