use std::io::Write;

use async_trait::async_trait;
use basalt::Node;
use basalt::repo::{InitOptions, RepoLock};

use crate::commands::support::whole_file;
use crate::{About, Arg, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `init`.
    pub(crate) struct Options {
        /// The algorithm of the node's key: ed25519, rsa or secp256k1
        algorithm: String = ["algorithm", "a"] default "ed25519",
        /// The size of an RSA key in bits
        bits: Option<i32> = ["bits", "b"],
        /// Keep introductory texts out of the repo
        empty_repo: bool = ["empty-repo", "e"] default "true",
        /// Profiles to apply, separated by commas
        profile: Option<String> = ["profile", "p"],
    }
}

/// `ipfs init`.
pub(crate) struct Init;

/// A configuration over this size is not read, in bytes.
const MOST: usize = 16 << 20;

#[async_trait]
impl Command for Init {
    type Options = Options;
    type Event = String;
    type State = ();

    const PATH: &'static str = "init";
    const ABOUT: About = About::new("Make a new repository.")
        .text(
            "Makes a key for the node, its configuration and an empty store in ~/.ipfs, or where
IPFS_PATH says. Profiles that choose Kubo's databases are accepted and mean Basalt's own.

Examples:

  > ipfs init
  > ipfs init --profile server
  > IPFS_PATH=/data/ipfs ipfs init",
        )
        .client_only()
        .no_repo();
    const ARGS: &'static [Arg] = &[
        Arg::file("default-config", "A configuration to begin with.")
            .not_required()
            .stdin(),
    ];

    async fn run(mut call: Call<Options>, out: Output<String>) -> Result<()> {
        let config = match call.files.take() {
            Some(mut files) => {
                if files.next().await?.is_none() {
                    return Err(Error::new("file argument was nil"));
                }
                let text = whole_file(&mut *files, MOST, "the configuration is too large").await?;
                Some(text.to_vec())
            }
            None => None,
        };
        make(call.ctx.repo(), &call.options, config, out).await
    }

    fn text(_: &View<Options>, _: &mut (), text: String, w: &mut dyn Write) -> Result<()> {
        w.write_all(text.as_bytes())?;
        Ok(())
    }
}

/// Makes a repo in `dir`.
async fn make(
    dir: &std::path::Path,
    options: &Options,
    config: Option<Vec<u8>>,
    out: Output<String>,
) -> Result<()> {
    if let Ok(Some(_)) = RepoLock::holder(dir) {
        return Err(Error::new(
            "ipfs daemon is running. please stop it to run this command",
        ));
    }
    let bits = options.bits.map(u32::try_from).transpose();
    let init = InitOptions {
        algorithm: options
            .algorithm
            .parse()
            .map_err(|e: basalt::repo::Error| Error::new(e.to_string()))?,
        bits: bits.map_err(|_| Error::new("the size of a key is not negative"))?,
        profiles: options.profile.clone().unwrap_or_default(),
        config,
        texts: !options.empty_repo,
    };
    init_repo(dir, init, out).await
}

/// Makes a repo in `dir`, telling `out` what happens.
pub(crate) async fn init_repo(
    dir: &std::path::Path,
    init: InitOptions,
    out: Output<String>,
) -> Result<()> {
    let (say, mut said) = tokio::sync::mpsc::unbounded_channel::<String>();
    let made = Node::init(dir, init, move |text: &str| {
        // A reader that has gone misses nothing that matters.
        let _ = say.send(text.to_owned());
    });
    let told = async {
        while let Some(text) = said.recv().await {
            out.emit(text).await?;
        }
        Ok::<_, Error>(())
    };
    let (made, told) = tokio::join!(made, told);
    told?;
    Ok(made?)
}
