//! A pinning service for one case: what `{service}` in a step stands for.

use anyhow::Result;
use tokio::runtime::{Builder, Runtime};

/// A running service, and the threads it runs on.
pub(crate) struct PinService {
    service: basalt_testkit::PinService,
    _runtime: Runtime,
}

impl PinService {
    /// Begins to listen on a port of its own.
    pub(crate) fn start() -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let service = runtime.block_on(basalt_testkit::PinService::start())?;
        Ok(Self {
            service,
            _runtime: runtime,
        })
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        self.service.address().to_string()
    }
}
