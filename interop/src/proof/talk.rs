//! What nodes say to each other beside blocks: PubSub, tunnels, names over PubSub, the gateway over
//! streams. Between Basalt and real Kubo both ways, and between two of Basalt.

mod content;
mod gossip;
mod names;
mod tunnels;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

use super::program::Program;
use super::settings::Settings;
use super::side::{Side, config};
use super::tally::Tally;
use crate::places;

const LISTEN: &str = "/ip4/127.0.0.1/tcp/0";

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("basalt-talk-")
        .tempdir_in(&settings.dir)?;
    let (ours, kubo) = (settings.bin.clone(), places::kubo());
    // What Kubo loses of a burst is measured, and no check: it does so whoever sends.
    for (name, from) in [("Kubo to Kubo", &kubo), ("Basalt to Kubo", &ours)] {
        let pair = Pair::start(from, &kubo, folder.path().join("lost"))?;
        tally.figure(&format!("{name}: lost of a burst"), gossip::lost(&pair)?);
        pair.stop()?;
    }
    for (name, from, to) in [
        ("Kubo to Basalt", &kubo, &ours),
        ("Basalt to Kubo", &ours, &kubo),
        ("Basalt to Basalt", &ours, &ours),
    ] {
        let pair = Pair::start(from, to, folder.path().join(name))?;
        let mut check =
            |what: &str, done: Result<()>| tally.check(&format!("{name}: {what}"), done);
        check("a burst of messages", gossip::burst(&pair));
        check("large and empty messages", gossip::sizes(&pair));
        check("connections in tunnels", tunnels::echo(&pair));
        check("a name that is followed", names::followed(&pair));
        check("a name that was published before", names::late(&pair));
        check("blocks and CARs over streams", content::served(&pair));
        pair.stop()?;
    }
    Ok(())
}

/// One that says, one that hears.
struct Pair {
    from: Side,
    to: Side,
    dir: PathBuf,
}

impl Pair {
    fn start(from: &Path, to: &Path, dir: PathBuf) -> Result<Self> {
        fs::create_dir(&dir)?;
        let pair = Self {
            from: node(from, dir.join("from"))?,
            to: node(to, dir.join("to"))?,
            dir,
        };
        pair.to.connect(&pair.from)?;
        Ok(pair)
    }

    fn stop(self) -> Result<()> {
        self.from.stop()?;
        self.to.stop()?;
        Ok(fs::remove_dir_all(self.dir)?)
    }
}

/// A node that runs with all of it on, and without any routing.
fn node(bin: &Path, repo: PathBuf) -> Result<Side> {
    let mut settings = config(&[LISTEN]);
    for key in [
        "Pubsub.Enabled",
        "Ipns.UsePubsub",
        "Experimental.Libp2pStreamMounting",
        "Experimental.GatewayOverLibp2p",
    ] {
        settings.insert(key.to_owned(), json!(true));
    }
    let mut side = Side::new(Program::new(bin, repo), &settings)?;
    side.begin()?;
    Ok(side)
}
