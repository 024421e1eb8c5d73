use async_trait::async_trait;

use super::encode::Options;
use super::{content, decode_text};
use crate::commands::cid::names::base_of;
use crate::{About, Arg, Call, Command, Error, Output, Result};

/// `ipfs multibase transcode`.
pub(crate) struct Transcode;

#[async_trait]
impl Command for Transcode {
    type Options = Options;
    type Event = ();
    type State = ();

    const PATH: &'static str = "multibase/transcode";
    const ABOUT: About = About::new("Write a multibase text in another base.")
        .text("Example:\n\n  > printf f68656c6c6f | ipfs multibase transcode\n  uaGVsbG8")
        .no_repo();
    const ARGS: &'static [Arg] = &[Arg::file("encoded_file", "What to transcode.").stdin()];

    async fn run(mut call: Call<Options>, out: Output<()>) -> Result<()> {
        let base = base_of(&call.options.base).map_err(Error::new)?;
        let data = content(&mut call).await?;
        out.bytes(basalt::block::multibase_bytes(base, &decode_text(&data)?).into())
            .await
    }
}
