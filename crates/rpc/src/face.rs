//! `/api/v0`: from a request to a command and back.

use std::collections::BTreeMap;

use basalt_commands::parse::{self, Refused};
use basalt_commands::{Context, Encoding, Spec, Value};

use crate::answer::Answer;
use crate::upload::Upload;
use crate::{Access, Pages};
use basalt_http::Result;
use basalt_http::mux;
use basalt_http::mux::plain;
use basalt_http::{Handler, Headers, Request, Responder, query};

/// Where the commands are.
const API: &str = "/api/v0/";

/// Answers the requests of one listener.
pub struct Face {
    ctx: Context,
    access: Access,
    pages: Pages,
}

impl Face {
    /// Serves the commands of `ctx` under the rules of `access`, and `pages` beside them.
    pub fn new(ctx: Context, access: Access, pages: Pages) -> Self {
        Self { ctx, access, pages }
    }

    async fn answer(&self, request: Request, responder: Responder) -> Result<()> {
        let _running = self.pages.begin(&request, &responder);
        match (request.method.as_str(), request.path()) {
            // Go's server answers these before anybody else is asked.
            ("CONNECT", _) | ("OPTIONS", "*") => return responder.full(200, &Headers::new(), ""),
            (_, "*") => return responder.full(400, &Headers::new(), ""),
            _ => {}
        }
        let clean = mux::clean(request.path());
        if clean != request.path() {
            let to = mux::with_query(&clean, request.query());
            return mux::redirect(responder, &request.method, 307, Headers::new(), &to);
        }
        let path = query::unescape_path(clean.as_bytes())
            .map(|path| String::from_utf8_lossy(&path).into_owned())
            .unwrap_or_default();
        if let Some(why) = wrong_version(&request, &path) {
            return plain(responder, 400, Headers::new(), &why);
        }
        // A slash that is escaped does not part: only a command sees it.
        let path = match path.strip_prefix(API) {
            None if clean.to_ascii_lowercase().contains("%2f") => clean,
            _ => path,
        };
        match path.strip_prefix(API) {
            Some(name) => self.command(name, &path, request, responder).await,
            None => {
                self.pages
                    .answer(&self.ctx, &path, request, responder)
                    .await
            }
        }
    }

    async fn command(
        &self,
        name: &str,
        path: &str,
        request: Request,
        responder: Responder,
    ) -> Result<()> {
        if let Some(why) = self.access.secret_refusal(&request, path) {
            return plain(responder, 403, Headers::new(), why);
        }
        if request.method == "OPTIONS"
            && let Some(headers) = self.access.preflight(&request.headers)
        {
            return responder.full(204, &headers, "");
        }
        let mut headers = Headers::new();
        self.access
            .cors(&request.method, &request.headers, &mut headers);
        if request.method != "POST" {
            headers.set("Allow", "OPTIONS, POST");
            if request.method == "OPTIONS" {
                return responder.full(204, &headers, "");
            }
            return plain(responder, 405, headers, "405 - Method Not Allowed");
        }
        if self.access.is_forbidden(&request.headers) {
            return plain(responder, 403, headers, "403 - Forbidden");
        }
        self.run(name, request, headers, responder).await
    }

    async fn run(
        &self,
        name: &str,
        request: Request,
        mut headers: Headers,
        responder: Responder,
    ) -> Result<()> {
        let pairs = query::parse(request.query());
        let files = match Upload::of(&request.headers, request.body) {
            Ok(files) => files,
            Err(why) => return plain(responder, 400, headers, &why),
        };
        let parsed = match parse::rpc(name, &pairs, files) {
            Ok(parsed) => parsed,
            Err(Refused::NotFound) => return plain(responder, 404, headers, "404 page not found"),
            Err(Refused::Bad(why)) => return plain(responder, 400, headers, &why),
        };
        let spec = parsed.entry.spec();
        let encoding = match parsed.meta.globals.encoding.as_deref() {
            None | Some("json") => Encoding::Json,
            Some("text") => Encoding::Text,
            Some("xml") => Encoding::Xml,
            Some(other) => {
                self.access.extra(&mut headers);
                let why = format!("invalid encoding: {other}");
                return plain(responder, 400, headers, &why);
            }
        };
        let (entry, meta) = (parsed.entry, parsed.meta.clone());
        let _noted = Noted::new(&self.ctx, &spec, &meta);
        let encoder = entry.encoder(&meta, encoding);
        let reply = entry.call(self.ctx.clone(), parsed);
        Answer {
            responder,
            headers,
            access: &self.access,
            encoding,
        }
        .send(reply, encoder)
        .await
    }
}

impl Handler for Face {
    async fn handle(&self, request: Request, responder: Responder) {
        // The client has gone, or sent what is not HTTP: there is nobody to tell.
        if let Err(error) = self.answer(request, responder).await {
            tracing::debug!(target: "basalt::rpc", %error, "an answer was not sent whole");
        }
    }
}

/// A request in the log that `diag cmds` shows.
struct Noted {
    ctx: Context,
    id: u64,
}

impl Noted {
    fn new(ctx: &Context, spec: &Spec, meta: &basalt_commands::Meta) -> Self {
        let json = |value: &Value| match value {
            Value::Bool(b) => (*b).into(),
            Value::Int(i) => (*i).into(),
            Value::Uint(u) => (*u).into(),
            Value::String(s) => s.clone().into(),
            Value::Strings(s) => s.clone().into(),
        };
        // What was given, what has a default, and the encoding.
        let own = spec
            .options
            .iter()
            .filter_map(|opt| Some((opt, meta.parsed.get(opt)?)));
        let mut noted: BTreeMap<&str, serde_json::Value> =
            own.map(|(opt, value)| (opt.name(), json(&value))).collect();
        let globals = &meta.globals;
        for (name, set) in [
            ("offline", globals.offline),
            ("stream-channels", globals.stream_channels),
        ] {
            if set {
                noted.insert(name, true.into());
            }
        }
        for (name, text) in [
            ("cid-base", &globals.cid_base),
            ("encoding", &globals.encoding),
            ("timeout", &globals.timeout),
        ] {
            if let Some(text) = text {
                noted.insert(name, text.clone().into());
            }
        }
        let noted: serde_json::Map<_, _> = noted
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let id = ctx.request_began(
            spec.path.to_owned(),
            meta.args.clone(),
            noted.into(),
            meta.waits.clone(),
        );
        Self {
            ctx: ctx.clone(),
            id,
        }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.ctx.request_ended(self.id);
    }
}

/// Kubo's own command line of another version is turned away, for anything but `version`.
fn wrong_version(request: &Request, path: &str) -> Option<String> {
    let mut parts = path.strip_prefix(API.trim_end_matches('/'))?.split('/');
    if parts.nth(1)? == "version" {
        return None;
    }
    let agent = request.headers.get("User-Agent")?;
    let ours = format!("/kubo/{}/", basalt::KUBO_VERSION);
    let theirs = agent.contains("/go-ipfs/") || agent.contains("/kubo/");
    (theirs && agent != ours).then(|| format!("api version mismatch ({ours} != {agent})"))
}
