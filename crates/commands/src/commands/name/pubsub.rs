//! `ipfs name pubsub`.

pub(crate) mod cancel;
pub(crate) mod state;
pub(crate) mod subs;

use crate::Error;

/// Records are not exchanged through pubsub: there is no network yet.
fn not_enabled() -> Error {
    Error::client("IPNS pubsub subsystem is not enabled")
}
