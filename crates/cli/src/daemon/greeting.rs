//! What the daemon says on standard output; supervisors read these lines.

use basalt::repo::config::Config;

use super::listen::Bound;

/// At a signal.
pub(super) const STOPPING: &str = "Received interrupt signal, shutting down...\n(Hit ctrl-c again to force-shutdown the daemon.)\n";

/// For nodes with an old kind of key.
pub(super) const RSA_WARNING: &str = "
Warning: this node's key is an RSA key. Kubo has made Ed25519 keys since September 2020;
RSA ones are larger, and signing with them takes more time. To change the key, and with it
the peer ID, stop the daemon and run:

  ipfs key rotate -o rsa-key-backup -t ed25519

";

/// Where the daemon listens.
pub(super) fn listeners(config: &Config, bound: &[Bound]) -> String {
    let mut text = String::new();
    if !config.rpc_authorizations().is_empty() && !bound.is_empty() {
        text.push_str("RPC API access is limited by the rules defined in API.Authorizations\n");
    }
    for bound in bound {
        text.push_str(&format!("RPC API server listening on {}\n", bound.address));
        if let Some(url) = bound.webui() {
            text.push_str(&format!("WebUI: {url}\n"));
        }
    }
    text
}
