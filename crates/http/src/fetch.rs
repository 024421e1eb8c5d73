//! A GET of a URL, wherever that is.

use bytes::Bytes;
use url::Url;

use crate::{Client, Error, Headers, Response, Result, Target, Upload, authorization};

/// The most redirections that are followed.
const REDIRECTS: usize = 10;

/// Asks for what is behind a URL of `http` or `https`, and follows redirections. `headers` go along with
/// every request, but `Authorization`: as a user and a password in the URL, it is for its own server only.
///
/// # Errors
/// [`Error::Fetch`], which names the URL.
pub async fn fetch(url: &str, headers: &Headers) -> Result<Response> {
    let mut at = parse(GET, url)?;
    let mut shown = match at.password() {
        None => url.to_owned(),
        Some(_) => without_password(&at),
    };
    let mut headers = headers.clone();
    for _ in 0..=REDIRECTS {
        let failed = |reason: String| Error::Fetch {
            method: GET,
            url: shown.clone(),
            reason,
        };
        let sent = send(GET, &at, &headers, Upload::Empty).await;
        let response = sent.map_err(|e| failed(in_words(&e)))?;
        if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
            return Ok(response);
        }
        let Some(next) = response.headers.get("Location") else {
            return Ok(response);
        };
        let wrong = |e: url::ParseError| failed(format!("failed to parse Location: {e}"));
        let next = at.join(&next).map_err(wrong)?;
        if next.origin() != at.origin() {
            headers.remove("Authorization");
        }
        at = next;
        shown = without_password(&at);
    }
    Err(Error::Fetch {
        method: GET,
        url: shown,
        reason: format!("stopped after {REDIRECTS} redirects"),
    })
}

/// Sends a body to a URL of `http` or `https`; no redirection is followed.
///
/// # Errors
/// [`Error::Fetch`], which names the URL.
pub async fn post(url: &str, headers: &Headers, body: Bytes) -> Result<Response> {
    let at = parse(POST, url)?;
    let sent = send(POST, &at, headers, Upload::Whole(body)).await;
    sent.map_err(|e| Error::Fetch {
        method: POST,
        url: without_password(&at),
        reason: in_words(&e),
    })
}

const GET: &str = "Get";
const POST: &str = "Post";

fn parse(method: &'static str, url: &str) -> Result<Url> {
    Url::parse(url).map_err(|e| Error::Fetch {
        method,
        url: url.to_owned(),
        reason: e.to_string(),
    })
}

/// A failure of a request in the words of Go, which clients search for `connection refused`.
fn in_words(error: &Error) -> String {
    match error {
        Error::Connect { target, source } => {
            let words = match source.raw_os_error() {
                Some(code) => nix::errno::Errno::from_raw(code).desc().to_lowercase(),
                None => source.to_string(),
            };
            format!("dial tcp {target}: connect: {words}")
        }
        other => other.to_string(),
    }
}

fn without_password(url: &Url) -> String {
    let mut url = url.clone();
    if url.password().is_some() {
        // Fails for URLs that can have none.
        let _ = url.set_password(Some("***"));
    }
    url.into()
}

async fn send(method: &str, url: &Url, headers: &Headers, upload: Upload) -> Result<Response> {
    let target = target(url)?;
    let mut path = url.path().to_owned();
    if let Some(query) = url.query() {
        path.push('?');
        path.push_str(query);
    }
    let mut client = Client::new(target).proxied();
    if !headers.contains("User-Agent") {
        client = client.header("User-Agent", "basalt");
    }
    if !url.username().is_empty() {
        let (user, password) = (url.username(), url.password().unwrap_or_default());
        let secret = authorization(&format!("basic:{user}:{password}"));
        client = client.header("Authorization", &secret);
    }
    let method = method.to_ascii_uppercase();
    client.send(&method, &path, headers, upload).await
}

fn target(url: &Url) -> Result<Target> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let address = format!("{host}:{port}");
    match url.scheme() {
        "http" => Ok(Target::Tcp(address)),
        "https" => Ok(Target::Tls(address)),
        _ => Err(Error::Unsupported("protocol scheme")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Handler, Listener, Options, Request, Responder, serve};
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    struct Site;

    impl Handler for Site {
        async fn handle(&self, request: Request, out: Responder) {
            let own = |name, value| Headers::from_iter([(name, value)]);
            match request.path() {
                "/here" => {
                    let range = request.headers.get("Range").unwrap_or_default();
                    let said = format!("{} {range}", request.headers.contains("Authorization"));
                    out.full(200, &Headers::new(), said).unwrap();
                }
                "/moved" => out.full(302, &own("Location", "/here"), "").unwrap(),
                "/round" => out.full(307, &own("Location", "round"), "").unwrap(),
                "/away" => {
                    let headers = own("Location", "gopher://x/");
                    out.full(301, &headers, "").unwrap()
                }
                _ => out.full(404, &Headers::new(), "").unwrap(),
            }
        }
    }

    async fn site() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(serve(
            vec![Listener::Tcp(listener)],
            Site,
            Options::default(),
            CancellationToken::new(),
        ));
        address
    }

    #[tokio::test]
    async fn redirections_are_followed() {
        let site = site().await;
        let headers = Headers::from_iter([("Range", "bytes=0-1")]);
        let get = |path: &str| {
            let url = format!("http://u:p@{site}{path}");
            let headers = headers.clone();
            async move { fetch(&url, &headers).await }
        };
        for path in ["/here", "/here?a#b", "/moved"] {
            let mut answer = get(path).await.unwrap();
            let body = answer.body.all(100).await.unwrap();
            assert_eq!(body, "true bytes=0-1", "{path}");
        }
        assert_eq!(get("/none").await.unwrap().status, 404);
        let round = get("/round").await.unwrap_err().to_string();
        assert!(round.ends_with("stopped after 10 redirects"), "{round}");
        let away = get("/away").await.unwrap_err().to_string();
        assert_eq!(away, "Get \"gopher://x/\": unsupported protocol scheme");
    }

    #[tokio::test]
    async fn what_cannot_be_had_is_named() {
        for (url, text) in [
            ("nonsense", "Get \"nonsense\": relative URL without a base"),
            (
                "http://127.0.0.1:1/x",
                "Get \"http://127.0.0.1:1/x\": dial tcp 127.0.0.1:1: connect: connection refused",
            ),
            (
                "ftp://127.0.0.1/x",
                "Get \"ftp://127.0.0.1/x\": unsupported protocol scheme",
            ),
        ] {
            let error = fetch(url, &Headers::new()).await.unwrap_err();
            assert_eq!(error.to_string(), text);
        }
    }
}
