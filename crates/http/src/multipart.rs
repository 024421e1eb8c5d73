//! `multipart/form-data` (RFC 7578, RFC 2046): read as it comes, and written as Kubo's Go client
//! does.

mod decoder;
mod encoder;
mod media_type;

use bytes::Bytes;

use crate::{Body, Headers};
use crate::{Error, Result};

pub use decoder::{Decoder, Event};
pub use encoder::{Encoder, Entry, EntryKind};
pub use media_type::MediaType;

/// The parts of a multipart body, one after the other, never in memory as a whole.
pub struct Multipart {
    body: Body,
    decoder: Decoder,
    in_part: bool,
}

/// What stands before the bytes of a part.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Part {
    /// All its fields.
    pub headers: Headers,
    /// The media type without parameters, in lower case; empty if none is given.
    pub content_type: String,
    /// The name of the form field, as it came; JavaScript appends mode and mtime to it as a query.
    pub name: Vec<u8>,
    /// The file name as it came, still escaped; `None` if none is given.
    pub filename: Option<Vec<u8>>,
}

impl Multipart {
    /// Reads `body`, whose `Content-Type` is given. [`Error::Unsupported`] if that is not
    /// `multipart/…`.
    pub fn new(content_type: &[u8], body: Body) -> Result<Self> {
        let media =
            MediaType::parse(content_type).ok_or(Error::Multipart("malformed Content-Type"))?;
        if !media.essence.starts_with("multipart/") {
            return Err(Error::Unsupported("media type: the body is not multipart"));
        }
        let boundary = media.param("boundary").ok_or(Error::NoBoundary)?;
        Ok(Self {
            decoder: Decoder::new(boundary)?,
            body,
            in_part: false,
        })
    }

    /// The next part; what is left of the present one is passed over. `None` after the last.
    pub async fn next_part(&mut self) -> Result<Option<Part>> {
        loop {
            match self.event().await? {
                Event::Part(headers) => {
                    self.in_part = true;
                    return Ok(Some(Part::new(headers)));
                }
                Event::End => return Ok(None),
                Event::Data(_) => {}
                Event::PartEnd => self.in_part = false,
            }
        }
    }

    /// The next bytes of the present part, never empty; `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        if !self.in_part {
            return Ok(None);
        }
        match self.event().await? {
            Event::Data(data) => Ok(Some(data)),
            _ => {
                self.in_part = false;
                Ok(None)
            }
        }
    }

    async fn event(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.decoder.next()? {
                return Ok(event);
            }
            match self.body.chunk().await? {
                Some(chunk) => self.decoder.feed(chunk),
                None => self.decoder.finish(),
            }
        }
    }
}

impl Part {
    fn new(headers: Headers) -> Self {
        let content_type = headers
            .get_bytes("Content-Type")
            .and_then(MediaType::parse)
            .map_or_else(String::new, |media| media.essence);
        let disposition = headers
            .get_bytes("Content-Disposition")
            .and_then(MediaType::parse);
        let param = |name| disposition.as_ref()?.param(name).map(<[u8]>::to_vec);
        let (name, filename) = (param("name").unwrap_or_default(), param("filename"));
        Self {
            content_type,
            name,
            filename,
            headers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_in_order() {
        let text = "--b\r\nContent-Disposition: form-data; name=\"file?mode=0644\"; filename=\"a%2Fb\"\r\n\
            Content-Type: Application/X-Directory; x=y\r\n\r\n\r\n--b\r\n\r\nskipped\r\n--b\r\n\
            content-disposition: form-data; name=x\r\n\r\nhello\r\n--b--\r\n";
        let mut parts =
            Multipart::new(b"multipart/form-data; boundary=b", Body::whole(text)).unwrap();
        let first = parts.next_part().await.unwrap().unwrap();
        assert_eq!(first.name, b"file?mode=0644");
        assert_eq!(first.filename.as_deref(), Some(&b"a%2Fb"[..]));
        assert_eq!(first.content_type, "application/x-directory");
        assert!(parts.chunk().await.unwrap().is_none());
        assert!(parts.chunk().await.unwrap().is_none());
        let second = parts.next_part().await.unwrap().unwrap();
        assert!(
            second.name.is_empty() && second.filename.is_none() && second.content_type.is_empty()
        );
        let third = parts.next_part().await.unwrap().unwrap();
        assert_eq!(third.name, b"x");
        assert_eq!(parts.chunk().await.unwrap().unwrap(), "hello");
        assert!(parts.chunk().await.unwrap().is_none());
        assert!(parts.next_part().await.unwrap().is_none());
        assert!(parts.next_part().await.unwrap().is_none());
    }

    #[test]
    fn content_types() {
        let new = |text: &str| Multipart::new(text.as_bytes(), Body::empty());
        assert!(new("multipart/form-data; boundary=\"a b\"").is_ok());
        assert!(new("multipart/mixed; Boundary=x").is_ok());
        assert!(new("multipart/form-data").is_err());
        assert!(new("multipart/form-data; boundary=").is_err());
        assert!(new("application/json; boundary=x").is_err());
    }
}
