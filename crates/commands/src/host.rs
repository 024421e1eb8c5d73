//! What only the program around the commands can do.

use async_trait::async_trait;

use crate::commands::daemon;
use crate::{Call, Output, Result};

/// The program that runs the commands.
#[async_trait]
pub trait Host: Send + Sync {
    /// Runs the daemon until it is told to stop, telling `out` what a user should know.
    async fn daemon(&self, call: Call<daemon::Options>, out: Output<String>) -> Result<()>;
}
