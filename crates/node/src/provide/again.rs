//! Announcing everything again at once, for those who ask for it by hand.

use super::{Provider, Work, keys};
use crate::{Node, Result};

/// Keys of a part, about, and of one announcement.
const PART: u64 = 64 * 1024;
const TOGETHER: usize = 4096;

impl Provider {
    /// Announces all that the strategy names, now; gives how many keys that were.
    ///
    /// # Errors
    /// The store fails, or nobody could be told.
    pub async fn announce_all(&self, node: &Node) -> Result<u64> {
        let blocks = node.blocks().store().usage().blocks;
        let parts = (blocks / PART).next_power_of_two();
        let mut announced = 0;
        for part in 0..parts {
            let (found, _) = keys::of_part(node, &self.0.settings.strategy, part, parts).await?;
            for together in found.chunks(TOGETHER) {
                let keys = together.iter().map(|(_, key)| key.clone()).collect();
                self.announce_many(keys, Work::Again).await?;
                announced += together.len() as u64;
            }
        }
        Ok(announced)
    }
}
