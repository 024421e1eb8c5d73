//! `ipfs name pubsub`.

pub(crate) mod cancel;
pub(crate) mod state;
pub(crate) mod subs;

use crate::Error;

/// Records are not exchanged over PubSub.
fn not_enabled() -> Error {
    Error::client("IPNS pubsub subsystem is not enabled")
}
