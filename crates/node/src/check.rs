//! What in the config keeps a node from starting.

use basalt_block::{hash_code, is_allowed};
use basalt_repo::config::{NOT_MADE, StartOptions};

use crate::{Node, Result};

impl Node {
    /// Looks for settings that cannot work for a start with these options.
    ///
    /// # Errors
    /// The first of them, in Kubo's words.
    pub fn check_start(&self, start: &StartOptions) -> Result<()> {
        let Some(repo) = self.repo() else {
            return Ok(());
        };
        let config = repo.config();
        config.check_start(start)?;
        let before = if start.daemon { NOT_MADE } else { "" };
        let failed = |wrong: String| basalt_repo::Error::Setting(format!("{before}{wrong}")).into();
        if start.online {
            let table = crate::dns::configured(&config);
            table.map_err(|e| failed(e.to_string()))?;
        }
        // The repo does not know hash functions.
        let Some(name) = config.import().hash_function.clone() else {
            return Ok(());
        };
        let wrong = match hash_code(&name) {
            None => format!("Import.HashFunction unrecognized: {name:?}"),
            Some(code) if !is_allowed(code) => {
                format!("Import.HashFunction {name:?} is not allowed for use in IPFS")
            }
            Some(_) => return Ok(()),
        };
        Err(failed(wrong))
    }
}
