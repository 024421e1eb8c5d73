//! The tree against a plain one, beside itself, and across restarts.

#![allow(clippy::unwrap_used)]

mod life;
mod model;
mod support;
