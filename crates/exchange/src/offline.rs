use async_trait::async_trait;
use basalt_block::Cid;
use futures::{StreamExt, stream, stream::BoxStream};

use crate::{Error, Event, Exchange};

/// The exchange of a node that talks to nobody: no block is ever found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Offline;

#[async_trait]
impl Exchange for Offline {
    fn fetch(&self, cids: Vec<Cid>) -> BoxStream<'static, Event> {
        stream::iter(cids)
            .map(|cid| Event::Failed(cid, Box::new(Error::NotFoundOffline(cid))))
            .boxed()
    }

    fn is_online(&self) -> bool {
        false
    }
}
