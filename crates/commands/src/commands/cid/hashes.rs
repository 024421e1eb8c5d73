use std::io::Write;

use async_trait::async_trait;
use basalt::block::known_hashes;

use super::CodeAndName;
use super::codecs::{Options, write_rows};
use crate::{About, Call, Command, Output, Result, View};

/// `ipfs cid hashes`.
pub(crate) struct Hashes;

#[async_trait]
impl Command for Hashes {
    type Options = Options;
    type Event = Vec<CodeAndName>;
    type State = ();

    const PATH: &'static str = "cid/hashes";
    const ABOUT: About = About::new("List the hash functions that a CID may use.").no_repo();

    async fn run(_: Call<Options>, out: Output<Vec<CodeAndName>>) -> Result<()> {
        out.once(
            known_hashes()
                .map(|(code, name)| CodeAndName {
                    code,
                    name: name.to_owned(),
                })
                .collect(),
        )
        .await
    }

    fn text(
        view: &View<Options>,
        _: &mut (),
        rows: Vec<CodeAndName>,
        w: &mut dyn Write,
    ) -> Result<()> {
        write_rows(&view.options, rows, w)
    }
}
