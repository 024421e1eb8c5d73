//! An answer before it is sent.

use basalt_http::Headers;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::error::Error;
use crate::metrics::Kind;
use crate::reading::Reading;
use crate::streaming::Streaming;

/// Pieces of a body.
pub(crate) type Pieces = BoxStream<'static, Result<Bytes, Error>>;

/// The body of an answer.
pub(crate) enum Body {
    /// All of it, with its length.
    Full(Bytes),
    /// A length that `HEAD` tells of a body that is not made.
    Length(u64),
    /// Nothing, and no length.
    None,
    /// Pieces that can be read again.
    Sized(Reading),
    /// Pieces without a known end.
    Stream(Streaming),
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The fields, those that every answer has aside.
    pub(crate) headers: Headers,
    pub(crate) body: Body,
    /// What it is, for those who count.
    pub(crate) kinds: &'static [Kind],
}

impl Answer {
    pub(crate) fn new(status: u16, headers: Headers, body: Body) -> Self {
        Self {
            status,
            headers,
            body,
            kinds: &[],
        }
    }

    /// The same, counted as these.
    pub(crate) fn counted(mut self, kinds: &'static [Kind]) -> Self {
        self.kinds = kinds;
        self
    }

    /// A status with fields and nothing else.
    pub(crate) fn bare(status: u16, headers: Headers) -> Self {
        Self::new(status, headers, Body::None)
    }

    /// A plain text, as Go's `http.Error` sends it.
    pub(crate) fn plain(status: u16, mut headers: Headers, text: &str) -> Self {
        let body = basalt_http::mux::plain_body(&mut headers, text);
        Self::new(status, headers, Body::Full(body))
    }

    /// A redirect.
    pub(crate) fn redirect(method: &str, status: u16, mut headers: Headers, to: &str) -> Self {
        let to = clean_location(to);
        let body = basalt_http::mux::redirect_body(method, status, &mut headers, &to);
        Self::new(status, headers, Body::Full(body))
    }
}

/// A location without a host of its own is written without dots and doubled slashes.
fn clean_location(to: &str) -> String {
    let local = to.starts_with('/') && !to.starts_with("//");
    if !local || crate::go_url::Url::parse(to).is_none() {
        return to.to_owned();
    }
    let (path, query) = match to.find('?') {
        Some(at) => to.split_at(at),
        None => (to, ""),
    };
    format!("{}{query}", basalt_http::mux::clean(path))
}

/// Why a request gets no content: a status, a text, and fields that were set before.
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) headers: Headers,
}

/// What a step on the way to content gives: an answer, early or not, or why there is none.
pub(crate) type Result<T, E = Box<Refusal>> = std::result::Result<T, E>;

impl Refusal {
    pub(crate) fn new(status: u16, text: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            status,
            text: text.into(),
            headers: Headers::new(),
        })
    }

    /// An error, with the status that it has by itself.
    pub(crate) fn of(error: &Error) -> Box<Self> {
        Self::new(error.status(), error.to_string())
    }

    /// An error on the way from a path to content.
    pub(crate) fn resolving(path: &[u8], error: &Error) -> Box<Self> {
        let path = crate::error::shown(path);
        Self::new(error.status(), format!("failed to resolve {path}: {error}"))
    }

    /// The same with fields.
    pub(crate) fn with(mut self: Box<Self>, headers: &Headers) -> Box<Self> {
        self.headers = headers.clone();
        self
    }
}
