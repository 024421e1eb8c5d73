use std::convert::Infallible;
use std::io;
use std::task::{Context, Poll};

use basalt_bitswap::Link;
use basalt_bitswap::message::{Message, Version};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use libp2p::Stream;
use libp2p::swarm::handler::{
    ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
};
use libp2p::swarm::{
    ConnectionHandler, ConnectionHandlerEvent, StreamUpgradeError, SubstreamProtocol,
};

use super::frames;
use super::upgrade::Upgrade;

/// Streams of one connection that are read side by side. Kubo opens one for each message, so that
/// there may be as many as blocks were asked for; a multiplexer allows no more anyway.
const INBOUND: usize = 512;
/// How often a message is begun anew on another stream.
const TRIES: u32 = 3;

type Written = (Message, io::Result<Stream>);

/// The stream that messages leave by.
enum Out {
    /// Nothing has been sent yet, or the stream broke.
    Closed,
    /// It is being opened for a message.
    Opening(Message),
    /// It waits for a message.
    Open(Stream, Version),
    /// A message is leaving.
    Writing(BoxFuture<'static, Written>, Version),
}

/// The Bitswap streams of one connection.
pub(crate) struct Handler {
    link: Option<Link>,
    inbound: FuturesUnordered<BoxFuture<'static, io::Result<()>>>,
    out: Out,
    /// Streams to ask for.
    wanted: bool,
    tries: u32,
}

impl Handler {
    /// Without a link Bitswap is not spoken on the connection.
    pub(super) fn new(link: Option<Link>) -> Self {
        Self {
            link,
            inbound: FuturesUnordered::new(),
            out: Out::Closed,
            wanted: false,
            tries: 0,
        }
    }

    fn upgrade(&self) -> Upgrade {
        Upgrade {
            enabled: self.link.is_some(),
        }
    }

    fn read(&mut self, stream: Stream) {
        let Some(link) = &self.link else {
            return;
        };
        if self.inbound.len() >= INBOUND {
            tracing::debug!(target: "basalt::bitswap", "more than {INBOUND} streams of one connection; one is refused");
            return;
        }
        let inlet = link.inlet().clone();
        self.inbound.push(frames::read(stream, inlet).boxed());
    }

    /// A message could not be sent.
    fn failed(&mut self, message: Message, error: &dyn std::fmt::Display) {
        tracing::debug!(target: "basalt::bitswap", %error, "a message could not be sent");
        self.tries += 1;
        if self.tries < TRIES {
            self.out = Out::Opening(message);
            self.wanted = true;
            return;
        }
        self.tries = 0;
        self.out = Out::Closed;
        if let Some(link) = &self.link {
            link.lost();
        }
    }

    fn opened(&mut self, stream: Stream, version: Version) {
        let Some(link) = &self.link else {
            return;
        };
        link.opened(version);
        self.out = match std::mem::replace(&mut self.out, Out::Closed) {
            Out::Opening(message) => {
                let write = frames::write(stream, message, version);
                Out::Writing(write.boxed(), version)
            }
            other => other,
        };
    }

    fn not_opened(&mut self, error: StreamUpgradeError<Infallible>) {
        let Out::Opening(message) = std::mem::replace(&mut self.out, Out::Closed) else {
            return;
        };
        match error {
            StreamUpgradeError::NegotiationFailed => {
                if let Some(link) = &self.link {
                    link.unsupported();
                }
            }
            StreamUpgradeError::Apply(never) => match never {},
            StreamUpgradeError::Timeout => self.failed(message, &"opening a stream took too long"),
            StreamUpgradeError::Io(error) => self.failed(message, &error),
        }
    }

    /// Moves what leaves as far as it goes.
    fn poll_out(&mut self, cx: &mut Context<'_>) {
        let Some(link) = &mut self.link else {
            return;
        };
        loop {
            match std::mem::replace(&mut self.out, Out::Closed) {
                Out::Closed => match link.poll_outgoing(cx) {
                    Poll::Ready(Some(outgoing)) => {
                        self.out = Out::Opening(outgoing.message);
                        self.wanted = true;
                        return;
                    }
                    _ => return,
                },
                opening @ Out::Opening(_) => {
                    self.out = opening;
                    return;
                }
                Out::Open(stream, version) => match link.poll_outgoing(cx) {
                    Poll::Ready(Some(outgoing)) => {
                        let write = frames::write(stream, outgoing.message, version);
                        self.out = Out::Writing(write.boxed(), version);
                    }
                    _ => {
                        self.out = Out::Open(stream, version);
                        return;
                    }
                },
                Out::Writing(mut write, version) => match write.poll_unpin(cx) {
                    Poll::Ready((_, Ok(stream))) => {
                        self.tries = 0;
                        link.sent();
                        self.out = Out::Open(stream, version);
                    }
                    Poll::Ready((message, Err(error))) => {
                        self.failed(message, &error);
                        return;
                    }
                    Poll::Pending => {
                        self.out = Out::Writing(write, version);
                        return;
                    }
                },
            }
        }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Infallible;
    type ToBehaviour = Infallible;
    type InboundProtocol = Upgrade;
    type OutboundProtocol = Upgrade;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Upgrade, ()> {
        SubstreamProtocol::new(self.upgrade(), ())
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Upgrade, (), Infallible>> {
        while let Poll::Ready(Some(end)) = self.inbound.poll_next_unpin(cx) {
            if let Err(error) = end {
                tracing::debug!(target: "basalt::bitswap", %error, "a stream ended early");
            }
        }
        // After a failure there may be more to do at once.
        self.poll_out(cx);
        if matches!(self.out, Out::Closed) && !self.wanted {
            self.poll_out(cx);
        }
        if std::mem::take(&mut self.wanted) {
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: SubstreamProtocol::new(self.upgrade(), ()),
            });
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, event: Infallible) {
        match event {}
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, Upgrade, Upgrade>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: (stream, _),
                ..
            }) => self.read(stream),
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: (stream, version),
                ..
            }) => self.opened(stream, version),
            ConnectionEvent::DialUpgradeError(DialUpgradeError { error, .. }) => {
                self.not_opened(error);
            }
            _ => {}
        }
    }
}
