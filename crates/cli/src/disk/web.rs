//! What a URL on the command line leads to.

use std::ffi::OsStr;
use std::path::PathBuf;

use basalt_commands::{Error, Result};
use basalt_http::{Headers, Response, fetch};
use bytes::Bytes;
use url::Url;

use super::Named;

/// A file that is fetched when it is first read.
pub(super) struct WebFile {
    url: String,
    answer: Option<Response>,
}

impl WebFile {
    pub(super) fn new(url: String) -> Self {
        Self { url, answer: None }
    }

    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let answer = match &mut self.answer {
            Some(answer) => answer,
            None => {
                let answer = fetch(&self.url, &Headers::new()).await;
                let answer = answer.map_err(|e| Error::new(e.to_string()))?;
                let status = answer.status;
                if !(200..300).contains(&status) {
                    let url = &self.url;
                    return Err(Error::new(format!(
                        "got non-2XX status code {status}: {url}"
                    )));
                }
                self.answer.insert(answer)
            }
        };
        answer
            .body
            .chunk()
            .await
            .map_err(|e| Error::new(e.to_string()))
    }
}

/// The file that a word names which is a URL of `http` or `https`. Its name is the last part of the
/// path, or the host.
pub(crate) fn named_url(word: &OsStr) -> Option<Named> {
    let text = word.to_str()?;
    let url = Url::parse(text).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    // The parser also takes what has too few slashes, or too many.
    let (_, rest) = text.split_once("://")?;
    if rest.is_empty() || rest.starts_with('/') {
        return None;
    }
    let host = url.host_str().filter(|host| !host.is_empty())?;
    // The parser gives an empty path a slash.
    let after_host = text.splitn(4, '/').nth(3);
    let name = match url
        .path_segments()
        .and_then(|mut s| s.rfind(|s| !s.is_empty()))
    {
        Some(last) => percent_decoded(last),
        None if after_host.is_some() => Bytes::from_static(b"/"),
        None => match url.port() {
            Some(port) => format!("{host}:{port}").into(),
            None => host.to_owned().into(),
        },
    };
    Some(Named {
        path: PathBuf::new(),
        url: Some(text.to_owned()),
        name,
    })
}

fn percent_decoded(text: &str) -> Bytes {
    let digit = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
    let mut bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    while let Some((first, rest)) = bytes.split_first() {
        match (first, digit(rest.first()), digit(rest.get(1))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                bytes = &rest[2..];
            }
            _ => {
                out.push(*first);
                bytes = rest;
            }
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_urls() {
        let name = |url: &str| {
            let named = named_url(OsStr::new(url))?;
            assert_eq!(named.url.as_deref(), Some(url));
            Some(String::from_utf8_lossy(&named.name).into_owned())
        };
        for (url, want) in [
            ("http://x/a/b.txt?c=d#e", "b.txt"),
            ("https://x/a/b/", "b"),
            ("http://x/a%20b", "a b"),
            ("HTTP://x:8080", "x:8080"),
            ("http://x", "x"),
            ("http://x/", "/"),
        ] {
            assert_eq!(name(url).as_deref(), Some(want), "{url}");
        }
        for word in [
            "http:/x",
            "http://",
            "http:///x",
            "ftp://x/y",
            "a/b",
            "http",
            "c:x",
        ] {
            assert_eq!(name(word), None, "{word}");
        }
    }
}
