use std::io::Write;

use async_trait::async_trait;
use basalt::repo::{Repo, RepoLock};

use crate::{About, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `key rotate`.
    pub(crate) struct Options {
        /// What to call the old key in the keystore
        old_key: Option<String> = ["oldkey", "o"],
        /// The algorithm of the new key: ed25519, rsa or secp256k1
        algorithm: String = ["type", "t"] default "ed25519",
        /// The size of an RSA key in bits, from 2048 to 8192
        size: Option<i32> = ["size", "s"],
    }
}

/// `ipfs key rotate`.
pub(crate) struct Rotate;

#[async_trait]
impl Command for Rotate {
    type Options = Options;
    type Event = String;
    type State = ();

    const PATH: &'static str = "key/rotate";
    const ABOUT: About = About::new("Give the node another key.")
        .text(
            "The node has another peer ID afterwards. Its old key is kept in the keystore, so that it
can go on publishing under its old name. The daemon must not be running.",
        )
        .client_only();

    async fn run(call: Call<Options>, out: Output<String>) -> Result<()> {
        if let Ok(Some(_)) = RepoLock::holder(call.ctx.repo()) {
            return Err(Error::client(
                "ipfs daemon is running. please stop it to run this command",
            ));
        }
        let Some(old) = call.options.old_key.clone() else {
            return Err(Error::new(
                "keystore name for backing up old key must be provided",
            ));
        };
        if old == "self" {
            return Err(Error::new(
                "keystore name for back up cannot be named 'self'",
            ));
        }
        let (algorithm, size) = (call.options.algorithm.clone(), call.options.size);
        let dir = call.ctx.repo().to_owned();
        let config = call.ctx.config_file().map(ToOwned::to_owned);
        // Three texts at most.
        let (say, mut said) = tokio::sync::mpsc::channel::<String>(8);
        let rotated = tokio::task::spawn_blocking(move || {
            let repo = Repo::open(&dir, config.as_deref())
                .map_err(|e| Error::new(format!("opening repo ({e})")))?;
            let mut tell = |text: &str| {
                // A reader that has gone misses nothing that matters.
                let _ = say.try_send(text.to_owned());
            };
            repo.keys()
                .rotate(&old, &algorithm, size.map(i64::from), &mut tell)
                .map(drop)
                .map_err(|e| Error::new(e.to_string()))
        });
        while let Some(text) = said.recv().await {
            out.emit(text).await?;
        }
        rotated.await.map_err(basalt::Error::from)?
    }

    fn text(_: &View<Options>, _: &mut (), text: String, w: &mut dyn Write) -> Result<()> {
        w.write_all(text.as_bytes())?;
        Ok(())
    }
}
