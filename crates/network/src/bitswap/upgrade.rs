use std::convert::Infallible;
use std::future::{Ready, ready};

use basalt_bitswap::message::Version;
use libp2p::core::upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo};

/// Agrees on a version of the protocol, the newest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Upgrade {
    /// Whether Bitswap is spoken at all.
    pub(super) enabled: bool,
}

/// A version as the name of a protocol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name(Version);

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.0.name()
    }
}

impl UpgradeInfo for Upgrade {
    type Info = Name;
    type InfoIter = Vec<Name>;

    fn protocol_info(&self) -> Self::InfoIter {
        let versions = if self.enabled { &Version::ALL[..] } else { &[] };
        versions.iter().copied().map(Name).collect()
    }
}

impl<S> InboundUpgrade<S> for Upgrade {
    type Output = (S, Version);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_inbound(self, stream: S, name: Name) -> Self::Future {
        ready(Ok((stream, name.0)))
    }
}

impl<S> OutboundUpgrade<S> for Upgrade {
    type Output = (S, Version);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_outbound(self, stream: S, name: Name) -> Self::Future {
        ready(Ok((stream, name.0)))
    }
}
