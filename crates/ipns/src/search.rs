//! Looking for records among other nodes.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::Name;

/// Records of the answers to one search that may wait to be looked at.
pub(crate) const WAITING: usize = 8;

/// How a name is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Find {
    /// Whether other nodes are asked.
    pub online: bool,
    /// Whether what was found lately does.
    pub cached: bool,
    /// After so many records it is enough; 0 asks for all.
    pub records: usize,
    /// After so long it is enough.
    pub time: Option<Duration>,
}

impl Default for Find {
    fn default() -> Self {
        Self {
            online: true,
            cached: true,
            records: 16,
            time: Some(Duration::from_secs(60)),
        }
    }
}

impl Find {
    /// Asks nobody.
    pub fn offline() -> Self {
        Self {
            online: false,
            ..Self::default()
        }
    }
}

/// Other nodes that know records.
#[async_trait]
pub trait Search: Send + Sync + 'static {
    /// Gives valid records of a name, each better than the one before.
    async fn search(
        &self,
        name: &Name,
        records: usize,
        out: mpsc::Sender<Bytes>,
    ) -> Result<(), String>;
}
