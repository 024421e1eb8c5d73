//! Real mounts. Where FUSE is missing they say `NOT RUN` and why.

#![allow(clippy::unwrap_used, reason = "tests")]

mod busy;
mod model;
mod points;
mod posix;
mod support;
