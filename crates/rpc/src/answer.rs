//! A command's frames as an HTTP answer. The shape of Kubo's errors lives here and nowhere else.

use basalt_commands::xml::element;
use basalt_commands::{Code, Encoder, Encoding, Error, Frame, Reply};
use bytes::Bytes;

use crate::Access;
use basalt_http::Result;
use basalt_http::{Headers, Responder};

const EXPOSED: &str = "X-Stream-Output, X-Chunked-Output, X-Content-Length";
const STREAM_ERROR: &str = "X-Stream-Error";
/// Encoded events are sent when they are this many bytes, or when no further one waits.
const PIECE: usize = 16 << 10;

pub(crate) struct Answer<'a> {
    pub(crate) responder: Responder,
    pub(crate) headers: Headers,
    pub(crate) access: &'a Access,
    pub(crate) encoding: Encoding,
}

/// Sends a whole answer without its length, as Go's server does when it is not a short one.
pub(crate) async fn chunked(
    mut responder: Responder,
    headers: &Headers,
    body: impl Into<Bytes>,
) -> Result<()> {
    responder.head(200, headers)?;
    responder.send(body).await?;
    responder.finish(None)
}

impl Answer<'_> {
    /// Sends everything that a command gives, or its error.
    pub(crate) async fn send(
        mut self,
        mut reply: Reply,
        mut encoder: Box<dyn Encoder>,
    ) -> Result<()> {
        let mut buffer = Vec::new();
        let mut media = None;
        let ended = loop {
            let frame = match reply.try_next() {
                Some(frame) => frame,
                None => {
                    self.flush(&mut buffer).await?;
                    reply.next().await
                }
            };
            let encoded = match frame {
                Ok(Some(Frame::ContentType(name))) => {
                    media = Some(name);
                    Ok(())
                }
                Ok(Some(Frame::Length(length))) => {
                    self.headers.set("X-Content-Length", length.to_string());
                    Ok(())
                }
                Ok(Some(Frame::Bytes(bytes))) => {
                    self.begin(Some("X-Stream-Output"), media)?;
                    self.flush(&mut buffer).await?;
                    self.responder.send(bytes).await?;
                    Ok(())
                }
                Ok(Some(Frame::Event(event))) => {
                    self.begin(Some("X-Chunked-Output"), media)?;
                    encoder.event(event, &mut buffer)
                }
                Ok(Some(Frame::Single(event))) => {
                    self.begin(None, media)?;
                    encoder.event(event, &mut buffer)
                }
                Ok(None) => break encoder.end(&mut buffer),
                Err(error) => break Err(error),
            };
            if let Err(error) = encoded {
                break Err(error);
            }
            if buffer.len() >= PIECE {
                self.flush(&mut buffer).await?;
            }
        };
        self.end(ended, buffer, media).await
    }

    async fn flush(&mut self, buffer: &mut Vec<u8>) -> Result<()> {
        if buffer.is_empty() {
            return Ok(());
        }
        self.responder
            .send(Bytes::from(std::mem::take(buffer)))
            .await
    }

    async fn end(
        mut self,
        ended: Result<(), Error>,
        mut buffer: Vec<u8>,
        media: Option<&'static str>,
    ) -> Result<()> {
        match ended {
            Err(error) if !self.responder.has_begun() => self.failed(&error).await,
            ended => {
                self.begin(Some("X-Chunked-Output"), media)?;
                self.flush(&mut buffer).await?;
                let trailers = ended.err().map(|error| {
                    let mut trailers = Headers::new();
                    trailers.set(STREAM_ERROR, error.message);
                    trailers
                });
                self.responder.finish(trailers.as_ref())
            }
        }
    }

    /// Sends the head of a good answer, once.
    fn begin(&mut self, kind: Option<&str>, media: Option<&'static str>) -> Result<()> {
        if self.responder.has_begun() {
            return Ok(());
        }
        self.common();
        if let Some(kind) = kind {
            self.headers.set(kind, "1");
        }
        let streamed = kind == Some("X-Stream-Output");
        let own = match self.encoding {
            Encoding::Xml => "application/xml",
            Encoding::Text => "text/plain",
            Encoding::Json if streamed => "text/plain",
            Encoding::Json => "application/json",
        };
        self.headers.set("Content-Type", media.unwrap_or(own));
        self.responder.head(200, &self.headers)
    }

    fn common(&mut self) {
        self.access.extra(&mut self.headers);
        self.headers.set("Access-Control-Allow-Headers", EXPOSED);
        self.headers.set("Access-Control-Expose-Headers", EXPOSED);
        self.headers.set("Trailer", STREAM_ERROR);
    }

    /// Sends the error of a command that has sent nothing yet.
    async fn failed(mut self, error: &Error) -> Result<()> {
        self.common();
        let status = if error.code == Code::Client { 400 } else { 500 };
        let body = match self.encoding {
            Encoding::Json => {
                self.headers.set("Content-Type", "application/json");
                error_json(error)
            }
            Encoding::Xml => {
                self.headers.set("Content-Type", "application/xml");
                error_xml(error)
            }
            Encoding::Text => {
                self.headers.set("Content-Type", "text/plain");
                Bytes::from(error.message.clone())
            }
        };
        self.responder.head(status, &self.headers)?;
        self.responder.send(body).await?;
        self.responder.finish(None)
    }
}

/// An error as Kubo's clients read it.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorBody<'a> {
    message: &'a str,
    code: u8,
    r#type: &'a str,
}

fn error_xml(error: &Error) -> Bytes {
    let json = serde_json::json!({ "Message": error.message, "Code": error.code as u8 });
    let mut xml = Vec::new();
    // Text and a number can be written.
    let _ = element("Error", json.to_string().as_bytes(), &mut xml);
    xml.into()
}

fn error_json(error: &Error) -> Bytes {
    let body = ErrorBody {
        message: &error.message,
        code: error.code as u8,
        r#type: "error",
    };
    // A struct of strings always serialises.
    let mut json = basalt::repo::go_json::to_vec(&body).unwrap_or_default();
    json.push(b'\n');
    json.into()
}
