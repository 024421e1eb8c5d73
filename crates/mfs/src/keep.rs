//! What keeps existing blocks from garbage collection while the tree comes to link to them.

use std::any::Any;

use async_trait::async_trait;
use basalt_block::Cid;

/// Keeps a DAG until it is dropped.
pub type Kept = Box<dyn Any + Send + Sync>;

/// Whoever collects garbage beside the tree.
#[async_trait]
pub trait Keep: Send + Sync + 'static {
    /// Keeps what is there of the DAG under `root` until the answer is dropped.
    async fn protect(&self, root: Cid) -> Kept;
}

/// For stores that nobody collects.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeepNothing;

#[async_trait]
impl Keep for KeepNothing {
    async fn protect(&self, _: Cid) -> Kept {
        Box::new(())
    }
}
