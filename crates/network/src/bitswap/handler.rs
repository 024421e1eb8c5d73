use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use basalt_bitswap::Link;
use basalt_bitswap::message::{Message, Version};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use libp2p::swarm::handler::{
    ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
    ProtocolsChange,
};
use libp2p::swarm::{
    ConnectionHandler, ConnectionHandlerEvent, StreamUpgradeError, SubstreamProtocol,
};
use libp2p::{Stream, StreamProtocol};

use tokio::time::{Sleep, sleep};

use super::frames;
use super::upgrade::Upgrade;

/// Streams of one connection that are read side by side. Kubo opens one for each message, so that
/// there may be as many as blocks were asked for; a multiplexer allows no more anyway.
const INBOUND: usize = 512;
/// How often a message is begun anew on another stream.
const TRIES: u32 = 3;
/// Before a stream is asked for again of a peer that has refused one and says that it speaks Bitswap: four
/// times as long after each of the first refusals.
const AGAIN: Duration = Duration::from_secs(1);
/// Refusals that make the wait longer.
const LONGER: u32 = 3;

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
    /// Whether the peer says, or has shown, that it speaks Bitswap.
    speaks: bool,
    /// Whether it has refused a stream, so that nothing is said to it.
    refused: bool,
    /// How often it has, one time after the other.
    refusals: u32,
    /// When it gets another chance.
    again: Option<Pin<Box<Sleep>>>,
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
            speaks: false,
            refused: false,
            refusals: 0,
            again: None,
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
        self.spoken();
    }

    /// The peer speaks Bitswap after all.
    fn spoken(&mut self) {
        self.speaks = true;
        if self.again.is_none() {
            self.ask_again();
        }
    }

    /// A stream was refused. That may mean no more than that the other side was not ready, or had too many
    /// of them: it is not taken for a peer without Bitswap for ever.
    fn refuse(&mut self) {
        let Some(link) = &self.link else {
            return;
        };
        link.unsupported();
        self.refused = true;
        if self.speaks {
            let wait = AGAIN * 4_u32.pow(self.refusals.min(LONGER));
            self.again = Some(Box::pin(sleep(wait)));
        }
        self.refusals = self.refusals.saturating_add(1);
    }

    fn ask_again(&mut self) {
        self.again = None;
        if std::mem::take(&mut self.refused)
            && let Some(link) = &mut self.link
        {
            link.renew();
        }
    }

    fn poll_again(&mut self, cx: &mut Context<'_>) {
        if let Some(again) = &mut self.again
            && again.as_mut().poll(cx).is_ready()
        {
            self.ask_again();
        }
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
        (self.speaks, self.refusals) = (true, 0);
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
            StreamUpgradeError::NegotiationFailed => self.refuse(),
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
        self.poll_again(cx);
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
            ConnectionEvent::RemoteProtocolsChange(change) => match change {
                ProtocolsChange::Added(mut added) => {
                    if added.any(is_bitswap) {
                        self.spoken();
                    }
                }
                ProtocolsChange::Removed(mut removed) => {
                    // If it has kept another version, a stream will show it.
                    self.speaks &= !removed.any(is_bitswap);
                }
            },
            _ => {}
        }
    }
}

fn is_bitswap(name: &StreamProtocol) -> bool {
    let mut all = Version::ALL.iter();
    all.any(|version| version.name() == name.as_ref())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use basalt_bitswap::{Options, PeerTraits, Service};
    use basalt_blockstore::MemoryStore;
    use futures::future::poll_fn;
    use libp2p::PeerId;

    use super::*;

    fn refused(handler: &mut Handler) {
        handler.out = Out::Opening(Message::default());
        handler.not_opened(StreamUpgradeError::NegotiationFailed);
    }

    #[tokio::test]
    async fn a_peer_that_has_refused_a_stream_gets_another_chance() {
        let (_service, _handle, port) =
            Service::new(Arc::new(MemoryStore::default()), Options::default());
        let link = port.connected(PeerId::random(), PeerTraits::default());
        let mut handler = Handler::new(Some(link));
        refused(&mut handler);
        assert!(
            handler.refused && handler.again.is_none(),
            "nobody says that it speaks it"
        );
        handler.spoken();
        assert!(!handler.refused);
        // It says so, and has refused all the same: it had too many streams, say.
        for _ in 0..100 {
            refused(&mut handler);
            assert!(handler.refused && handler.again.is_some());
            handler.again = Some(Box::pin(sleep(Duration::ZERO)));
            poll_fn(|cx| {
                handler.poll_again(cx);
                match handler.again {
                    None => Poll::Ready(()),
                    Some(_) => Poll::Pending,
                }
            })
            .await;
            assert!(!handler.refused);
        }
    }
}
