//! Checking that everything that is pinned is there.

use std::sync::Arc;

use basalt_block::Cid;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};

use crate::walk::Options;
use crate::{Error, Mode, Pins, Result, Visited, Walk};

/// The most bad blocks that are named for one pin.
const NAMED: usize = 1000;

/// What was found of a recursive pin.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The pin's CID.
    pub root: Cid,
    /// Blocks that are missing, unreadable or under an untrusted CID, in the order of their names;
    /// at most 1000. None if the pin is sound.
    pub bad: Vec<(Cid, Error)>,
}

impl Verified {
    /// Whether everything is there.
    pub fn is_ok(&self) -> bool {
        self.bad.is_empty()
    }
}

impl Pins {
    /// Checks every recursive pin: that all its blocks are there, raw leaves included, and that
    /// those with links can be read. Leaves are not read: `repo verify` does that.
    pub fn verify(&self) -> BoxStream<'static, Result<Verified>> {
        let pins = self.clone();
        stream::once(async move {
            // All DAGs at once is much faster than one by one, and mostly there is no more to do.
            let sound = pins.all_sound().await?;
            Ok::<_, Error>(if sound {
                let good = |pin: crate::Pin| Verified {
                    root: pin.cid,
                    bad: Vec::new(),
                };
                pins.pins(Mode::Recursive).map_ok(good).boxed()
            } else {
                pins.verify_each()
            })
        })
        .try_flatten()
        .boxed()
    }

    async fn all_sound(&self) -> Result<bool> {
        let mut walk = self.walk(true);
        while let Some(batch) = walk.next().await {
            match batch {
                Err(error @ Error::Store(basalt_blockstore::Error::Closed)) => return Err(error),
                Ok(batch) if batch.iter().all(|reached| reached.found.is_ok()) => {}
                // Something is broken, or the record of a pin is: they are told one by one.
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    fn verify_each(&self) -> BoxStream<'static, Result<Verified>> {
        let source = self.local();
        // What is under pins that are sound need not be gone through again.
        let sound = Arc::new(Visited::default());
        self.pins(Mode::Recursive)
            .and_then(move |pin| {
                let (source, sound) = (source.clone(), sound.clone());
                async move {
                    let visited = Arc::new(sound.fork());
                    let options = Options {
                        beyond: Some(sound.clone()),
                        ..Options::default()
                    };
                    let mut walk = Walk::within(source, visited.clone(), pin.cid, options);
                    let mut bad = Vec::new();
                    while let Some(batch) = walk.next().await {
                        for reached in batch? {
                            if let Err(error) = reached.found
                                && bad.len() < NAMED
                            {
                                bad.push((reached.cid, error));
                            }
                        }
                    }
                    if bad.is_empty() {
                        sound.absorb(&visited);
                    }
                    bad.sort_by_cached_key(|(cid, _)| cid.to_string());
                    Ok(Verified { root: pin.cid, bad })
                }
            })
            .boxed()
    }
}
