//! Calls of a router's functions.

use std::time::Duration;

use basalt_http::{Client, Headers, Target, Upload};
use tokio::time::timeout;
use url::Url;

use crate::{Error, xml};

/// How long an answer may take.
const TIME: Duration = Duration::from_secs(5);
/// Bytes of an answer.
pub(crate) const LONGEST: usize = 64 << 10;

/// Where a URL's server listens.
fn target(url: &Url) -> Target {
    let port = url.port_or_known_default().unwrap_or(80);
    Target::Tcp(format!("{}:{port}", url.host_str().unwrap_or_default()))
}

/// The document at a URL.
pub(crate) async fn get(url: &Url) -> Result<String, Error> {
    let client = Client::new(target(url));
    let headers = Headers::new();
    let get = async {
        let mut answer = client
            .send("GET", url.path(), &headers, Upload::Empty)
            .await?;
        if answer.status != 200 {
            return Err(Error::Malformed("no description"));
        }
        Ok(answer.body.all(LONGEST).await?)
    };
    let body = timeout(TIME, get).await.map_err(|_| Error::Silent)??;
    String::from_utf8(body.into()).map_err(|_| Error::Malformed("text"))
}

/// Calls a function of a service; gives the document that it answers.
pub(crate) async fn call(
    url: &Url,
    service: &str,
    function: &str,
    arguments: &[(&str, String)],
) -> Result<String, Error> {
    let mut inner = String::new();
    for (name, value) in arguments {
        inner.push_str(&format!("<{name}>{}</{name}>", xml::escape(value)));
    }
    let service_text = xml::escape(service);
    let body = format!(
        "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><u:{function} xmlns:u=\"{service_text}\">{inner}</u:{function}></s:Body></s:Envelope>"
    );
    let action = format!("\"{service}#{function}\"");
    let headers = Headers::from_iter([
        ("Content-Type", "text/xml; charset=\"utf-8\""),
        ("SOAPAction", action.as_str()),
    ]);
    let client = Client::new(target(url));
    let call = async {
        let upload = Upload::Whole(body.into());
        let mut answer = client.send("POST", url.path(), &headers, upload).await?;
        let body = answer.body.all(LONGEST).await?;
        Ok::<_, Error>((answer.status, body))
    };
    let (status, body) = timeout(TIME, call).await.map_err(|_| Error::Silent)??;
    let text = String::from_utf8(body.into()).map_err(|_| Error::Malformed("text"))?;
    match status {
        200 => Ok(text),
        _ => Err(read_fault(&text)),
    }
}

/// The value of an answer.
pub fn read_value(answer: &str, name: &str) -> Option<String> {
    xml::texts(answer, name).next()
}

/// What is wrong, as an answer says.
pub fn read_fault(answer: &str) -> Error {
    let code = read_value(answer, "errorCode").and_then(|code| code.parse().ok());
    let Some(code) = code else {
        return Error::Malformed("a fault without a code");
    };
    let mut reason = read_value(answer, "errorDescription").unwrap_or_default();
    reason.retain(|c| !c.is_control());
    let reason = reason.chars().take(100).collect();
    Error::Refused { code, reason }
}
