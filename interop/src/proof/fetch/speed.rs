//! What fetching costs, beside Kubo: figures, which a release build alone makes meaningful.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use super::small_files;
use crate::places;
use crate::proof::client::Client;
use crate::proof::content::Content;
use crate::proof::settings::Settings;
use crate::proof::side::{Side, text};
use crate::proof::tally::Tally;

const FILE: u64 = 1 << 30;
const FILES: u64 = 10_000;
const BLOCKS: usize = 101;

pub(super) fn run(settings: &Settings, tally: &mut Tally, folder: &Path) -> Result<()> {
    let file = folder.join("gigabyte");
    let content = Content {
        seed: settings.seed,
        len: FILE,
    };
    content.write(&mut File::create(&file)?)?;
    let tree = folder.join("small");
    small_files(&tree, FILES)?;
    for (name, bin) in [("basalt", settings.bin.clone()), ("kubo", places::kubo())] {
        for (transport, listen) in &super::TRANSPORTS[..2] {
            let dir = folder.join(format!("{name} {transport}"));
            fs::create_dir(&dir)?;
            let pair = (
                Side::start(&bin, dir.join("from"), listen)?,
                Side::start(&bin, dir.join("to"), listen)?,
            );
            pair.1.connect(&pair.0)?;
            let mut figure = |what: &str, cid: &str| -> Result<()> {
                let (cpu, began) = (pair.0.cpu()? + pair.1.cpu()?, Instant::now());
                pair.1.say(&["pin", "add", cid])?;
                let wall = began.elapsed().as_secs_f64();
                let cpu = pair.0.cpu()? + pair.1.cpu()? - cpu;
                tally.figure(&format!("{name}, {transport}, {what}: CPU s"), cpu);
                tally.figure(&format!("{name}, {transport}, {what}: wall s"), wall);
                Ok(())
            };
            figure("1 GiB", &pair.0.add(&file, &[])?)?;
            figure("10,000 files", &pair.0.add(&tree, &["-r"])?)?;
            let p50 = latency(&pair.0, &pair.1, &dir)?;
            tally.figure(&format!("{name}, {transport}, one block: p50 ms"), p50);
            pair.0.stop()?;
            pair.1.stop()?;
            fs::remove_dir_all(dir)?;
        }
    }
    Ok(())
}

/// The median of how long one block takes, in milliseconds.
fn latency(from: &Side, to: &Side, dir: &Path) -> Result<f64> {
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, to.api()?));
    let mut client = Client::new(at);
    let mut times = Vec::new();
    for n in 0..BLOCKS {
        let path = dir.join("block");
        fs::write(&path, format!("block {n} of {BLOCKS}"))?;
        let cid = from.say(&["block", "put", text(&path)?])?;
        let began = Instant::now();
        client.get(&format!("block/get?arg={}", cid.trim()))?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_unstable_by(f64::total_cmp);
    Ok(times[BLOCKS / 2])
}
