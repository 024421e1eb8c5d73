//! `ipfs pubsub`: messages that nodes write to topics.
//!
//! Topics and messages are bytes; requests and answers carry them as base64url with its multibase
//! letter.

pub(crate) mod ls;
pub(crate) mod peers;
pub(crate) mod r#pub;
pub(crate) mod reset;
pub(crate) mod sub;

use basalt::block::{Base, multibase_text};
use basalt::network::Pubsub;

use crate::commands::multibase::decode_bare;
use crate::{Call, Error, Result};

const OFF: &str =
    "experimental pubsub feature not enabled, run daemon with --enable-pubsub-experiment to use";

/// PubSub, where it is on.
async fn pubsub<O>(call: &Call<O>) -> Result<Pubsub> {
    let network = call.ctx.node().await?.network();
    let found = network.and_then(|network| network.pubsub());
    found.cloned().ok_or_else(|| Error::new(OFF))
}

/// A topic of a request.
fn topic(arg: &str) -> Result<String> {
    let bytes = decode_bare(arg.as_bytes())
        .map_err(|why| Error::new(format!("URL arg must be multibase encoded: {why}")))?;
    if !arg.starts_with(Base::Base64Url.code()) {
        return Err(Error::new("URL arg must be base64url encoded"));
    }
    String::from_utf8(bytes).map_err(|_| Error::new("a topic that is not UTF-8 is not supported"))
}

/// Bytes for an answer.
fn text(bytes: &[u8]) -> String {
    multibase_text(Base::Base64Url, bytes)
}
