use libp2p::Stream;
use tokio::io::copy_bidirectional;
use tokio_util::compat::FuturesAsyncReadCompatExt;

use super::place::Connection;
use super::registry::Entry;

/// Carries bytes both ways until both ends have sent everything, one of them breaks, or somebody wants
/// an end. A stream that is dropped before is reset.
pub(super) async fn carry(mut connection: Connection, stream: Stream, entry: Entry) {
    let mut stream = stream.compat();
    let copied = tokio::select! {
        copied = copy_bidirectional(connection.io(), &mut stream) => copied,
        () = entry.ended() => return,
    };
    if let Err(error) = copied {
        tracing::debug!(target: "basalt::tunnel", %error, "a connection broke");
    }
}
