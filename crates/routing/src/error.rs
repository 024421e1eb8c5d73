use libp2p_identity::PeerId;

/// Why something is not found or not kept. The texts are Kubo's where Kubo has one.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The table has nobody to ask.
    #[error("failed to find any peer in table")]
    NobodyToAsk,
    /// Nobody who was asked knows.
    #[error("routing: not found")]
    NotFound,
    /// The node takes part in nothing that could do it.
    #[error("routing: operation or key not supported")]
    NotSupported,
    /// The node has no address that others could use.
    #[error("no known addresses for self, cannot put provider")]
    NoAddresses,
    /// A message or a record cannot be read.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// A message is larger than messages may be.
    #[error("message of {0} bytes is too large")]
    TooLarge(usize),
    /// A question that a server does not answer.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// Nobody knows what values of the key look like.
    #[error("invalid record keytype")]
    UnknownNamespace,
    /// A value is not a valid one of its key.
    #[error("{0}")]
    Invalid(String),
    /// A better value is there.
    #[error("can't replace a newer value with an older value")]
    Older,
    /// A peer cannot be reached, or does not answer.
    #[error("{reason}")]
    Peer {
        /// The peer.
        peer: PeerId,
        /// Why.
        reason: String,
    },
    /// A peer has not answered in time.
    #[error("context deadline exceeded")]
    Timeout,
    /// A server that was asked, not a peer, is of no use.
    #[error("{0}")]
    Remote(String),
    /// Records cannot be read or written.
    #[error("the store of routing failed: {0}")]
    Store(String),
    /// Several at once.
    #[error("{0}\n{1}")]
    Both(Box<Error>, Box<Error>),
}
