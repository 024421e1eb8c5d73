//! Noise and TLS in one upgrade, in the order that the node prefers.

use futures::FutureExt;
use futures::future::{BoxFuture, Either};
use futures::{AsyncRead, AsyncWrite};
use libp2p::core::UpgradeInfo;
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade};
use libp2p::identity::Keypair;
use libp2p::{PeerId, noise, tls};

use crate::Error;

/// A protocol that makes a connection private and says who is at its other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cipher {
    /// Noise XX.
    Noise,
    /// TLS 1.3 with libp2p's certificates.
    Tls,
}

impl Cipher {
    const fn name(self) -> &'static str {
        match self {
            Self::Noise => "/noise",
            Self::Tls => "/tls/1.0.0",
        }
    }
}

/// Both of them, for the protocols in `order`.
#[derive(Clone)]
pub(crate) struct Security {
    order: Vec<Cipher>,
    noise: noise::Config,
    tls: tls::Config,
}

impl Security {
    pub(crate) fn new(key: &Keypair, order: Vec<Cipher>) -> Result<Self, Error> {
        Ok(Self {
            order,
            noise: noise::Config::new(key).map_err(|e| Error::Key(e.to_string()))?,
            tls: tls::Config::new(key).map_err(|e| Error::Key(e.to_string()))?,
        })
    }
}

/// A handshake that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error("failed to negotiate security protocol: {0}")]
    Noise(#[from] noise::Error),
    #[error("failed to negotiate security protocol: {0}")]
    Tls(#[from] tls::UpgradeError),
}

impl UpgradeInfo for Security {
    type Info = &'static str;
    type InfoIter = std::vec::IntoIter<&'static str>;

    fn protocol_info(&self) -> Self::InfoIter {
        let names: Vec<_> = self.order.iter().map(|cipher| cipher.name()).collect();
        names.into_iter()
    }
}

type Secured<C> = (PeerId, Either<noise::Output<C>, tls::TlsStream<C>>);

impl<C> InboundConnectionUpgrade<C> for Security
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Output = Secured<C>;
    type Error = Failed;
    type Future = BoxFuture<'static, Result<Secured<C>, Failed>>;

    fn upgrade_inbound(self, socket: C, info: Self::Info) -> Self::Future {
        async move {
            if info == Cipher::Noise.name() {
                let (peer, io) = self.noise.upgrade_inbound(socket, info).await?;
                return Ok((peer, Either::Left(io)));
            }
            let (peer, io) = self.tls.upgrade_inbound(socket, info).await?;
            Ok((peer, Either::Right(io)))
        }
        .boxed()
    }
}

impl<C> OutboundConnectionUpgrade<C> for Security
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Output = Secured<C>;
    type Error = Failed;
    type Future = BoxFuture<'static, Result<Secured<C>, Failed>>;

    fn upgrade_outbound(self, socket: C, info: Self::Info) -> Self::Future {
        async move {
            if info == Cipher::Noise.name() {
                let (peer, io) = self.noise.upgrade_outbound(socket, info).await?;
                return Ok((peer, Either::Left(io)));
            }
            let (peer, io) = self.tls.upgrade_outbound(socket, info).await?;
            Ok((peer, Either::Right(io)))
        }
        .boxed()
    }
}
