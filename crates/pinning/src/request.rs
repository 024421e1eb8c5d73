//! One request and its answer.

use std::io;
use std::time::Duration;

use basalt_http::{Client, Headers, Upload};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::error::Status;
use crate::model::Failure;
use crate::{Endpoint, Error, Result};

/// How long an answer may take, from the first byte that is sent to the last that comes.
const TIME: Duration = Duration::from_secs(60);
/// The longest answer that is read.
const LONGEST: usize = 16 << 20;

/// What is asked.
pub(crate) struct Ask {
    /// `GET`, `POST` or `DELETE`.
    pub(crate) method: &'static str,
    /// What comes after the endpoint, with the query.
    pub(crate) path: String,
    /// JSON.
    pub(crate) body: Option<Vec<u8>>,
}

/// Asks, and reads the answer as JSON; one without a body is the default.
pub(crate) async fn ask<T: DeserializeOwned + Default>(
    http: &Client,
    endpoint: &Endpoint,
    ask: Ask,
) -> Result<T> {
    let mut headers = Headers::from_iter([("Accept", "application/json")]);
    let upload = match ask.body {
        Some(body) => {
            headers.append("Content-Type", "application/json");
            Upload::Whole(body.into())
        }
        None => Upload::Empty,
    };
    let path = format!("{}{}", endpoint.path(), ask.path);
    let no_answer = |reason: String| Error::NoAnswer {
        method: match ask.method {
            "GET" => "Get",
            "POST" => "Post",
            _ => "Delete",
        },
        url: format!("{endpoint}{}", ask.path),
        reason,
    };
    let answer = async {
        let sent = http.send(ask.method, &path, &headers, upload).await;
        let mut response = sent.map_err(|e| no_answer(connecting(&e)))?;
        let status = Status(response.status);
        let kind = response.headers.get("Content-Type").unwrap_or_default();
        let body = response.body.all(LONGEST).await;
        let body = body.map_err(|e| unreadable(status, e))?;
        Ok((status, kind.into_owned(), body))
    };
    let (status, kind, body) = match tokio::time::timeout(TIME, answer).await {
        Ok(answer) => answer?,
        Err(_) => return Err(no_answer(format!("no answer within {} s", TIME.as_secs()))),
    };
    match status.0 {
        0..300 => read(&kind, &body).map_err(|reason| unreadable(status, reason)),
        300..400 => Err(unreadable(status, status)),
        _ => {
            let failure: Failure =
                read(&kind, &body).map_err(|reason| unreadable(status, reason))?;
            Err(Error::Refused {
                reason: failure.error.reason,
                details: failure.error.details,
                status,
            })
        }
    }
}

fn read<T: DeserializeOwned + Default>(kind: &str, body: &Bytes) -> Result<T, String> {
    if body.is_empty() {
        return Ok(T::default());
    }
    if !is_json(kind) {
        return Err("undefined response type".to_owned());
    }
    serde_json::from_slice(body).map_err(|e| {
        if e.is_eof() {
            return "unexpected end of JSON input".to_owned();
        }
        let text = e.to_string();
        // Where in the answer it went wrong helps nobody.
        match text.split_once(" at line ") {
            Some((what, _)) => what.to_owned(),
            None => text,
        }
    })
}

/// `application/json`, `text/json`, and what is built on them, anywhere in a `Content-Type`.
fn is_json(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    ["application/", "text/"].iter().any(|tree| {
        kind.match_indices(tree).any(|(at, _)| {
            let name = &kind[at + tree.len()..];
            let name = name.split(';').next().unwrap_or_default();
            name.starts_with("json") || (name.starts_with("vnd.") && name.contains("+json"))
        })
    })
}

fn unreadable(status: Status, reason: impl ToString) -> Error {
    Error::Unreadable {
        status,
        reason: reason.to_string(),
    }
}

/// In the words of Go, which scripts know.
fn connecting(error: &basalt_http::Error) -> String {
    match error {
        basalt_http::Error::Connect { target, source } => {
            let words = match source.kind() {
                io::ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
                io::ErrorKind::TimedOut => "i/o timeout".to_owned(),
                _ => source.to_string(),
            };
            format!("dial tcp {target}: {words}")
        }
        basalt_http::Error::UnexpectedEof => "EOF".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_json() {
        for kind in [
            "application/json",
            "text/json; charset=utf-8",
            "Application/vnd.x+json",
        ] {
            assert!(is_json(kind), "{kind}");
        }
        for kind in [
            "",
            "text/html",
            "application/octet-stream",
            "application/vnd.x; a=+json",
        ] {
            assert!(!is_json(kind), "{kind}");
        }
    }
}
