//! Chores: `cargo run -p basalt-xtask -- <chore>`.
//!
//! - `layers` checks that no crate depends on one that it may not.
//! - `docs` writes `docs/commands.md` from the command table; `docs --check` tells whether that
//!   would change anything.

mod docs;
mod layers;

use std::path::PathBuf;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["layers"] => layers::check(&root()),
        ["docs"] => docs::write(&root()),
        ["docs", "--check"] => docs::check(&root()),
        _ => bail!("usage: basalt-xtask layers | docs [--check]"),
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}
