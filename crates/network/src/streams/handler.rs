use std::collections::VecDeque;
use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::future::{Ready, ready};
use libp2p::core::UpgradeInfo;
use libp2p::core::upgrade::{InboundUpgrade, OutboundUpgrade};
use libp2p::swarm::handler::{
    ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
};
use libp2p::swarm::{
    ConnectionHandler, ConnectionHandlerEvent, StreamUpgradeError, SubstreamProtocol,
};
use libp2p::{PeerId, Stream, StreamProtocol};
use tokio::sync::oneshot;

use super::{Opened, Services, Wanted};
use crate::{Error, Result};

/// Streams that may wait to be opened on a connection.
const WAITING: usize = 128;

/// Any of these protocols.
#[derive(Debug, Clone)]
pub(crate) struct AnyOf(Vec<StreamProtocol>);

impl UpgradeInfo for AnyOf {
    type Info = StreamProtocol;
    type InfoIter = std::vec::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.clone().into_iter()
    }
}

impl InboundUpgrade<Stream> for AnyOf {
    type Output = Opened;
    type Error = Infallible;
    type Future = Ready<Result<Opened, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, protocol: StreamProtocol) -> Self::Future {
        ready(Ok((stream, protocol)))
    }
}

impl OutboundUpgrade<Stream> for AnyOf {
    type Output = Opened;
    type Error = Infallible;
    type Future = Ready<Result<Opened, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, protocol: StreamProtocol) -> Self::Future {
        ready(Ok((stream, protocol)))
    }
}

/// Streams of one connection.
pub(crate) struct Handler {
    peer: PeerId,
    services: Services,
    waiting: VecDeque<Wanted>,
}

impl Handler {
    pub(super) fn new(peer: PeerId, services: Services) -> Self {
        Self {
            peer,
            services,
            waiting: VecDeque::new(),
        }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Wanted;
    type ToBehaviour = Infallible;
    type InboundProtocol = AnyOf;
    type OutboundProtocol = AnyOf;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = oneshot::Sender<Result<Opened>>;

    fn listen_protocol(&self) -> SubstreamProtocol<AnyOf> {
        SubstreamProtocol::new(AnyOf(self.services.protocols()), ())
    }

    fn on_behaviour_event(&mut self, wanted: Wanted) {
        if self.waiting.len() < WAITING {
            self.waiting.push_back(wanted);
        } else {
            let _ = wanted.answer.send(Err(Error::TooManyStreams));
        }
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<AnyOf, Self::OutboundOpenInfo, Infallible>> {
        let Some(wanted) = self.waiting.pop_front() else {
            return Poll::Pending;
        };
        let protocol = SubstreamProtocol::new(AnyOf(wanted.protocols), wanted.answer);
        Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol })
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<AnyOf, AnyOf, (), Self::OutboundOpenInfo>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: (stream, protocol),
                ..
            }) => self.services.serve(self.peer, &protocol, stream),
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol,
                info,
            }) => {
                let _ = info.send(Ok(protocol));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                let reason = match error {
                    StreamUpgradeError::NegotiationFailed => Error::NoSuchProtocol,
                    other => Error::Stream(other.to_string()),
                };
                let _ = info.send(Err(reason));
            }
            _ => {}
        }
    }
}
