//! Blocks from trustless HTTP gateways: <https://specs.ipfs.tech/http-gateways/trustless-gateway/>.
//!
//! A provider whose address is that of an HTTP server becomes a peer of Bitswap whose connection is
//! HTTP: [`Retrieval::connect`] asks the server whether it is a gateway, and from then on what Bitswap
//! wants of that peer is asked with `GET` and `HEAD`. Who is asked for what, in which order and when to
//! give up stays Bitswap's business; here it is made sure that a server can do no harm: answers are
//! bounded and checked against the CID, few requests run at a time, and a server that fails is left
//! alone.

mod address;
mod ask;
mod options;
mod provider;
mod report;
mod retrieval;
mod site;

pub use address::{Server, is_http};
pub use options::{Hosts, Options};
pub use report::{Failure, Report, ServerReport, Totals};
pub use retrieval::{Error, Retrieval};
