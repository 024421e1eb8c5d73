//! Names over PubSub, with nothing else to find them by.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Pair, node};
use crate::proof::side::{Side, until};

const PATIENCE: Duration = Duration::from_secs(30);
const FIRST: &str = "/ipfs/bafkqablgnfzhg5a";
const SECOND: &str = "/ipfs/bafkqabttmvrw63te";

/// Waits until a node says that a name means this.
fn means(side: &Side, name: &str, path: &str) -> Result<()> {
    until(PATIENCE, || {
        let said = side
            .program
            .run(&["name", "resolve", "--nocache", "--timeout=5s", name])?;
        Ok((said.ok && said.out.trim() == path).then_some(()))
    })
}

fn publish(side: &Side, key: &str, path: &str) -> Result<()> {
    let key = format!("--key={key}");
    side.say(&["name", "publish", "--resolve=false", "--ttl=0s", &key, path])?;
    Ok(())
}

/// A name is looked for before it is published; what is published then comes by itself.
pub(super) fn followed(pair: &Pair) -> Result<()> {
    let state = pair.to.say(&["name", "pubsub", "state"])?;
    ensure!(state == "enabled\n", "{state}");
    for kind in ["ed25519", "rsa", "secp256k1"] {
        let typed = format!("--type={kind}");
        let name = pair.from.say(&["key", "gen", &typed, kind])?;
        let name = name.trim();
        // Nobody has published it. Asking for it is what makes it followed.
        pair.to
            .program
            .run(&["name", "resolve", "--timeout=1s", name])?;
        let topic = format!("/ipns/{name}");
        let subs = pair.to.say(&["name", "pubsub", "subs"])?;
        ensure!(subs.lines().any(|line| line == topic), "{subs}");
        publish(&pair.from, kind, FIRST)?;
        means(&pair.to, name, FIRST)?;
        publish(&pair.from, kind, SECOND)?;
        means(&pair.to, name, SECOND)?;
        let canceled = pair.to.say(&["name", "pubsub", "cancel", &topic])?;
        ensure!(canceled == "canceled\n", "{canceled}");
        let again = pair.to.say(&["name", "pubsub", "cancel", name])?;
        ensure!(again == "no subscription\n", "{again}");
    }
    Ok(())
}

/// Who comes later asks for what was published before.
pub(super) fn late(pair: &Pair) -> Result<()> {
    publish(&pair.from, "self", FIRST)?;
    let late = node(&pair.to.program.bin, pair.dir.join("late"))?;
    late.connect(&pair.from)?;
    means(&late, pair.from.id(), FIRST)?;
    late.stop()
}
