use std::net::SocketAddr;
use std::time::Duration;

use crate::pcp::Pcp;
use crate::pmp::Pmp;
use crate::upnp::Upnp;

/// What is forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A port of this machine, and where others reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mapping {
    /// What is forwarded.
    pub protocol: Protocol,
    /// The port of this machine.
    pub port: u16,
    /// Where others reach it.
    pub external: SocketAddr,
}

/// Why a router does not forward a port.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The network failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// HTTP failed.
    #[error("{0}")]
    Http(#[from] basalt_http::Error),
    /// Nobody answered.
    #[error("no answer")]
    Silent,
    /// The router answered something else.
    #[error("an answer that makes no sense: {0}")]
    Malformed(&'static str),
    /// The router refused.
    #[error("refused with code {code}: {reason}")]
    Refused {
        /// The protocol's code.
        code: u32,
        /// What it means, or what the router says it does.
        reason: String,
    },
}

/// A router, and how it is spoken to.
pub(crate) enum Router {
    Upnp(Upnp),
    Pcp(Pcp),
    Pmp(Pmp),
}

impl Router {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Upnp(_) => "UPnP",
            Self::Pcp(_) => "PCP",
            Self::Pmp(_) => "NAT-PMP",
        }
    }

    /// Has a port forwarded for `time`, if possible from the same port (or from `external`, which it was
    /// forwarded from before); gives where it is, and for how long, `None` being for ever.
    pub(crate) async fn map(
        &self,
        protocol: Protocol,
        port: u16,
        external: Option<u16>,
        time: Duration,
    ) -> Result<(Mapping, Option<Duration>), Error> {
        let from = external.unwrap_or(port);
        match self {
            Self::Upnp(upnp) => upnp.map(protocol, port, from, time).await,
            Self::Pcp(pcp) => pcp.map(protocol, port, from, time).await,
            Self::Pmp(pmp) => pmp.map(protocol, port, from, time).await,
        }
    }

    /// Has it forwarded no more.
    pub(crate) async fn unmap(&self, mapping: Mapping) -> Result<(), Error> {
        match self {
            Self::Upnp(upnp) => upnp.unmap(mapping).await,
            Self::Pcp(pcp) => pcp.unmap(mapping).await,
            Self::Pmp(pmp) => pmp.unmap(mapping).await,
        }
    }
}
