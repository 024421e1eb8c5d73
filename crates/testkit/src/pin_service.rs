//! A pinning service: the API on loopback, its pins in memory, and all answers foreseeable.
//!
//! What a pin's name contains decides what becomes of it: `queued`, `pinning` and `failed` for ever,
//! `later` after two questions; anything else is pinned at once. What the endpoint's path begins with
//! makes a service that is not one: see `misbehave`.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use basalt_http::{Handler, Headers, Listener, Options, Request, Responder, query, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The key that the service wants.
pub const SERVICE_KEY: &str = "secret";

/// A running service; it ends when this is dropped.
pub struct PinService {
    address: SocketAddr,
    pins: Arc<Mutex<Pins>>,
    _stop: DropGuard,
}

impl PinService {
    /// Begins to listen on a port of its own.
    ///
    /// # Errors
    /// There is none.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let pins = Arc::new(Mutex::new(Pins::default()));
        let (stop, service) = (CancellationToken::new(), Service(pins.clone()));
        let listeners = vec![Listener::Tcp(listener)];
        tokio::spawn(serve(listeners, service, Options::default(), stop.clone()));
        Ok(Self {
            address,
            pins,
            _stop: stop.drop_guard(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// CIDs and names of the pins that there are, the oldest first.
    pub fn pins(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pins = lock(&self.pins);
        let pins = pins
            .all
            .iter()
            .map(|pin| (text(&pin.pin["cid"]), text(&pin.pin["name"])));
        pins.collect()
    }
}

#[derive(Default)]
struct Pins {
    all: Vec<Kept>,
    made: u64,
}

struct Kept {
    id: String,
    created: String,
    pin: Value,
    asked: u32,
}

fn lock(pins: &Mutex<Pins>) -> MutexGuard<'_, Pins> {
    pins.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    fn status(&self) -> &'static str {
        let name = self.pin["name"].as_str().unwrap_or_default();
        let stays = ["queued", "pinning", "failed"];
        match stays.into_iter().find(|status| name.contains(status)) {
            Some(status) => status,
            None if name.contains("later") && self.asked < 2 => "pinning",
            None => "pinned",
        }
    }

    fn json(&self) -> Value {
        json!({
            "requestid": self.id,
            "status": self.status(),
            "created": self.created,
            "pin": self.pin,
            "delegates": ["/ip4/127.0.0.1/tcp/1/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"],
        })
    }
}

impl Pins {
    fn add(&mut self, pin: Value) -> Value {
        let number = self.made;
        self.made += 1;
        let (hour, minute, second) = (number / 3600, number / 60 % 60, number % 60);
        let kept = Kept {
            id: format!("request {number}/a"),
            created: format!("2026-01-01T{hour:02}:{minute:02}:{second:02}.5Z"),
            pin,
            asked: 0,
        };
        let json = kept.json();
        self.all.push(kept);
        json
    }

    fn list(&self, asked: &str) -> Value {
        let asked = query::parse(asked);
        let get = |name: &str| {
            asked
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, v)| v.as_str())
        };
        let any = |value: &str, wanted: Option<&str>| {
            wanted.is_none_or(|wanted| wanted.split(',').any(|one| one == value))
        };
        let statuses = get("status").or(Some("pinned"));
        let mut found: Vec<Value> = self
            .all
            .iter()
            .rev()
            .filter(|kept| {
                any(kept.status(), statuses)
                    && any(kept.pin["cid"].as_str().unwrap_or_default(), get("cid"))
                    && get("name").is_none_or(|name| kept.pin["name"] == name)
                    && get("before").is_none_or(|before| *kept.created < *before)
            })
            .map(Kept::json)
            .collect();
        let count = found.len();
        let limit = get("limit")
            .and_then(|limit| limit.parse().ok())
            .unwrap_or(10);
        found.truncate(limit);
        json!({"count": count, "results": found})
    }
}

struct Service(Arc<Mutex<Pins>>);

impl Handler for Service {
    async fn handle(&self, mut request: Request, out: Responder) {
        let body = request.body.all(1 << 20).await.unwrap_or_default();
        let key = request.headers.get("Authorization").unwrap_or_default();
        let path = request.path().to_owned();
        let (status, kind, text) = match misbehave(&path) {
            Some(answer) => answer,
            None if key != format!("Bearer {SERVICE_KEY}") => {
                let why =
                    json!({"error": {"reason": "INVALID_TOKEN", "details": "who are \"you\"?"}});
                (401, JSON, why.to_string())
            }
            None => {
                let (status, answer) = self.answer(&request, &path, &body);
                (
                    status,
                    JSON,
                    answer.map(|a| a.to_string()).unwrap_or_default(),
                )
            }
        };
        let headers = Headers::from_iter([("Content-Type", kind)]);
        // The client may have gone.
        let _ = out.full(status, &headers, text);
    }
}

const JSON: &str = "application/json; charset=utf-8";

impl Service {
    fn answer(&self, request: &Request, path: &str, body: &[u8]) -> (u16, Option<Value>) {
        let mut pins = lock(&self.0);
        let id = path.split_once("/pins/").map(|(_, id)| id);
        let id = id.and_then(|id| query::unescape_path(id.as_bytes()));
        let at = id
            .as_ref()
            .and_then(|id| pins.all.iter().position(|pin| pin.id.as_bytes() == id));
        let draft = || serde_json::from_slice::<Value>(body).unwrap_or_default();
        match (request.method.as_str(), id.is_some(), at) {
            ("GET", false, _) => (200, Some(pins.list(request.query()))),
            ("POST", false, _) => (202, Some(pins.add(draft()))),
            ("GET", true, Some(at)) => {
                pins.all[at].asked += 1;
                (200, Some(pins.all[at].json()))
            }
            ("POST", true, Some(at)) => {
                pins.all.remove(at);
                (202, Some(pins.add(draft())))
            }
            ("DELETE", true, Some(at)) => {
                pins.all.remove(at);
                (202, None)
            }
            _ => {
                let why = json!({"error": {"reason": "NOT_FOUND"}});
                (404, Some(why))
            }
        }
    }
}

/// What a service says that is none, by the beginning of its path.
fn misbehave(path: &str) -> Option<(u16, &'static str, String)> {
    let text = |text: &str| text.to_owned();
    Some(match path.split('/').nth(1)? {
        "html" => (404, "text/html", text("<h1>Not Found</h1>")),
        "empty" => (500, JSON, String::new()),
        "nothing" => (200, JSON, String::new()),
        "strange" => (200, JSON, text(r#"{"count":1,"results":[{"status":"done"}]}"#)),
        "moved" => (301, "text/plain", text("elsewhere")),
        "short" => (200, JSON, text(r#"{"count":7,"results":[]}"#)),
        "broken" => (200, JSON, text(r#"{"count":1,"#)),
        "plain" => (200, "text/plain", text("{}")),
        "circle" => (
            200,
            JSON,
            json!({"count": 9, "results": [{"requestid": "1", "status": "pinned", "created": "2026-01-01T00:00:00Z", "pin": {"cid": "bafkqaaa"}}]}).to_string(),
        ),
        _ => return None,
    })
}
