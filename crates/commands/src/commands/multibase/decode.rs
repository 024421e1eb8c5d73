use async_trait::async_trait;

use super::{content, decode_text};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Output, Result};

/// `ipfs multibase decode`.
pub(crate) struct Decode;

#[async_trait]
impl Command for Decode {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "multibase/decode";
    const ABOUT: About = About::new("Decode a file or standard input.")
        .text("Example:\n\n  > printf f68656c6c6f | ipfs multibase decode\n  hello")
        .no_repo();
    const ARGS: &'static [Arg] = &[Arg::file("encoded_file", "What to decode.").stdin()];

    async fn run(mut call: Call<NoOptions>, out: Output<()>) -> Result<()> {
        let data = content(&mut call).await?;
        out.bytes(decode_text(&data)?.into()).await
    }
}
