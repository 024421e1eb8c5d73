//! The HTTP gateway of the daemon.

use std::sync::Arc;

use basalt::Node;
use basalt::repo::config::Config;
use basalt_commands::{Error, Result};
use basalt_gateway::{Gateway, PublicGateway, Settings};
use basalt_http as http;
use basalt_rpc::Content;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::listen::{self, Bound, Purpose};
use super::p2p_proxy::Front;
use super::systemd;

/// How long a client may take no bytes where the config does not say.
const STALL: std::time::Duration = std::time::Duration::from_secs(30);

/// The gateway to what the node has.
pub(super) fn open(node: &Node, config: &Config) -> Gateway {
    let no_fetch = config.gateway().no_fetch;
    let blocks = node.blocks_for(no_fetch);
    let denied = node.denylists().clone();
    Gateway::with_denylists(settings(config), blocks, node.names().clone(), denied)
}

/// What the config says.
pub(super) fn settings(config: &Config) -> Settings {
    let own = config.gateway();
    let mut settings = Settings {
        headers: own.headers,
        root_redirect: Some(own.root_redirect).filter(|to| !to.is_empty()),
        no_dns_link: own.no_dns_link,
        deserialized_responses: own.deserialized_responses,
        allow_codec_conversion: own.allow_codec_conversion,
        disable_html_errors: own.disable_html_errors,
        retrieval_timeout: own.retrieval_timeout,
        max_request_duration: own.max_request_duration,
        max_concurrent_requests: usize::try_from(own.max_concurrent_requests).unwrap_or(0),
        max_range_request_file_size: own.max_range_request_file_size,
        diagnostic_service_url: own.diagnostic_service_url,
        agent: format!("kubo/{}", basalt::KUBO_VERSION),
        ..Settings::default()
    };
    let listed = config.at("Gateway.PublicGateways");
    for (host, spec) in listed.and_then(|v| v.as_object()).into_iter().flatten() {
        if spec.is_null() {
            // Takes what is implicit away.
            settings.public_gateways.remove(host);
            continue;
        }
        let flag = |name: &str| spec.get(name).and_then(serde_json::Value::as_bool);
        let paths = spec.get("Paths").and_then(|v| v.as_array());
        let paths = paths.into_iter().flatten();
        let gateway = PublicGateway {
            paths: paths
                .filter_map(|p| p.as_str().map(str::to_owned))
                .collect(),
            use_subdomains: flag("UseSubdomains").unwrap_or(false),
            no_dns_link: flag("NoDNSLink").unwrap_or(false),
            inline_dns_link: flag("InlineDNSLink").unwrap_or(false),
            deserialized_responses: flag("DeserializedResponses")
                .unwrap_or(own.deserialized_responses),
        };
        settings.public_gateways.insert(host.clone(), gateway);
    }
    settings
}

/// Listens where the supervisor or the config says.
pub(super) async fn listen(config: &Config) -> Result<Vec<Bound>> {
    let mut bound = Vec::new();
    for passed in systemd::listeners(Purpose::Gateway)? {
        bound.push(Bound::passed(passed)?);
    }
    let mut taken: Vec<String> = bound.iter().map(|b| b.address.clone()).collect();
    for address in config.addresses().gateway {
        if !taken.contains(&address) {
            bound.push(listen::bind(&address, Purpose::Gateway).await?);
            taken.push(address);
        }
    }
    Ok(bound)
}

/// What is said of the listeners.
pub(super) fn greeting(bound: &[Bound], routing: bool) -> String {
    let line = |bound: &Bound| format!("Gateway server listening on {}\n", bound.address);
    let mut said: String = bound.iter().map(line).collect();
    for bound in bound.iter().filter(|_| routing) {
        let at = match bound.socket {
            Some(socket) => socket.to_string(),
            None => bound.address.trim_start_matches("/unix").to_owned(),
        };
        said.push_str(&format!(
            "Routing V1 API exposed at http://{at}/routing/v1\n"
        ));
    }
    said
}

/// Serves on the listeners, and gives the URL for the `gateway` file.
pub(super) fn serve(
    gateway: &Front,
    bound: Vec<Bound>,
    config: &Config,
    servers: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> Result<Option<String>> {
    let url = bound.first().map(Bound::url).transpose()?;
    for bound in bound {
        let mut limits = http::Options::default();
        limits.drain = super::DRAIN;
        limits.stall_timeout = config
            .gateway()
            .retrieval_timeout
            .map(|limit| limit.max(STALL));
        let listeners = vec![bound.listener];
        servers.spawn(http::serve(
            listeners,
            gateway.clone(),
            limits,
            stop.clone(),
        ));
    }
    Ok(url)
}

impl Bound {
    /// The URL of a listener.
    fn url(&self) -> Result<String> {
        match self.reachable_socket() {
            Some(socket) => Ok(format!("http://{socket}")),
            None => Err(Error::new(format!(
                "serveHTTPGateway: manet.ToNetAddr() failed: {} is no TCP address",
                self.address
            ))),
        }
    }
}

/// The gateway for the port of the RPC, which has the WebUI.
pub(super) fn as_content(gateway: &Gateway) -> Content {
    let gateway = gateway.clone();
    Arc::new(move |request, responder| {
        let gateway = gateway.clone();
        Box::pin(async move { gateway.answer_path(request, responder).await })
    })
}
