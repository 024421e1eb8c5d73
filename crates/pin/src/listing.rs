//! Listing what is pinned, and finding out by what a block is pinned.

use std::collections::HashMap;
use std::sync::Arc;

use basalt_block::Cid;
use futures::{Stream, StreamExt, TryStreamExt, stream, stream::BoxStream};

use crate::walk::Options;
use crate::{Error, Local, Mode, Pins, Result, Source, Visited, Walk};

/// How a block is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pinned {
    /// With all that is under it, under this name.
    Recursively(String),
    /// Alone, under this name.
    Directly(String),
    /// By the recursive pin of this CID, under which it is.
    Through(Cid),
}

/// Which pins are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Every kind.
    All,
    /// Recursive pins.
    Recursive,
    /// Direct pins.
    Direct,
    /// What is under recursive pins.
    Indirect,
}

/// A block and how it is pinned.
pub type Row = (Cid, Pinned);

impl Kind {
    fn has(self, kind: Kind) -> bool {
        self == kind || self == Self::All
    }
}

impl Pins {
    /// Everything that is pinned, as of now: recursive pins, direct pins, then each block under a
    /// recursive pin that has no pin itself, as they are found. For the last, the DAGs are walked,
    /// and a missing or unreadable block ends the stream with an error. Nothing is fetched.
    pub fn list(&self, kind: Kind) -> BoxStream<'static, Result<Row>> {
        let pins = |kind_of: Kind, mode| kind.has(kind_of).then(|| self.pins(mode));
        let recursive = pins(Kind::Recursive, Mode::Recursive).map(|pins| {
            pins.map_ok(|pin| (pin.cid, Pinned::Recursively(pin.name)))
                .boxed()
        });
        let direct = pins(Kind::Direct, Mode::Direct).map(|pins| {
            pins.map_ok(|pin| (pin.cid, Pinned::Directly(pin.name)))
                .boxed()
        });
        let indirect = kind.has(Kind::Indirect).then(|| self.indirect().boxed());
        stream::iter([recursive, direct, indirect].into_iter().flatten())
            .flatten()
            .boxed()
    }

    fn indirect(&self) -> impl Stream<Item = Result<Row>> + Send + use<> {
        let pins = self.clone();
        stream::once(async move {
            // What has a pin itself is not named again.
            let pinned = Visited::default();
            for mode in [Mode::Recursive, Mode::Direct] {
                let mut all = pins.pins(mode);
                while let Some(pin) = all.try_next().await? {
                    pinned.visit(&pin.cid);
                }
            }
            let rows = pins.walk(false).stream().try_filter_map(move |reached| {
                let row = match reached.found {
                    Ok(_) if pinned.has_visited(&reached.cid) => Ok(None),
                    Ok(_) => Ok(Some((reached.cid, Pinned::Through(*reached.via)))),
                    Err(error) => Err(error),
                };
                std::future::ready(row)
            });
            Ok::<_, Error>(rows)
        })
        .try_flatten()
    }

    /// How each of `cids` is pinned, in that order; `None` for what is not, or not in the way that
    /// is asked for. A pin counts before what it is under; but asked for [`Kind::Indirect`], what
    /// is pinned directly counts by what it is under.
    ///
    /// For what has no pin, everything under recursive pins is searched until all is found. A
    /// missing or unreadable block ends the search with an error. Nothing is fetched.
    pub async fn check(&self, kind: Kind, cids: &[Cid]) -> Result<Vec<Option<Pinned>>> {
        let mut answers = Vec::with_capacity(cids.len());
        let mut wanted: HashMap<Cid, Vec<usize>> = HashMap::new();
        let own = self.get_many(cids).await?;
        for (at, (cid, pin)) in cids.iter().zip(own).enumerate() {
            let is_recursive = matches!(&pin, Some(pin) if pin.mode == Mode::Recursive);
            let answer = pin.and_then(|pin| match pin.mode {
                Mode::Recursive if kind.has(Kind::Recursive) => Some(Pinned::Recursively(pin.name)),
                Mode::Direct if kind.has(Kind::Direct) => Some(Pinned::Directly(pin.name)),
                _ => None,
            });
            if answer.is_none() && kind.has(Kind::Indirect) && !is_recursive {
                wanted.entry(*cid).or_default().push(at);
            }
            answers.push(answer);
        }
        if wanted.is_empty() {
            return Ok(answers);
        }
        let mut walk = self.walk(false);
        while let Some(batch) = walk.next().await {
            let batch = batch?;
            for reached in &batch {
                for at in wanted.remove(&reached.cid).unwrap_or_default() {
                    answers[at] = Some(Pinned::Through(*reached.via));
                }
            }
            if wanted.is_empty() {
                break;
            }
            // Only now: what is wanted may itself be what is missing.
            for reached in batch {
                reached.found?;
            }
        }
        Ok(answers)
    }

    /// A walk over everything that is pinned recursively.
    pub(crate) fn walk(&self, raw: bool) -> Walk {
        let roots = self.pins(Mode::Recursive).map_ok(|pin| pin.cid);
        let options = Options {
            raw,
            ..Options::default()
        };
        Walk::new(self.local(), Arc::default(), roots.boxed(), options)
    }

    pub(crate) fn local(&self) -> Arc<dyn Source> {
        Arc::new(Local(self.collector().store().clone()))
    }
}
