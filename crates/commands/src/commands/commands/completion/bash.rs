use async_trait::async_trait;

use crate::options::NoOptions;
use crate::{About, Call, Command, Output, Result, completion};

/// `ipfs commands completion bash`.
pub(crate) struct Bash;

#[async_trait]
impl Command for Bash {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "commands/completion/bash";
    const ABOUT: About = About::new("Write a completion script for bash.")
        .text(
            "Writes a script that completes the command line in bash:

  > ipfs commands completion bash > ipfs-completion.bash
  > source ./ipfs-completion.bash

To have it always, put the file into /etc/bash_completion.d or source it in ~/.bashrc.",
        )
        .client_only()
        .no_repo()
        .no_text();

    async fn run(_: Call<NoOptions>, out: Output<()>) -> Result<()> {
        out.bytes(completion::bash().into()).await
    }
}
