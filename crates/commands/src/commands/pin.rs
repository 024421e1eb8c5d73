//! `ipfs pin`: what garbage collection leaves alone.

pub(crate) mod add;
pub(crate) mod ls;
pub(crate) mod remote;
pub(crate) mod rm;
mod rows;
pub(crate) mod update;
pub(crate) mod verify;

use serde::{Deserialize, Serialize};

/// The CIDs that a command has dealt with.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Pins {
    pins: Vec<String>,
}
