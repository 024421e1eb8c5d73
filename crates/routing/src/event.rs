//! What a lookup does, for those who watch it.

use libp2p_identity::PeerId;
use tokio::sync::mpsc;

use crate::PeerInfo;

/// What has happened; the numbers are those of Kubo's RPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum EventKind {
    /// A peer is asked.
    SendingQuery = 0,
    /// A peer has told of others.
    PeerResponse = 1,
    /// A peer is among the nearest in the end.
    FinalPeer = 2,
    /// Something failed.
    QueryError = 3,
    /// A provider was found.
    Provider = 4,
    /// A value was found, or is sent to a peer.
    Value = 5,
    /// A peer is dialled.
    DialingPeer = 7,
}

/// One thing that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// With which peer.
    pub peer: Option<PeerId>,
    /// The peers that were told.
    pub responses: Vec<PeerInfo>,
    /// What else there is to say.
    pub extra: String,
}

impl Event {
    /// Something that happened with a peer.
    pub fn of(kind: EventKind, peer: PeerId) -> Self {
        Self {
            kind,
            peer: Some(peer),
            responses: Vec::new(),
            extra: String::new(),
        }
    }

    /// Peers that were found.
    pub fn found(kind: EventKind, responses: Vec<PeerInfo>) -> Self {
        Self {
            kind,
            peer: None,
            responses,
            extra: String::new(),
        }
    }

    /// Something that failed.
    pub fn error(peer: Option<PeerId>, error: impl ToString) -> Self {
        Self {
            kind: EventKind::QueryError,
            peer,
            responses: Vec::new(),
            extra: error.to_string(),
        }
    }
}

/// Where events go; by default nowhere. Whoever watches must read: a lookup waits for its watcher.
#[derive(Debug, Clone, Default)]
pub struct Events(Option<mpsc::Sender<Event>>);

impl Events {
    /// Events and their reader.
    pub fn watched() -> (Self, mpsc::Receiver<Event>) {
        let (sender, reader) = mpsc::channel(64);
        (Self(Some(sender)), reader)
    }

    /// Whether somebody watches.
    pub fn is_watched(&self) -> bool {
        self.0.is_some()
    }

    /// Events that go on to these, apart from errors; the future gives the last error once the events
    /// were dropped.
    pub(crate) fn without_errors(&self) -> (Self, impl Future<Output = Option<Event>> + use<>) {
        let outer = self.clone();
        let (inner, mut seen) = match self.is_watched() {
            true => {
                let (inner, seen) = Self::watched();
                (inner, Some(seen))
            }
            false => (Self::default(), None),
        };
        let pass_on = async move {
            let mut failed = None;
            while let Some(event) = seen.as_mut()?.recv().await {
                match event.kind {
                    EventKind::QueryError => failed = Some(event),
                    _ => outer.tell(|| event).await,
                }
            }
            failed
        };
        (inner, pass_on)
    }

    /// Tells an event.
    pub async fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(sender) = &self.0 {
            // Who watched may have gone.
            let _ = sender.send(event()).await;
        }
    }
}
