use std::io::Write;

use async_trait::async_trait;

use super::{Key, KeyList, write_keys};
use crate::commands::support::{PeerText, with_repo};
use crate::{About, Call, Command, Error, Output, Result, Status, View};

crate::options! {
    /// Options of `key ls`.
    pub(crate) struct Options {
        /// Write the IDs too
        ids: bool = ["l"],
        /// How IDs are written: b58mh, or the multibase of a CID, such as base36 or k
        ipns_base: String = ["ipns-base"] default "base36",
    }
}

/// `ipfs key ls`.
pub(crate) struct Ls;
/// `ipfs key list`.
pub(crate) struct List;

#[async_trait]
impl Command for Ls {
    type Options = Options;
    type Event = KeyList;
    type State = ();

    const PATH: &'static str = "key/ls";
    const ABOUT: About = About::new("List the node's keys, its own first.");

    async fn run(call: Call<Options>, out: Output<KeyList>) -> Result<()> {
        run(call, out).await
    }

    fn text(view: &View<Options>, _: &mut (), list: KeyList, w: &mut dyn Write) -> Result<()> {
        write_keys(&list, view.options.ids, w)
    }
}

#[async_trait]
impl Command for List {
    type Options = Options;
    type Event = KeyList;
    type State = ();

    const PATH: &'static str = "key/list";
    const ABOUT: About = About::new("Deprecated: use 'ipfs key ls'.").status(Status::Deprecated);

    async fn run(call: Call<Options>, out: Output<KeyList>) -> Result<()> {
        run(call, out).await
    }

    fn text(view: &View<Options>, _: &mut (), list: KeyList, w: &mut dyn Write) -> Result<()> {
        write_keys(&list, view.options.ids, w)
    }
}

async fn run(call: Call<Options>, out: Output<KeyList>) -> Result<()> {
    let written = PeerText::new(&call.options.ipns_base)
        .map_err(|e| Error::new(format!("cannot get key encoder: {e}")))?;
    let keys = with_repo(&call.ctx, |repo| repo.keys().list())
        .await
        .map_err(|e| Error::new(format!("listing keys failed: {e}")))?;
    let named = keys.into_iter().map(|(name, id)| {
        let id = written.write(&id.to_bytes())?;
        Ok(Key { name, id })
    });
    let keys = named.collect::<Result<_>>()?;
    out.once(KeyList { keys }).await
}
