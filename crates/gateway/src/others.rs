//! What others answer on the gateway's port.

use basalt_http::{Request, mux, query};

use crate::ask::Ask;
use crate::subdomain::{Routed, route};
use crate::{Gateway, gateway};

impl Gateway {
    /// Whether a path that is not content may be answered by somebody else: not where the host of the
    /// request is a root or a website, or is said to have other paths, nor where the path is to be
    /// written otherwise first.
    pub async fn leaves(&self, request: &Request) -> bool {
        let Some(path) = query::unescape_path(request.path().as_bytes()) else {
            return false;
        };
        let raw = gateway::go_path(request.path(), &path);
        if mux::clean(&raw) != raw {
            return false;
        }
        let (settings, hosts, backend) = self.for_hosts();
        let routed = route(settings, hosts, &backend, Ask::new(request, path.clone())).await;
        matches!(routed, Ok(Routed::Ask(ask)) if ask.path == path)
    }
}
