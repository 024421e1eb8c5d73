use std::io::Write;

use async_trait::async_trait;

use crate::{About, Call, Command, Error, Output, Result, View};

crate::options! {
    /// Options of `daemon`.
    #[allow(dead_code)]
    pub struct Options {
        /// Make the repository first, if there is none
        init: bool = ["init"],
        /// A configuration to begin with, for --init
        init_config: Option<String> = ["init-config"],
        /// Profiles to apply, for --init
        init_profile: Option<String> = ["init-profile"],
        /// The routing system, in place of Routing.Type
        routing: String = ["routing"] default "default",
        /// Mount the node's content in the file system
        mount: bool = ["mount"],
        /// Where to mount /ipfs
        mount_ipfs: Option<String> = ["mount-ipfs"],
        /// Where to mount /ipns
        mount_ipns: Option<String> = ["mount-ipns"],
        /// Where to mount /mfs
        mount_mfs: Option<String> = ["mount-mfs"],
        /// Serve every CID on the RPC's port
        unrestricted_api: bool = ["unrestricted-api"],
        /// Talk to peers without encryption, for debugging
        disable_transport_encryption: bool = ["disable-transport-encryption"],
        /// Collect garbage by itself
        enable_gc: bool = ["enable-gc"],
        /// Raise the limit of open files
        manage_fdlimit: bool = ["manage-fdlimit"] default "true",
        /// Migrate an older repository without asking
        migrate: Option<bool> = ["migrate"],
        /// Deprecated: use the setting Pubsub.Enabled
        enable_pubsub: Option<bool> = ["enable-pubsub-experiment"],
        /// Deprecated: use the setting Ipns.UsePubsub
        enable_ipns_pubsub: Option<bool> = ["enable-namesys-pubsub"],
        /// Deprecated, without effect
        enable_mplex: Option<bool> = ["enable-mplex-experiment"],
        /// What the node adds to its agent version
        agent_suffix: Option<String> = ["agent-version-suffix"],
    }
}

/// `ipfs daemon`.
pub(crate) struct Daemon;

#[async_trait]
impl Command for Daemon {
    type Options = Options;
    type Event = String;
    type State = ();

    const PATH: &'static str = "daemon";
    const ABOUT: About = About::new("Run the node.")
        .text(
            "Opens the repository and serves commands until it is told to stop: by Ctrl-C, by SIGTERM
or by 'ipfs shutdown'. While it runs, other commands on the same repository are
carried out by it. Where it listens is set in Addresses.API:

  > ipfs config Addresses.API /ip4/127.0.0.1/tcp/5002
  > ipfs config Addresses.API /unix/run/ipfs.socket

Whoever reaches the RPC controls the node. Do not open it to a network without
API.Authorizations or a proxy that authenticates.",
        )
        .client_only();

    async fn run(call: Call<Options>, out: Output<String>) -> Result<()> {
        let Some(host) = call.ctx.host() else {
            return Err(Error::new("this program cannot run a daemon"));
        };
        host.daemon(call, out).await
    }

    fn text(_: &View<Options>, _: &mut (), text: String, w: &mut dyn Write) -> Result<()> {
        w.write_all(text.as_bytes())?;
        Ok(())
    }
}
