use async_trait::async_trait;

use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result, completion};

/// `ipfs commands completion zsh`.
pub(crate) struct Zsh;

#[async_trait]
impl Command for Zsh {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "commands/completion/zsh";
    const ABOUT: About = About::new("Write a completion script for zsh.")
        .text(
            "Writes a script that completes the command line in zsh:

  > ipfs commands completion zsh > _ipfs
  > source ./_ipfs

To have it always, put the file into a folder of $fpath or source it in ~/.zshrc.",
        )
        .client_only()
        .no_repo()
        .no_text();

    async fn run(_: Call<NoOptions>, out: Output<()>) -> Result<()> {
        out.bytes(completion::zsh().into()).await
    }
}
