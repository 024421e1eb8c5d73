use std::io::Write;

use async_trait::async_trait;

use basalt::ipld::codec;

use super::{CodeAndName, names::listed_codecs};
use crate::{About, Call, Command, Output, Result, View};

crate::options! {
    /// Options of `cid codecs` and `cid hashes`.
    pub(crate) struct Options {
        /// Show the codes too
        numeric: bool = ["numeric", "n"],
        /// List only what commands here can use
        supported: bool = ["supported", "s"],
    }
}

/// `ipfs cid codecs`.
pub(crate) struct Codecs;

#[async_trait]
impl Command for Codecs {
    type Options = Options;
    type Event = Vec<CodeAndName>;
    type State = ();

    const PATH: &'static str = "cid/codecs";
    const ABOUT: About = About::new("List the codecs that a CID may name.").no_repo();

    async fn run(call: Call<Options>, out: Output<Vec<CodeAndName>>) -> Result<()> {
        // What `dag` reads and writes, and what Basalt makes itself.
        let is_ours = |code| codec::is_encodable(code) || code == codec::LIBP2P_KEY;
        let shown = listed_codecs().filter(|(code, _)| !call.options.supported || is_ours(*code));
        let row = |(code, name): (u64, &str)| CodeAndName {
            code,
            name: name.to_owned(),
        };
        out.once(shown.map(row).collect()).await
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

pub(super) fn write_rows(
    options: &Options,
    rows: Vec<CodeAndName>,
    w: &mut dyn Write,
) -> Result<()> {
    for CodeAndName { code, name } in rows {
        if options.numeric {
            writeln!(w, "{code:5}  {name}")?;
        } else {
            writeln!(w, "{name}")?;
        }
    }
    Ok(())
}
