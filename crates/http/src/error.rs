use std::io;

/// What goes wrong between two HTTP peers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer sent bytes that are not HTTP; the connection cannot be used any further.
    #[error("malformed HTTP message: {0}")]
    Malformed(&'static str),
    /// Something that is bounded was larger than its bound.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// The bound in bytes.
        limit: usize,
    },
    /// The message uses a part of HTTP that is not spoken here.
    #[error("unsupported {0}")]
    Unsupported(&'static str),
    /// A multipart body that is not one.
    #[error("multipart: {0}")]
    Multipart(&'static str),
    /// A multipart body whose `Content-Type` does not say what stands between its parts.
    #[error("no multipart boundary param in Content-Type")]
    NoBoundary,
    /// The peer closed the connection in the middle of a message.
    #[error("unexpected EOF")]
    UnexpectedEof,
    /// The request is over, or its client has gone; nothing can be read or sent any more.
    #[error("the connection is closed")]
    Closed,
    /// A response carried more or fewer bytes than its `Content-Length`.
    #[error("the body does not have the announced length")]
    WrongLength,
    /// A response was begun twice, or continued before it began.
    #[error("the response is in another state: {0}")]
    State(&'static str),
    /// No connection could be made.
    #[error("cannot connect to {target}: {source}")]
    Connect {
        /// The address or socket path.
        target: String,
        /// What the system said.
        source: io::Error,
    },
    /// What is behind a URL cannot be had.
    #[error("{method} \"{url}\": {reason}")]
    Fetch {
        /// The method, as Go writes it there.
        method: &'static str,
        /// The URL, without its password.
        url: String,
        /// Why.
        reason: String,
    },
    /// The body to send could not be read.
    #[error("{0}")]
    Upload(#[source] io::Error),
    /// The connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(e) | Error::Upload(e) => e,
            Error::UnexpectedEof => io::Error::new(io::ErrorKind::UnexpectedEof, error),
            Error::Closed => io::Error::new(io::ErrorKind::ConnectionAborted, error),
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        }
    }
}
