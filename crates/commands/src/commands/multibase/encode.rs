use async_trait::async_trait;

use super::content;
use crate::commands::cid::names::base_of;
use crate::{About, Arg, Call, Command, Error, Output, Result};

crate::options! {
    /// Options of `multibase encode` and `multibase transcode`.
    pub(crate) struct Options {
        /// The multibase to write
        base: String = ["b"] default "base64url",
    }
}

/// `ipfs multibase encode`.
pub(crate) struct Encode;

#[async_trait]
impl Command for Encode {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "multibase/encode";
    const ABOUT: About = About::new("Encode a file or standard input.")
        .text("Example:\n\n  > printf hello | ipfs multibase encode -b base16\n  f68656c6c6f")
        .no_repo();
    const ARGS: &'static [Arg] = &[Arg::file("file", "What to encode.").stdin()];

    async fn run(mut call: Call<Options>, out: Output<()>) -> Result<()> {
        let base = base_of(&call.options.base).map_err(Error::new)?;
        let data = content(&mut call).await?;
        out.bytes(basalt::block::multibase_bytes(base, &data).into())
            .await
    }
}
