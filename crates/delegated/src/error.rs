/// Why a server of routing is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is no URL of a server.
    #[error("{0:?} is not the URL of a delegated router")]
    Endpoint(String),
    /// The server cannot be asked.
    #[error("{server}: {source}")]
    Http {
        /// Which.
        server: String,
        /// Why.
        source: basalt_http::Error,
    },
    /// The server does not answer in time.
    #[error("{0}: no answer in time")]
    Timeout(String),
    /// The server refuses.
    #[error("{server}: HTTP {status}")]
    Status {
        /// Which.
        server: String,
        /// What it says.
        status: u16,
    },
    /// What the server answers is not what it should be.
    #[error("unreadable answer: {0}")]
    Answer(#[from] serde_json::Error),
    /// What should be a JSON object is something else.
    #[error("not a JSON object")]
    NoObject,
    /// Something could not be signed.
    #[error("cannot sign: {0}")]
    Signing(String),
}
