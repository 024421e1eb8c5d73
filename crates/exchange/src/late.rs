use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use basalt_block::Cid;
use futures::stream::BoxStream;

use crate::{Event, Exchange, Offline};

/// An exchange that is [offline](Offline) until it is told of another.
#[derive(Default)]
pub struct Late(OnceLock<Arc<dyn Exchange>>);

impl Late {
    /// Uses `exchange` from now on, unless another was set before.
    pub fn set(&self, exchange: Arc<dyn Exchange>) {
        let _ = self.0.set(exchange);
    }

    fn now(&self) -> &dyn Exchange {
        self.0.get().map_or(&Offline, |exchange| &**exchange)
    }
}

#[async_trait]
impl Exchange for Late {
    fn fetch(&self, cids: Vec<Cid>) -> BoxStream<'static, Event> {
        self.now().fetch(cids)
    }

    async fn notify(&self, cids: &[Cid]) {
        self.now().notify(cids).await;
    }

    fn session(&self) -> Option<Arc<dyn Exchange>> {
        self.now().session()
    }

    fn verifies(&self) -> bool {
        self.now().verifies()
    }

    fn is_online(&self) -> bool {
        self.now().is_online()
    }
}
