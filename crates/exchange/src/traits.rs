use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use basalt_block::{Block, Cid};
use futures::stream::BoxStream;

use crate::{Error, Refusal};

/// A way to get blocks from other nodes.
#[async_trait]
pub trait Exchange: Send + Sync + 'static {
    /// Asks for blocks and yields them as they come, in any order. The stream ends when every one
    /// of `cids` was answered by [`Event::Block`] or [`Event::Failed`]; what is left unanswered at
    /// its end counts as not found. Dropping the stream withdraws the request.
    ///
    /// The bytes need not be checked against the CIDs: [`crate::BlockService`] does, unless the
    /// exchange [verifies](Exchange::verifies).
    fn fetch(&self, cids: Vec<Cid>) -> BoxStream<'static, Event>;

    /// Says that these blocks are in the local store now, for peers that wait for them.
    async fn notify(&self, _cids: &[Cid]) {}

    /// An exchange for blocks that belong together, as those of one DAG do: who had one of them
    /// is asked first for the others. `None` when that makes no difference.
    fn session(&self) -> Option<Arc<dyn Exchange>> {
        None
    }

    /// Whether the blocks that [`Exchange::fetch`] yields were checked against their CIDs, so that
    /// nobody needs to hash them again.
    fn verifies(&self) -> bool {
        false
    }

    /// Whether there is anybody to ask.
    fn is_online(&self) -> bool {
        true
    }
}

/// What happens while blocks are fetched.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A block came.
    Block(Block),
    /// A block cannot be had.
    Failed(Cid, Box<Error>),
    /// A block has not come yet.
    Waiting(Waiting),
}

/// What a request waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The block that has not come yet.
    pub cid: Cid,
    /// How many peers were asked so far.
    pub asked: usize,
    /// Some of them.
    pub peers: Vec<String>,
    /// How long ago it was asked for.
    pub since: Duration,
    /// Where others were looked for.
    pub sought: Sought,
}

/// What a search for peers that have a block came to, so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sought {
    /// How often it was begun.
    pub searches: usize,
    /// How many peers are said to have the block.
    pub found: usize,
    /// How many of those there is a connection to.
    pub connected: usize,
    /// Some that were found.
    pub named: Vec<String>,
    /// Some that could not be reached.
    pub unreached: Vec<String>,
}

/// Refuses blocks that are neither to be given out nor to be kept. Called for every block: it must not
/// block.
pub type Gate = Arc<dyn Fn(&Cid) -> Result<(), Refusal> + Send + Sync>;

/// Is told what a request waits for. Called on the task that waits: it must not block.
pub type Observer = Arc<dyn Fn(&Waiting) + Send + Sync>;
