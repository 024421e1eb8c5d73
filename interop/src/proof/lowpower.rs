//! A node of the profile `lowpower` that fetches and serves, and the most memory that it had.

use std::fs::{self, File};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::content::Content;
use super::program::{Program, memory};
use super::settings::Settings;
use super::tally::Tally;

/// What it may have in memory, in KiB.
const LIMIT: u64 = 256 << 10;
/// What passes at a time; it keeps all of it.
const FILE: u64 = 256 << 20;
/// How often, in the short form and in the whole: 10 GB.
const ROUNDS: (u64, u64) = (1, 40);

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("basalt-lowpower-")
        .tempdir_in(&settings.dir)?;
    let alone: &[(&str, Value)] = &[
        ("Addresses.Swarm", json!(["/ip4/127.0.0.1/tcp/0"])),
        ("Bootstrap", json!([])),
        ("Routing.Type", json!("none")),
    ];
    let make = |name: &str| {
        let repo = folder.path().join(name);
        Program::init(&settings.bin, repo, "test,randomports", alone)
    };
    let (giver, low, taker) = (make("giver")?, make("low")?, make("taker")?);
    low.say(&["config", "profile", "apply", "lowpower"])?;
    let daemons = [giver.daemon(&[])?, low.daemon(&[])?, taker.daemon(&[])?];
    let pid = daemons[1].pid();
    tally.figure("idle KiB", memory(pid, "VmRSS")?);
    low.say(&["swarm", "connect", &giver.address()?])?;
    taker.say(&["swarm", "connect", &low.address()?])?;
    let rounds = match settings.whole {
        true => ROUNDS.1,
        false => ROUNDS.0,
    };
    let path = folder.path().join("file");
    for round in 0..settings.rounds.unwrap_or(rounds) {
        let content = Content {
            seed: settings.seed + round,
            len: FILE,
        };
        content.write(&mut File::create(&path)?)?;
        let text = path.to_str().context("no UTF-8")?;
        let cid = giver.say(&["add", "-Q", "--pin=false", text])?;
        let cid = cid.trim();
        tally.check("it fetches", pin(&low, cid));
        tally.check("it serves", got(&taker, cid, content));
        // The others do without it.
        giver.say(&["repo", "gc", "--quiet"])?;
        taker.say(&["repo", "gc", "--quiet"])?;
    }
    fs::remove_file(&path)?;
    let peak = memory(pid, "VmHWM")?;
    tally.figure("peak KiB", peak);
    let within = match peak {
        ..=LIMIT => Ok(()),
        _ => Err(anyhow::anyhow!("{peak} KiB, the limit is {LIMIT}")),
    };
    tally.check("the peak is within the limit", within);
    for daemon in daemons {
        let ended = daemon.stop()?;
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        let calm = match said.contains("panicked at") {
            true => Err(anyhow::anyhow!("{said}")),
            false => Ok(()),
        };
        tally.check("the daemon ends cleanly", calm);
    }
    Ok(())
}

fn pin(node: &Program, cid: &str) -> Result<()> {
    node.say(&["pin", "add", "--timeout=600s", cid])?;
    let all = node.say(&["cat", "--offline", "--length=1", cid])?;
    ensure!(all.len() <= 4, "nothing was read");
    Ok(())
}

/// Whether what comes is the content, piece by piece.
fn got(node: &Program, cid: &str, content: Content) -> Result<()> {
    let mut command = node.command(&["cat", "--timeout=600s", cid]);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut come = child.stdout.take().context("no output")?;
    let same = content.is_read_from(&mut come);
    let ended = child.wait()?;
    ensure!(ended.success(), "cat: {ended}");
    same
}
