//! What else the port of the RPC serves: `/webui`, `/version`, `/logs`, `/debug/*`.

mod debug;
mod logs;
mod webui;
mod webui_versions;

use std::sync::Arc;

use basalt::repo::Config;
use basalt_commands::Context;
use futures::future::BoxFuture;

use crate::answer::chunked;
use crate::metrics::{self, More};
use crate::pages::webui::Webui;
use basalt_http::Result;
use basalt_http::metrics::{Requests, Running, Series};
use basalt_http::mux::{self, plain};
use basalt_http::{Headers, Request, Responder};

/// Answers requests for content, which is below `/ipfs/` and `/ipns/`.
pub type Content = Arc<dyn Fn(Request, Responder) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// The pages beside the commands.
#[derive(Clone)]
pub struct Pages {
    content: Option<Content>,
    more: Option<Arc<More>>,
    webui: Webui,
    root_redirect: Option<String>,
    /// What was asked on this port, and on others.
    requests: Vec<Requests>,
}

impl Pages {
    /// The pages as the config has them. `unrestricted` opens every CID on this port rather than
    /// the WebUI's.
    pub fn new(config: &Config, unrestricted: bool, requests: Requests) -> Self {
        let gateway = config.gateway();
        Self {
            content: None,
            more: None,
            webui: Webui::new(config, &gateway, unrestricted),
            root_redirect: Some(gateway.root_redirect).filter(|to| !to.is_empty()),
            requests: vec![requests],
        }
    }

    /// The same, with `content` for the paths that are open.
    pub fn with_content(mut self, content: Content) -> Self {
        self.content = Some(content);
        self
    }

    /// The same, with more metrics.
    pub fn with_metrics(mut self, more: Arc<More>) -> Self {
        self.more = Some(more);
        self
    }

    /// The same, with the requests of another port among the metrics.
    pub fn with_requests(mut self, requests: Requests) -> Self {
        self.requests.push(requests);
        self
    }

    /// Notes a request of this port.
    pub(crate) fn begin(&self, request: &Request, responder: &Responder) -> Option<Running> {
        let series = Series {
            domain: "api".into(),
            routes: match request.path().starts_with("/api/v0/") {
                true => &["/api/v0/"],
                false => &[],
            },
        };
        let requests = self.requests.first()?;
        Some(requests.begin(request, responder, series))
    }

    /// Answers a request whose path, unescaped, is no command's.
    pub(crate) async fn answer(
        &self,
        ctx: &Context,
        path: &str,
        request: Request,
        responder: Responder,
    ) -> Result<()> {
        match path {
            "/version" => {
                let mut headers = Headers::new();
                headers.set("Content-Type", "text/plain; charset=utf-8");
                let version = basalt::KUBO_VERSION;
                let text = format!("Commit: \nClient Version: kubo/{version}\n");
                return responder.full(200, &headers, text);
            }
            "/logs" => return logs::follow(request, responder).await,
            "/debug/metrics/prometheus" => {
                let mut headers = Headers::new();
                headers.set("Content-Type", metrics::MEDIA_TYPE);
                let (ctx, requests) = (ctx.clone(), self.requests.clone());
                let more = self.more.clone();
                let figures = metrics::Figures::of(&ctx).await;
                // Figures of the process come from files of the system.
                let text = tokio::task::spawn_blocking(move || {
                    metrics::text(&ctx, &requests, &figures, more.as_deref())
                });
                let text = text.await.unwrap_or_default();
                return chunked(responder, &headers, text).await;
            }
            "/api/v0" | "/webui" | "/debug/pprof" | "/debug/pprof-mutex" | "/debug/pprof-block" => {
                return to_folder(path, &request, responder);
            }
            _ => {}
        }
        if path.starts_with("/webui/") {
            return self.webui.open(ctx, &request, responder).await;
        }
        if self.webui.is_below(path) {
            if self.webui.is_root(path) {
                return to_folder(path, &request, responder);
            }
            return match &self.content {
                Some(content) => content(request, responder).await,
                None => plain(responder, 404, Headers::new(), "404 page not found"),
            };
        }
        let responder = match debug::answer(path, &request, responder).await? {
            Some(responder) => responder,
            None => return Ok(()),
        };
        match &self.root_redirect {
            Some(to) => {
                let headers = self.webui.headers();
                mux::redirect(responder, &request.method, 302, headers, to)
            }
            None => plain(responder, 404, Headers::new(), "404 page not found"),
        }
    }
}

/// A path that only has something below it.
fn to_folder(path: &str, request: &Request, responder: Responder) -> Result<()> {
    let to = mux::with_query(&format!("{path}/"), request.query());
    mux::redirect(responder, &request.method, 307, Headers::new(), &to)
}
