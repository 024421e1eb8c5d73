use std::io::Write;

use async_trait::async_trait;

use super::{Key, KeyList, write_keys};
use crate::commands::support::{PeerText, with_repo};
use crate::{About, Arg, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `key rm`.
    pub(crate) struct Options {
        /// Write the IDs too
        ids: bool = ["l"],
        /// How IDs are written: b58mh, or the multibase of a CID, such as base36 or k
        ipns_base: String = ["ipns-base"] default "base36",
    }
}

/// `ipfs key rm`.
pub(crate) struct Rm;

#[async_trait]
impl Command for Rm {
    type Options = Options;
    type Event = KeyList;
    type State = ();

    const PATH: &'static str = "key/rm";
    const ABOUT: About = About::new("Remove keys.").text(
        "Nobody can publish under the name of a removed key any more, unless the key was exported.
The node's own key cannot be removed; 'ipfs key rotate' gives it another.",
    );
    const ARGS: &'static [Arg] = &[Arg::required("name", "What the keys are called.")
        .variadic()
        .stdin()];

    async fn run(mut call: Call<Options>, out: Output<KeyList>) -> Result<()> {
        let written = PeerText::new(&call.options.ipns_base)?;
        let mut keys = Vec::new();
        while let Some(name) = call.next_arg().await? {
            let called = name.clone();
            let id = with_repo(&call.ctx, move |repo| repo.keys().remove(&called)).await?;
            let id = written.write(&id.to_bytes())?;
            keys.push(Key { name, id });
        }
        out.once(KeyList { keys }).await
    }

    fn text(view: &View<Options>, _: &mut (), list: KeyList, w: &mut dyn Write) -> Result<()> {
        write_keys(&list, view.options.ids, w)
    }
}
