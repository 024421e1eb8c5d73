//! Running a command in a daemon: the client of [`crate::Face`].

use std::io;
use std::os::unix::ffi::OsStrExt;

use basalt_commands::files::{FileEntry, Files, NodeKind};
use basalt_commands::parse::Request;
use basalt_commands::{Code, Entry, Error, Frame, Meta, Reply, Result, Value};
use bytes::{Buf, Bytes, BytesMut};
use futures::stream;
use tokio::sync::mpsc;

use crate::rows::Rows;
use basalt_http::multipart::{self, Encoder, EntryKind};
use basalt_http::{Client, Headers, Response, Target, Upload, authorization, query};

/// A daemon that commands are sent to.
#[derive(Debug, Clone)]
pub struct Daemon {
    client: Client,
    /// Whether it is older than the encoding of the places of files.
    old: bool,
}

/// The largest event that a daemon may send, in bytes.
const MAX_EVENT: usize = 256 << 20;
/// The largest error that is read.
const MAX_ERROR: usize = 1 << 20;
/// Frames that wait for their reader.
const WAITING: usize = 32;
/// Major and minor version of the first Kubo that reads the places of files in their encoded form.
const ENCODED_ABSPATH: (u64, u64) = (0, 23);

impl Daemon {
    /// The daemon at `target`; `secret` is what `API.Authorizations` asks for.
    pub fn new(target: Target, secret: Option<&str>) -> Self {
        let agent = format!("/kubo/{}/", basalt::KUBO_VERSION);
        let mut client = Client::new(target).proxied().header("User-Agent", &agent);
        if let Some(secret) = secret {
            client = client.header("Authorization", &authorization(secret));
        }
        Self { client, old: false }
    }

    /// Finds out whether somebody listens who may be of another version, and of which.
    ///
    /// # Errors
    /// [`basalt_http::Error::Connect`] when nobody listens there. What does not tell its version is
    /// taken for a daemon of ours.
    pub async fn greet(&mut self) -> Result<(), basalt_http::Error> {
        let path = "/api/v0/version?encoding=json&stream-channels=true";
        let headers = Headers::new();
        let asked = self.client.send("POST", path, &headers, Upload::Empty);
        let mut response = match asked.await {
            Ok(response) => response,
            Err(error @ basalt_http::Error::Connect { .. }) => return Err(error),
            Err(_) => return Ok(()),
        };
        if let Ok(body) = response.body.all(MAX_ERROR).await {
            self.old = version_of(&body).is_some_and(|version| version < ENCODED_ABSPATH);
        }
        Ok(())
    }

    /// Finds out whether somebody listens.
    pub async fn is_there(&self) -> Result<(), basalt_http::Error> {
        self.client.connect_only().await
    }

    /// What a command waits for that the daemon is at work on, as `diag cmds` says it.
    pub async fn waits(&self, path: &str, args: &[String]) -> Option<String> {
        let headers = Headers::new();
        let asked = self
            .client
            .send("POST", "/api/v0/diag/cmds", &headers, Upload::Empty);
        let mut answer = asked.await.ok()?;
        let mut json = BytesMut::new();
        while let Some(chunk) = answer.body.chunk().await.ok()? {
            json.extend_from_slice(&chunk);
            if json.len() > MAX_ERROR {
                return None;
            }
        }
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&json).ok()?;
        let args = serde_json::json!(args);
        let mut same = rows
            .iter()
            .rev()
            .filter(|row| row["Active"] == true && row["Command"] == path && row["Args"] == args);
        same.find_map(|row| Some(row["WaitingFor"].as_str()?.to_owned()))
    }

    /// Sends a command. The answer is read as the reply of a command that runs here.
    ///
    /// # Errors
    /// [`basalt_http::Error::Connect`] when nobody listens there.
    pub async fn call(&self, request: Request) -> Result<Reply, basalt_http::Error> {
        let Request { entry, meta, files } = request;
        let path = format!("/api/v0/{}?{}", entry.spec().path, query_of(&meta));
        let mut headers = Headers::new();
        let upload = match files {
            None => Upload::Empty,
            Some(files) => {
                let encoder = Encoder::new().raw_abspath(self.old);
                headers.set("Content-Type", encoder.content_type());
                headers.set("Content-Disposition", "form-data; name=\"files\"");
                Upload::Stream(Box::pin(encoded(files, encoder)))
            }
        };
        let response = self.client.send("POST", &path, &headers, upload).await?;
        let (tx, rx) = mpsc::channel(WAITING);
        let task = tokio::spawn(async move {
            let end = read(entry, response, &tx).await;
            // Nobody listens to the end of a command that was given up.
            let _ = tx.send(end.map(|()| None)).await;
        });
        Ok(Reply::remote(rx, task))
    }
}

/// Major and minor version in an answer to `version`.
fn version_of(body: &[u8]) -> Option<(u64, u64)> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Told {
        version: String,
    }
    let told: Told = serde_json::from_slice(body).ok()?;
    let mut numbers = told.version.splitn(3, '.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn query_of(meta: &Meta) -> String {
    let mut pairs: Vec<(&str, String)> = vec![
        ("encoding", "json".to_owned()),
        ("stream-channels", "true".to_owned()),
    ];
    pairs.extend(meta.args.iter().map(|arg| ("arg", arg.clone())));
    for (name, value) in meta.parsed.given() {
        match value {
            Value::Bool(b) => pairs.push((name, b.to_string())),
            Value::Int(i) => pairs.push((name, i.to_string())),
            Value::Uint(u) => pairs.push((name, u.to_string())),
            Value::String(s) => pairs.push((name, s.clone())),
            Value::Strings(all) => pairs.extend(all.iter().map(|s| (name, s.clone()))),
        }
    }
    let globals = &meta.globals;
    if globals.offline || globals.local {
        pairs.push(("offline", "true".to_owned()));
    }
    let text = [
        ("cid-base", &globals.cid_base),
        ("timeout", &globals.timeout),
        ("config-file", &globals.config_file),
    ];
    pairs.extend(
        text.into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?))),
    );
    if let Some(upgrade) = globals.upgrade_cidv0 {
        pairs.push(("upgrade-cidv0-in-output", upgrade.to_string()));
    }
    query::encode(pairs.iter().map(|(name, value)| (*name, value.as_str())))
}

/// The files as a multipart body.
fn encoded(
    files: Box<dyn Files>,
    encoder: Encoder,
) -> impl futures::Stream<Item = io::Result<Bytes>> + Send {
    struct State {
        files: Box<dyn Files>,
        encoder: Encoder,
        in_file: bool,
        done: bool,
    }
    let state = State {
        files,
        encoder,
        in_file: false,
        done: false,
    };
    stream::try_unfold(state, |mut state| async move {
        if state.done {
            return Ok(None);
        }
        let failed = |e: Error| io::Error::other(e.message);
        if state.in_file {
            match state.files.chunk().await.map_err(failed)? {
                Some(chunk) => return Ok(Some((chunk, state))),
                None => state.in_file = false,
            }
        }
        let piece = match state.files.next().await.map_err(failed)? {
            Some(entry) => {
                state.in_file = entry.kind == NodeKind::File;
                head_of(&mut state.encoder, &entry)
            }
            None => {
                state.done = true;
                state.encoder.end()
            }
        };
        Ok(Some((piece, state)))
    })
}

fn head_of(encoder: &mut Encoder, entry: &FileEntry) -> Bytes {
    let (kind, target) = match &entry.kind {
        NodeKind::File => (EntryKind::File, None),
        NodeKind::Directory => (EntryKind::Directory, None),
        NodeKind::Symlink(target) => (EntryKind::Symlink, Some(target)),
    };
    let head = encoder.part(&multipart::Entry {
        kind,
        path: &entry.path,
        abspath: entry
            .abspath
            .as_ref()
            .map(|path| path.as_os_str().as_bytes()),
        mode: entry.mode.map(|mode| mode.0),
        mtime: entry.mtime.map(|m| (m.secs, m.nanos)),
    });
    match target {
        None => head,
        Some(target) => [head, target.clone()].concat().into(),
    }
}

async fn read(
    entry: &'static dyn Entry,
    mut response: Response,
    tx: &mpsc::Sender<Result<Option<Frame>>>,
) -> Result<()> {
    if response.status >= 400 {
        return Err(error_of(&mut response).await);
    }
    let length = response
        .headers
        .get("X-Content-Length")
        .and_then(|text| text.parse().ok());
    if let Some(length) = length {
        send(tx, Frame::Length(length)).await?;
    }
    let media = response
        .headers
        .get("Content-Type")
        .unwrap_or_default()
        .into_owned();
    let is_json = media.split(';').next() == Some("application/json");
    let single = !response.headers.contains("X-Chunked-Output");
    let mut rows = entry.list_field().map(Rows::new);
    let mut buffer = BytesMut::new();
    while let Some(chunk) = response
        .body
        .chunk()
        .await
        .map_err(|e| Error::new(e.to_string()))?
    {
        if !is_json || response.headers.contains("X-Stream-Output") {
            send(tx, Frame::Bytes(chunk)).await?;
            continue;
        }
        if let Some(rows) = &mut rows {
            if let Some(part) = rows.feed(&chunk) {
                event(entry, &part, false, tx).await?;
            }
            if rows.held() > MAX_EVENT {
                return Err(too_long());
            }
            continue;
        }
        buffer.extend_from_slice(&chunk);
        while let Some(at) = memchr::memchr(b'\n', &buffer) {
            let line = buffer.split_to(at + 1);
            event(entry, &line[..at], single, tx).await?;
        }
        if buffer.len() > MAX_EVENT {
            return Err(too_long());
        }
    }
    if let Some(rows) = rows {
        buffer.extend_from_slice(&rows.finish());
    }
    if buffer.has_remaining() {
        event(entry, &buffer, single, tx).await?;
    }
    match response
        .body
        .trailers()
        .and_then(|t| t.get("X-Stream-Error"))
    {
        Some(message) => Err(Error::new(message.into_owned())),
        None => Ok(()),
    }
}

fn too_long() -> Error {
    Error::new(format!(
        "the daemon sent an event of over {MAX_EVENT} bytes"
    ))
}

async fn event(
    entry: &'static dyn Entry,
    json: &[u8],
    single: bool,
    tx: &mpsc::Sender<Result<Option<Frame>>>,
) -> Result<()> {
    if json.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let event = entry.decode(json)?;
    send(
        tx,
        if single {
            Frame::Single(event)
        } else {
            Frame::Event(event)
        },
    )
    .await
}

async fn send(tx: &mpsc::Sender<Result<Option<Frame>>>, frame: Frame) -> Result<()> {
    tx.send(Ok(Some(frame)))
        .await
        .map_err(|_| Error::new("canceled"))
}

/// The error that a response carries.
async fn error_of(response: &mut Response) -> Error {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Told {
        message: String,
        #[serde(default)]
        code: u8,
    }
    if response.status == 404 {
        return Error::client("Command not found.");
    }
    let body = match response.body.all(MAX_ERROR).await {
        Ok(body) => body,
        Err(error) => return Error::new(error.to_string()),
    };
    if let Ok(told) = serde_json::from_slice::<Told>(&body) {
        let code = if told.code == Code::Client as u8 {
            Code::Client
        } else {
            Code::Normal
        };
        return Error {
            code,
            ..Error::new(told.message)
        };
    }
    let text = String::from_utf8_lossy(&body).into_owned();
    let code = match response.status {
        400 => Code::Client,
        403 => Code::Forbidden,
        429 => Code::RateLimited,
        _ => Code::Normal,
    };
    Error {
        code,
        ..Error::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart() {
        let old = |text: &str| {
            let body = format!("{{\"Version\":\"{text}\",\"Commit\":\"\"}}");
            version_of(body.as_bytes()).map(|version| version < ENCODED_ABSPATH)
        };
        assert_eq!(old("0.22.0"), Some(true));
        assert_eq!(old("0.23.0-dev"), Some(false));
        assert_eq!(old("0.43.0"), Some(false));
        assert_eq!(old("1.0.0"), Some(false));
        assert_eq!(old("bogus"), None);
        assert_eq!(version_of(b"404 page not found"), None);
    }
}
