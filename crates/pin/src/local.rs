//! Pinning many DAGs that ought to be here already.

use std::collections::HashMap;
use std::sync::Arc;
use std::vec::IntoIter;

use basalt_block::{Cid, codec};
use futures::{StreamExt, stream};

use crate::guard::Guard;
use crate::links::links_of;
use crate::walk::Options;
use crate::{Error, Pin, Pins, Result, Source, Visited, Walk};

impl Pins {
    /// Pins DAGs recursively, without a name, asking nobody for what is missing: all those that are
    /// whole in one commit. Says of each root why it was not pinned.
    ///
    /// `whole` is what is known to be there and pinned; what is pinned now is added to it, so that
    /// further calls do not go through it again. The time is that of going through every block once,
    /// however many roots lead to it.
    pub async fn add_local(
        &self,
        source: Arc<dyn Source>,
        roots: &[Cid],
        whole: &Arc<Visited>,
    ) -> Result<Vec<Option<Error>>> {
        let _lease = self.collector().store().lease();
        let guard = Arc::new(self.collector().guard(roots.to_vec()).await);
        let found = Arc::new(whole.fork());
        if all_there(source.clone(), roots, &found, whole, &guard).await? {
            self.put_many(&pins(roots)).await?;
            whole.absorb(&found);
            return Ok(vec![None; roots.len()]);
        }
        // Something is missing: they are looked at one by one.
        let mut judge = Judge {
            source,
            guard,
            whole: whole.clone(),
            sound: Visited::default(),
            broken: HashMap::new(),
        };
        let mut errors = Vec::with_capacity(roots.len());
        let mut good = Vec::new();
        for root in roots {
            match judge.judge(root).await {
                Ok(()) => {
                    good.push(*root);
                    errors.push(None);
                }
                Err(error @ Error::Store(basalt_blockstore::Error::Closed)) => return Err(error),
                Err(error) => errors.push(Some(error)),
            }
        }
        self.put_many(&pins(&good)).await?;
        Ok(errors)
    }
}

fn pins(roots: &[Cid]) -> Vec<Pin> {
    roots.iter().map(|root| Pin::recursive(*root)).collect()
}

async fn all_there(
    source: Arc<dyn Source>,
    roots: &[Cid],
    found: &Arc<Visited>,
    whole: &Arc<Visited>,
    guard: &Arc<Guard>,
) -> Result<bool> {
    let options = Options {
        guard: Some(guard.clone()),
        beyond: Some(whole.clone()),
        ..Options::default()
    };
    let roots: Vec<Result<Cid>> = roots.iter().copied().map(Ok).collect();
    let mut walk = Walk::new(source, found.clone(), stream::iter(roots).boxed(), options);
    while let Some(batch) = walk.next().await {
        if batch?.iter().any(|reached| reached.found.is_err()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Tells which DAGs are whole, going through what they have in common once.
struct Judge {
    source: Arc<dyn Source>,
    guard: Arc<Guard>,
    whole: Arc<Visited>,
    /// Blocks under which everything is there.
    sound: Visited,
    /// Blocks under which something is not, by [`Visited::name`].
    broken: HashMap<u128, Error>,
}

impl Judge {
    async fn judge(&mut self, root: &Cid) -> Result<()> {
        let mut above: Vec<(Cid, IntoIter<Cid>)> = Vec::new();
        let mut next = Some(*root);
        loop {
            let ended = match next.take() {
                Some(cid) => match self.enter(&cid).await {
                    Ok(Some(links)) => {
                        above.push((cid, links.into_iter()));
                        Ok(())
                    }
                    Ok(None) => Ok(()),
                    Err(error) => {
                        self.broken.insert(self.sound.name(&cid), error.clone());
                        Err(error)
                    }
                },
                None => Ok(()),
            };
            if let Err(error) = ended {
                for (cid, _) in &above {
                    self.broken.insert(self.sound.name(cid), error.clone());
                }
                return Err(error);
            }
            let Some((cid, links)) = above.last_mut() else {
                return Ok(());
            };
            next = links.next();
            if next.is_none() {
                self.sound.visit(cid);
                above.pop();
            }
        }
    }

    /// The links of a block to go through; `None` if nothing can be missing under it.
    async fn enter(&self, cid: &Cid) -> Result<Option<Vec<Cid>>> {
        if self.whole.has_visited(cid) || self.sound.has_visited(cid) {
            return Ok(None);
        }
        if let Some(error) = self.broken.get(&self.sound.name(cid)) {
            return Err(error.clone());
        }
        basalt_block::validate(cid)?;
        let stats = self.source.stat_local(std::slice::from_ref(cid)).await?;
        let stat = stats.into_iter().next().flatten();
        let stat = stat.ok_or(Error::Missing(*cid))?;
        if stat.leaf || cid.codec() == codec::RAW {
            self.sound.visit(cid);
            return Ok(None);
        }
        let blocks = self.source.get_local(std::slice::from_ref(cid)).await?;
        let block = blocks.into_iter().next().flatten();
        let links = links_of(&block.ok_or(Error::Missing(*cid))?)?;
        // Before anybody looks whether they are here, so that what is found stays.
        self.guard.cover(&links).await;
        Ok(Some(links))
    }
}
