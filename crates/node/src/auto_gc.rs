//! Garbage collection that begins by itself.

use basalt_pin::{Action, Collect, Watermark};
use basalt_repo::config::Datastore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Node;

pub(crate) async fn run(node: Node, settings: Datastore, cancel: CancellationToken) {
    let percent = settings.gc_watermark.into();
    let mut watermark = Watermark::new(settings.storage_max, percent, settings.gc_period);
    loop {
        let used = node.blocks().store().usage().disk_bytes;
        let wait = match watermark.next(Instant::now(), used) {
            Action::Off => return,
            Action::WaitUntil(when) => when,
            Action::Collect => {
                let done = tokio::select! {
                    () = cancel.cancelled() => return,
                    done = node.collection(Collect::default()).finish() => done,
                };
                report(done);
                let used = node.blocks().store().usage().disk_bytes;
                watermark.collected(Instant::now(), used);
                continue;
            }
        };
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep_until(wait) => {}
        }
    }
}

fn report(done: crate::Result<basalt_pin::Summary, basalt_pin::Error>) {
    match done {
        Ok(summary) => {
            let (removed, bytes) = (summary.removed, summary.bytes);
            tracing::info!(target: "basalt::gc", removed, bytes, "collected garbage");
        }
        Err(error) => tracing::error!(target: "basalt::gc", %error, "garbage collection failed"),
    }
}
