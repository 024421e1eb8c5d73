//! Codecs, links and paths against what Kubo 0.43 does.

mod conversions;
mod dag_pb;
mod limits;
mod path;
mod resolve;
