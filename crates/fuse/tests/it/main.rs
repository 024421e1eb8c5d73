//! Real mounts. Where FUSE is missing they say `NOT RUN` and why.

mod busy;
mod model;
mod points;
mod posix;
mod support;
