use async_trait::async_trait;
use basalt::repo::config::MAX_CONFIG_SIZE;

use crate::commands::support::{whole_file, with_repo};
use crate::options::NoOptions;
use crate::{About, Arg, Call, Command, Error, Output, Result};

/// `ipfs config replace`.
pub(crate) struct Replace;

#[async_trait]
impl Command for Replace {
    type Options = NoOptions;
    type Event = ();
    type State = ();

    const PATH: &'static str = "config/replace";
    const ABOUT: About = About::new("Put a file in the configuration's place.")
        .text(
            "The node's identity and the credentials of pinning services stay as they are. What
'ipfs config show' prints can be put back this way.",
        )
        .no_text();
    const ARGS: &'static [Arg] = &[Arg::file("file", "The new configuration.")];

    async fn run(mut call: Call<NoOptions>, _: Output<()>) -> Result<()> {
        let mut files = call.take_files()?;
        if files.next().await?.is_none() {
            return Err(Error::new("file argument was nil"));
        }
        let most = usize::try_from(MAX_CONFIG_SIZE).unwrap_or(usize::MAX);
        let text = whole_file(&mut *files, most, "the configuration is too large").await?;
        with_repo(&call.ctx, move |repo| {
            repo.change_config(|old| Ok((old.replaced(&text)?, ())))
        })
        .await
    }
}
