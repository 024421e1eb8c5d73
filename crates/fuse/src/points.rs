//! The folders to mount on.

use std::io;
use std::path::Path;

use basalt::repo::{config::Config, go_quote};

use crate::{Error, Result, mount::is_stale};

/// The folders to mount on, as the user said them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Points {
    /// For `/ipfs`.
    pub ipfs: String,
    /// For `/ipns`.
    pub ipns: String,
    /// For `/mfs`.
    pub mfs: String,
}

impl Points {
    /// Those of the configuration, but where others are given.
    pub fn new(
        config: &Config,
        ipfs: Option<String>,
        ipns: Option<String>,
        mfs: Option<String>,
    ) -> Self {
        let set = |given: Option<String>, key: &str| {
            given.unwrap_or_else(|| config.string(key).unwrap_or_default().to_owned())
        };
        Self {
            ipfs: set(ipfs, "Mounts.IPFS"),
            ipns: set(ipns, "Mounts.IPNS"),
            mfs: set(mfs, "Mounts.MFS"),
        }
    }

    /// What a user is told once all three are mounted.
    pub fn told(&self) -> String {
        let Self { ipfs, ipns, mfs } = self;
        format!("IPFS mounted at: {ipfs}\nIPNS mounted at: {ipns}\nMFS  mounted at: {mfs}\n")
    }

    /// Whether all three are folders. What a dead program has left mounted does not count.
    ///
    /// # Errors
    /// The first that is none.
    pub fn check(&self) -> Result<()> {
        check("Mounts.IPFS", &self.ipfs)?;
        check("Mounts.IPNS", &self.ipns)?;
        check("Mounts.MFS", &self.mfs)
    }
}

fn check(setting: &'static str, path: &str) -> Result<()> {
    if path.is_empty() {
        return Err(Error::NoPath(setting));
    }
    let quoted = go_quote(path);
    let point = Path::new(path);
    match std::fs::metadata(point) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(Error::NoDirectory { setting, quoted }),
        Err(error) if is_stale(&error) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Absent {
            setting,
            quoted,
            point: point.to_owned(),
        }),
        Err(source) => Err(Error::Uninspected {
            setting,
            quoted,
            source,
        }),
    }
}
