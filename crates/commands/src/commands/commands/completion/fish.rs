use async_trait::async_trait;

use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result, completion};

/// `ipfs commands completion fish`.
pub(crate) struct Fish;

#[async_trait]
impl Command for Fish {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "commands/completion/fish";
    const ABOUT: About = About::new("Write a completion script for fish.")
        .text(
            "Writes a script that completes the command line in fish:

  > ipfs commands completion fish > ipfs.fish
  > source ./ipfs.fish

To have it always, put the file into ~/.config/fish/completions.",
        )
        .client_only()
        .no_repo()
        .no_text();

    async fn run(_: Call<NoOptions>, out: Output<()>) -> Result<()> {
        out.bytes(completion::fish().into()).await
    }
}
