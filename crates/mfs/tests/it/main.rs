//! The tree against a plain one, beside itself, and across restarts.

mod life;
mod model;
mod support;
