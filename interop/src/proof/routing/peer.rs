//! One of the nodes, alone with its loopback addresses.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::soon;
use crate::daemon::Daemon;
use crate::places;
use crate::proof::program::Program;

/// A node that is running.
pub(super) struct Peer {
    program: Program,
    daemon: Daemon,
    pub(super) id: String,
}

impl Peer {
    /// A new node with these settings beside the usual ones.
    pub(super) fn start(bin: &Path, repo: PathBuf, settings: &[(&str, Value)]) -> Result<Self> {
        let program = Program::new(bin, repo);
        program.say(&["init", "--profile=test,randomports"])?;
        let set = |key: &str, value: &Value| -> Result<()> {
            program.say(&["config", "--json", key, &value.to_string()])?;
            Ok(())
        };
        set("Addresses.Swarm", &json!(["/ip4/127.0.0.1/tcp/0"]))?;
        set("Bootstrap", &json!([]))?;
        set("Routing.Type", &json!("dht"))?;
        set("Routing.LoopbackAddressesOnLanDHT", &json!(true))?;
        set("Swarm.ResourceMgr.Enabled", &json!(false))?;
        for (key, value) in settings {
            set(key, value)?;
        }
        let id = program.say(&["config", "Identity.PeerID"])?;
        let daemon = program.daemon(&[])?;
        Ok(Self {
            program,
            daemon,
            id: id.trim().to_owned(),
        })
    }

    /// How the node is called in the report.
    pub(super) fn kind(&self) -> &'static str {
        match self.program.bin == places::kubo() {
            true => "Kubo",
            false => "Basalt",
        }
    }

    pub(super) fn say(&self, args: &[&str]) -> Result<String> {
        Ok(self.program.say(args)?.trim().to_owned())
    }

    pub(super) fn connect(&self, other: &Self) -> Result<()> {
        let listed = other.say(&["id", "-f", "<addrs>"])?;
        let address = listed.lines().next().context("it listens nowhere")?;
        self.say(&["swarm", "connect", address])?;
        Ok(())
    }

    /// The URL of its gateway.
    pub(super) fn gateway(&self) -> Result<String> {
        let port = self.daemon.gateway.context("it has no gateway")?;
        Ok(format!("http://127.0.0.1:{port}"))
    }

    /// Adds a text that nobody else has, and announces it; its CID.
    pub(super) fn give(&self, text: &str) -> Result<String> {
        let path = self.program.repo.join("given");
        fs::write(&path, text)?;
        let path = path.to_str().context("the repo's path is no UTF-8")?;
        let cid = self.say(&["add", "-Q", "--cid-version=1", path])?;
        soon(|| self.say(&["routing", "provide", &cid]))?;
        Ok(cid)
    }

    /// Finds who has something.
    pub(super) fn finds(&self, cid: &str, provider: &Self) -> Result<()> {
        soon(|| {
            let found = self.say(&["routing", "findprovs", "-n=20", cid])?;
            ensure!(
                found.lines().any(|line| line == provider.id),
                "{} is not among the providers {found:?}",
                provider.id
            );
            Ok(())
        })
    }

    /// Finds where a node is.
    pub(super) fn locates(&self, other: &Self) -> Result<()> {
        soon(|| {
            let found = self.say(&["routing", "findpeer", &other.id])?;
            ensure!(found.contains("/ip4/127.0.0.1/tcp/"), "{found:?}");
            Ok(())
        })
    }

    /// Publishes under a key of its own; the name.
    pub(super) fn publishes(&self, key: &str, cid: &str) -> Result<String> {
        let key = format!("--key={key}");
        let path = format!("/ipfs/{cid}");
        let said = soon(|| self.say(&["name", "publish", "-Q", &key, &path]))?;
        Ok(said.trim_start_matches("/ipns/").to_owned())
    }

    /// Resolves a name to a CID.
    pub(super) fn resolves(&self, name: &str, cid: &str) -> Result<()> {
        soon(|| {
            let path = format!("/ipns/{name}");
            let found = self.say(&["name", "resolve", "--nocache", "--timeout=10s", &path])?;
            ensure!(found == format!("/ipfs/{cid}"), "{found:?}");
            Ok(())
        })
    }

    pub(super) fn stop(self) -> Result<()> {
        self.daemon.stop()?;
        Ok(())
    }
}
