//! Codecs, links and paths against what Kubo 0.43 does.

mod conversions;
mod dag_pb;
mod git;
mod jose;
mod limits;
mod path;
mod resolve;
