//! Where a command runs: in this process, or in a daemon.

use std::path::{Path, PathBuf};

use basalt::repo::{read_api_file, repo_path};
use basalt_commands::{Error, Globals, Result, Spec};
use basalt_http::Target;
use basalt_rpc::Daemon;

use crate::address::{self, Address, Host};

/// The place that was chosen.
pub(crate) enum Where {
    /// In this process, on the repo in this folder.
    Here(PathBuf),
    /// In a daemon. If nobody answers there and the user did not ask for it, here on the repo.
    There {
        /// The daemon.
        daemon: Daemon,
        /// Its address as it was given.
        address: String,
        /// The repo to use when nobody answers.
        fallback: Option<PathBuf>,
    },
}

/// Chooses the place.
pub(crate) fn choose(spec: &Spec, globals: &Globals) -> Result<Where> {
    let repo = repo(globals)?;
    if spec.about.local && !spec.about.repo {
        return Ok(Where::Here(repo));
    }
    let asked = globals.api.as_deref();
    if !spec.about.rpc {
        if asked.is_some() && spec.path != "daemon" {
            return Err(Error::new(
                "api flag specified but command cannot be run on the daemon",
            ));
        }
        if let Some(address) = asked {
            address::parse(address).map_err(Error::new)?;
        }
        return Ok(Where::Here(repo));
    }
    let secret = globals.api_auth.as_deref();
    if let Some(address) = asked {
        return Ok(Where::There {
            daemon: Daemon::new(target(address)?, secret),
            address: address.to_owned(),
            fallback: None,
        });
    }
    match read_api_file(&repo).map_err(|e| Error::new(e.to_string()))? {
        Some(address) => {
            let fallback = is_initialised(&repo).then_some(repo);
            Ok(Where::There {
                daemon: Daemon::new(target(&address)?, secret),
                address,
                fallback: fallback.filter(|_| spec.about.local),
            })
        }
        None if spec.about.local => Ok(Where::Here(repo)),
        None => Err(needs_daemon(spec)),
    }
}

/// What is said of a command that only a daemon can carry out, without one.
pub(crate) fn needs_daemon(spec: &Spec) -> Error {
    let words = spec.path.replace('/', " ");
    Error::new(format!("command must be run on the daemon: [{words}]"))
}

fn is_initialised(repo: &Path) -> bool {
    basalt::repo::check_ours(repo).is_ok()
}

/// The folder of the repo: `--repo-dir`, `IPFS_PATH`, or `.ipfs` in the home directory.
fn repo(globals: &Globals) -> Result<PathBuf> {
    if let Some(dir) = globals.repo_dir.as_ref().filter(|d| !d.is_empty()) {
        return Ok(dir.into());
    }
    repo_path().map_err(|e| Error::new(e.to_string()))
}

/// Where the RPC of a multiaddr is.
fn target(text: &str) -> Result<Target> {
    match address::parse(text).map_err(Error::new)? {
        Address::Unix(path) => Ok(Target::Unix(path)),
        Address::Tcp(host, port) => Ok(Target::Tcp(format!("{host}:{port}"))),
        Address::Tls(host, port) => Ok(Target::Tls(format!("{host}:{port}"))),
        Address::Other
            if ["/ip4/", "/ip6/", "/dns"]
                .iter()
                .any(|p| text.starts_with(p)) =>
        {
            Err(Error::new(format!("unsupported API address: {text}")))
        }
        Address::Other => Err(Error::new(format!("{text} is not a 'thin waist' address"))),
    }
}

/// Finds out whether the name in an address stands for a machine at all. Without an answer there
/// is no use in trying, nor in doing without the daemon that the user or the repo names.
pub(crate) async fn check_name(text: &str) -> Result<()> {
    let (name, port) = match address::parse(text) {
        Ok(Address::Tcp(Host::Name(name), port) | Address::Tls(Host::Name(name), port)) => {
            (name, port)
        }
        _ => return Ok(()),
    };
    let found = tokio::net::lookup_host((name.as_str(), port)).await;
    match found.map(|mut all| all.next()) {
        Ok(Some(_)) => Ok(()),
        _ => Err(Error::new(format!("lookup {name}: no such host"))),
    }
}
