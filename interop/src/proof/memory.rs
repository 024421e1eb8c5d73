//! Many adds at a time, and the most memory that the daemon had.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::client::Client;
use super::content::{Content, Dice};
use super::items;
use super::node::Place;
use super::settings::Settings;
use super::tally::Tally;

const FILE: u64 = 10 << 20;
/// What 200 adds of 10 MiB may take, in KiB.
const LIMIT: u64 = 256 << 10;

pub(crate) fn run(settings: &Settings, tally: &mut Tally) -> Result<()> {
    let adds = settings
        .adds
        .unwrap_or(if settings.whole { 200 } else { 20 });
    let folder = tempfile::Builder::new()
        .prefix("basalt-memory-")
        .tempdir_in(&settings.dir)?;
    let place = Place::init(&settings.bin, folder.path(), folder.path())?;
    let node = place.start()?;
    thread::sleep(Duration::from_secs(1));
    tally.figure("idle KiB", node.memory("VmRSS")?);
    let mut dice = Dice::new(settings.seed);
    let began = Instant::now();
    let outcomes: Vec<Result<_>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..adds)
            .map(|_| {
                let content = Content {
                    seed: dice.next(),
                    len: FILE,
                };
                let at = node.at;
                scope.spawn(move || {
                    let mut client = Client::patient(at, Duration::from_secs(300));
                    items::add_file(&mut client, content, "")
                })
            })
            .collect();
        let ended = workers.into_iter().map(|worker| match worker.join() {
            Ok(outcome) => outcome,
            Err(_) => bail!("a worker panicked"),
        });
        ended.collect()
    });
    tally.figure("seconds", began.elapsed().as_secs_f64());
    let mut client = node.client();
    let check = || -> Result<()> {
        for outcome in outcomes {
            match outcome? {
                Ok(item) => item.must_read(&mut client)?,
                Err(message) => bail!("an add was refused: {message}"),
            }
        }
        Ok(())
    };
    let peak = node.memory("VmHWM")?;
    tally.check("every add is answered and read back", check());
    tally.figure("adds", adds);
    tally.figure("peak KiB", peak);
    if settings.whole {
        let within = match peak {
            ..=LIMIT => Ok(()),
            _ => Err(anyhow::anyhow!("{peak} KiB, the limit is {LIMIT}")),
        };
        tally.check("the peak is within the limit", within);
    }
    tally.check("the store is sound", items::sound(&mut client).map(|_| ()));
    tally.check("the daemon ends cleanly", node.stop());
    Ok(())
}
