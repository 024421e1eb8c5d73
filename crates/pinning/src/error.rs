use std::fmt;

/// Why a service did not do what it was asked. The texts are those of Kubo's client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No answer came.
    #[error("empty response from remote pinning service: {method} {url:?}: {reason}")]
    NoAnswer {
        /// `Get`, `Post` or `Delete`.
        method: &'static str,
        /// What was asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// The service refused, and said why.
    #[error("reason: {reason:?}, details: {details:?}: {status}")]
    Refused {
        /// Its reason.
        reason: String,
        /// Its details, which may be empty.
        details: String,
        /// The HTTP status.
        status: Status,
    },
    /// The answer cannot be read.
    #[error("remote pinning service returned http error {}: {reason}", status.0)]
    Unreadable {
        /// The HTTP status.
        status: Status,
        /// What is wrong with it.
        reason: String,
    },
    /// A list says that there are more pins and sends none.
    #[error("invalid pinning service response: PinResults.count={0} but no PinResults.results")]
    EmptyPage(i64),
    /// A list goes round in circles.
    #[error(
        "invalid pinning service response: PinResults.results before {0} are not older than that"
    )]
    Stuck(String),
}

/// An HTTP status: `404 Not Found`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16);

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, basalt_http::reason(self.0))
    }
}
