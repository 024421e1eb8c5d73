//! Where a command runs: in this process, or in a daemon.

use std::path::{Path, PathBuf};

use basalt::repo::{read_api_file, repo_path};
use basalt_commands::{Error, Globals, Result, Spec};
use basalt_rpc::Daemon;
use basalt_rpc::http::Target;
use multiaddr::{Multiaddr, Protocol};

use crate::daemon::unix_path;

/// The place that was chosen.
pub(crate) enum Where {
    /// In this process, on the repo in this folder.
    Here(PathBuf),
    /// In a daemon. If nobody answers there and the user did not ask for it, here on the repo.
    There(Daemon, Option<PathBuf>),
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
        return Ok(Where::Here(repo));
    }
    let secret = globals.api_auth.as_deref();
    if let Some(address) = asked {
        return Ok(Where::There(Daemon::new(target(address)?, secret), None));
    }
    match read_api_file(&repo).map_err(|e| Error::new(e.to_string()))? {
        Some(address) => {
            let fallback = is_initialised(&repo).then_some(repo);
            Ok(Where::There(
                Daemon::new(target(&address)?, secret),
                fallback.filter(|_| spec.about.local),
            ))
        }
        None if spec.about.local => Ok(Where::Here(repo)),
        None => {
            let words = spec.path.replace('/', " ");
            Err(Error::new(format!(
                "command must be run on the daemon: [{words}]"
            )))
        }
    }
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
fn target(address: &str) -> Result<Target> {
    let parsed: Multiaddr = address.parse().map_err(|e| {
        let why = match address {
            "" => "empty multiaddr".to_owned(),
            address if !address.starts_with('/') => "must begin with /".to_owned(),
            _ => format!("{e}"),
        };
        Error::new(format!("failed to parse multiaddr {address:?}: {why}"))
    })?;
    let parts: Vec<Protocol<'_>> = parsed.iter().collect();
    let tcp = |host: String, port: &u16| Ok(Target::Tcp(format!("{host}:{port}")));
    match parts.as_slice() {
        [Protocol::Unix(path)] => Ok(Target::Unix(unix_path(path))),
        [Protocol::Ip4(ip), Protocol::Tcp(port), ..] => tcp(ip.to_string(), port),
        [Protocol::Ip6(ip), Protocol::Tcp(port), ..] => tcp(format!("[{ip}]"), port),
        [
            Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name),
            Protocol::Tcp(port),
            ..,
        ] => tcp(name.to_string(), port),
        _ => Err(Error::new(format!("unsupported API address: {address}"))),
    }
}
