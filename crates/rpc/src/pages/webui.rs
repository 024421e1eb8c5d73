//! `/webui` leads to the WebUI, which is a page like any other below `/ipfs/`.

use std::str::FromStr;

use basalt::Cid;
use basalt::repo::config::{Config, GatewaySettings};
use basalt_commands::Context;

use super::webui_versions::VERSIONS;
use basalt_http::Result;
use basalt_http::mux;
use basalt_http::{Headers, Request, Responder};

/// The WebUI, and what of `/ipfs/` is open on this port.
#[derive(Debug, Clone)]
pub(super) struct Webui {
    headers: Vec<(String, Vec<String>)>,
    deserialized: bool,
    no_fetch: bool,
    unrestricted: bool,
}

impl Webui {
    pub(super) fn new(config: &Config, gateway: &GatewaySettings, unrestricted: bool) -> Self {
        Self {
            headers: config.headers("API.HTTPHeaders").into_iter().collect(),
            deserialized: gateway.deserialized_responses,
            no_fetch: gateway.no_fetch,
            unrestricted,
        }
    }

    /// `API.HTTPHeaders`, which stand on these answers as they are.
    pub(super) fn headers(&self) -> Headers {
        let mut headers = Headers::new();
        for (name, values) in &self.headers {
            headers.remove(name);
            values.iter().for_each(|value| headers.append(name, value));
        }
        headers
    }

    /// Whether the path is one of the WebUI's, or of any content where all of it is open.
    pub(super) fn is_below(&self, path: &str) -> bool {
        if self.unrestricted {
            return ["/ipfs", "/ipns"]
                .into_iter()
                .any(|root| path == root || path.starts_with(&format!("{root}/")));
        }
        let root = path
            .strip_prefix("/ipfs/")
            .map(|rest| rest.split('/').next());
        root.flatten().is_some_and(|cid| VERSIONS.contains(&cid))
    }

    /// Whether such a path lacks the slash at its end.
    pub(super) fn is_root(&self, path: &str) -> bool {
        if self.unrestricted {
            return matches!(path, "/ipfs" | "/ipns");
        }
        path.matches('/').count() == 2
    }

    /// Leads to the WebUI.
    pub(super) async fn open(
        &self,
        ctx: &Context,
        request: &Request,
        responder: Responder,
    ) -> Result<()> {
        let path = format!("/ipfs/{}", VERSIONS[0]);
        let mut headers = self.headers();
        let text = if !self.deserialized {
            "IPFS WebUI Incompatible

WebUI is not compatible with Gateway.DeserializedResponses=false.

The WebUI requires deserializing IPFS responses to render the interface.
To use the WebUI, set Gateway.DeserializedResponses=true in your config.
"
            .to_owned()
        } else if self.no_fetch && !is_here(ctx).await {
            format!(
                "IPFS WebUI Not Available

WebUI at {path} is not in your local node due to Gateway.NoFetch=true.

To use the WebUI, either:
1. Run: ipfs pin add --progress --name ipfs-webui {path}
2. Download from https://github.com/ipfs/ipfs-webui/releases and import with: ipfs dag import ipfs-webui.car
"
            )
        } else {
            return mux::redirect(responder, &request.method, 302, headers, &path);
        };
        headers.set("Content-Type", "text/plain; charset=utf-8");
        responder.full(503, &headers, text)
    }
}

/// Whether the root of the WebUI is in the store.
async fn is_here(ctx: &Context) -> bool {
    let (Some(node), Ok(cid)) = (ctx.opened_node(), Cid::from_str(VERSIONS[0])) else {
        return false;
    };
    node.blocks().store().has(&cid).await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webui(unrestricted: bool) -> Webui {
        let config = Config::parse(b"{}").unwrap();
        Webui::new(&config, &config.gateway(), unrestricted)
    }

    #[test]
    fn only_the_webui_is_open() {
        let page = format!("/ipfs/{}", VERSIONS[0]);
        let closed = webui(false);
        assert!(closed.is_below(&page) && closed.is_root(&page));
        assert!(closed.is_below(&format!("{page}/index.html")));
        assert!(!closed.is_root(&format!("{page}/")));
        assert!(!closed.is_below("/ipfs/bafkqaaly"));
        assert!(!closed.is_below("/ipns/x"));
        assert!(!closed.is_below(&format!("{page}x")));
        let open = webui(true);
        assert!(open.is_below("/ipfs/bafkqaaly") && open.is_below("/ipns/x"));
        assert!(!open.is_below("/ipfsx"));
    }
}
