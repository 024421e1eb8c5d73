//! Another node for the daemons of a group to meet: real Kubo, where it is there.

use std::collections::BTreeMap;
use std::ffi::OsString;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::cli;
use crate::daemon::{Daemon, Started};
use crate::side::{self, Place, Side};

/// Who it is.
pub(crate) const PEER: &str = "12D3KooWCrSaVLNkmCvL67bDo3rmzg8yYWc84T87Jx4ZEyboFfnR";
const PRIVATE_KEY: &str =
    "CAESQPCvwe4q0vizcnBf2jW+qbmwzPXyHc3p5xL1bQTBV6BsLRs1Rw900XvUkkrPQgDQNpRdAWsXzi/ToOMjgHbxHHI=";

/// The other node while it runs.
pub(crate) struct Peer {
    daemon: Daemon,
    /// Where it listens, on loopback.
    pub(crate) port: u16,
    _place: Place,
}

impl Peer {
    /// Starts it on a repo of its own.
    pub(crate) fn start(side: &Side) -> Result<Self> {
        let place = side.place(None)?;
        let env = side.env(&place.repo);
        let run = |args: &[&str]| {
            let command = cli::command(&side.peer, &env, &place.work);
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            let ended = cli::run(command, &args, None)?;
            match ended.code {
                Some(0) => Ok(String::from_utf8_lossy(&ended.stdout).into_owned()),
                _ => bail!("peer: {}", String::from_utf8_lossy(&ended.stderr)),
            }
        };
        run(&["init", "--profile=test"])?;
        let settings = BTreeMap::from([
            ("Identity.PeerID".to_owned(), json!(PEER)),
            ("Identity.PrivKey".to_owned(), json!(PRIVATE_KEY)),
            ("Routing.Type".to_owned(), json!("none")),
            (
                "Addresses.Swarm".to_owned(),
                json!(["/ip4/127.0.0.1/tcp/0"]),
            ),
        ]);
        side::configure(&place.repo, &settings)?;
        let command = cli::command(&side.peer, &env, &place.work);
        let daemon = match Daemon::start(command, &["daemon".into()], &place.repo)? {
            Started::Ready(daemon) => daemon,
            Started::Ended(ended) => bail!(
                "the other node did not start: {}",
                String::from_utf8_lossy(&ended.stderr)
            ),
        };
        let listens = run(&["swarm", "addrs", "local"])?;
        let port = listens.trim().rsplit('/').next().unwrap_or_default();
        let port = port.parse().context("the other node listens nowhere")?;
        Ok(Self {
            daemon,
            port,
            _place: place,
        })
    }

    /// Ends it.
    pub(crate) fn stop(self) -> Result<()> {
        self.daemon.stop()?;
        Ok(())
    }
}
