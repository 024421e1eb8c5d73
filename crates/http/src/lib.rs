//! HTTP/1.1, server and client, as Kubo's clients need it.
//!
//! What general servers do not do, and why this one exists: a response flows while its request is
//! still being read, trailers reach clients that never sent `TE: trailers`, and a client that goes
//! away ends the work done for it.

mod authorization;
mod body;
mod client;
pub mod date;
mod error;
mod fetch;
mod framing;
mod head;
mod headers;
pub mod media_type;
pub mod metrics;
pub mod multipart;
pub mod mux;
pub mod query;
mod reader;
mod responder;
mod server;
mod writer;
pub mod xxhash;

pub use authorization::authorization;
pub use body::Body;
pub use client::{Answer, Client, Kept, Response, Target, Trust, Upload};
pub use error::Error;
pub use fetch::{fetch, post};

pub use head::reason;
pub use headers::Headers;
pub use responder::{Responder, Tally};
pub use server::{Duplex, Handler, Incoming, Listener, Options, Peer, Request, serve};

/// The result of everything that reads or writes HTTP.
pub type Result<T, E = Error> = std::result::Result<T, E>;
